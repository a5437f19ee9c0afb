//! `evidence add` and `evidence list`.

mod absent;
mod retire;
mod settings;

use std::path::Path;

use jiff::Timestamp;
use keyless_state::{
    Address, ConsumerId, Event, Evidence, Fact, Grant, Mutation, State, Weight, credential_text,
};

use super::execute;
use crate::cli::args::{Evidence as Arguments, EvidenceAdd, EvidenceCommand, EvidenceList, Variables};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::config::{ApiKey, Configuration, Consumer};
use crate::platform::Platform;

/// What a person says.
struct Said {
    /// The id of the evidence.
    id: String,
    fact: Fact,
    /// What else it changes.
    changes: Vec<Mutation>,
    /// What is told of it.
    told: String,
}

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
        let now = connection.remote.platform.now().await.map_err(|error| super::connect::told(&error))?;
        let said = match (&arguments.retire, &arguments.key, &arguments.consumer) {
            (Some(grant), ..) => retire::retire(arguments, grant, store.state(), now)?,
            (None, Some(key), Some(consumer)) if arguments.absent => {
                absent::absent(arguments, (key, consumer), &session, store.state(), now).await?
            }
            (None, Some(key), Some(consumer)) => {
                let configuration = &session.configuration;
                let is_manual = configuration
                    .api_keys
                    .get(key)
                    .and_then(|key| key.consumers.get(consumer))
                    .is_some_and(|it| it.driver.is_manual());
                match &arguments.rule {
                    Some(rule) if !is_manual => {
                        settings::named(arguments, (key, consumer), rule, configuration, store.state(), now)?
                    }
                    _ => statement(arguments, (key, consumer), configuration, store.state(), now)?,
                }
            }
            (None, ..) => return Err("say what is meant: -key and -consumer, or -retire".to_owned()),
        };
        let evidence = Evidence {
            id: said.id,
            observed_at: now,
            weight: Weight::Stated,
            source: "a named person".to_owned(),
            digest: None,
            fact: said.fact,
        };
        let run = ulid::Ulid::generate().to_string();
        let mut changes = said.changes;
        changes.push(Mutation::PutEvidence { evidence });
        let event = Event::Recorded { changes };
        store.append(&run, now, event).map_err(|error| error.to_string())?;
        store.save(now, env!("CARGO_PKG_VERSION")).map_err(|error| error.to_string())?;
        ui.data(&said.told);
        Ok(Exit::Done)
    })
    .await
}

fn check_words(arguments: &EvidenceAdd) -> Result<(), String> {
    if arguments.by.trim().is_empty() || arguments.statement.trim().is_empty() {
        return Err("a statement needs a name (-by) and words (-statement)".to_owned());
    }
    if arguments.by.trim() == "YOUR NAME" || arguments.statement.trim() == "…" {
        return Err("put your name into -by, and what you did and saw into -statement".to_owned());
    }
    if [&arguments.statement, &arguments.by].iter().any(|words| credential_text::is_in(words)) {
        return Err("the statement seems to hold a key or token; evidence never holds a secret".to_owned());
    }
    Ok(())
}

fn statement(
    arguments: &EvidenceAdd,
    (key, consumer): (&Address, &ConsumerId),
    configuration: &Configuration,
    state: &State,
    now: Timestamp,
) -> Result<Said, String> {
    let (lane, found) = declared(key, consumer, configuration)?;
    if !found.driver.is_manual() {
        return Err(format!(
            "{consumer} is looked into by a program, so no statement is needed or taken for it; that its settings name a rule is stated with -rule=ID"
        ));
    }
    let own = state.records.get(&found.rule).map(|record| record.id.as_str());
    demand_its_rule(arguments.rule.as_deref(), own, (key, consumer), (lane, found), state)?;
    let by = arguments.by.trim();
    let told =
        format!("Recorded: {by} vouches for {consumer} of {key} at {now}. Run `keyless apply` to go on.\n");
    let fact = Fact::Statement {
        key: key.clone(),
        consumer: consumer.clone(),
        key_id: Some(lane.id.clone()),
        rule_id: own.map(str::to_owned),
        by: by.to_owned(),
        statement: arguments.statement.trim().to_owned(),
    };
    Ok(Said { id: format!("statement/{key}/{consumer}"), fact, changes: Vec::new(), told })
}

/// Demands that a word is about the rule that a block names: where the workload lived off another one, that has to be
/// said, since its key being out says nothing of its settings.
fn demand_its_rule(
    said: Option<&str>,
    own: Option<&str>,
    (key, consumer): (&Address, &ConsumerId),
    (lane, found): (&ApiKey, &Consumer),
    state: &State,
) -> Result<(), String> {
    let rule = &found.rule;
    let lived_off = match state.binding(&lane.id, consumer).map(|binding| &binding.grant) {
        Some(Grant::Rule { rule_id, .. }) if Some(rule_id.as_str()) != own => Some(rule_id),
        _ => None,
    };
    let Some(own) = own else {
        return match (said, lived_off) {
            (None, None) => Ok(()),
            _ => Err(format!(
                "{rule} is not recorded yet, so no settings can name it; run `keyless apply` first"
            )),
        };
    };
    if said.is_some_and(|said| said != own) {
        return Err(format!(
            "the block of {consumer} lets it federate through {rule} ({own}), not {}",
            said.unwrap_or_default()
        ));
    }
    match lived_off {
        Some(before) if said.is_none() => Err(format!(
            "{consumer} of {key} is recorded to live off {before}, and its block names {rule} ({own}) by now. Change its settings; once they name that one, add -rule={own}. As long as they name {before}, there is nothing to say"
        )),
        _ => Ok(()),
    }
}

/// A consumer and the key that it uses.
fn declared<'a>(
    key: &Address,
    consumer: &ConsumerId,
    configuration: &'a Configuration,
) -> Result<(&'a ApiKey, &'a Consumer), String> {
    let Some(declared) = configuration.api_keys.get(key) else {
        return Err(format!("{key} is not declared in this configuration"));
    };
    let Some(found) = declared.consumers.get(consumer) else {
        let known: Vec<String> = declared.consumers.keys().map(ToString::to_string).collect();
        return Err(format!("{key} has no consumer {consumer}; it has {}", known.join(", ")));
    };
    Ok((declared, found))
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
                ui.json(format_args!("{all:#}"));
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
