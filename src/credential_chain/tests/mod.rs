//! Cases of one line each, after runs of the published clients; properties over drawn sources.

mod clients;
mod properties;

use keyless_state::Winner;

use crate::secret::Secret;

use super::{Client, File, Outcome, Sources, resolve};

pub(super) const KEY: &str = "sk-ant-api03-CANARY";
pub(super) const TOKEN: &str = "sk-ant-oat01-CANARY";
const NOW: i64 = 1_800_000_000;

/// Sources with these variables, written `NAME=value`, and an identity token in a file.
pub(super) fn sources(variables: &[&str]) -> Sources {
    let mut sources = Sources { directory: "/project".into(), now: NOW, ..Sources::default() };
    set(&mut sources, "HOME=/home/me");
    variables.iter().for_each(|variable| set(&mut sources, variable));
    put(&mut sources, "/run/token", "identity CANARY\n");
    sources
}

pub(super) fn set(sources: &mut Sources, variable: &str) {
    let (name, value) = variable.split_once('=').unwrap();
    sources.variables.insert(name.to_owned(), Secret::new(value));
}

pub(super) fn put(sources: &mut Sources, path: &str, text: &str) {
    sources.files.insert(path.into(), File::private(text));
}

/// Sources with complete federation variables and these others.
pub(super) fn federated(variables: &[&str]) -> Sources {
    let mut sources = sources(&[
        "ANTHROPIC_FEDERATION_RULE_ID=fdrl_1",
        "ANTHROPIC_ORGANIZATION_ID=organization",
        "ANTHROPIC_IDENTITY_TOKEN_FILE=/run/token",
    ]);
    variables.iter().for_each(|variable| set(&mut sources, variable));
    sources
}

/// Puts a stored login on disk.
pub(super) fn login(sources: &mut Sources, name: &str) {
    let directory = "/home/me/.config/anthropic";
    put(sources, &format!("{directory}/configs/{name}.json"), r#"{"authentication":{"type":"user_oauth"}}"#);
    let stored = format!(r#"{{"access_token":"{TOKEN}","expires_at":{}}}"#, NOW + 9_000);
    put(sources, &format!("{directory}/credentials/{name}.json"), &stored);
}

pub(super) fn ask(client: &str, sources: &Sources) -> Outcome {
    resolve(&client.parse::<Client>().unwrap(), sources)
}

/// What is sent, in short: `x-api-key: api_key from ANTHROPIC_API_KEY`, or `fails`.
pub(super) fn sent(outcome: &Outcome) -> String {
    if outcome.failure.is_some() {
        return "fails".to_owned();
    }
    let one = |carried: &super::Carried| {
        let kind = serde_json::to_value(carried.kind).unwrap();
        let header = serde_json::to_value(carried.header).unwrap();
        format!("{}: {} from {}", header.as_str().unwrap(), kind.as_str().unwrap(), carried.origin)
    };
    outcome.headers.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_answer_is_that_of_a_credential_report() {
    let outcome = ask("python", &federated(&[&format!("ANTHROPIC_API_KEY={KEY}")]));
    assert_eq!(outcome.winner(), Winner::ApiKey);
    assert_eq!(outcome.winner_source(), "ANTHROPIC_API_KEY");
    let shadows = outcome.shadows();
    assert_eq!((shadows[0].name.as_str(), shadows[0].place.as_str()), ("ANTHROPIC_API_KEY", "environment"));
    assert_eq!(outcome.rule_id(), None);

    let outcome = ask("python", &federated(&["ANTHROPIC_API_KEY="]));
    assert_eq!(outcome.winner(), Winner::Federation);
    assert_eq!(outcome.winner_source(), "token exchange");
    assert_eq!(outcome.shadows(), []);
    assert_eq!(outcome.rule_id().as_deref(), Some("fdrl_1"));
}
