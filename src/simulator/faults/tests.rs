//! Which calls faults meet, what they decide, and which are refused.

use serde_json::{Value, json};

use super::ruling::{Call, Ending, Ruling, rule};
use super::*;

fn faults(list: Value) -> Vec<Waiting> {
    read(list.to_string().as_bytes()).unwrap()
}

fn call<'a>(method: &'a str, path: &'a str) -> Call<'a> {
    Call { method, path, has_bearer: true, has_token: true }
}

/// The statuses of calls one after the other; 200 where nothing goes wrong.
fn statuses(faults: &mut [Waiting], calls: &[Call<'_>]) -> Vec<u16> {
    let status = |call| rule(faults, 7, call).refusal.map_or(200, |refusal| refusal.status);
    calls.iter().map(status).collect()
}

#[test]
fn a_fault_meets_the_calls_it_is_for() {
    let check = |fault: Value, expected: [u16; 5]| {
        let calls = [
            call("GET", "/v1/organizations/me"),
            call("POST", "/v1/organizations/federation_rules"),
            call("POST", "/v1/organizations/federation_rules/fdrl_1"),
            call("GET", "/v1/organizations/me"),
            call("POST", "/v1/organizations/federation_rules"),
        ];
        assert_eq!(statuses(&mut faults(fault.clone()), &calls), expected, "{fault}");
    };
    check(json!({"fault": "unavailable"}), [529, 200, 200, 200, 200]);
    check(json!({"fault": "unavailable", "times": null, "status": 503}), [503; 5]);
    check(json!({"fault": "rate_limited", "skip": 1, "times": 2}), [200, 429, 429, 200, 200]);
    check(json!({"fault": "expired_token", "method": "POST"}), [200, 401, 200, 200, 200]);
    let rules = "/v1/organizations/federation_rules";
    check(json!({"fault": "unavailable", "path": rules, "skip": 1}), [200, 200, 200, 200, 529]);
    check(
        json!({"fault": "unavailable", "path": format!("{rules}*"), "times": 2}),
        [200, 529, 529, 200, 200],
    );
    let both = json!({"faults": [{"fault": "unavailable"}, {"fault": "rate_limited"}]});
    check(both, [529, 429, 200, 200, 200]);
}

#[test]
fn chance_is_the_same_in_every_run() {
    let run = || {
        let mut storm = faults(json!({"fault": "rate_limited", "times": null, "percent": 30}));
        let calls: Vec<Call<'_>> = (0..200).map(|_| call("GET", "/v1/x")).collect();
        statuses(&mut storm, &calls)
    };
    let first = run();
    let met = first.iter().filter(|status| **status == 429).count();
    assert!((30..90).contains(&met), "{met}");
    assert_eq!(run(), first);
}

#[test]
fn jitter_is_the_same_in_every_run_and_within_its_bound() {
    let run = || -> Vec<u128> {
        let late = json!({"fault": "latency", "milliseconds": 10, "jitter_milliseconds": 5, "times": null});
        let mut late = faults(late);
        (0..100).map(|_| rule(&mut late, 7, &call("GET", "/v1/x")).delay.as_millis()).collect()
    };
    let first = run();
    let differing: std::collections::BTreeSet<u128> = first.iter().copied().collect();
    assert_eq!(differing, (10..=15).collect(), "each delay within the bound comes up");
    assert_eq!(run(), first);
}

#[test]
fn faults_of_few_calls_meet_those_alone() {
    let check = |fault: &str, met: [bool; 5]| {
        let calls = [
            call("POST", "/v1/organizations/workspaces"),
            call("POST", "/v1/organizations/workspaces/wrkspc_1"),
            call("POST", "/v1/organizations/workspaces/wrkspc_1/archive"),
            call("GET", "/v1/organizations/workspaces"),
            call("GET", "/v1/organizations/me"),
        ];
        let mut faults = faults(json!({"fault": fault, "times": null}));
        let found = calls.iter().map(|call| rule(&mut faults, 7, call).bent.is_some()).collect::<Vec<_>>();
        assert_eq!(found, met, "{fault}");
    };
    check("workspace_created_incomplete", [true, false, false, false, false]);
    check("change_outcome_unknown", [false, true, false, false, false]);
    check("garbled_object", [false, false, false, true, false]);
}

#[test]
fn delays_add_up_and_endings_differ() {
    let check = |fault: Value, delay: u64, ending: Ending, stale_reads: u64| {
        let ruling = rule(&mut faults(fault), 7, &call("POST", "/v1/organizations/federation_rules"));
        assert_eq!(
            (ruling.delay.as_millis(), ruling.ending, ruling.stale_reads),
            (delay.into(), ending, stale_reads)
        );
        assert_eq!(ruling.refusal, None);
    };
    let late = json!({"fault": "latency", "milliseconds": 7});
    check(json!({"faults": [late, late, {"fault": "answer_lost"}]}), 14, Ending::Lost, 0);
    check(json!({"fault": "reset"}), 0, Ending::Broken, 0);
    check(json!({"fault": "timeout", "milliseconds": 5}), 5, Ending::Broken, 0);
    check(json!({"fault": "stale_reads", "reads": 3}), 0, Ending::Answered, 3);
    let mut expired = faults(json!({"faults": [{"fault": "expired_token"}, {"fault": "revoked_token"}]}));
    let anonymous = Call { has_bearer: false, has_token: false, ..call("POST", "/v1/oauth/token") };
    assert_eq!(rule(&mut expired, 7, &anonymous), Ruling::default());
}

#[test]
fn refusals_carry_their_headers() {
    let mut both = faults(json!({"fault": "rate_limited", "retry_after_seconds": 9, "should_retry": false}));
    let refusal = rule(&mut both, 7, &call("GET", "/v1/x")).refusal.unwrap();
    assert_eq!(refusal.headers, [("retry-after", "9".to_owned()), ("x-should-retry", "false".to_owned())]);
    assert_eq!(refusal.kind, "rate_limit_error");
}

#[test]
fn wrong_faults_are_told_all_at_once() {
    let check = |fault: Value, expected: &str| {
        let refusal = read(fault.to_string().as_bytes()).err().unwrap();
        assert!(refusal.message.contains(expected), "{}", refusal.message);
    };
    check(json!({"fault": "explosion"}), "unknown variant `explosion`, expected one of `latency`");
    check(json!({}), "missing field `fault`");
    check(json!({"fault": "reset", "when": 1}), "unknown field `when`");
    check(json!({"fault": "reset", "status": 500}), "status says nothing of this kind of fault");
    check(json!({"fault": "unavailable", "status": 404}), "status: from 500 to 599");
    check(json!({"fault": "reset", "path": "/_simulator/clock"}), "path: it begins with /v1/");
    check(json!({"fault": "reset", "percent": 0}), "percent: from 1 to 100");
    check(json!({"fault": "reset", "times": 0}), "times: at least 1");
    check(json!({"fault": "reset", "method": "PUT"}), "method: one of GET, POST, DELETE");
    check(json!({"fault": "latency", "milliseconds": 600_001}), "milliseconds: at most 600000");
    check(json!({"fault": "stale_reads", "reads": 0}), "reads: from 1 to 1000");
    check(json!({"fault": "latency", "jitter_milliseconds": 600_001}), "jitter_milliseconds: at most 600000");
    check(json!({"fault": "timeout", "jitter_milliseconds": 1}), "jitter_milliseconds says nothing");
    let created = "this kind of fault meets POST /v1/organizations/workspaces only";
    check(json!({"fault": "workspace_created_incomplete", "method": "GET"}), created);
    check(json!({"fault": "workspace_created_incomplete", "path": "/v1/organizations/me"}), created);
    let changed = "this kind of fault meets POST /v1/organizations/workspaces/{id} only";
    check(json!({"fault": "change_outcome_unknown", "method": "DELETE"}), changed);
    for path in ["/v1/organizations/workspaces", "/v1/organizations/workspaces/wrkspc_1/archive"] {
        check(json!({"fault": "change_outcome_unknown", "path": path}), changed);
    }
    check(json!({"fault": "garbled_object", "method": "POST"}), "meets GET /v1/organizations/");
    check(json!({"fault": "garbled_object", "path": "/v1/oauth/token"}), "meets GET /v1/organizations/");
    let two = json!({"faults": [{"fault": "reset", "times": 0}, {"fault": "reset", "percent": 101}]});
    check(two, "faults[0]: times: at least 1, or null for all; faults[1]: percent");
}

#[test]
fn paths_that_can_be_met_are_accepted() {
    for (fault, path) in [
        ("workspace_created_incomplete", "/v1/organizations/workspaces"),
        ("workspace_created_incomplete", "/v1/organizations/work*"),
        ("change_outcome_unknown", "/v1/organizations/workspaces/wrkspc_1"),
        ("change_outcome_unknown", "/v1/organizations/workspaces/*"),
        ("change_outcome_unknown", "/v1/organizations/workspaces*"),
        ("garbled_object", "/v1/organizations/api_keys"),
        ("garbled_object", "/v1/org*"),
    ] {
        assert_eq!(faults(json!({"fault": fault, "path": path})).len(), 1, "{fault} {path}");
    }
}
