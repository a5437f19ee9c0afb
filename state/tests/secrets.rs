//! What looks like a credential is not recorded.

mod support;

use std::fs;

use keyless_state::{Checkpoint, Event, StoreError};
use serde_json::json;
use support::{at, done, open, put, recorded, started};

#[test]
fn no_secret_is_written_wherever_it_comes_from() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut store = open(dir.path());
    let key = ["sk-ant-", "api03-canaryCANARY"].concat();
    let pem = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----";
    let refused = |result: Result<(), StoreError>| {
        let error = result.expect_err("refused");
        assert!(
            matches!(error, StoreError::Secret { .. }) && !error.to_string().contains("canary"),
            "{error}"
        );
        error.to_string()
    };
    for (step, secret) in [("s", key.as_str()), ("t", pem)] {
        let told = refused(store.append("r", at(1), recorded(put("a", json!({ "deep": [secret] })))));
        assert!(told.contains("attributes.value.deep.0"), "{told}");
        let named = Event::StepFailed { step: step.to_owned(), error: format!("it said {secret}") };
        store.append("r", at(1), started(step)).expect("appended");
        refused(store.append("r", at(1), named));
        store.append("r", at(1), done(step, vec![])).expect("the store goes on");
        let checkpoint = Checkpoint {
            name: "before".to_owned(),
            taken_at: at(1),
            reason: format!("x {secret}"),
            lane: None,
            serial: 0,
            state: store.state().clone(),
        };
        refused(store.checkpoint("r", checkpoint));
    }
    store.set_organization(&key);
    refused(store.save(at(2), "0.1.0").map(|_| ()));
    store.set_organization("org_1");
    store.append("r", at(1), recorded(put("a", json!(1)))).expect("appended");
    store.save(at(2), "0.1.0").expect("saved");
    store.close().expect("closed");
    for entry in fs::read_dir(dir.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
            assert!(!text.contains("canary"), "{}", path.display());
        }
    }
}
