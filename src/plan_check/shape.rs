//! Ids, order, guards, undo: what can be told of a plan by itself.

use std::collections::HashSet;
use std::fmt;

use super::invariant::{Invariant, Violation};
use super::steps::{Steps, broken, created};
use crate::lane::Stage;
use crate::plan::{Mode, Operation, Step, Undo};

pub(super) fn check(steps: &Steps<'_>, found: &mut Vec<Violation>) {
    order(steps, found);
    let mut made = HashSet::new();
    for step in steps.all() {
        guard(step, found);
        undo(step, found);
        mode(steps.plan.mode, step, found);
        if let Some((kind, name)) = created(&step.operation)
            && !made.insert((kind, name))
        {
            let what = format!("a second create of the {kind} `{name}`");
            found.push(broken(Invariant::I5, step, what, "one create for each object"));
        }
    }
    irreversible_last(steps, found);
}

/// The journal tells steps apart by their id, so that a crash can be settled only when each id is
/// there once and says what is done.
fn order(steps: &Steps<'_>, found: &mut Vec<Violation>) {
    for (place, step) in steps.all().enumerate() {
        let target = step.operation.target();
        let (word, about) = (step.operation.word(), target.address);
        let says = match target.part.as_str() {
            "" => reads(&step.id, format_args!("{word}/{about}")),
            part => reads(&step.id, format_args!("{word}/{about}/{part}")),
        };
        if !says {
            let part = if target.part.is_empty() { String::new() } else { format!("/{}", target.part) };
            let expected = format!("`{word}/{about}{part}`");
            found.push(broken(Invariant::I6, step, "an id that does not say what it does", expected));
        }
        let is_earlier = |before: &str| steps.place(before).is_some_and(|at| at < place);
        for before in step.after.iter().filter(|before| !is_earlier(before)) {
            let what = format!("that it waits for {before}, which no earlier step is");
            found.push(broken(Invariant::I6, step, what, "steps in an order that can be carried out"));
        }
        if steps.place(&step.id) != Some(place) {
            let invariant = if created(&step.operation).is_some() { Invariant::I5 } else { Invariant::I6 };
            found.push(broken(invariant, step, "the same step twice", "each step once"));
        }
    }
}

/// Tells whether a text is what would be written.
fn reads(text: &str, written: fmt::Arguments<'_>) -> bool {
    struct Left<'a>(&'a str);
    impl fmt::Write for Left<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(piece).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut left = Left(text);
    fmt::Write::write_fmt(&mut left, written).is_ok() && left.0.is_empty()
}

/// The stage of a step, and whether a gate guards it.
fn place(operation: &Operation) -> (Stage, bool) {
    use Operation::*;
    match operation {
        Adopt { .. }
        | CreateIssuer { .. }
        | UpdateIssuer { .. }
        | CreateServiceAccount { .. }
        | UpdateServiceAccount { .. }
        | SetMembership { .. }
        | RemoveMembership { .. }
        | CreateRule { .. }
        | UpdateRule { .. }
        | EnableWorkspace { .. }
        | DisableWorkspace { .. }
        | Configure { .. }
        | Unconfigure { .. } => (Stage::Configure, false),
        Verify { .. } => (Stage::Verify, false),
        Remove { .. } => (Stage::Remove, true),
        TakeDeadKeyOut { .. } | Restore { .. } => (Stage::Remove, false),
        Confirm { .. } => (Stage::Confirm, true),
        Disable { .. } | ArchiveKey { .. } => (Stage::Revoke, true),
        Enable { .. } | Archive { .. } | Forget { .. } | ForgetParked { .. } => (Stage::Revoke, false),
    }
}

fn guard(step: &Step, found: &mut Vec<Violation>) {
    let (stage, guarded) = place(&step.operation);
    if step.stage != stage {
        let what = format!("the stage {}", step.stage);
        found.push(broken(
            Invariant::I13,
            step,
            what,
            format!("the stage {stage}, whose gate is the one to pass"),
        ));
    }
    let address = step.operation.address();
    let expected = guarded.then_some(address);
    if step.lane.as_ref() != expected {
        let say = |lane: Option<&keyless_state::Address>| match lane {
            Some(lane) => format!("the gate of {lane}"),
            None => "no gate".to_owned(),
        };
        found.push(broken(Invariant::I13, step, say(step.lane.as_ref()), say(expected)));
    }
}

fn undo(step: &Step, found: &mut Vec<Violation>) {
    let is_final = matches!(
        step.operation,
        Operation::Archive { .. } | Operation::ArchiveKey { .. } | Operation::ForgetParked { .. }
    );
    let changes_nothing = matches!(
        step.operation,
        Operation::Forget { .. } | Operation::Verify { .. } | Operation::Confirm { .. }
    );
    let wrong = match &step.undo {
        Undo::Impossible { .. } => !is_final && !matches!(step.operation, Operation::Remove { .. }),
        Undo::Possible { .. } => is_final || changes_nothing,
        Undo::Nothing => !changes_nothing,
    };
    if wrong {
        let expected = match (is_final, changes_nothing) {
            (true, _) => "that it cannot be undone",
            (_, true) => "that there is nothing to undo",
            _ => "a way to undo it",
        };
        found.push(broken(Invariant::I4, step, format!("the undo \"{}\"", step.undo.describe()), expected));
    }
}

/// What each kind of run may do at all.
fn mode(mode: Mode, step: &Step, found: &mut Vec<Violation>) {
    use Operation::*;
    let brings_back = matches!(step.operation, Enable { .. } | Restore { .. });
    let takes_away = matches!(
        step.operation,
        Remove { .. }
            | TakeDeadKeyOut { .. }
            | ForgetParked { .. }
            | Confirm { .. }
            | Disable { .. }
            | ArchiveKey { .. }
    );
    let makes = created(&step.operation).is_some() || matches!(step.operation, Adopt { .. });
    let wrong = match mode {
        Mode::Apply if brings_back => {
            Some((Invariant::I8, "what was taken away to be brought back by a rollback or a destroy alone"))
        }
        Mode::Apply if matches!(step.operation, Unconfigure { .. }) => {
            Some((Invariant::I3, "federation settings to be taken out on a way back alone"))
        }
        Mode::Destroy | Mode::Rollback if takes_away => {
            Some((Invariant::I4, "no key to be taken away on a way back"))
        }
        Mode::Destroy | Mode::Rollback if makes => Some((Invariant::I8, "nothing to be made on a way back")),
        Mode::RefreshOnly => Some((Invariant::I8, "a refresh to change nothing")),
        _ => None,
    };
    if let Some((invariant, expected)) = wrong {
        found.push(broken(invariant, step, format!("it in a plan for {}", mode.word()), expected));
    }
}

/// What cannot come back goes last, so that all before it can be taken back.
fn irreversible_last(steps: &Steps<'_>, found: &mut Vec<Violation>) {
    let archives: HashSet<&str> = steps
        .all()
        .filter(|step| matches!(step.operation, Operation::Archive { .. }))
        .map(|step| step.id.as_str())
        .collect();
    let ends = |step: &Step| matches!(step.operation, Operation::Archive { .. } | Operation::Forget { .. });
    for step in steps.all().filter(|step| !ends(step)) {
        if let Some(archive) = step.after.iter().find(|before| archives.contains(before.as_str())) {
            let what = format!("that it waits for {archive}, which cannot be taken back");
            found.push(broken(Invariant::I4, step, what, "archives after everything that can be taken back"));
        }
    }
}
