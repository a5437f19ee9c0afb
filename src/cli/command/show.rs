//! `show`: the recorded state, or a saved plan.

use std::path::Path;

use serde_json::json;

use crate::cli::args::{Show as Arguments, Variables};
use crate::cli::exit::Exit;
use crate::cli::session::{self, Session};
use crate::cli::ui::Ui;
use crate::limits::PLAN_FILE_BYTES_MAX;
use crate::plan;
use crate::plan_check;
use crate::regular_file;
use crate::render;

pub(super) fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let shown = match &arguments.plan_file {
        Some(path) => saved_plan(&session::in_directory(base, path), arguments),
        None => {
            let Some(session) = Session::load(base, &Variables::default(), ui) else { return Exit::Error };
            state(&session, arguments)
        }
    };
    match shown {
        Ok(text) => {
            match format(arguments) {
                "json" => ui.json(text),
                _ => ui.data(&text),
            }
            Exit::Done
        }
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
    }
}

fn format(arguments: &Arguments) -> &str {
    if arguments.json { "json" } else { arguments.format.as_deref().unwrap_or("text") }
}

fn saved_plan(path: &Path, arguments: &Arguments) -> Result<String, String> {
    let text = regular_file::read_text(path, PLAN_FILE_BYTES_MAX)
        .map_err(|error| format!("{} {error}", path.display()))?;
    let plan = plan::decode(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    plan_check::refuse(&plan).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(match format(arguments) {
        "json" => {
            let document = render::plan_json::plan(&plan);
            let document = document.map_err(|error| format!("{}: {error}", path.display()))?;
            // On one line, as Terraform's is: some that read it read nothing else.
            document.to_string()
        }
        "markdown" => render::markdown::plan(&plan),
        _ => render::plan_text::plan(&plan),
    })
}

fn state(session: &Session, arguments: &Arguments) -> Result<String, String> {
    let recorded = super::look::recorded(session)?;
    if format(arguments) == "markdown" {
        return Err(
            "only a saved plan can be shown as Markdown; make one with `keyless plan -out=FILE`".to_owned()
        );
    }
    if format(arguments) == "json" {
        let shown = json!({
            "format_version": "1.0",
            "keyless_version": env!("CARGO_PKG_VERSION"),
            "lineage": recorded.lineage,
            "serial": recorded.serial,
            "organization_id": recorded.organization_id,
            "state": recorded.state,
        });
        return Ok(format!("{shown:#}"));
    }
    if recorded.state.records.is_empty() && recorded.state.lanes.is_empty() {
        return Ok("The state is empty: nothing was applied yet.\n".to_owned());
    }
    Ok(render::state::text(&recorded.state))
}
