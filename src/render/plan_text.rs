//! A plan as people read it, in Terraform's manner.

use std::fmt::Write;

use super::style::{BOLD, DIM, RED, paint};
use super::{attributes, console, inert, lanes, outputs};
use keyless_state::Address;

use crate::plan::{Action, Change, Drift, Mode, Plan, Reason, Refused};

/// The whole plan.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    out.push_str(&drift(&plan.drift));
    for moved in &plan.moves {
        let text = match moved.to.is_deposed() && !moved.from.is_deposed() {
            true => format!("# {} makes room for a successor, and is recorded as {}", moved.from, moved.to),
            false => format!("# {} has moved to {}", moved.from, moved.to),
        };
        let _ = writeln!(out, "  {}", paint(BOLD, text));
    }
    for moved in &plan.consumers_moved {
        let text = format!("# {} of {} has moved to {}", moved.from, moved.lane, moved.to);
        let _ = writeln!(out, "  {}", paint(BOLD, text));
    }
    let has_moved = !plan.moves.is_empty() || !plan.consumers_moved.is_empty();
    if has_moved {
        out.push_str("\nThe objects stay as they are; apply records the new addresses.\n\n");
    }
    if plan.mode == Mode::RefreshOnly {
        out.push_str(match plan.drift.is_empty() {
            true if !plan.held.is_empty() => "No changes in what can be read.\n",
            true => "No changes. What the API says matches what is recorded.\n",
            false => "\nThis is a refresh-only plan: nothing at the API is altered. Applying it would record what is so now.\n",
        });
        return out;
    }
    if plan.steps.is_empty() {
        let (no, why) = match (has_moved, plan.outputs_changed) {
            (true, _) => ("No other changes.", "No lane can move now."),
            (false, true) => ("No changes at the API.", "No lane can move now."),
            (false, false) => ("No changes.", "Nothing can move now."),
        };
        let _ = writeln!(out, "{} {why}\n", paint(BOLD, no));
        out.push_str(&lanes::planned(plan));
        if !plan.lanes.is_empty() {
            let _ = writeln!(out, "\n{}", lanes::tally(&plan.lanes));
        }
        out.push_str(&console::tasks(&plan.console));
        out.push_str(&refused(plan));
        let outputs = outputs::changes(&plan.outputs);
        if !outputs.is_empty() {
            out.push_str(&outputs);
            out.push_str("\nApplying this plan records these outputs and changes nothing else.\n");
        }
        if !plan.refused.is_empty() {
            out.push('\n');
        }
        return out;
    }
    out.push_str("keyless will perform the following actions:\n");
    for change in plan.changes.iter().filter(|change| shown(change)) {
        out.push_str(&block(change));
    }
    let lanes = lanes::planned(plan);
    if !lanes.is_empty() {
        out.push_str("\nLanes; a step runs only when the evidence for it is in:\n\n");
        out.push_str(&lanes);
    }
    if plan.mode != Mode::Apply && !plan.kept.is_empty() {
        out.push_str("\nWaits for workloads:\n");
        for kept in &plan.kept {
            let _ = writeln!(out, "  {}", kept.why);
        }
    }
    out.push_str(&console::tasks(&plan.console));
    out.push_str(&refused(plan));
    let _ = writeln!(out, "\n{}", summary(plan));
    out.push_str(&outputs::changes(&plan.outputs));
    out.push_str(&caution(plan));
    out
}

/// What is refused, in a line each; the errors say why.
fn refused(plan: &Plan) -> String {
    if plan.refused.is_empty() {
        return String::new();
    }
    let line = |it: &Refused| format!("  {}: {}\n", it.address, it.summary);
    let lines: String = plan.refused.iter().map(line).collect();
    format!("\n{} nothing is done with this; the rest goes on without it.\n{lines}", paint(RED, "Refused:"))
}

/// `Plan: N to add, N to change, N to destroy.`
pub fn summary(plan: &Plan) -> String {
    let (add, change, destroy) = plan.counts();
    let adopted = plan.changes.iter().filter(|change| change.action == Action::Adopt).count();
    let import = if adopted > 0 { format!("{adopted} to import, ") } else { String::new() };
    format!("{} {import}{add} to add, {change} to change, {destroy} to destroy.", paint(BOLD, "Plan:"))
}

/// What cannot be taken back, said once.
fn caution(plan: &Plan) -> String {
    let last: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.undo, crate::plan::Undo::Impossible { .. }))
        .map(|step| {
            format!(
                "  {}: {} ({})\n",
                step.operation.target().address,
                step.operation.describe(),
                step.undo.describe()
            )
        })
        .collect();
    if last.is_empty() {
        return String::new();
    }
    format!("\nPoint of no return:\n{}", last.concat())
}

fn shown(change: &Change) -> bool {
    // Lanes have a section of their own, and what is done in the places of a key changes nothing of the key.
    let is_same = match (&change.before, &change.after, change.action) {
        (Some(before), Some(after), Action::Update) => attributes::is_same(before, after, &change.unknown),
        _ => false,
    };
    change.action != Action::NoOp && change.reason != Reason::Lane && !is_same
}

fn block(change: &Change) -> String {
    let address = &change.address;
    let (sign, what) = match (change.action, change.reason) {
        (Action::Create, Reason::Succeeds) => ('+', "will be created, beside the object that it succeeds"),
        (Action::Create, _) => ('+', "will be created"),
        (Action::Adopt, _) => ('=', "exists and will be taken under care as it is"),
        (Action::Update, _) => ('~', "will be updated in-place"),
        (Action::Archive, Reason::NotDeclared) if address.is_deposed() => {
            ('-', "will be archived (nobody lives off it any more)")
        }
        (Action::Archive, Reason::NotDeclared) => ('-', "will be archived (it is no longer declared)"),
        (Action::Archive, _) => ('-', "will be archived"),
        (Action::Forget, _) => ('-', "will be forgotten; the remote object stays as it is"),
        (Action::NoOp, _) => (' ', "stays as it is"),
    };
    let mut out = String::new();
    let _ = writeln!(out, "\n  {}", paint(BOLD, format_args!("# {address} {what}")));
    let _ = writeln!(out, "  {} {} {{", attributes::sign(sign), heading(address));
    out.push_str(&match (&change.before, &change.after, change.action) {
        (None, Some(after), Action::Create) => attributes::created(after, &change.unknown),
        (Some(before), Some(after), Action::Create) => attributes::changed(before, after, &change.unknown),
        (Some(before), Some(after), Action::Update) => attributes::changed(before, after, &change.unknown),
        (Some(before), None, Action::Archive) => attributes::removed(before),
        _ => String::new(),
    });
    out.push_str("    }\n");
    out
}

/// The head of a declared thing's block, such as `service_account "ci"`.
pub fn heading(address: &Address) -> String {
    let label = address.label().map_or(String::new(), |label| format!(" \"{label}\""));
    format!("{}{label} \"{}\"", address.kind().word(), address.name())
}

/// What others changed, who and when.
pub fn drift(drift: &[Drift]) -> String {
    if drift.is_empty() {
        return String::new();
    }
    let mut out = "Objects have changed outside of keyless since the last apply:\n".to_owned();
    for item in drift {
        let by = item.by.as_ref().map_or(String::new(), |by| format!(" by {}", inert::line(by)));
        let at = item.at.map_or(String::new(), |at| format!(" at {at}"));
        let _ = writeln!(
            out,
            "\n  {}",
            paint(BOLD, format_args!("# {} was {}{by}{at}", item.address, item.what))
        );
        match &item.after {
            Some(after) => out.push_str(&attributes::changed(&item.before, after, &[])),
            None => {
                let _ = writeln!(
                    out,
                    "{}",
                    paint(DIM, "      it cannot come back; no successor is made without your choice")
                );
            }
        }
    }
    out.push('\n');
    out
}
