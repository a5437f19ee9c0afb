//! Tokens as identity providers sign them: each algorithm that is taken can be finished, and what a refused token
//! shows is told.

use super::support::Environment;

/// One lane whose identity provider and workload have more settings.
fn with(provider: &str, workload: &str) -> Environment {
    let environment = Environment::one_lane();
    let issuer = "\"issuer_url\": \"https://token.actions.githubusercontent.com\"";
    environment.edit("acme.json", issuer, &format!("{issuer}{provider}"));
    let lane = "\"lane\": \"api_key.ci\",";
    environment.edit("acme.json", lane, &format!("{lane}{workload}"));
    environment
}

#[test]
fn a_lane_is_finished_with_every_algorithm() {
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] {
        let environment = with(&format!(", \"algorithm\": \"{algorithm}\""), "").unrecorded();
        environment.keyless("apply -auto-approve").exits(0);
        let status = environment.lane("api_key.ci")["key_status"].clone();
        assert_eq!(status, "inactive", "{algorithm}");
    }
}

#[test]
fn a_refused_exchange_names_the_lifetime_and_the_clock_that_the_token_shows() {
    let environment = with("", "\"token_lifetime_seconds\": 90000,");
    environment.keyless("apply -auto-approve").exits(1).says("the token lives 90000 s");
    // 45 s behind the start of the simulated clock, 2026-11-20T09:15:00Z.
    for claim in ["iat", "nbf"] {
        let environment = with("", "");
        let repository = "\"repository\": \"acme/app\"";
        environment.edit("acme.json", repository, &format!("\"{claim}\": 1795166145, {repository}"));
        let run = environment.keyless("apply -auto-approve").exits(1);
        run.says(&format!("45 s in the future (`{claim}`)")).says("set the clock");
    }
}
