//! The format on the disk: what each version wrote is read forever, and what the newest wrote is still
//! written byte for byte.
//!
//! `tests/golden/v3` was written by this program with `KEYLESS_BLESS=1`, the others by those before it. A
//! change there is a change of the format: it needs a new version, a new folder, and a way to read the old
//! ones.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use keyless_state::{
    Checkpoint, ConsumerRecord, Ended, Event, Evidence, FORMAT_VERSION, Fact, Grant, Identity, LaneRecord,
    Mutation, OutputRecord, Shadow, Snapshot, Store, Weight, Winner, Written,
};
use serde_json::json;
use support::{at, copy, done, folder, open, put, recorded, started};

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}"))
}

fn address<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("an address")
}

/// One of each kind of fact that a version knows.
fn facts(version: u32) -> Vec<Fact> {
    let mut facts = facts_of_version_1();
    let seen = |last_accepted, last_refused, reason: &str| Fact::FederatedAuthentication {
        rule: address("federation_rule.release"),
        rule_id: "fdrl_01".to_owned(),
        rule_digest: "ab".repeat(32),
        last_accepted,
        last_refused,
        reason: reason.to_owned(),
    };
    if version >= 2 {
        facts.push(seen(Some(at(70)), None, ""));
        facts.push(seen(None, Some(at(80)), "match_subject_prefix"));
    }
    if version >= 3 {
        facts.push(Fact::Retirement {
            grant: address("federation_rule.release"),
            object_id: "fdrl_01".to_owned(),
            consumer: Some(address("dotenv.laptop")),
            by: "ann".to_owned(),
            statement: "Switched off".to_owned(),
        });
        facts.push(Fact::CredentialReport {
            key: address("api_key.ci"),
            consumer: address("dotenv.laptop"),
            key_id: Some("apikey_01".to_owned()),
            winner: Winner::Federation,
            winner_source: ".env:3".to_owned(),
            rule_id: Some("fdrl_01".to_owned()),
            shadows: vec![],
            identity: claims(),
        });
        facts.push(Fact::SettingsStatement {
            key: address("api_key.ci"),
            consumer: address("command.vault"),
            key_id: "apikey_01".to_owned(),
            place: "command vault remove".to_owned(),
            rule_id: "fdrl_01".to_owned(),
            by: "ann".to_owned(),
            statement: "Set".to_owned(),
        });
    }
    facts
}

fn facts_of_version_1() -> Vec<Fact> {
    let key = || address("api_key.ci");
    let consumer = || address("dotenv.laptop");
    let exchange = |accepted: bool, refusal: &str| Fact::Exchange {
        rule: address("federation_rule.release"),
        rule_id: "fdrl_01".to_owned(),
        rule_digest: "ab".repeat(32),
        accepted,
        subject: "repo:acme/app:environment:production".to_owned(),
        expires_in_seconds: if accepted { 3_600 } else { 0 },
        refusal: refusal.to_owned(),
    };
    let report = |winner: Winner, rule_id: Option<&str>, shadows: Vec<Shadow>| Fact::CredentialReport {
        key: key(),
        consumer: consumer(),
        key_id: None,
        winner,
        winner_source: ".env:3".to_owned(),
        rule_id: rule_id.map(str::to_owned),
        shadows,
        identity: serde_json::Map::new(),
    };
    let shadow = Shadow {
        name: "ANTHROPIC_API_KEY".to_owned(),
        place: ".env:3".to_owned(),
        fix: "Remove the line.".to_owned(),
    };
    vec![
        Fact::IssuerKeys {
            provider: address("provider.github_actions.github"),
            issuer_url: "https://token.actions.githubusercontent.com".to_owned(),
            key_ids: vec!["k1".to_owned(), "k2".to_owned()],
        },
        exchange(true, ""),
        exchange(false, "no rule matches (req_1)"),
        report(Winner::ApiKey, None, vec![shadow]),
        report(Winner::Federation, Some("fdrl_01"), vec![]),
        report(Winner::AuthToken, None, vec![]),
        report(Winner::Nothing, None, vec![]),
        Fact::Statement {
            key: key(),
            consumer: consumer(),
            key_id: None,
            rule_id: None,
            by: "ann".to_owned(),
            statement: "Ünplugged it".to_owned(),
        },
        Fact::KeyUsage { key: key(), since: at(0), complete_until: at(60), last_used_before: None },
        Fact::KeyUsage { key: key(), since: at(0), complete_until: at(60), last_used_before: Some(at(30)) },
        Fact::AccountTraffic { service_account: address("service_account.release"), last_seen: at(50) },
        Fact::ArchiveApproval { key: key(), by: "ann".to_owned() },
    ]
}

fn claims() -> serde_json::Map<String, serde_json::Value> {
    [("sub".to_owned(), json!("repo:acme/app:environment:production"))].into_iter().collect()
}

/// One of each kind of binding.
fn bindings(version: u32) -> Vec<Mutation> {
    if version < 3 {
        return Vec::new();
    }
    let rule = Grant::Rule {
        rule_id: "fdrl_01".to_owned(),
        service_account_id: "svac_01".to_owned(),
        issuer_id: "fdis_01".to_owned(),
        workspace_id: Some("wrkspc_01".to_owned()),
    };
    let bound = |consumer: &str, grant| {
        keyless_state::Binding::new("apikey_01", &address("api_key.ci"), &address(consumer), grant, at(2))
    };
    let mut whole = bound("dotenv.laptop", rule);
    whole.place = Some("dotenv app/.env ANTHROPIC_API_KEY".to_owned());
    whole.settings = [("ANTHROPIC_FEDERATION_RULE_ID".to_owned(), "fdrl_01".to_owned())].into();
    whole.identities = vec![Identity { claims: claims(), seen_at: at(6) }];
    whole.ended = Some(Ended { at: at(7), by: "ann".to_owned() });
    whole.written = vec![Written { grant: whole.grant.clone(), at: at(8) }];
    vec![
        whole.put(),
        bound("dotenv.key", Grant::Key).put(),
        bound("manual.x", Grant::Unresolved).put(),
        bound("manual.gone", Grant::Key).put(),
        Mutation::DropBinding { id: "apikey_01/manual.gone".to_owned() },
    ]
}

fn evidence(version: u32) -> Vec<Mutation> {
    let weights = [Weight::Observed, Weight::Signed, Weight::Reported, Weight::Stated];
    let remember = |(number, fact): (usize, Fact)| Mutation::PutEvidence {
        evidence: Evidence {
            id: format!("ev_{number:02}"),
            observed_at: at(number as i64),
            weight: weights[number % weights.len()],
            source: "usage report".to_owned(),
            digest: (number == 1).then(|| "cd".repeat(32)),
            fact,
        },
    };
    facts(version).into_iter().enumerate().map(remember).collect()
}

fn lane(version: u32) -> LaneRecord {
    let parked = ConsumerRecord {
        configured_at: Some(at(1)),
        configured_digest: Some("ef".repeat(32)),
        removed_at: Some(at(2)),
        tag: None,
        receipt: Some(json!({ "line": 3, "renamed_to": "PARKED" })),
    };
    LaneRecord {
        key_id: "apikey_01".to_owned(),
        consumers: BTreeMap::from([
            (address("dotenv.laptop"), parked),
            (address("manual.x"), ConsumerRecord::default()),
        ]),
        disabled_at: Some(at(3)),
        forgotten: version >= 3,
        archived_at: None,
        reactivated_at: Some(at(4)),
        rolled_back_at: (version >= 3).then(|| at(5)),
        held: version >= 3,
        forgets_parked: false,
        left: BTreeMap::new(),
    }
}

/// Writes every kind of entry, change and fact that a version knows; a save lies in the middle.
fn write(dir: &Path, version: u32) -> Store {
    let mut store = open(dir);
    let key = || address("api_key.ci");
    let put_lane = |lane| Mutation::PutLane { address: key(), lane };
    let append = |store: &mut Store, event| store.append("run-1", at(10), event).expect("appended");
    append(&mut store, Event::RunStarted { base_serial: 0, operation: "apply".to_owned() });
    append(&mut store, started("create"));
    append(
        &mut store,
        done("create", vec![put("release", json!({ "n": [1, -2, 0.1, 1e300], "t": "ü\u{1}" }))]),
    );
    append(&mut store, Event::Recorded { changes: evidence(version) });
    if version >= 3 {
        append(&mut store, Event::Recorded { changes: bindings(version) });
    }
    store.set_organization("org_1");
    store.save(at(20), "0.1.0").expect("saved");
    append(&mut store, recorded(put("gone", json!(null))));
    append(&mut store, recorded(put_lane(LaneRecord { archived_at: Some(at(5)), ..lane(version) })));
    store.save(at(30), "0.1.0").expect("saved");

    let taken = Checkpoint {
        name: "3-before-revoke-api_key.ci".to_owned(),
        taken_at: at(31),
        reason: "before the key is disabled".to_owned(),
        lane: Some(key()),
        serial: 2,
        state: store.state().clone(),
    };
    store.checkpoint("run-1", taken).expect("taken");
    let outputs = BTreeMap::from([
        ("open".to_owned(), OutputRecord { value: json!(["a"]), sensitive: false }),
        ("hidden".to_owned(), OutputRecord { value: json!(null), sensitive: true }),
    ]);
    append(&mut store, started("refused"));
    append(&mut store, Event::StepFailed { step: "refused".to_owned(), error: "HTTP 403".to_owned() });
    append(
        &mut store,
        Event::Recorded {
            changes: vec![
                Mutation::DropRecord { address: address("service_account.gone") },
                Mutation::DropEvidence { id: "ev_06".to_owned() },
                Mutation::DropLane { address: key() },
                put_lane(lane(version)),
                Mutation::SetOutputs { outputs },
            ],
        },
    );
    append(&mut store, Event::RunEnded);
    append(&mut store, started("under-way"));
    store
}

/// The plain files below a folder, by their path within it. The database and the lock are left out, since
/// the one is built from the rest and the other lives as long as a process.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).expect("a folder") {
            let path = item.expect("an item").path();
            let name = path.strip_prefix(dir).expect("below").to_string_lossy().replace('\\', "/");
            if path.is_dir() && name != "db" {
                folders.push(path);
            } else if path.is_file() && !name.starts_with("lock") {
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn every_version_is_read() {
    for version in 1..=FORMAT_VERSION {
        let (written, copied) = (folder(), folder());
        let mut expected = write(written.path(), version);
        copy(&golden(version), copied.path());
        let mut store = open(copied.path());
        let snapshot = Snapshot { format_version: version, ..expected.snapshot().clone() };
        assert_eq!(store.snapshot(), &snapshot);
        assert_eq!(store.state(), expected.state());
        assert_eq!((store.in_doubt().len(), store.in_doubt()[0].step.as_str()), (1, "under-way"));
        assert_eq!(store.checkpoints().expect("all"), expected.checkpoints().expect("all"));
        assert_eq!(store.journal_history().expect("all"), expected.journal_history().expect("all"));
        assert_eq!(store.evidence_history().expect("all").len(), facts(version).len());
        assert_eq!(store.lane_history(&address("api_key.ci")).expect("all").len(), 3);
        assert_eq!(store.repairs(), &[]);
    }
}

#[test]
fn an_older_journal_is_renewed_before_it_goes_on() {
    let copied = folder();
    copy(&golden(1), copied.path());
    let journal = || fs::read(copied.path().join("journal")).expect("a file");
    let says = |version: u32| {
        let text = String::from_utf8_lossy(&journal()).into_owned();
        text.contains(&format!("\"format_version\":{version}"))
    };
    let (before, length) = (open_and_read(copied.path()), journal().len());
    assert!(says(FORMAT_VERSION) && !says(1), "an older program must not take it for its own");
    assert_eq!(journal().len(), length, "the entries stay as they are");
    assert_eq!(open_and_read(copied.path()), before);
}

fn open_and_read(dir: &Path) -> keyless_state::State {
    open(dir).state().clone()
}

#[test]
fn the_newest_version_is_still_written() {
    let written = folder();
    drop(write(written.path(), FORMAT_VERSION));
    let now = files(written.path());
    let golden = golden(FORMAT_VERSION);
    if std::env::var_os("KEYLESS_BLESS").is_some() {
        for (name, bytes) in &now {
            let path = golden.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
    }
    let before = files(&golden);
    assert_eq!(now.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (name, bytes) in &now {
        assert!(before[name] == *bytes, "{name} is written in another way than before");
    }
}
