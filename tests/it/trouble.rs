//! An API that fails, lags and loses answers, as a simulator is told to.

use serde_json::{Value, json};

use super::support::{Environment, Simulator};

/// The recorded calls of a method and path, with status and body of the answer.
fn calls(environment: &Environment, method: &str, path: &str) -> Vec<Value> {
    let record = environment.traffic();
    let calls = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    calls.filter(|call| call["method"] == method && call["path"] == path).collect()
}

/// How many objects of a kind there are.
fn count(simulator: &Simulator, kind: &str) -> usize {
    simulator.get("/_simulator/organization")[kind].as_array().unwrap().len()
}

const RULES: &str = "/v1/organizations/federation_rules";

#[test]
fn a_storm_of_429_delays_and_changes_nothing_else() {
    let environment = Environment::one_lane();
    let simulator = Simulator::start(&environment);
    simulator.fault(&json!({
        "fault": "rate_limited", "path": "/v1/organizations/*", "retry_after_seconds": 0, "times": null, "percent": 30,
    }));
    environment.keyless("apply -auto-approve -parallelism=4").exits(0).says("1 revoked");
    assert!(simulator.faults_met()[0] > 3, "there was a storm");
    for (kind, expected) in [("federation_rules", 1), ("federation_issuers", 1), ("service_accounts", 1)] {
        assert_eq!(count(&simulator, kind), expected, "{kind}");
    }
}

#[test]
fn a_refused_exchange_is_made_up_for_by_the_next_run() {
    let environment = Environment::one_lane();
    let simulator = Simulator::start(&environment);
    simulator.fault(&json!({"fault": "rate_limited", "path": "/v1/oauth/token"}));
    environment.keyless("apply -auto-approve -parallelism=1").exits(1).says("asks for fewer requests");
    environment.keyless("apply -auto-approve -parallelism=1").exits(0).says("1 revoked");
    assert_eq!(simulator.faults_met(), [1]);
}

#[test]
fn a_create_whose_answer_was_lost_is_found_and_not_repeated() {
    for path in ["federation_issuers", "service_accounts", "federation_rules"] {
        let environment = Environment::one_lane();
        let simulator = Simulator::start(&environment);
        let path = format!("/v1/organizations/{path}");
        simulator.fault(&json!({"fault": "answer_lost", "method": "POST", "path": path}));
        environment.keyless("apply -auto-approve -parallelism=1").exits(0).says("1 revoked");
        environment.keyless("plan -detailed-exitcode").exits(0);
        let creates = calls(&environment, "POST", &path);
        assert_eq!(creates.len(), 1, "{creates:#?}");
        assert_eq!(creates[0]["lost"], true);
    }
}

#[test]
fn a_lost_create_that_no_look_can_settle_is_settled_by_a_later_run() {
    for kind in ["federation_issuers", "service_accounts", "federation_rules"] {
        let environment = Environment::one_lane();
        environment.hasten();
        let simulator = Simulator::start(&environment);
        let path = format!("/v1/organizations/{kind}");
        simulator.fault(&json!({"fault": "answer_lost", "method": "POST", "path": path}));
        // The list goes down with the answer to the create.
        simulator
            .fault(&json!({"fault": "unavailable", "method": "GET", "path": path, "skip": 1, "times": null}));
        environment.keyless("apply -auto-approve -parallelism=1").exits(1).says("The answer was lost");
        simulator.mend();
        environment.keyless("apply -auto-approve -parallelism=1").exits(0).says("1 revoked");
        environment.keyless("plan -detailed-exitcode").exits(0).lacks("is not seen yet");
        assert_eq!(calls(&environment, "POST", &path).len(), 1);
        for record in environment.state()["records"].as_object().unwrap().values() {
            assert_eq!(record["origin"], "created", "what keyless made it may archive");
        }
    }
}

#[test]
fn a_create_that_never_arrived_is_made_once() {
    let environment = Environment::one_lane();
    let simulator = Simulator::start(&environment);
    simulator.fault(&json!({"fault": "reset", "method": "POST", "path": RULES}));
    environment.keyless("apply -auto-approve -parallelism=1");
    environment.keyless("apply -auto-approve -parallelism=1").exits(0).says("1 revoked");
    assert_eq!(simulator.faults_met(), [1]);
    assert_eq!(calls(&environment, "POST", RULES).len(), 1);
}

#[test]
fn reads_that_lag_behind_writes_end_where_others_do() {
    let environment = Environment::one_lane();
    let simulator = Simulator::told(&environment, &["-assume=stale-reads=2"]);
    environment.keyless("apply -auto-approve -parallelism=1").exits(0).says("1 revoked");
    environment.keyless("plan").exits(0);
    environment.keyless("plan -detailed-exitcode").exits(0);
    for (kind, expected) in [("federation_rules", 1), ("federation_issuers", 1), ("service_accounts", 1)] {
        assert_eq!(count(&simulator, kind), expected, "{kind}");
    }
}

#[test]
fn the_feed_tells_of_exchanges_and_who_changed_a_rule() {
    let environment = Environment::one_lane();
    environment.apply();
    let rule = environment.state()["records"]["federation_rule.ci"]["id"].as_str().unwrap().to_owned();
    let simulator = Simulator::start(&environment);
    simulator.advance_hours(1);
    environment
        .keyless("status")
        .exits(0)
        .says("the Activity Feed: an exchange through federation_rule.ci was accepted");
    simulator.as_person(&format!("federation_rules/{rule}"), &json!({ "token_lifetime_seconds": 7200 }));
    simulator.advance_hours(1);
    environment.keyless("drift -detailed-exitcode").exits(2).says("pat@acme.example");
    let asked = calls(&environment, "GET", "/v1/compliance/activities");
    assert!(asked.iter().all(|call| call["status"] == 200) && !asked.is_empty());
}

#[test]
fn use_is_read_from_the_analytics_where_they_are_open() {
    let environment = Environment::one_lane();
    let analytics = "/v1/organizations/analytics/usage";
    let report = "/v1/organizations/usage_report/messages";
    environment.apply();
    let asked = calls(&environment, "GET", analytics);
    assert!(asked.iter().all(|call| call["status"] == 200) && !asked.is_empty());
    assert!(calls(&environment, "GET", report).is_empty());
    environment.keyless("evidence list").exits(0).says("(usage analytics)");
}

#[test]
fn an_organization_is_served_without_a_configuration() {
    let environment = Environment::with(&[("acme.json", include_str!("fixtures/one-lane/acme.json"))]);
    {
        let simulator = Simulator::told(&environment, &["-organization=acme.json", "-data=kept"]);
        assert_eq!(simulator.get("/_simulator/clock")["now"], "2026-11-20T09:15:00Z");
        simulator.advance_hours(1);
    }
    assert!(environment.path("kept/world.json").exists() && !environment.path(".keyless").exists());
    let again = Simulator::told(&environment, &["-data=kept", "-assume=name-reuse=allowed"]);
    assert_eq!(again.get("/_simulator/clock")["now"], "2026-11-20T10:15:00Z");
    assert_eq!(again.get("/_simulator/assumptions")["name-reuse"], "allowed");
    let wrong = ["simulate", "-data=other", "-assume=nonsense=1", "-assume=name-reuse=maybe"];
    told!("simulate_wrong_assumptions", environment.run(&wrong).exits(1));
    told!(
        "simulate_missing_organization",
        environment.run(&["simulate", "-organization=nothing.json"]).exits(1)
    );
}

#[test]
fn one_object_that_cannot_be_read_holds_back_only_what_needs_it() {
    let environment = Environment::two_lanes();
    environment.hasten();
    environment.apply();
    let simulator = Simulator::start(&environment);
    simulator.fault(&json!({"fault": "garbled_object", "method": "GET", "path": RULES, "times": null}));
    told!("plan_with_an_unreadable_rule", environment.keyless("plan -detailed-exitcode").exits(2));
    environment.keyless("drift -detailed-exitcode").exits(2).says("No drift in what can be read.");
    environment.keyless("apply -auto-approve").exits(0).says("Object that cannot be read");
    simulator.mend();
    environment.keyless("plan -detailed-exitcode").exits(0).lacks("cannot be read");
}

#[test]
fn a_way_back_does_not_begin_where_something_cannot_be_read() {
    let environment = Environment::one_lane();
    environment.hasten();
    environment.apply();
    let simulator = Simulator::start(&environment);
    simulator.fault(&json!({"fault": "garbled_object", "method": "GET", "path": RULES, "times": null}));
    environment.keyless("destroy -auto-approve").exits(1).says("would change what cannot be read");
    simulator.mend();
    environment.keyless("destroy -auto-approve").exits(0);
}
