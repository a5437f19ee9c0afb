//! Ordinary edits, at every stage of a lane: whatever comes of them, the workload goes on working.

use super::support::{Environment, Run, Simulator};

const MAIN: &str = "main.keyless.hcl";
const FILES: [(&str, &str); 2] = [
    (MAIN, include_str!("fixtures/day-two/main.keyless.hcl")),
    ("seed.json", include_str!("fixtures/day-two/seed.json")),
];

/// How far the lane is when the edit is made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    NotBegun,
    /// The key is taken out, and its silence is not over.
    UnderWay,
    Finished,
    RolledBack,
}

const STAGES: [Stage; 4] = [Stage::NotBegun, Stage::UnderWay, Stage::Finished, Stage::RolledBack];

const SKIPS: &str = "skip_waits   = true";
const WAITS: &str = "skip_waits   = false";

fn reach(stage: Stage) -> Environment {
    let environment = Environment::with(&FILES);
    environment.hasten();
    environment.keyless("plan").exits(0);
    if stage == Stage::Finished {
        environment.apply();
    } else if stage != Stage::NotBegun {
        environment.edit(MAIN, SKIPS, WAITS);
        environment.keyless("apply -auto-approve").exits(0);
    }
    if stage == Stage::RolledBack {
        environment.keyless("rollback -auto-approve").exits(0);
    }
    environment
}

/// What an edit comes to where a workload lives off what it changes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Comes {
    /// It is made.
    Made,
    /// It is refused, since it would cut the workload off.
    CutOff,
    /// It is refused for what it is.
    Refused,
    /// Its lane alone is refused.
    LaneRefused,
}

type Edit = (&'static str, fn(&Environment), Comes);

fn replace(environment: &Environment, changes: &[(&str, &str)]) {
    changes.iter().for_each(|(from, to)| environment.edit(MAIN, from, to));
}

/// Takes a top-level block out.
fn without(environment: &Environment, head: &str) {
    let text = environment.read(MAIN);
    let start = text.find(head).unwrap_or_else(|| panic!("no {head} in\n{text}"));
    let end = start + text[start..].find("\n}\n").unwrap() + 3;
    environment.write(MAIN, &format!("{}{}", &text[..start], &text[end..]));
}

const RULE: &str = "federation_rule \"app\" {";
const KEY: &str = "api_key \"app\" {";
const PRODUCTION: &str =
    "data \"workspace\" \"prod\" {\n  name = \"Production\"\n}\n\nprovider \"oidc\" \"dev\" {";
const PROVIDER: &str = "provider \"oidc\" \"dev\" {";
const MEMBER: &str = "  membership {\n    workspace = data.workspace.eng\n";
const ONE: &str = "workspaces      = [data.workspace.eng]";

const EDITS: [Edit; 26] = [
    ("another subject", |e| replace(e, &[("device:one", "device:two")]), Comes::CutOff),
    (
        "one more claim",
        |e| {
            replace(
                e,
                &[("subject = \"device:one\"", "subject = \"device:one\"\n    claims = { site = \"a\" }")],
            )
        },
        Comes::CutOff,
    ),
    (
        "another audience",
        |e| replace(e, &[("subject = \"device:one\"", "subject = \"device:one\"\n    audience = \"other\"")]),
        Comes::CutOff,
    ),
    (
        "another workspace",
        |e| {
            replace(
                e,
                &[
                    (PROVIDER, PRODUCTION),
                    (MEMBER, "  membership {\n    workspace = data.workspace.prod\n"),
                    (ONE, "workspaces      = [data.workspace.prod]"),
                ],
            );
        },
        Comes::CutOff,
    ),
    (
        "one more workspace",
        |e| {
            let member = "  membership {\n    workspace = data.workspace.prod\n    role      = \"workspace_developer\"\n  }\n";
            replace(
                e,
                &[
                    (PROVIDER, PRODUCTION),
                    (MEMBER, &format!("{member}{MEMBER}")),
                    (ONE, "workspaces      = [data.workspace.prod, data.workspace.eng]"),
                ],
            );
        },
        Comes::Made,
    ),
    (
        "another account",
        |e| {
            let text = e.read(MAIN);
            let account = &text[text.find("service_account \"app\"").unwrap()..text.find(RULE).unwrap()];
            let other = account.replace("\"app\"", "\"other\"");
            replace(
                e,
                &[
                    (RULE, &format!("{other}{RULE}")),
                    ("service_account = service_account.app", "service_account = service_account.other"),
                ],
            );
        },
        Comes::CutOff,
    ),
    (
        "account renamed",
        |e| {
            replace(
                e,
                &[
                    ("service_account \"app\"", "service_account \"app_v2\""),
                    ("service_account.app", "service_account.app_v2"),
                ],
            );
        },
        Comes::Made,
    ),
    (
        "account with another name",
        |e| replace(e, &[("service_account \"app\" {", "service_account \"app\" {\n  name = \"other\"")]),
        Comes::Refused,
    ),
    ("account gone", |e| without(e, "service_account \"app\" {"), Comes::Refused),
    ("another issuer", |e| replace(e, &[("devices.acme", "devices2.acme")]), Comes::CutOff),
    (
        "tokens of a shorter life",
        |e| replace(e, &[(PROVIDER, "provider \"oidc\" \"dev\" {\n  max_jwt_lifetime_seconds = 600")]),
        Comes::CutOff,
    ),
    (
        "another provider",
        |e| {
            let other =
                "provider \"oidc\" \"other\" {\n  issuer_url = \"https://devices3.acme.example.com\"\n}\n\n";
            let both = format!("{other}{PROVIDER}");
            replace(e, &[(PROVIDER, &both), ("= provider.oidc.dev", "= provider.oidc.other")]);
        },
        Comes::Refused,
    ),
    (
        "provider renamed",
        |e| replace(e, &[("\"dev\"", "\"devices\""), ("provider.oidc.dev", "provider.oidc.devices")]),
        Comes::Made,
    ),
    (
        "another scope",
        |e| {
            replace(
                e,
                &[(ONE, "workspaces      = [data.workspace.eng]\n  oauth_scope = \"workspace:developer\"")],
            )
        },
        Comes::CutOff,
    ),
    (
        "a shorter life of minted tokens",
        |e| replace(e, &[(ONE, "workspaces      = [data.workspace.eng]\n  token_lifetime_seconds = 600")]),
        Comes::Made,
    ),
    (
        "a description",
        |e| replace(e, &[(ONE, "workspaces      = [data.workspace.eng]\n  description = \"Devices\"")]),
        Comes::Made,
    ),
    (
        "rule with another name",
        |e| replace(e, &[(ONE, "workspaces      = [data.workspace.eng]\n  name = \"devices\"")]),
        Comes::Made,
    ),
    (
        "rule renamed",
        |e| {
            replace(
                e,
                &[
                    ("federation_rule \"app\"", "federation_rule \"v2\""),
                    ("[federation_rule.app]", "[federation_rule.v2]"),
                ],
            )
        },
        Comes::Made,
    ),
    (
        "a second rule instead",
        |e| {
            replace(
                e,
                &[
                    (RULE, "federation_rule \"v2\" {\n  token_lifetime_seconds = 600"),
                    ("[federation_rule.app]", "[federation_rule.v2]"),
                ],
            );
        },
        Comes::Made,
    ),
    ("key block gone", |e| without(e, KEY), Comes::Made),
    (
        "key and rule blocks gone",
        |e| {
            without(e, KEY);
            without(e, RULE);
        },
        Comes::CutOff,
    ),
    (
        "all gone",
        |e| {
            let text = e.read(MAIN);
            e.write(MAIN, &text[..text.find("data ").unwrap()]);
        },
        Comes::CutOff,
    ),
    ("key renamed", |e| replace(e, &[("api_key \"app\"", "api_key \"device\"")]), Comes::Made),
    ("consumer renamed", |e| replace(e, &[("\"dotenv\" \"app\"", "\"dotenv\" \"device\"")]), Comes::Made),
    (
        "another variable",
        |e| replace(e, &[("\"m/.env\"", "\"m/.env\"\n    variable = \"OTHER_KEY\"")]),
        Comes::LaneRefused,
    ),
    (
        "another file",
        |e| {
            e.write("m/other.env", "LOG=1\n");
            replace(e, &[("\"m/.env\"", "\"m/other.env\"")]);
        },
        Comes::LaneRefused,
    ),
];

#[track_caller]
fn check_workload(environment: &Environment, what: &str) {
    // The organization is there whatever the configuration says by now.
    environment.write(MAIN, FILES[0].1);
    let simulator = Simulator::start(environment);
    let workloads = simulator.run_workloads();
    assert_eq!(workloads.len(), 1, "{what}");
    assert_eq!(workloads[0]["failed_calls"], 0, "{what}: {:#}\n{}", workloads[0], told_file(environment));
}

/// The workload's file without the key's value.
fn told_file(environment: &Environment) -> String {
    environment.read("m/.env").replace("sk-ant", "key")
}

#[track_caller]
fn check_outcome(run: &Run, comes: Comes, what: &str) {
    let told = run.told();
    match comes {
        Comes::Made => assert_eq!(run.code, Some(0), "{what}:\n{told}"),
        Comes::CutOff => {
            assert!(run.code == Some(1) && told.contains("Workload would be cut off"), "{what}:\n{told}");
        }
        Comes::Refused => {
            assert!(run.code == Some(1) && !told.contains("would be cut off"), "{what}:\n{told}");
        }
        Comes::LaneRefused => {
            assert!(run.code == Some(0) && told.contains("names another place by now"), "{what}:\n{told}");
        }
    }
}

fn check_stage(stage: Stage) {
    let reached = reach(stage);
    check_workload(&reached.copied(), &format!("{stage:?}"));
    for (name, edit, comes) in EDITS {
        let what = format!("{name}, {stage:?}");
        let environment = reached.copied();
        edit(&environment);
        let run = environment.keyless("apply -auto-approve");
        // Before the key is taken out, and after it was put back, nobody lives off anything that is edited.
        if matches!(stage, Stage::UnderWay | Stage::Finished) {
            check_outcome(&run, comes, &what);
        }
        check_workload(&environment, &what);
    }
}

#[test]
fn a_lane_that_is_not_begun() {
    check_stage(Stage::NotBegun);
}

#[test]
fn a_lane_under_way() {
    check_stage(Stage::UnderWay);
}

#[test]
fn a_finished_lane() {
    check_stage(Stage::Finished);
}

#[test]
fn a_lane_that_was_rolled_back() {
    check_stage(Stage::RolledBack);
}

/// A finished lane whose blocks are gone.
fn emptied(stage: Stage) -> Environment {
    let environment = reach(stage);
    without(&environment, KEY);
    without(&environment, RULE);
    environment
}

#[test]
fn a_persons_word_ends_what_a_workload_lives_off() {
    let environment = emptied(Stage::Finished);
    told!("cut_off", environment.keyless("apply -auto-approve").exits(1));
    let word = ["-by=Ada Ash", "-statement=The device is switched off."];
    let state = |retire: &str| {
        let retire = format!("-retire={retire}");
        environment.run(&[&["evidence", "add", "-manual", retire.as_str()], &word[..]].concat())
    };
    state("federation_rule.other").exits(1).says("federation_rule.other is not recorded");
    state("service_account.app").exits(1).says("neither a federation rule nor a key");
    told!("retired", state("federation_rule.app").exits(0));
    environment.keyless("apply -auto-approve").exits(0).says("1 destroyed");
    let recorded = environment.state();
    assert!(
        recorded["bindings"].is_null()
            && recorded["evidence"].as_array().unwrap().iter().all(|it| it["fact"]["kind"] != "retirement"),
        "{recorded:#}"
    );
}

#[test]
fn a_workload_moves_to_another_rule_and_the_first_one_goes_last() {
    let environment = reach(Stage::UnderWay);
    let (_, edit, _) = EDITS.iter().find(|(name, ..)| *name == "a second rule instead").unwrap();
    edit(&environment);
    let edited = environment.read(MAIN);
    let run = environment.keyless("apply -auto-approve").exits(0);
    let at = |words: &str| run.stderr.find(words).unwrap_or_else(|| panic!("no {words} in\n{}", run.told()));
    assert!(at("✓ verify     federation_rule.v2") < at("✓ configure  api_key.app"));
    run.says("Still lived off");
    // The settings name the second rule, and nothing shows yet that the workload took them.
    environment.keyless("apply -auto-approve").exits(0).says("Still lived off");
    check_workload(&environment, "on its way");
    let simulator = Simulator::start(&environment);
    simulator.advance_hours(2);
    drop(simulator);
    environment.write(MAIN, &edited);
    environment.keyless("apply -auto-approve").exits(0).says("federation_rule.app will be archived");
    check_workload(&environment, "moved");
}

#[test]
fn a_forgotten_lane_is_not_destroyed_under_its_workload() {
    let environment = reach(Stage::UnderWay);
    let whole = environment.read(MAIN);
    without(&environment, KEY);
    environment.keyless("apply -auto-approve").exits(0).says("will be forgotten");
    told!("destroy_forgotten", environment.keyless("destroy -auto-approve").exits(1));
    check_workload(&environment.copied(), "forgotten");
    // With its block it is known again how to put the key back, whatever the block is called.
    environment.write(MAIN, &whole.replace("api_key \"app\"", "api_key \"device\""));
    environment.keyless("apply -auto-approve").exits(0);
    environment.keyless("destroy -auto-approve").exits(0);
    let file = told_file(&environment);
    assert!(file.contains("\nANTHROPIC_API_KEY=") && !file.contains("keyless"), "{file}");
}

#[test]
fn a_consumer_that_was_renamed_is_put_back() {
    for stage in [Stage::UnderWay, Stage::Finished] {
        let environment = reach(stage);
        replace(&environment, &[("\"dotenv\" \"app\"", "\"dotenv\" \"device\"")]);
        environment.keyless("plan").exits(0).says("# dotenv.app of api_key.app has moved to dotenv.device");
        environment.keyless("destroy -auto-approve").exits(0);
        let file = told_file(&environment);
        assert!(file.contains("\nANTHROPIC_API_KEY=") && !file.contains("keyless"), "{file}");
    }
}

#[test]
fn a_file_that_was_moved_is_followed() {
    let environment = reach(Stage::UnderWay);
    std::fs::create_dir(environment.path("other")).unwrap();
    std::fs::rename(environment.path("m/.env"), environment.path("other/.env")).unwrap();
    replace(&environment, &[("\"m/.env\"", "\"other/.env\"")]);
    environment.keyless("destroy -auto-approve").exits(0);
    let file = environment.read("other/.env");
    assert!(file.contains("\nANTHROPIC_API_KEY=") && !file.contains("keyless"));
}

#[test]
fn what_an_older_version_recorded_is_guarded_too() {
    let environment = reach(Stage::Finished);
    let directory = environment.path(".keyless");
    let now = jiff::Timestamp::now();
    let text = || "test".to_owned();
    let request = keyless_state::LockRequest {
        id: text(),
        operation: text(),
        who: text(),
        version: text(),
        created: now,
    };
    let mut store = keyless_state::Store::open(&directory, request, "", now).unwrap();
    let ids: Vec<String> = store.state().bindings.keys().cloned().collect();
    assert!(!ids.is_empty());
    let changes = ids.into_iter().map(|id| keyless_state::Mutation::DropBinding { id }).collect();
    store.append("older", now, keyless_state::Event::Recorded { changes }).unwrap();
    store.save(now, "0.0.1").unwrap();
    store.close().unwrap();
    without(&environment, KEY);
    environment.keyless("apply -auto-approve").exits(0);
    without(&environment, RULE);
    // Its block was gone before anything was bound, so that it is not known what it lives off.
    environment.keyless("apply -auto-approve").exits(1).says("Workload would be cut off");
    check_workload(&environment, "of an older version");
}

#[test]
fn there_are_edits_enough() {
    assert!(EDITS.len() * STAGES.len() >= 60);
}
