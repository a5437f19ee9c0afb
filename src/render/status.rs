//! `status`: all lanes, as text and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::lanes;
use super::style::{BOLD, RED, paint};
use crate::plan::{LaneView, Refused};

/// What the files ask for and no apply does, with what to do.
pub fn refused(refused: &[Refused]) -> String {
    if refused.is_empty() {
        return String::new();
    }
    let told =
        |it: &Refused| format!("  {}: {}\n      {}\n      fix  {}\n", it.address, it.summary, it.why, it.fix);
    let lines: String = refused.iter().map(told).collect();
    format!("\n{} no apply does this as it is asked for.\n{lines}", paint(RED, "Refused:"))
}

/// All lanes as a table, with what each waits for.
pub fn text(views: &[LaneView]) -> String {
    let mut out = String::new();
    let width = views.iter().map(|lane| lane.address.to_string().len()).max().unwrap_or(0).max(4);
    let _ = writeln!(
        out,
        "{}",
        paint(BOLD, format_args!("{:width$}  {:9}  {:8}  {:8}", "LANE", "STAGE", "KEY", "STANDING"))
    );
    for lane in views {
        let _ = writeln!(
            out,
            "{:width$}  {:9}  {:8}  {}",
            lane.address.to_string(),
            lane.stage.word(),
            lane.key_status,
            standing(lane)
        );
        out.push_str(&lanes::missing(lane, "    "));
        out.push_str(&lanes::seen(lane, "    "));
        out.push_str(&lanes::parked(lane, "    "));
    }
    let _ = writeln!(out, "\n{}", lanes::tally(views));
    out
}

fn standing(lane: &LaneView) -> String {
    match &lane.standing {
        crate::plan::Standing::Finished(reason) => format!("done: {reason}"),
        other => other.word().to_owned(),
    }
}

/// All lanes as an object with the key `lanes`; what is refused under `refused`.
pub fn json(views: &[LaneView], refused: &[Refused]) -> Value {
    json!({ "format_version": "1.0", "lanes": views, "refused": refused })
}
