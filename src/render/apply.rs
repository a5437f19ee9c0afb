//! What happens while a plan is applied, a line each.

use super::style::{BOLD, GREEN, RED, YELLOW, paint};
use crate::apply::Event;
use crate::plan::{Operation, Step};

/// The line for an event; none for those that need no line.
pub fn line(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Began(_) => None,
        Event::Done(step) => Some(format!("{} {}", paint(GREEN, "✓"), text(step))),
        Event::SetBack(step) => Some(format!("{} {}", paint(YELLOW, "↩"), set_back(step))),
        Event::Stays(address) => Some(format!(
            "{} {address} stays changed although a proof failed: another rule was proved on it. Mend the rule that failed, or write the block of {address} as it was and apply",
            paint(YELLOW, "!")
        )),
        // The error itself is told at the end, where it is not lost among what others do.
        Event::Failed(step, _) => Some(format!("{} {}: failed", paint(RED, "✗"), text(step))),
        Event::Checkpoint(checkpoint) => {
            Some(format!("  checkpoint {} ({})", checkpoint.name, checkpoint.reason))
        }
        Event::ClockMoved { from, to } => Some(format!(
            "{} simulated clock moved from {from} to {to} (skip_waits: {:#}; nothing real was waited for)",
            paint(YELLOW, "»"),
            to.duration_since(*from)
        )),
        Event::Unproven(rule, why) => {
            Some(format!("{} {rule} could not be proved again: {why}", paint(YELLOW, "!")))
        }
        Event::Disbelieved(report) => Some(format!(
            "{} the credential report of {} of {} ({}) is not believed: {}",
            paint(YELLOW, "!"),
            report.consumer,
            report.key,
            report.path.display(),
            report.why
        )),
    }
}

/// A change that was set back, since its proof failed.
fn set_back(step: &Step) -> String {
    let address = paint(BOLD, step.operation.target().address);
    format!("{:<9}  {address}  set back, since it is not proved: {}", step.stage, step.operation.describe())
}

fn text(step: &Step) -> String {
    let what = match &step.operation {
        Operation::Confirm { .. } => "federation has taken over".to_owned(),
        other => other.describe(),
    };
    format!("{:<9}  {}  {what}", step.stage, paint(BOLD, step.operation.target().address))
}
