//! keyless: plan and apply the move from static Claude API keys to Workload Identity Federation.

pub mod apply;
pub mod cli;
pub mod condition;
pub mod config;
pub mod consumer;
pub mod diagnostic;
pub mod evidence;
pub mod lane;
pub mod limits;
pub mod lint;
pub mod matching;
pub mod plan;
pub mod platform;
pub mod provider;
pub mod refresh;
pub mod render;
pub mod resource;
pub mod rollback;
#[cfg(test)]
mod sample;
pub mod secret;
pub mod simulator;
pub mod token;
pub mod topology;
