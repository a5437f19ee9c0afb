//! keyless: plan and apply the move from static Claude API keys to Workload Identity Federation.
//!
//! # From files to calls
//!
//! The [`cli`] reads the files of a directory into a source map, and [`config`] turns them into a
//! checked configuration or into every problem at once, with [`lint`] judging whom each rule lets
//! in. The [`platform`] client lists the organization page by page, [`refresh`] looks into the
//! [`consumer`]s and reads credential reports and usage, and [`evidence`] turns those into facts.
//! [`plan`] compares configuration, recorded state and what was observed, and asks [`lane`] how far
//! the evidence lets each key go; the outcome is an ordered plan that is plain data. [`render`]
//! shows it, once [`plan_check`] has held it against the invariants with a reading of its own; the
//! user agrees. [`apply`] takes its steps as they become ready: it announces each one
//! in the journal, durably, then makes the call, then records what came of it; where a gate is
//! closed the lane waits. [`rollback`] computes the way back from the difference of two states.
//!
//! # Direction of dependencies
//!
//! ```text
//! shell  main -> cli -> { apply::run, refresh, platform, consumer, simulator }   async, files, sockets, clock
//! views         cli -> render                                                    plain data in, text out
//! core   apply::{schedule, prepare, record, recover}, rollback -> plan -> lane -> binding   pure functions over data,
//!        plan_check (asks neither plan nor lane for a judgement)
//!        evidence, matching, condition, token, config -> lint -> provider        given time and ids
//!        credential_chain, env_file
//! base   resource, topology, diagnostic, limits, secret; regular_file; crate keyless-state     what is recorded, words for all
//! ```
//!
//! Arrows point down only. The simulator shares no types with the client: two readings of the API's
//! documentation can disagree, and one cannot. The gates live in [`lane`] alone; planner, apply,
//! `status` and the tests call the same code.
//!
//! # The modules in reading order
//!
//! * [`diagnostic`], [`limits`], [`secret`]: problems as values; every bound with its reason; texts
//!   that cannot be printed. [`regular_file`]: how a file that somebody else wrote is read.
//! * [`resource`]: the remote objects; [`provider`]: kinds of identity providers; [`config`]: the
//!   language; [`topology`]: dependencies to an order or a cycle.
//! * [`lint`], [`condition`], [`matching`], [`token`]: whom a rule admits, and whether a signature
//!   holds.
//! * [`binding`]: what each workload lives off, whatever its blocks say.
//! * [`env_file`]: files of variables, by the grammars of who reads them.
//! * [`lane`]: the five stages and their gates; [`evidence`]: what was read, as facts.
//! * [`credential_chain`]: which credential each Claude client sends, from what it finds.
//! * [`plan`], [`rollback`]: ordered intent, forward and back; [`plan_check`]: the second opinion.
//! * [`platform`], [`consumer`], [`refresh`]: the outside.
//! * [`apply`]: carrying a plan out.
//! * [`simulator`]: the API in memory behind a local socket.
//! * [`render`], [`cli`]: what people see and type.

pub mod apply;
pub mod binding;
pub mod cli;
pub mod condition;
pub mod config;
pub mod consumer;
pub mod credential_chain;
pub mod diagnostic;
pub mod env_file;
pub mod evidence;
pub mod lane;
pub mod limits;
pub mod lint;
pub mod matching;
#[cfg(test)]
mod model;
pub mod plan;
pub mod plan_check;
pub mod platform;
pub mod provider;
pub mod refresh;
pub mod regular_file;
pub mod render;
pub mod resource;
pub mod rollback;
#[cfg(test)]
mod sample;
pub mod secret;
pub mod simulator;
pub mod token;
pub mod topology;
