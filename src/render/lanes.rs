//! Lanes as text: where each stands, what it waits for, and the line to fix.

use std::fmt::Write;

use super::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use crate::lane::Stage;
use crate::plan::{LaneView, Mode, NeedView, Operation, Plan, RefusalView, Standing, Step, Undo};

/// The lanes of a plan with their steps.
pub fn planned(plan: &Plan) -> String {
    let mut out = String::new();
    for lane in &plan.lanes {
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| belongs(step, lane)).collect();
        let back = matches!(plan.mode, Mode::Rollback | Mode::Destroy);
        if back && steps.is_empty() {
            continue;
        }
        let how = if back { "back".to_owned() } else { headline(lane) };
        let _ = writeln!(out, "  {}  {how}", paint(BOLD, &lane.address));
        for step in steps {
            let _ =
                writeln!(out, "      {:<9}  {}{}", step.stage, step_text(step, lane), paint(DIM, undo(step)));
        }
        if back {
            // What the lane would need to go on is no business of a way back.
        } else if lane.moves.is_empty() {
            out.push_str(&missing(lane, "      "));
        } else {
            // Only what this run cannot supply itself is worth a line beside its steps.
            let comes_first = lane.stage < Stage::Remove;
            let is_due = |supplier: &str| supplier == "person" || (comes_first && supplier == "workload");
            let others = lane.needs.iter().filter(|need| is_due(&need.supplier));
            others.for_each(|need| out.push_str(&need_text(need, "      ")));
        }
    }
    out
}

/// A step belongs to a lane when it is about its key, or proves a rule that replaces it.
fn belongs(step: &Step, lane: &LaneView) -> bool {
    let address = step.operation.target().address;
    let proves = matches!(step.operation, Operation::Verify { .. }) && lane.replaced_by.contains(address);
    *address == lane.address || proves
}

fn step_text(step: &Step, lane: &LaneView) -> String {
    let file = match &step.operation {
        Operation::Remove { consumer, .. } => lane.files.iter().find(|file| file.consumer == *consumer),
        _ => None,
    };
    match step.operation.target().address == &lane.address {
        true => match file {
            Some(file) => {
                format!("{}, {} read as {}", step.operation.describe(), file.path, file.format)
            }
            None => step.operation.describe(),
        },
        false => format!("{}: {}", step.operation.target().address, step.operation.describe()),
    }
}

/// How a step is taken back, in brackets; nothing for one that changes nothing.
fn undo(step: &Step) -> String {
    match &step.undo {
        Undo::Nothing => String::new(),
        Undo::Possible { .. } => format!("  (undo: {})", step.undo.describe()),
        Undo::Impossible { .. } => format!("  ({})", step.undo.describe()),
    }
}

/// A lane in one line.
pub fn headline(lane: &LaneView) -> String {
    let stage = lane.stage.word();
    match &lane.standing {
        Standing::Finished(reason) => paint(GREEN, format_args!("{stage}: done, {reason}")),
        Standing::Ready => match lane.moves.last() {
            Some(last) if *last < lane.stage => format!("{stage}: its places are put right"),
            Some(last) if *last != lane.stage => format!("from {stage} to {last}, as its gates open"),
            _ => paint(GREEN, format_args!("{stage}: ready")),
        },
        Standing::Waiting => paint(YELLOW, format_args!("{stage}: waiting")),
        Standing::Refused => paint(RED, format_args!("{stage}: refused")),
        Standing::Held => paint(YELLOW, format_args!("{stage}: held, since it was taken back")),
    }
}

/// What is missing in a lane, or speaks against it, with what to do.
pub fn missing(lane: &LaneView, indent: &str) -> String {
    let mut out = String::new();
    for need in &lane.needs {
        out.push_str(&need_text(need, indent));
    }
    for refusal in &lane.refusals {
        out.push_str(&refusal_text(refusal, indent));
    }
    out
}

/// Where a key is parked in plain text.
pub fn parked(lane: &LaneView, indent: &str) -> String {
    let told = lane.parked.iter().map(|it| {
        let lines: Vec<String> = it.lines.iter().map(usize::to_string).collect();
        format!(
            "{indent}{} {}:{} keeps the key of {}\n",
            paint(DIM, "parked"),
            it.path,
            lines.join(","),
            it.consumer
        )
    });
    told.collect()
}

/// What was seen that supports the evidence of a lane.
pub fn seen(lane: &LaneView, indent: &str) -> String {
    lane.seen.iter().map(|line| format!("{indent}{} {line}\n", paint(DIM, "seen"))).collect()
}

fn need_text(need: &NeedView, indent: &str) -> String {
    let mut out = String::new();
    let from = match need.supplier.as_str() {
        "time" => String::new(),
        "engine" => "  (the next apply sees to it)".to_owned(),
        who => format!("  (from the {who})"),
    };
    let verb = if need.supplier == "engine" { "needs" } else { "waits for" };
    let _ = write!(out, "{indent}{} {}{}", paint(YELLOW, verb), need.what, paint(DIM, from));
    if let Some(earliest) = need.earliest {
        let _ = write!(out, ", at the earliest {earliest}");
    }
    out.push('\n');
    if let Some(remedy) = &need.remedy {
        let _ = writeln!(out, "{indent}    {remedy}");
    }
    out
}

fn refusal_text(refusal: &RefusalView, indent: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{indent}{} {}", paint(RED, "refused:"), refusal.why);
    if let Some(place) = &refusal.place {
        let _ = writeln!(out, "{indent}    at   {}", paint(BOLD, place));
    }
    let _ = writeln!(out, "{indent}    fix  {}", refusal.fix);
    out
}

/// Revoked lanes whose places are not as keyless left them, with what is wrong there.
pub fn disturbed(plan: &Plan) -> String {
    let told =
        plan.disturbed().map(|lane| format!("  {}\n{}", paint(BOLD, &lane.address), missing(lane, "      ")));
    match told.collect::<String>() {
        told if told.is_empty() => told,
        told => format!("Places of revoked lanes are not as keyless left them:\n\n{told}\n"),
    }
}

/// How many lanes stand how, in one line.
pub fn tally(lanes: &[LaneView]) -> String {
    let revoked = |lane: &&LaneView| lane.is_revoked();
    let refused = |lane: &&LaneView| matches!(lane.standing, Standing::Refused);
    let count = |wanted: fn(&Standing) -> bool| {
        lanes.iter().filter(|lane| !revoked(lane) && wanted(&lane.standing)).count()
    };
    let mut parts =
        vec![format!("{} revoked", lanes.iter().filter(|it| revoked(it) && !refused(it)).count())];
    let moving = count(|standing| matches!(standing, Standing::Ready));
    let waiting = count(|standing| matches!(standing, Standing::Waiting));
    let held = count(|standing| matches!(standing, Standing::Held));
    let refused = lanes.iter().filter(refused).count();
    for (number, word) in
        [(moving, "ready to move"), (waiting, "waiting"), (held, "held"), (refused, "refused")]
    {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    format!("Lanes: {} in all, {}.", lanes.len(), parts.join(", "))
}
