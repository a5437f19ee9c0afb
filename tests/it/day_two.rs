//! Ordinary edits, at every stage of a lane: whatever comes of them, the workload goes on working.

mod edits;
mod forgotten;
mod proofs;

use super::support::{Environment, Run, Simulator};
use edits::{Comes, EDITS, RULE};
pub(super) use edits::{KEY, MAIN, replace, without};

pub(super) const FILES: [(&str, &str); 2] = [
    (MAIN, include_str!("fixtures/day-two/main.keyless.hcl")),
    ("seed.json", include_str!("fixtures/day-two/seed.json")),
];

/// How far the lane is when the edit is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    NotBegun,
    /// The key is taken out, and its silence is not over.
    UnderWay,
    Finished,
    RolledBack,
}

pub(super) const SKIPS: &str = "skip_waits   = true";
pub(super) const WAITS: &str = "skip_waits   = false";

pub(super) fn reach(stage: Stage) -> Environment {
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

#[track_caller]
pub(super) fn check_workload(environment: &Environment, what: &str) {
    // The organization is there whatever the configuration says by now.
    environment.write(MAIN, FILES[0].1);
    let simulator = Simulator::start(environment);
    let workloads = simulator.run_workloads();
    assert_eq!(workloads.len(), 1, "{what}");
    assert_eq!(workloads[0]["failed_calls"], 0, "{what}: {:#}\n{}", workloads[0], told_file(environment));
}

/// Its calls failed for a while, and do not any more.
#[track_caller]
pub(super) fn check_works_again(environment: &Environment, what: &str) {
    let simulator = Simulator::start(environment);
    let failed = || simulator.run_workloads()[0]["failed_calls"].as_u64().unwrap();
    assert_eq!(failed(), failed(), "{what}:\n{}", told_file(environment));
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
        Comes::Succeeded => {
            let room = told.contains("makes room for a successor");
            assert!(run.code == Some(0) && room, "{what}:\n{told}");
        }
        Comes::Refused => {
            assert!(run.code == Some(1) && !told.contains("would be cut off"), "{what}:\n{told}");
        }
        Comes::LaneRefused => {
            assert!(run.code == Some(0) && told.contains("names another place by now"), "{what}:\n{told}");
        }
    }
}

/// Makes one of the edits.
pub(super) fn edit_named(environment: &Environment, name: &str) {
    let (_, edit, _) = EDITS.iter().find(|(known, ..)| *known == name).expect(name);
    edit(environment);
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

fn give_up(environment: &Environment, what: &[&str]) -> Run {
    let word = ["-by=Ada Ash", "-statement=The device is switched off."];
    environment.run(&[&["evidence", "add", "-manual"], what, &word[..]].concat())
}

#[test]
fn a_persons_word_ends_what_a_workload_lives_off() {
    let environment = emptied(Stage::Finished);
    told!("cut_off", environment.keyless("apply -auto-approve").exits(1));
    let give_up = |what: &[&str]| give_up(&environment, what);
    give_up(&[]).exits(1).says("-retire <ADDRESS>");
    give_up(&["-retire=federation_rule.other"]).exits(1).says("federation_rule.other is not recorded");
    give_up(&["-retire=service_account.app"]).exits(1).says("neither a federation rule nor a key");
    give_up(&["-retire=api_key.app", "-consumer=dotenv.other"]).exits(1).says("no workload of dotenv.other");
    told!("retired", give_up(&["-retire=federation_rule.app"]).exits(0));
    environment.keyless("apply -auto-approve").exits(0).says("1 destroyed");
    environment.keyless("apply -auto-approve").exits(0);
    let recorded = environment.state();
    let used = recorded["evidence"].as_array().unwrap().iter().all(|it| it["fact"]["kind"] != "retirement");
    assert!(recorded["bindings"].is_null() && used, "{recorded:#}");
}

#[test]
fn one_workload_of_a_key_is_given_up() {
    let environment = emptied(Stage::Finished);
    let one = ["-retire=api_key.app", "-consumer=dotenv.app"];
    told!("retired_one", give_up(&environment, &one).exits(0));
    environment.keyless("apply -auto-approve").exits(0).says("1 destroyed");
}

#[test]
fn what_was_given_up_is_destroyed() {
    let environment = reach(Stage::Finished);
    give_up(&environment, &["-retire=api_key.app"]).exits(0);
    environment.keyless("destroy -auto-approve").exits(0).says("3 destroyed");
}

#[test]
fn a_word_says_nothing_of_a_workload_that_is_seen_later() {
    let environment = reach(Stage::Finished);
    for what in [&["-retire=federation_rule.app"][..], &["-retire=api_key.app"]] {
        give_up(&environment, what).exits(0);
    }
    let simulator = Simulator::start(&environment);
    simulator.advance_hours(2);
    drop(simulator);
    environment.keyless("apply -auto-approve").exits(0);
    without(&environment, KEY);
    without(&environment, RULE);
    environment.keyless("apply -auto-approve").exits(1).says("Workload would be cut off");
}

/// A lane under way whose settings name a second rule, of which its workload knows nothing yet.
fn on_its_way() -> Environment {
    let environment = reach(Stage::UnderWay);
    edit_named(&environment, "a second rule instead");
    let run = environment.keyless("apply -auto-approve").exits(0);
    let at = |words: &str| run.stderr.find(words).unwrap_or_else(|| panic!("no {words} in\n{}", run.told()));
    assert!(at("✓ verify     federation_rule.v2") < at("✓ configure  api_key.app"));
    run.says("Still lived off");
    environment
}

pub(super) fn hours_pass(environment: &Environment) {
    let now = environment.read(MAIN);
    environment.write(MAIN, FILES[0].1);
    Simulator::start(environment).advance_hours(2);
    environment.write(MAIN, &now);
}

/// A workload whose settings name another rule goes over to it, and the first rule goes then.
#[track_caller]
fn check_moves(environment: &Environment) {
    check_workload(&environment.copied(), "on its way");
    hours_pass(environment);
    environment.keyless("apply -auto-approve").exits(0).says("federation_rule.app will be archived");
    check_workload(&environment.copied(), "moved");
}

#[test]
fn a_workload_moves_to_another_rule_and_the_first_one_goes_last() {
    let environment = on_its_way();
    // Nothing shows yet that the workload took the settings.
    environment.keyless("apply -auto-approve").exits(0).says("Still lived off");
    check_moves(&environment);
}

#[test]
fn a_workload_of_a_finished_lane_moves_as_well() {
    let environment = reach(Stage::Finished);
    edit_named(&environment, "a second rule instead");
    told!("finished_moves", environment.keyless("apply -auto-approve -parallelism=1").exits(0));
    check_moves(&environment);
    environment.keyless("plan -detailed-exitcode").exits(0).says("No changes");
}

#[test]
fn what_happens_to_the_places_of_a_finished_lane_is_seen() {
    let finished = reach(Stage::Finished);
    let settled = finished.read("m/.env");
    let key = settled.lines().find_map(|line| line.split_once("ANTHROPIC_API_KEY=")).unwrap().1.to_owned();
    let disturbed = |text: &str| {
        let environment = finished.copied();
        environment.write("m/.env", text);
        environment
    };
    // Settings that are gone are written again.
    let lost = disturbed("LOG=1\n");
    told!("settings_lost", lost.keyless("plan").exits(0));
    told!("settings_lost_drift", lost.keyless("drift -detailed-exitcode").exits(2));
    lost.keyless("apply -auto-approve").exits(0);
    check_works_again(&lost, "settings lost");
    // The dead key is taken out again; any other value is somebody's choice.
    let back = disturbed(&format!("{settled}ANTHROPIC_API_KEY={key}\n"));
    finished.copied().keyless("drift -detailed-exitcode").exits(0).says("No drift");
    told!("key_back", back.keyless("plan -detailed-exitcode").exits(2));
    told!("key_back_drift", back.keyless("drift -detailed-exitcode").exits(2));
    back.keyless("apply -auto-approve").exits(0);
    check_works_again(&back, "key back");
    back.keyless("plan -detailed-exitcode").exits(0).says("No changes");
    back.keyless("destroy -auto-approve").exits(0);
    check_works_again(&back, "destroyed after a key was back");
    let other = disturbed(&format!("{settled}ANTHROPIC_API_KEY=sk-ant-api03-somebodys\n"));
    told!("other_key_back", other.keyless("plan -detailed-exitcode").exits(2));
    other.keyless("apply -auto-approve").exits(0);
    assert!(other.read("m/.env").ends_with("\nANTHROPIC_API_KEY=sk-ant-api03-somebodys\n"));
    let emptied = disturbed("");
    emptied.keyless("apply -auto-approve").exits(0);
    check_works_again(&emptied, "emptied");
    let gone = finished.copied();
    std::fs::remove_file(gone.path("m/.env")).unwrap();
    gone.keyless("apply -auto-approve").exits(0).says("it cannot be told off what dotenv.app lives");
    assert!(!gone.path("m/.env").exists(), "a deleted file is never made again");
    let moved = finished.copied();
    replace(
        &moved,
        &[("identity_token_file = \"m/identity-token\"", "identity_token_file = \"n/identity-token\"")],
    );
    moved.keyless("apply -auto-approve").exits(0).says("otherwise not what its block asks for");
    check_workload(&moved, "another token file");
}

#[test]
fn what_the_settings_name_is_guarded_before_any_report() {
    for after in ["back", "forgotten", "edited", "rolled back"] {
        let environment = on_its_way();
        let on_its_way = environment.read(MAIN);
        let mut cut_off = "Workload would be cut off";
        match after {
            "back" => {
                // The block names the first rule again: its settings are written, and the second one waits.
                environment.write(MAIN, &FILES[0].1.replace(SKIPS, WAITS));
                environment.keyless("apply -auto-approve").exits(0).says("Still lived off");
            }
            "forgotten" => {
                environment.write(MAIN, &FILES[0].1.replace(SKIPS, WAITS));
                without(&environment, KEY);
                environment.keyless("apply -auto-approve").exits(1).says(cut_off);
            }
            "edited" => {
                environment.write(MAIN, &on_its_way.replace("device:one", "device:two"));
                environment.keyless("apply -auto-approve").exits(0).says("Its settings stay as they are");
            }
            _ => {
                cut_off = "would leave a workload without a credential";
                environment.keyless("rollback -auto-approve").exits(1).says(cut_off);
            }
        }
        check_workload(&environment, after);
    }
}

#[test]
fn settings_that_a_person_wrote_are_guarded_too() {
    let environment = reach(Stage::Finished);
    let second = "federation_rule \"v2\" {\n  provider        = provider.oidc.dev\n  service_account = service_account.app\n  workspaces      = [data.workspace.eng]\n\n  match {\n    subject = \"device:one\"\n  }\n}\n";
    let one = environment.read(MAIN);
    environment.write(MAIN, &format!("{one}\n{second}"));
    environment.keyless("apply -auto-approve").exits(0);
    let records = &environment.state()["records"];
    let id = |rule: &str| records[rule]["id"].as_str().unwrap().to_owned();
    environment.edit("m/.env", &id("federation_rule.app"), &id("federation_rule.v2"));
    environment.write(MAIN, &one);
    environment
        .keyless("apply -auto-approve")
        .exits(0)
        .says("Still lived off")
        .says("federation_rule.v2 is no longer");
    check_workload(&environment, "settings by hand");
}

#[test]
fn an_edit_says_nothing_of_a_report_of_before() {
    let environment = on_its_way();
    hours_pass(&environment);
    // The workload has reported the second rule, and no command has looked since.
    replace(&environment, &[("device:one", "device:two")]);
    environment.keyless("apply -auto-approve").exits(0).says("Its settings stay as they are");
    check_workload(&environment, "reported and edited");
}

#[test]
fn a_rollback_knows_consumers_that_were_renamed() {
    let environment = reach(Stage::Finished);
    replace(&environment, &[("\"dotenv\" \"app\"", "\"dotenv\" \"device\"")]);
    environment.keyless("apply -auto-approve").exits(0);
    let list = environment.keyless("checkpoint list").exits(0).stdout;
    let name = list.split_whitespace().find(|word| word.contains("before-revoke-api_key.app"));
    let before = told_file(&environment);
    environment.keyless(&format!("rollback -to={} -auto-approve", name.unwrap())).exits(0);
    assert_eq!(told_file(&environment), before, "the key was out of the file then");
    assert_eq!(environment.lane("api_key.app")["key_status"], "active");
}

#[test]
fn a_label_of_another_key_destroys_nothing() {
    let environment = reach(Stage::UnderWay);
    environment.edit(MAIN, "apikey_01App", "apikey_01Other");
    environment.keyless("destroy -auto-approve").exits(1).says("Give the blocks of these keys other labels");
    check_workload(&environment, "another key");
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
