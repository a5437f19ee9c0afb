//! Scenarios: the real program against the simulator, sealed off from the machine's settings.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops, and says where")]

#[macro_use]
mod support;

mod asked;
mod bad_api;
mod bad_configuration;
mod bad_state;
mod by_hand;
mod child_commands;
mod choices;
mod compliance;
mod conformance;
mod console;
mod consumers;
mod credentials;
mod damaged_store;
mod day_two;
mod doctor;
mod drift;
mod eleven_keys;
mod env_files;
mod exit_codes;
mod export;
mod file_kinds;
mod forged_plan;
mod in_use;
mod inert;
mod interrupt;
mod issuers;
mod knows_rule;
mod language;
mod one_lane;
mod plan_check;
mod plan_file;
mod plan_json;
mod proxy;
mod refused;
mod renames;
mod reread;
mod secrets;
mod shared_file;
mod storm;
mod succession;
mod tidy;
mod trouble;
mod unrecorded;
mod way_back;
mod workspaces;
