//! A plan as Markdown, for a pull request.

use std::fmt::Write;

use super::{inert, plan_text};
use crate::plan::{Plan, Standing};

/// The whole plan: the summary first, then lanes, then details to unfold.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    let (add, change, destroy) = plan.counts();
    let _ = writeln!(
        out,
        "## keyless plan\n\n**Plan:** {add} to add, {change} to change, {destroy} to destroy.\n"
    );
    if !plan.drift.is_empty() {
        out.push_str(
            "### Changed outside of keyless\n\n| what | how | by | when |\n| --- | --- | --- | --- |\n",
        );
        for item in &plan.drift {
            let by = item.by.as_deref().unwrap_or("unknown");
            let at = item.at.map_or("unknown".to_owned(), |at| at.to_string());
            let _ = writeln!(out, "| `{}` | {} | {} | {at} |", item.address, item.what, cell(by));
        }
        out.push('\n');
    }
    if !plan.lanes.is_empty() {
        out.push_str(
            "### Lanes\n\n| key | stage | standing | what is missing |\n| --- | --- | --- | --- |\n",
        );
        for lane in &plan.lanes {
            let standing = match &lane.standing {
                Standing::Finished(reason) => format!("done: {reason}"),
                Standing::Ready => match lane.moves.last() {
                    Some(last) => format!("moves to {last} as its gates open"),
                    None => "ready".to_owned(),
                },
                other => other.word().to_owned(),
            };
            let needs = lane.needs.iter().filter(|_| lane.moves.is_empty()).map(|need| cell(&need.what));
            let refusals = lane.refusals.iter().map(|refusal| {
                let place =
                    refusal.place.as_ref().map_or(String::new(), |place| format!(" at `{}`", cell(place)));
                format!("**{}**{place}. {}", cell(&refusal.why), cell(&refusal.fix))
            });
            let missing: Vec<String> = needs.chain(refusals).collect();
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                lane.address,
                lane.stage,
                cell(&standing),
                missing.join("<br>")
            );
        }
        out.push('\n');
    }
    if !plan.console.is_empty() {
        out.push_str("### Console only\n\n| what | why | what to do |\n| --- | --- | --- |\n");
        for task in &plan.console {
            let _ = writeln!(out, "| `{}` | {} | {} |", task.address, cell(&task.why), cell(&task.how));
        }
        out.push('\n');
    }
    if !plan.refused.is_empty() {
        out.push_str("### Refused\n\n| what | why | how to mend it |\n| --- | --- | --- |\n");
        for it in &plan.refused {
            let why = format!("**{}.** {}", cell(&it.summary), cell(&it.why));
            let _ = writeln!(out, "| `{}` | {why} | {} |", it.address, cell(&it.fix));
        }
        out.push('\n');
    }
    if !plan.kept.is_empty() {
        out.push_str("### Stays for now\n\n| what | why |\n| --- | --- |\n");
        for kept in &plan.kept {
            let _ = writeln!(out, "| `{}` | {} |", kept.address, cell(&kept.why));
        }
        out.push('\n');
    }
    if !plan.steps.is_empty() {
        out.push_str("### Steps\n\n| stage | what | undo |\n| --- | --- | --- |\n");
        for step in &plan.steps {
            let _ = writeln!(
                out,
                "| {} | `{}`: {} | {} |",
                step.stage,
                step.operation.target().address,
                cell(&step.operation.describe()),
                cell(&step.undo.describe())
            );
        }
        out.push('\n');
    }
    let details = inert::plain(&plan_text::plan(plan));
    let fence = "`".repeat(longest_run(&details).max(2) + 1);
    let _ =
        writeln!(out, "<details><summary>Details</summary>\n\n{fence}text\n{details}{fence}\n\n</details>");
    out
}

/// Text that cannot break out of a table cell or become markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' => out.push_str("\\|"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            '*' | '_' | '[' | ']' | '`' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
