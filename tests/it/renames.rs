//! Blocks that are renamed: their objects stay as they are, at every stage of a lane.

use super::support::{Environment, Simulator};

/// A label by another one: the block's keyword with its other labels, and how others refer to it.
const RENAMES: [(&str, &str); 4] = [
    ("provider \"github_actions\" \"github\"", "provider.github_actions.github"),
    ("service_account \"ci\"", "service_account.ci"),
    ("federation_rule \"ci\"", "federation_rule.ci"),
    ("api_key \"ci\"", "api_key.ci"),
];

/// How far the lane is when the block is renamed.
#[derive(Clone, Copy, Debug)]
enum Reached {
    Nothing,
    Configured,
    Removed,
    Revoked,
    RolledBack,
}

const ALL: [Reached; 5] =
    [Reached::Nothing, Reached::Configured, Reached::Removed, Reached::Revoked, Reached::RolledBack];

const MAIN: &str = "main.keyless.hcl";
const NO_SKIP: (&str, &str) = ("skip_waits   = true", "skip_waits   = false");

fn reach(reached: Reached) -> Environment {
    let environment = Environment::one_lane();
    environment.hasten();
    match reached {
        Reached::Nothing => {}
        Reached::Configured => {
            // A person stands in the way of the removal.
            environment.edit(MAIN, NO_SKIP.0, NO_SKIP.1);
            environment.write("manual.keyless.hcl", "");
            environment.edit(MAIN, "  consumer \"dotenv\"", "  consumer \"manual\" \"laptop\" {\n    rule         = federation_rule.ci\n    instructions = \"Ask Ada\"\n  }\n\n  consumer \"dotenv\"");
            environment.keyless("apply -auto-approve -parallelism=1").exits(0);
        }
        Reached::Removed => {
            environment.edit(MAIN, NO_SKIP.0, NO_SKIP.1);
            environment.keyless("apply -auto-approve -parallelism=1").exits(0);
        }
        Reached::Revoked => drop(environment.apply()),
        Reached::RolledBack => {
            environment.edit(MAIN, NO_SKIP.0, NO_SKIP.1);
            environment.keyless("apply -auto-approve -parallelism=1").exits(0);
            environment.keyless("rollback -auto-approve -parallelism=1").exits(0);
        }
    }
    environment
}

/// Gives a block and all that refers to it another label.
fn rename(environment: &Environment, (block, address): (&str, &str)) {
    let label = |text: &str| text.rsplit_once(['"', '.']).map(|(before, _)| before.len());
    let renamed = format!("{}other\"", &block[..block.trim_end_matches('"').rfind('"').unwrap() + 1]);
    environment.edit(MAIN, block, &renamed);
    let kept = &address[..label(address).unwrap()];
    let text = environment.read(MAIN);
    environment.write(MAIN, &text.replace(address, &format!("{kept}.other")));
}

/// The ids of all that is recorded.
fn ids(environment: &Environment) -> Vec<String> {
    let state = environment.state();
    let records = state["records"]
        .as_object()
        .unwrap()
        .values()
        .map(|record| record["id"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = records.collect();
    ids.sort();
    ids
}

#[track_caller]
fn check_workloads(environment: &Environment, what: &str) {
    let simulator = Simulator::start(environment);
    for workload in simulator.run_workloads() {
        assert_eq!(workload["failed_calls"], 0, "{what}: {workload:#}");
    }
    for kind in ["federation_rules", "federation_issuers", "service_accounts"] {
        let organization = simulator.get("/_simulator/organization");
        for object in organization[kind].as_array().unwrap() {
            assert!(object["archived_at"].is_null(), "{what}: {object:#}");
        }
    }
}

#[track_caller]
fn check(reached: Reached, renames: &[(&str, &str)]) {
    let what = format!("{reached:?} {renames:?}");
    let environment = reach(reached);
    let before = match reached {
        Reached::Nothing => Vec::new(),
        _ => ids(&environment),
    };
    renames.iter().for_each(|it| rename(&environment, *it));
    let plan = environment.keyless("plan").exits(0);
    for (_, address) in renames.iter().filter(|_| !before.is_empty()) {
        let moved = plan.stdout.contains(&format!("# {address} has moved to"));
        // A lane of which nothing is recorded has nothing to move.
        assert!(moved || address.starts_with("api_key"), "{what}: {}", plan.told());
    }
    assert!(!plan.stdout.contains("will be archived"), "{what}: {}", plan.told());
    environment.keyless("apply -auto-approve -parallelism=1").exits(0);
    check_workloads(&environment, &what);
    if !before.is_empty() {
        assert_eq!(ids(&environment), before, "{what}");
    }
    let again = environment.keyless("plan").exits(0);
    assert!(!again.stdout.contains("has moved to"), "{what}: {}", again.told());
    // What keyless wrote it also takes back, whatever the blocks were called then.
    environment.keyless("destroy -auto-approve -parallelism=1").exits(0);
    let file = environment.read("ci/.env");
    assert!(file.contains("\nANTHROPIC_API_KEY=") && !file.contains("keyless"), "{what}");
}

#[test]
fn a_renamed_block_keeps_its_object_at_every_stage() {
    let mut checked = 0;
    for reached in ALL {
        for renamed in RENAMES {
            check(reached, &[renamed]);
            checked += 1;
        }
        check(reached, &RENAMES);
        checked += 1;
    }
    assert_eq!(checked, 25);
}

#[test]
fn a_lane_that_was_renamed_rolls_back_to_a_checkpoint_of_before() {
    let environment = reach(Reached::Removed);
    let original = environment.read("ci/.env");
    RENAMES.iter().for_each(|it| rename(&environment, *it));
    told!("renamed_plan", environment.keyless("plan").exits(0));
    environment.keyless("rollback -auto-approve -parallelism=1").exits(0);
    let file = environment.read("ci/.env");
    assert!(file != original && file.contains("\nANTHROPIC_API_KEY="), "the key is back");
    check_workloads(&environment, "rolled back");
}

#[test]
fn a_checkpoint_of_a_lane_that_was_called_otherwise_takes_it_back() {
    let environment = Environment::two_lanes();
    environment.edit(MAIN, NO_SKIP.0, NO_SKIP.1);
    environment.keyless("plan").exits(0);
    let original = environment.read("batch/key.env");
    // The workload shows that it knows the rule once that is there.
    for _ in 0..2 {
        environment.keyless("apply -auto-approve -parallelism=1").exits(0);
    }
    assert!(environment.read("batch/key.env") != original, "the key is taken out");
    environment.edit("batch.keyless.hcl", "api_key \"batch\"", "api_key \"night\"");
    let list = environment.keyless("checkpoint list").exits(0).stdout;
    let name = list.split_whitespace().find(|word| word.ends_with("before-remove-api_key.batch"));
    let name = name.unwrap_or_else(|| panic!("{list}"));
    environment.keyless(&format!("rollback -to={name} -auto-approve")).exits(0).lacks("No changes");
    assert!(environment.read("batch/key.env") == original);
}

#[test]
fn a_label_of_another_key_is_refused() {
    let environment = Environment::two_lanes();
    environment.apply();
    // The batch lane goes, and the other one gets its label.
    environment.edit("batch.keyless.hcl", "apikey_01Batch", "apikey_01Ci");
    environment.edit(MAIN, "apikey_01Ci", "apikey_01Batch");
    environment.keyless("plan").exits(0).says("# api_key.batch has moved to api_key.ci");
    environment.edit(MAIN, "apikey_01Batch", "apikey_01Other");
    environment.keyless("apply -auto-approve").exits(1).says("Label of another key");
}
