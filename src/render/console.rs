//! What only a person can do, as text.

use std::fmt::Write;

use super::style::{BOLD, YELLOW, paint};
use super::{attributes, plan_text};
use crate::plan::{Action, ConsoleTask};

/// The tasks with their values, why the engine does not do them, and what to do; empty without any.
pub fn tasks(tasks: &[ConsoleTask]) -> String {
    if tasks.is_empty() {
        return String::new();
    }
    let mut out =
        format!("\n{} a person has to do this; the rest goes on without it.\n", paint(BOLD, "Console only:"));
    for task in tasks {
        out.push_str(&block(task));
    }
    out
}

fn block(task: &ConsoleTask) -> String {
    let (sign, done) = match task.action {
        Action::Create => ('+', "created"),
        Action::Archive => ('-', "archived"),
        _ => ('~', "changed"),
    };
    let what = match &task.waits_for {
        None => format!("has to be {done} by hand"),
        Some(root) => format!("waits to be {done}, for {root}"),
    };
    let address = &task.address;
    let mut out = String::new();
    let _ = writeln!(out, "\n  {}", paint(BOLD, format_args!("# {address} {what}")));
    let _ = writeln!(out, "  {} {} {{", attributes::sign(sign), plan_text::heading(address));
    out.push_str(&match (&task.before, &task.after) {
        (None, Some(after)) => attributes::created(after, &task.unknown),
        (Some(before), Some(after)) => attributes::changed(before, after, &task.unknown),
        (Some(before), None) => attributes::removed(before),
        (None, None) => String::new(),
    });
    out.push_str("    }\n");
    let _ = writeln!(out, "    {} {}", paint(YELLOW, "why"), task.why);
    let _ = writeln!(out, "    {}  {}", paint(YELLOW, "do"), task.how);
    out
}
