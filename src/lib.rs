//! keyless: plan and apply the move from static Claude API keys to Workload Identity Federation.

pub mod config;
pub mod diagnostic;
pub mod graph;
pub mod limits;
pub mod lint;
pub mod platform;
pub mod provider;
pub mod resource;
pub mod secret;
pub mod topology;
