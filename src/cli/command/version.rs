//! `version`.

use crate::cli::args::Version;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;

/// Shows the version; needs no configuration and no network.
pub(in crate::cli) fn run(arguments: &Version, ui: &Ui) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    match arguments.json {
        true => ui.json(serde_json::json!({ "keyless_version": version })),
        false => ui.data(&format!("keyless v{version}\n")),
    }
    Exit::Done
}
