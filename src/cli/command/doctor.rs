//! `doctor`: which credential each client sends from here, and what to change.

mod gather;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::credential_chain::{Client, Outcome, Product, Sources, resolve};
use crate::limits::SOURCES_FILE_BYTES_MAX;
use crate::regular_file;
use crate::render;

/// Version of the JSON form. A change that a reader could trip over raises the first number.
const FORMAT_VERSION: &str = "1.0";

#[derive(Debug, Args)]
pub(in crate::cli) struct Doctor {
    /// Ask about this client only, such as python or typescript@0.137.0; may be repeated
    #[arg(long, value_name = "NAME[@VERSION]")]
    client: Vec<Client>,
    /// Ask about the sources described in this file, one JSON object a line, and not about this
    /// environment; one answer a line
    #[arg(long, value_name = "FILE", requires = "json")]
    sources: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Exits with 0 only when federation wins for every client that was asked about.
pub(super) fn run(arguments: &Doctor, base: &Path, ui: &Ui) -> Exit {
    let now = jiff::Timestamp::now().as_second();
    let clients = match arguments.client.as_slice() {
        [] => Product::ALL.map(Client::latest).to_vec(),
        asked => asked.to_vec(),
    };
    if let Some(path) = &arguments.sources {
        return described(&base.join(path), &clients, now, ui);
    }
    let sources = match gather::sources(base, now) {
        Ok(sources) => sources,
        Err(problem) => {
            ui.error(&problem);
            return Exit::Error;
        }
    };
    let outcomes: Vec<Outcome> = clients.iter().map(|client| resolve(client, &sources)).collect();
    let older = if arguments.client.is_empty() { older(&outcomes, &sources) } else { Vec::new() };
    let set_in = gather::set_in(base, &sources, &outcomes);
    if arguments.json {
        let mut report = report(&outcomes);
        report["older"] = older.iter().map(shown).collect();
        report["set_in"] = json!(set_in);
        ui.json(format_args!("{report:#}"));
    } else {
        ui.data(&render::doctor::report(&outcomes, &older, &set_in));
    }
    exit(&outcomes)
}

/// Older versions of the asked clients that would send something else.
fn older(outcomes: &[Outcome], sources: &Sources) -> Vec<Outcome> {
    let older = outcomes.iter().flat_map(|newest| {
        let product = newest.client.product;
        let versions = product.older().iter().map(move |version| Client { product, version: *version });
        versions.map(move |client| (newest, resolve(&client, sources)))
    });
    let differs = older.filter(|(newest, older)| {
        let told = |outcome: &Outcome| (outcome.winner(), outcome.winner_source(), outcome.failure.is_some());
        told(newest) != told(older)
    });
    differs.map(|(_, older)| older).collect()
}

fn described(path: &Path, clients: &[Client], now: i64, ui: &Ui) -> Exit {
    let text = match regular_file::read_text(path, SOURCES_FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) => {
            ui.error(&format!("the file of sources {} {error}", path.display()));
            return Exit::Error;
        }
    };
    let mut problems = 0;
    let mut all_federate = true;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match Sources::from_json(line, now) {
            Ok(sources) => {
                let outcomes: Vec<_> = clients.iter().map(|client| resolve(client, &sources)).collect();
                all_federate &= outcomes.iter().all(Outcome::federates);
                let mut report = report(&outcomes);
                report["line"] = json!(at + 1);
                ui.json(&report);
            }
            Err(problem) => {
                problems += 1;
                ui.error(&format!("{}:{}: {problem}", path.display(), at + 1));
            }
        }
    }
    if problems == 0 && all_federate { Exit::Done } else { Exit::Error }
}

fn exit(outcomes: &[Outcome]) -> Exit {
    if outcomes.iter().all(Outcome::federates) { Exit::Done } else { Exit::Error }
}

fn report(outcomes: &[Outcome]) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "federates": outcomes.iter().all(Outcome::federates),
        "clients": outcomes.iter().map(shown).collect::<Vec<_>>(),
    })
}

fn shown(outcome: &Outcome) -> Value {
    let mut shown = serde_json::to_value(outcome).expect("an outcome is made of plain fields");
    shown["winner"] = json!(outcome.winner());
    shown["winner_source"] = json!(outcome.winner_source());
    shown
}
