//! `checkpoint list`.

use std::path::Path;

use crate::cli::args::{Checkpoint as Arguments, CheckpointCommand, Variables};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::store;
use crate::cli::ui::Ui;

pub(super) fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let CheckpointCommand::List = arguments.command;
    let Some(session) = Session::load(base, &Variables::default(), ui) else { return Exit::Error };
    let store = match super::apply::open_store(&session, "checkpoint list") {
        Ok(store) => store,
        Err(message) => {
            ui.error(&message);
            return Exit::Error;
        }
    };
    store.repairs().iter().for_each(|repair| ui.tell(&format!("warning: {repair}")));
    store::tell_findings(&session.data_directory());
    let listed = store.checkpoints().map_err(|error| error.to_string());
    let closed = store.close().map_err(|error| error.to_string());
    match listed.and_then(|listed| closed.map(|()| listed)) {
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
        Ok(checkpoints) => {
            for checkpoint in checkpoints {
                ui.data(&format!("{}  {}  {}\n", checkpoint.taken_at, checkpoint.name, checkpoint.reason));
            }
            Exit::Done
        }
    }
}
