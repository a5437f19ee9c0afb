//! `evidence add` and `evidence list`.

use std::path::Path;

use jiff::Timestamp;
use keyless_state::{
    Address, Binding, ConsumerId, Event, Evidence, Fact, Grant, Kind, Mutation, State, Weight,
};

use super::execute;
use crate::cli::args::{Evidence as Arguments, EvidenceAdd, EvidenceCommand, EvidenceList, Variables};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::config::ConsumerDriver;
use crate::limits;
use crate::platform::Platform;

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    match &arguments.command {
        EvidenceCommand::Add(add) => record(add, base, ui).await,
        EvidenceCommand::List(list) => show(list, base, ui),
    }
}

async fn record(arguments: &EvidenceAdd, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    if let Err(message) = check_words(arguments) {
        ui.error(&message);
        return Exit::Error;
    }
    execute::with_store(&session, &arguments.remote, "evidence add", ui, async |store, connection| {
        let (id, fact) = match (&arguments.retire, &arguments.key, &arguments.consumer) {
            (Some(grant), ..) => retirement(arguments, grant, store.state())?,
            (None, Some(key), Some(consumer)) => statement(arguments, key, consumer, &session)?,
            (None, ..) => return Err("say what is meant: -key and -consumer, or -retire".to_owned()),
        };
        let now = connection.remote.platform.now().await.map_err(|error| super::connect::told(&error))?;
        let told = told(&fact, now);
        let evidence = Evidence {
            id,
            observed_at: now,
            weight: Weight::Stated,
            source: "a named person".to_owned(),
            digest: None,
            fact,
        };
        let run = ulid::Ulid::generate().to_string();
        let event = Event::Recorded { changes: vec![Mutation::PutEvidence { evidence }] };
        store.append(&run, now, event).map_err(|error| error.to_string())?;
        store.save(now, env!("CARGO_PKG_VERSION")).map_err(|error| error.to_string())?;
        ui.data(&told);
        Ok(Exit::Done)
    })
    .await
}

fn told(fact: &Fact, now: Timestamp) -> String {
    match fact {
        Fact::Retirement { grant, object_id, by, .. } => {
            let days = limits::RETIREMENT_COUNTS.as_hours() / 24;
            format!(
                "Recorded: {by} says at {now} that nothing lives off {grant} ({object_id}) any more. That counts for {days} days. Run `keyless apply` to go on.\n"
            )
        }
        Fact::Statement { key, consumer, by, .. } => {
            format!(
                "Recorded: {by} vouches for {consumer} of {key} at {now}. Run `keyless apply` to go on.\n"
            )
        }
        _ => unreachable!("a person states nothing else"),
    }
}

fn check_words(arguments: &EvidenceAdd) -> Result<(), String> {
    if arguments.by.trim().is_empty() || arguments.statement.trim().is_empty() {
        return Err("a statement needs a name (-by) and words (-statement)".to_owned());
    }
    if arguments.statement.contains("sk-ant-") {
        return Err("the statement seems to hold a key or token; evidence never holds a secret".to_owned());
    }
    Ok(())
}

/// The word that a workload is gone, about the object of today.
fn retirement(arguments: &EvidenceAdd, grant: &Address, state: &State) -> Result<(String, Fact), String> {
    let bound = |is_it: &dyn Fn(&Binding) -> bool| {
        state.bindings.values().any(|it| it.ended.is_none() && it.grant != Grant::Key && is_it(it))
    };
    let by_lane = || state.bindings.values().find(|it| it.lane == *grant).map(|it| it.key_id.clone());
    let (object_id, is_bound) = match grant.kind() {
        Kind::FederationRule => {
            let record = state.records.get(grant);
            let id =
                record.map(|record| record.id.clone()).ok_or_else(|| format!("{grant} is not recorded"))?;
            let lives = |it: &Binding| matches!(&it.grant, Grant::Rule { rule_id, .. } if *rule_id == id);
            let is_bound = bound(&lives);
            (id, is_bound)
        }
        Kind::ApiKey => {
            let recorded = state.lanes.get(grant).map(|lane| lane.key_id.clone());
            let id = recorded.or_else(by_lane).ok_or_else(|| format!("{grant} is not recorded"))?;
            let is_bound = bound(&|it| it.key_id == id);
            (id, is_bound)
        }
        _ => return Err(format!("{grant} is neither a federation rule nor a key; workloads live off these")),
    };
    if !is_bound {
        return Err(format!(
            "no workload is known to live off {grant} ({object_id}), so nothing is to be stated"
        ));
    }
    let fact = Fact::Retirement {
        grant: grant.clone(),
        object_id,
        by: arguments.by.trim().to_owned(),
        statement: arguments.statement.trim().to_owned(),
    };
    Ok((format!("retirement/{grant}"), fact))
}

fn statement(
    arguments: &EvidenceAdd,
    key: &Address,
    consumer: &ConsumerId,
    session: &Session,
) -> Result<(String, Fact), String> {
    let Some(declared) = session.configuration.api_keys.get(key) else {
        return Err(format!("{key} is not declared in this configuration"));
    };
    let Some(found) = declared.consumers.get(consumer) else {
        let known: Vec<String> = declared.consumers.keys().map(ToString::to_string).collect();
        return Err(format!("{key} has no consumer {consumer}; it has {}", known.join(", ")));
    };
    if !matches!(found.driver, ConsumerDriver::Manual { .. }) {
        return Err(format!(
            "{consumer} is looked into by a program, so no statement is needed or taken for it"
        ));
    }
    let fact = Fact::Statement {
        key: key.clone(),
        consumer: consumer.clone(),
        by: arguments.by.trim().to_owned(),
        statement: arguments.statement.trim().to_owned(),
    };
    Ok((format!("statement/{key}/{consumer}"), fact))
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
