//! What others change by hand between the look of a plan and the step that takes a key away.

use serde_json::{Value, json};

use super::support::{Environment, Run, Simulator};

const MAIN: &str = "main.keyless.hcl";
const FILES: [(&str, &str); 3] = [
    (MAIN, include_str!("fixtures/day-two/main.keyless.hcl")),
    ("seed.json", include_str!("fixtures/day-two/seed.json")),
    // Proving the second rule stands still until the test lets it go on.
    (
        "token.sh",
        "if [ -e fail ]; then exit 3; fi\n\
         if [ -e started ]; then echo started > started; rm started; read -r _ < go; fi\n\
         cat m/identity-token\n",
    ),
];

/// How the lane's second rule differs from the first.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Second {
    /// It shares everything, and neither has workspaces of its own: few objects, read one by one.
    Shares,
    /// It has an account of its own: more objects, which are listed.
    HasItsAccount,
}

/// A lane whose second rule is not proved yet; everything else is there.
fn begun(second: Second) -> Environment {
    let environment = Environment::with(&FILES);
    environment.hasten();
    let text = environment.read(MAIN);
    let at = |block: &str| text.find(block).unwrap();
    let mut account = text[at("service_account \"app\"")..at("federation_rule \"app\"")].to_owned();
    let mut rule = text[at("federation_rule \"app\"")..at("api_key \"app\"")].to_owned();
    rule = rule.replace("federation_rule \"app\"", "federation_rule \"second\"");
    rule = rule.replace("file = \"m/identity-token\"", "command = [\"sh\", \"token.sh\"]");
    account = account.replace("\"app\"", "\"second\"");
    if second == Second::HasItsAccount {
        rule = format!("{account}{}", rule.replace("service_account.app", "service_account.second"));
    }
    environment.write(MAIN, &format!("{text}\n{rule}"));
    environment.edit(MAIN, "[federation_rule.app]", "[federation_rule.app, federation_rule.second]");
    environment.edit(
        MAIN,
        "consumer \"dotenv\" \"app\" {",
        "consumer \"dotenv\" \"app\" {\n    rule = federation_rule.app",
    );
    if second == Second::Shares {
        environment.edit(MAIN, "workspaces      = [data.workspace.eng]", "applies_to_all_workspaces = true");
    }
    environment.write("fail", "");
    environment.keyless("apply -auto-approve -parallelism=1").exits(1).says("the identity token command");
    std::fs::remove_file(environment.path("fail")).unwrap();
    environment
}

/// Applies, and lets a person do something once all but the second rule is proved.
fn apply(environment: &Environment, by_hand: impl FnOnce(&Simulator)) -> (Run, Simulator) {
    let simulator = Simulator::start(environment);
    environment.pipe("started");
    environment.pipe("go");
    let child = environment.command(&["apply", "-auto-approve", "-parallelism=1"]).spawn().unwrap();
    assert_eq!(environment.read("started"), "started\n");
    by_hand(&simulator);
    environment.write("go", "go\n");
    (environment.finished(child), simulator)
}

fn id(environment: &Environment, address: &str) -> String {
    environment.state()["records"][address]["id"].as_str().unwrap().to_owned()
}

fn holds_key(environment: &Environment) -> bool {
    environment.read("m/.env").lines().any(|line| line.starts_with("ANTHROPIC_API_KEY="))
}

/// Changes something by hand; the run must stop the lane, name the object and say what became of it.
#[track_caller]
fn check(begun: &Environment, address: &str, what: &str, by_hand: impl FnOnce(&Simulator, &str)) {
    let environment = begun.copied();
    let id = match address {
        "api_key.app" => "apikey_01App".to_owned(),
        address => id(&environment, address),
    };
    let (run, simulator) = apply(&environment, |simulator| by_hand(simulator, &id));
    let run = run.exits(1).says(&format!("{address} ({id}) {what}"));
    run.says("Nothing was taken away. Plan again");
    assert!(holds_key(&environment), "{address} {what}");
    let lane = &environment.state()["lanes"]["api_key.app"];
    assert!(lane["consumers"]["dotenv.app"]["removed_at"].is_null(), "{lane:#}");
    if address != "api_key.app" {
        assert_eq!(simulator.run_workloads()[0]["failed_calls"], 0, "{address} {what}");
    }
}

fn check_what_both_see(begun: &Environment) {
    let rule = "federation_rule.app";
    check(begun, rule, "was archived since", |simulator, id| {
        simulator.as_person(&format!("federation_rules/{id}/archive"), &json!({}));
    });
    check(begun, rule, "was changed since this was planned: match", |simulator, id| {
        let other = json!({ "subject_prefix": "device:two", "audience": "https://api.anthropic.com" });
        simulator.as_person(&format!("federation_rules/{id}"), &json!({ "match": other }));
    });
    let what = "was changed since this was planned: max_jwt_lifetime_seconds";
    check(begun, "provider.oidc.dev", what, |simulator, id| {
        let narrower = json!({ "max_jwt_lifetime_seconds": 400 });
        simulator.as_person(&format!("federation_issuers/{id}"), &narrower);
    });
    check(begun, "api_key.app", "is `inactive`", |simulator, id| {
        simulator.as_person(&format!("api_keys/{id}"), &json!({ "status": "inactive" }));
    });
}

#[test]
fn a_key_stays_when_what_it_gives_way_to_has_moved() {
    let begun = begun(Second::Shares);
    check_what_both_see(&begun);
    let garbled = "cannot be read, and what cannot be read does not count as unchanged";
    check(&begun, "federation_rule.app", garbled, |simulator, id| {
        let path = format!("/v1/organizations/federation_rules/{id}");
        simulator.fault(&json!({ "fault": "garbled_object", "method": "GET", "path": path, "times": null }));
    });
}

#[test]
fn a_list_shows_the_same() {
    let begun = begun(Second::HasItsAccount);
    check_what_both_see(&begun);
    let told = "was changed since this was planned: memberships";
    check(&begun, "service_account.app", told, |simulator, id| {
        let engineering = workspace(simulator, "Engineering");
        simulator.as_person_deletes(&format!("service_accounts/{id}/workspaces/{engineering}"));
    });
    let told = "was changed since this was planned: workspace_ids";
    check(&begun, "federation_rule.app", told, |simulator, id| {
        let [engineering, production] = ["Engineering", "Production"].map(|name| workspace(simulator, name));
        let path = format!("federation_rules/{id}/workspaces");
        simulator.as_person(&path, &json!({ "workspace_id": production }));
        simulator.as_person_deletes(&format!("{path}/{engineering}"));
    });
}

fn workspace(simulator: &Simulator, name: &str) -> String {
    let told = simulator.get("/_simulator/organization");
    let found = told["workspaces"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

#[test]
fn when_nothing_moved_that_matters_the_lane_goes_on() {
    for second in [Second::Shares, Second::HasItsAccount] {
        let environment = begun(second);
        let rule = id(&environment, "federation_rule.app");
        let (run, simulator) = apply(&environment, |simulator| {
            simulator.as_person(&format!("federation_rules/{rule}"), &json!({ "description": "New." }));
        });
        // Nobody comes through a second account, so its lane waits for that.
        let status = match second {
            Second::Shares => "inactive",
            Second::HasItsAccount => "active",
        };
        run.exits(0).says("✓ remove");
        assert!(!holds_key(&environment));
        assert_eq!(simulator.get("/_simulator/organization")["api_keys"][0]["status"], status);
        assert_eq!(simulator.run_workloads()[0]["failed_calls"], 0);
    }
}

#[test]
fn a_key_is_not_disabled_either() {
    let environment = begun(Second::Shares);
    environment.edit(MAIN, "skip_waits   = true", "skip_waits   = false");
    environment.keyless("apply -auto-approve -parallelism=1").exits(0).says("✓ remove");
    let rule = id(&environment, "federation_rule.app");
    // The proofs have aged by then, so both rules are proved again, the second one last.
    Simulator::start(&environment).advance_hours(26);
    let (run, simulator) = apply(&environment, |simulator| {
        simulator.as_person(&format!("federation_rules/{rule}/archive"), &json!({}));
        // No token counts twice.
        let claims = json!({ "subject": "device:one", "audience": "https://api.anthropic.com" });
        environment.write("m/identity-token", &simulator.identity_token("dev", &claims));
    });
    let run = run.exits(1).says(&format!("federation_rule.app ({rule}) was archived since"));
    run.says("✗ revoke").says("Nothing was taken away");
    assert_eq!(simulator.get("/_simulator/organization")["api_keys"][0]["status"], "active");
}

/// The calls that a run makes for one object by its id, and how often it lists all rules.
fn reads(environment: &Environment) -> (usize, usize) {
    let record = environment.traffic();
    let calls = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let paths: Vec<String> = calls
        .filter(|call| call["method"] == "GET")
        .filter_map(|call| Some(call["path"].as_str()?.strip_prefix("/v1/organizations/")?.to_owned()))
        .collect();
    let kinds = ["federation_issuers/", "federation_rules/", "service_accounts/", "workspaces/", "api_keys/"];
    let single = paths.iter().filter(|path| kinds.iter().any(|kind| path.starts_with(kind)));
    (single.count(), paths.iter().filter(|path| *path == "federation_rules").count())
}

#[test]
fn a_lane_costs_a_few_reads_more() {
    // Before a removal five objects with one list of memberships, before a disable one less, and the
    // key, which was always read there.
    const SINGLE: usize = 12;
    for (environment, lanes) in [
        (Environment::one_lane(), 1),
        (Environment::two_lanes(), 2),
        (Environment::example("eleven-keys"), 11),
    ] {
        for parallelism in ["-parallelism=1", "-parallelism=10"] {
            let environment = environment.copied();
            environment.run(&["apply", "-auto-approve", parallelism]).exits(0);
            let (single, lists) = reads(&environment);
            assert!(single <= lanes * SINGLE, "{single} for {lanes} lanes, {parallelism}");
            // One before the plan, one after the run, and one for all lanes when many objects are due.
            assert!(lists <= 3, "{lists} lists for {lanes} lanes, {parallelism}");
        }
    }
}
