//! `output`: outputs as of the last apply.

use std::path::Path;

use keyless_state::OutputRecord;
use serde_json::{Value, json};

use crate::cli::args::{Output as Arguments, Variables};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::render::inert;

pub(super) fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &Variables::default(), ui) else { return Exit::Error };
    match show(arguments, &session, ui) {
        Ok(()) => Exit::Done,
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
    }
}

fn show(arguments: &Arguments, session: &Session, ui: &Ui) -> Result<(), String> {
    let outputs = super::look::recorded(session)?.state.outputs;
    let Some(name) = &arguments.name else {
        if arguments.json {
            let all: serde_json::Map<String, Value> =
                outputs.iter().map(|(name, output)| (name.clone(), as_json(output))).collect();
            ui.json(format_args!("{:#}", Value::Object(all)));
        } else if outputs.is_empty() {
            ui.tell("No outputs are recorded. Declare one with an `output` block, and apply.");
        } else {
            for (name, output) in &outputs {
                ui.data(&format!("{name} = {}\n", as_text(output)));
            }
        }
        return Ok(());
    };
    let output =
        outputs.get(name).ok_or_else(|| format!("there is no output `{name}` in the recorded state"))?;
    if output.sensitive {
        return Err(format!("the output `{name}` is sensitive, so its value is not recorded"));
    }
    match (&output.value, arguments.raw, arguments.json) {
        (Value::String(text), true, _) => ui.raw(text),
        (_, true, _) => return Err(format!("the output `{name}` is no text; use -json")),
        (value, false, true) => ui.json(format_args!("{value:#}")),
        (_, false, false) => ui.data(&format!("{}\n", as_text(output))),
    }
    Ok(())
}

fn as_json(output: &OutputRecord) -> Value {
    json!({ "sensitive": output.sensitive, "value": output.value })
}

fn as_text(output: &OutputRecord) -> String {
    if output.sensitive {
        "(sensitive value)".to_owned()
    } else {
        inert::json(&format!("{:#}", output.value)).into_owned()
    }
}
