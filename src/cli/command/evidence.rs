//! `evidence add` and `evidence list`.

use std::path::Path;

use keyless_state::{Event, Evidence, Fact, Mutation, Weight};

use super::execute;
use crate::cli::args::{Evidence as Arguments, EvidenceAdd, EvidenceCommand, EvidenceList, Variables};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::config::ConsumerDriver;
use crate::platform::Platform;

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    match &arguments.command {
        EvidenceCommand::Add(add) => record(add, base, ui).await,
        EvidenceCommand::List(list) => show(list, base, ui),
    }
}

async fn record(arguments: &EvidenceAdd, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    if let Err(message) = check(arguments, &session) {
        ui.error(&message);
        return Exit::Error;
    }
    execute::with_store(&session, &arguments.remote, "evidence add", ui, async |store, connection| {
        let now = connection.remote.platform.now().await.map_err(|error| super::connect::told(&error))?;
        let evidence = Evidence {
            id: format!("statement/{}/{}", arguments.key, arguments.consumer),
            observed_at: now,
            weight: Weight::Stated,
            source: "a named person".to_owned(),
            digest: None,
            fact: Fact::Statement {
                key: arguments.key.clone(),
                consumer: arguments.consumer.clone(),
                by: arguments.by.trim().to_owned(),
                statement: arguments.statement.trim().to_owned(),
            },
        };
        let run = ulid::Ulid::generate().to_string();
        let event = Event::Recorded { changes: vec![Mutation::PutEvidence { evidence }] };
        store.append(&run, now, event).map_err(|error| error.to_string())?;
        store.save(now, env!("CARGO_PKG_VERSION")).map_err(|error| error.to_string())?;
        ui.data(&format!(
            "Recorded: {} vouches for {} of {} at {now}. Run `keyless apply` to go on.\n",
            arguments.by.trim(),
            arguments.consumer,
            arguments.key
        ));
        Ok(Exit::Done)
    })
    .await
}

fn check(arguments: &EvidenceAdd, session: &Session) -> Result<(), String> {
    let Some(key) = session.configuration.api_keys.get(&arguments.key) else {
        return Err(format!("{} is not declared in this configuration", arguments.key));
    };
    let Some(consumer) = key.consumers.get(&arguments.consumer) else {
        let known: Vec<String> = key.consumers.keys().map(ToString::to_string).collect();
        return Err(format!(
            "{} has no consumer {}; it has {}",
            arguments.key,
            arguments.consumer,
            known.join(", ")
        ));
    };
    if !matches!(consumer.driver, ConsumerDriver::Manual { .. }) {
        return Err(format!(
            "{} is looked into by a program, so no statement is needed or taken for it",
            arguments.consumer
        ));
    }
    if arguments.by.trim().is_empty() || arguments.statement.trim().is_empty() {
        return Err("a statement needs a name (-by) and words (-statement)".to_owned());
    }
    if arguments.statement.contains("sk-ant-") {
        return Err("the statement seems to hold a key or token; evidence never holds a secret".to_owned());
    }
    Ok(())
}

fn show(arguments: &EvidenceList, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &Variables::default(), ui) else { return Exit::Error };
    match super::look::recorded(&session) {
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
        Ok(recorded) => {
            if arguments.json {
                let all = serde_json::json!({ "format_version": "1.0", "evidence": recorded.state.evidence });
                ui.data(&format!("{all:#}\n"));
            } else {
                for evidence in &recorded.state.evidence {
                    ui.data(&format!(
                        "{}  {:<9}  {}  ({})\n",
                        evidence.observed_at,
                        weight(evidence.weight),
                        evidence.id,
                        evidence.source
                    ));
                }
            }
            Exit::Done
        }
    }
}

fn weight(weight: Weight) -> &'static str {
    match weight {
        Weight::Stated => "stated",
        Weight::Reported => "reported",
        Weight::Observed => "observed",
        Weight::Signed => "signed",
    }
}
