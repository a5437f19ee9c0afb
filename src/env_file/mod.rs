//! Files that set variables for a program: how they are read and edited. Pure.
//!
//! A file is read by the grammar of the program that reads it. `statement` is what a reader gives:
//! the whole text cut into pieces of whole lines, of each of which it is known what it sets, or that it is
//! not understood. One reader each: `dotenv` where many libraries read the same file and disagree,
//! `shell`, and `systemd`. Over them, `reading` finds a variable, or says in which line the file
//! cannot be judged; `park` and `settings` edit; `ours` are the lines that keyless writes there, and
//! `quoting` how a value is written so that it is read back.

mod dotenv;
mod fault;
mod format;
mod ours;
mod park;
mod quoting;
mod reading;
mod settings;
mod shell;
mod statement;
mod systemd;
#[cfg(test)]
mod tests;

pub use fault::EnvFileFault;
pub use format::Format;
pub(crate) use ours::{is_marked, parked_lines};
pub(crate) use park::{forget, park, take_out, unpark};
pub(crate) use quoting::quoted;
pub(crate) use reading::Reading;
pub(crate) use settings::{configure, settings, unconfigure};
