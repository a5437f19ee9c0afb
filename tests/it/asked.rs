//! Keys that only a person can put back: a way back asks for them, and waits.

use super::day_two::{FILES, MAIN, SKIPS, WAITS};
use super::support::{Environment, Run, Simulator};

const DOTENV: &str = "  consumer \"dotenv\" \"app\" {
    path                = \"m/.env\"
    identity_token_file = \"m/identity-token\"
";
const BY_HAND: &str = "  consumer \"manual\" \"app\" {
    instructions = \"Ask Ada to edit m/.env\"
";

fn with_file(environment: &Environment, edit: impl Fn(&str) -> String) {
    let text = environment.read("m/.env");
    let lines = text.lines().map(|line| edit(line) + "\n");
    environment.write("m/.env", &lines.collect::<String>());
}

/// Writes the federation settings, as somebody does where keyless does not.
fn person_writes_settings(environment: &Environment) {
    let state = environment.state();
    let record = |address: &str| state["records"][address].clone();
    let (rule, account) = (record("federation_rule.app"), record("service_account.app"));
    let seed: serde_json::Value = serde_json::from_str(FILES[1].1).unwrap();
    let settings = [
        ("FEDERATION_RULE_ID", &rule["id"]),
        ("SERVICE_ACCOUNT_ID", &account["id"]),
        ("ORGANIZATION_ID", &seed["organization"]["id"]),
        ("WORKSPACE_ID", &rule["attributes"]["workspace_ids"][0]),
        ("IDENTITY_TOKEN_FILE", &serde_json::json!("m/identity-token")),
    ];
    let lines = settings.map(|(name, value)| format!("ANTHROPIC_{name}={}\n", value.as_str().unwrap()));
    environment.write("m/.env", &(environment.read("m/.env") + &lines.concat()));
}

/// What the person does whom keyless asks to take a key out.
fn person_takes_out(environment: &Environment) {
    with_file(environment, |line| line.replace("ANTHROPIC_API_KEY=", "# was here: "));
    person_writes_settings(environment);
    let word = "evidence add -manual -key=api_key.app -consumer=manual.app -by=Ada -statement=Gone.";
    environment.keyless(word).exits(0);
}

/// What the person does whom keyless asks to put it back.
fn person_puts_back(environment: &Environment) {
    with_file(environment, |line| line.replace("# was here: ", "ANTHROPIC_API_KEY="));
}

/// The workload's calls go on working.
#[track_caller]
fn check_works(environment: &Environment, what: &str) {
    let workloads = simulated(environment, Simulator::run_workloads);
    assert_eq!((workloads.len(), &workloads[0]["failed_calls"]), (1, &0.into()), "{what}: {workloads:?}");
}

fn by_hand() -> String {
    FILES[0].1.replace(DOTENV, BY_HAND)
}

/// A lane whose key a person took out.
fn migrated() -> Environment {
    let environment = Environment::with(&[
        (MAIN, &by_hand()),
        (FILES[1].0, &FILES[1].1.replace("dotenv.app", "manual.app")),
    ]);
    environment.hasten();
    environment.apply();
    person_takes_out(&environment);
    environment.apply();
    assert_eq!(environment.lane("api_key.app")["key_status"], "inactive");
    environment.edit(MAIN, SKIPS, WAITS);
    check_works(&environment.copied(), "migrated");
    environment
}

fn hours_pass(environment: &Environment) {
    simulated(environment, |simulator| simulator.advance_hours(2));
}

/// Does something with the organization, which is there whatever the configuration says by now.
fn simulated<T>(environment: &Environment, act: impl FnOnce(&Simulator) -> T) -> T {
    let now = environment.read(MAIN);
    environment.write(MAIN, &by_hand());
    let simulator = Simulator::start(environment);
    let done = act(&simulator);
    drop(simulator);
    environment.write(MAIN, &now);
    done
}

/// A lane whose key a program takes out of a place whose settings nobody reads, and cannot put back.
fn by_command() -> Environment {
    let block = "  consumer \"command\" \"app\" {\n    check  = [\"sh\", \"check.sh\"]\n    remove = [\"sh\", \"remove.sh\"]\n";
    let files = FILES.map(|(name, text)| {
        let text = text.replace(DOTENV, block).replace("dotenv.app", "command.app");
        (name, text.replace("    report              = \"m/credential-report.json\"\n", ""))
    });
    let [main, seed] = &files;
    let environment = Environment::with(&[(main.0, &main.1), (seed.0, &seed.1)]);
    let check =
        "grep -q '^ANTHROPIC_API_KEY=' m/.env && echo present && exit\n[ -e down ] && exit 1\necho absent\n";
    environment.write("check.sh", check);
    environment.write("remove.sh", "sed -i 's/^ANTHROPIC_API_KEY=/# was here: /' m/.env\n");
    environment.hasten();
    environment.apply();
    person_writes_settings(&environment);
    says_settings(&environment);
    environment
}

/// The key cannot be looked for once it is out.
fn goes_down(environment: &Environment) {
    environment.write("down", "");
}

fn says_settings(environment: &Environment) {
    let id = environment.state()["records"]["federation_rule.app"]["id"].as_str().unwrap().to_owned();
    let place = "-key=api_key.app -consumer=command.app";
    environment.keyless(&format!("evidence add -manual {place} -rule={id} -by=Ada -statement=Set.")).exits(0);
}

fn destroy(environment: &Environment) -> Run {
    environment.keyless("destroy -auto-approve -parallelism=1")
}

#[test]
fn a_destroy_sets_the_key_active_before_it_asks_for_it() {
    let environment = migrated();
    told!("asked_plan", environment.keyless("plan -destroy").exits(0));
    told!("asked_destroy", destroy(&environment).exits(0));
    assert_eq!(environment.lane("api_key.app")["key_status"], "active");
    check_works(&environment.copied(), "asked");
    // Hours alone, and an apply that runs every night, change nothing.
    hours_pass(&environment);
    environment.keyless("apply -auto-approve").exits(0).says("held");
    destroy(&environment).exits(0).says("Destroy waits: 0 of 4 steps done");
    assert_eq!(environment.lane("api_key.app")["key_status"], "active");
    person_puts_back(&environment);
    check_works(&environment.copied(), "put back");
    // Its own report says so.
    hours_pass(&environment);
    told!("asked_destroyed", destroy(&environment).exits(0));
    check_works(&environment, "destroyed");
    destroy(&environment).exits(0).says("Nothing is recorded that could be destroyed.");
    // What was said of the lane that is gone says nothing of a new one.
    environment.edit(MAIN, WAITS, SKIPS);
    environment.apply();
    assert_eq!(environment.lane("api_key.app")["key_status"], "active");
    check_works(&environment, "made again");
}

const GIVEN_UP: [&str; 2] = ["-retire=federation_rule.app", "-retire=api_key.app -consumer=manual.app"];

/// A destroy that waits, and a word that the key is back.
fn given_up(what: &str) -> Environment {
    let environment = migrated();
    destroy(&environment).exits(0).says("Destroy waits: 1 of 5 steps done");
    person_puts_back(&environment);
    environment.keyless(&format!("evidence add -manual {what} -by=Ada -statement=Back.")).exits(0);
    environment
}

#[test]
fn a_persons_word_lets_the_rest_go() {
    for what in GIVEN_UP {
        let environment = given_up(what);
        destroy(&environment).exits(0).says("Destroy complete!");
        check_works(&environment, what);
        destroy(&environment).exits(0).says("Nothing is recorded that could be destroyed.");
    }
}

#[test]
fn a_rollback_asks_too_and_holds_the_lane() {
    let environment = migrated();
    let back = "rollback -to=1-before-first-change -auto-approve -parallelism=1";
    told!("asked_rollback", environment.keyless(back).exits(0));
    check_works(&environment.copied(), "asked");
    person_puts_back(&environment);
    hours_pass(&environment);
    environment.keyless("apply -auto-approve").exits(0).says("held");
    environment.keyless(back).exits(0).says("Rollback complete!");
    check_works(&environment, "rolled back");
}

#[test]
fn a_key_that_may_be_out_binds_its_workload() {
    let ways: [fn(&Environment) -> Run; 3] = [
        destroy,
        |environment| environment.keyless("rollback -to=1-before-first-change -auto-approve"),
        |environment| {
            let text = environment.read(MAIN);
            environment.write(MAIN, &text[..text.find("provider \"oidc\"").unwrap()]);
            environment.keyless("apply -auto-approve")
        },
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let environment = by_command();
        goes_down(&environment);
        environment.keyless("apply -auto-approve").exits(1).says("cannot be read back");
        way(&environment);
        check_works(&environment, &format!("way {number}"));
    }
}

#[test]
fn a_word_that_nobody_lives_off_a_rule_ends_with_the_next_use() {
    for what in GIVEN_UP {
        let environment = given_up(what);
        with_file(&environment, |line| line.replace("ANTHROPIC_API_KEY=", "# was here: "));
        for _ in 0..2 {
            hours_pass(&environment);
        }
        destroy(&environment);
        check_works(&environment, what);
    }
}

#[test]
fn a_key_that_came_back_where_nobody_reads_settings_needs_a_new_word() {
    let environment = by_command();
    environment.edit(MAIN, SKIPS, WAITS);
    environment.keyless("apply -auto-approve").exits(0).says("take the key out of command.app");
    // Its person goes back to the key, and takes the settings out.
    person_puts_back(&environment);
    with_file(&environment, |line| match line.starts_with("ANTHROPIC_API_KEY=") {
        false => format!("# {line}"),
        true => line.to_owned(),
    });
    for _ in 0..2 {
        hours_pass(&environment);
        environment.keyless("apply -auto-approve").exits(0).says("waits for a sign that command.app knows");
        check_works(&environment.copied(), "back on its key");
    }
    with_file(&environment, |line| line.replacen("# ANTHROPIC_", "ANTHROPIC_", 1));
    says_settings(&environment);
    environment.keyless("apply -auto-approve").exits(0).says("✓ remove");
    check_works(&environment, "taken out again");
}

#[test]
fn a_key_that_a_person_put_back_unasked_is_no_obstacle() {
    let environment = by_command();
    environment.edit(MAIN, SKIPS, WAITS);
    environment.keyless("apply -auto-approve").exits(0).says("✓ remove");
    person_puts_back(&environment);
    let again = environment.copied();
    let word = "evidence add -manual -retire=federation_rule.app -by=Ada -statement=Back.";
    again.keyless(word).exits(0);
    again.keyless("apply -auto-approve").exits(0);
    // It federates again, so that the word is not true any more.
    with_file(&again, |line| line.replace("ANTHROPIC_API_KEY=", "# was here: "));
    again.edit(MAIN, "device:one", "device:two");
    again.keyless("apply -auto-approve");
    check_works(&again, "without its key again");
    destroy(&environment).exits(0).says("Destroy waits").lacks("by hand");
    // An apply that runs every night takes nothing out that is on its way back.
    environment.keyless("apply -auto-approve").exits(0).says("held");
    check_works(&environment.copied(), "not seen to be used yet");
    for _ in 0..2 {
        hours_pass(&environment);
    }
    destroy(&environment).exits(0).says("Destroy complete!");
    check_works(&environment, "destroyed");
}

#[test]
fn a_key_in_another_place_is_none_that_came_back() {
    let environment = by_command();
    environment.edit(MAIN, SKIPS, WAITS);
    environment.keyless("apply -auto-approve").exits(0).says("✓ remove");
    // The block names a place that holds the key; the workload lives in the first one.
    environment.write("other.sh", "echo present\n");
    environment.edit(MAIN, "[\"sh\", \"check.sh\"]", "[\"sh\", \"other.sh\"]");
    for command in ["apply -auto-approve", "destroy -auto-approve", "apply -auto-approve"] {
        environment.keyless(command);
        check_works(&environment.copied(), command);
    }
    assert!(environment.state()["bindings"]["apikey_01App/command.app"]["written"].is_null());
}

#[test]
fn a_word_about_a_workload_that_lived_off_another_rule_says_which_one_it_has() {
    let environment = migrated();
    let before = environment.state()["records"]["federation_rule.app"]["id"].as_str().unwrap().to_owned();
    environment.edit(MAIN, "device:one", "device:two");
    environment.keyless("apply -auto-approve").exits(0).says("Still lived off");
    let own = environment.state()["records"]["federation_rule.app"]["id"].as_str().unwrap().to_owned();
    let word = "evidence add -manual -key=api_key.app -consumer=manual.app -by=Ada -statement=Gone.";
    environment.keyless(word).exits(1).says(&format!("is recorded to live off {before}"));
    environment.keyless(&format!("{word} -rule={before}")).exits(1).says("lets it federate through");
    let given = environment.copied();
    given
        .keyless("evidence add -manual -retire=api_key.app -consumer=manual.app -by=Ada -statement=x")
        .exits(0);
    given.keyless(word).exits(1).says(&format!("is recorded to live off {before}"));
    environment.keyless("status").exits(0).says(&format!("-rule={own}"));
    let moved = environment.copied();
    with_file(&moved, |line| line.replace(&before, &own));
    moved.keyless(&format!("{word} -rule={own}")).exits(0);
    moved.keyless("status").exits(0).lacks("waits for a named person who moves");
    // The word that the key is out was none about its settings.
    destroy(&environment).exits(0).says("Destroy waits");
    check_works(&environment, "its settings are what they were");
}

#[test]
fn nobody_is_asked_to_put_back_a_key_that_somebody_set_inactive() {
    let environment = migrated();
    destroy(&environment).exits(0);
    let inactive = serde_json::json!({ "status": "inactive" });
    simulated(&environment, |simulator| simulator.as_person("api_keys/apikey_01App", &inactive));
    told!("asked_dead_key", destroy(&environment).exits(1));
    check_works(&environment, "asked");
}
