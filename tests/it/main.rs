//! Scenarios: the real program against the simulator, sealed off from the machine's settings.

#[macro_use]
mod support;

mod bad_api;
mod bad_configuration;
mod bad_state;
mod drift;
mod eleven_keys;
mod interrupt;
mod one_lane;
mod plan_file;
mod tidy;
mod way_back;
