//! `drift`: what others changed, who and when. Alters nothing.

use std::path::Path;

use super::connect::connect;
use super::look;
use crate::cli::args::Drift as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::evidence::Goes;
use crate::plan::Mode;
use crate::render;

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    let looked = async {
        let connection = connect(&session, &arguments.remote).await?;
        let looked = match look::recorded(&session) {
            Ok(recorded) => look::look(&session, &connection, recorded, Goes::Undeclared, ui).await,
            Err(message) => Err(message),
        };
        connection.close().await?;
        looked
    }
    .await;
    let look = match looked {
        Ok(look) => look,
        Err(message) => {
            ui.error(&message);
            return Exit::Error;
        }
    };
    let Some(plan) = look.plan(&session, Mode::RefreshOnly, false, ui) else { return Exit::Error };
    // What cannot be read may have drifted.
    let is_known = plan.held.is_empty();
    let disturbed = render::lanes::disturbed(&plan);
    match (arguments.json, plan.drift.is_empty()) {
        (true, _) => {
            let drift = render::plan_json::drift(&plan);
            let told = serde_json::json!({ "format_version": "1.0", "drift": drift, "unread": plan.held, "disturbed": plan.disturbed().collect::<Vec<_>>() });
            ui.json(format_args!("{told:#}"));
        }
        (false, true) if !disturbed.is_empty() => ui.data(&disturbed),
        (false, true) if !is_known => ui.data("No drift in what can be read.\n"),
        (false, true) => ui.data("No drift. What the API says matches what is recorded.\n"),
        (false, false) => ui.data(&format!("{}{disturbed}", render::plan_text::drift(&plan.drift))),
    }
    if arguments.detailed_exitcode && !(plan.drift.is_empty() && is_known && disturbed.is_empty()) {
        Exit::Changes
    } else {
        Exit::Done
    }
}
