//! A model of whole migrations, explored completely: every order of what keyless, people, workloads
//! and faults can do within a bound.
//!
//! The gates, planner, schedule, preparation, recovery, rollback and the reading of evidence are the
//! production functions; so is the plan checker. Only the outside is made up (`outside`), and the
//! few lines around those functions that are async in production (`engine`).

mod actions;
mod engine;
mod explore;
mod looking;
mod mutations;
mod outside;
mod rest;
mod scope;
mod world;
