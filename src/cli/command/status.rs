//! `status`: all lanes and what each waits for.

use std::path::Path;

use super::connect::connect;
use super::look;
use crate::cli::args::Status as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::evidence::Goes;
use crate::plan::{self, Mode};
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
    let mut look = match looked {
        Ok(look) => look,
        Err(message) => {
            ui.error(&message);
            return Exit::Error;
        }
    };
    let refused = look.refused(&session, ui);
    look.sightings.refused = plan::refusals(&refused);
    let Some(plan) = look.plan(&session, Mode::RefreshOnly, false, ui) else { return Exit::Error };
    match arguments.json {
        true => ui.json(format_args!("{:#}", render::status::json(&plan.lanes, &refused))),
        false => {
            ui.data(&format!("{}{}", render::status::text(&plan.lanes), render::status::refused(&refused)));
        }
    }
    Exit::Done
}
