//! A state that cannot be read or written: told, and left as it is.

use super::support::Environment;

fn refused(name: &str, text: &str) {
    let environment = Environment::one_lane();
    environment.apply();
    environment.write(".keyless/state.json", text);
    let before = environment.world()["api_keys"].clone();
    for command in ["plan", "status", "show", "apply -auto-approve"] {
        let run = environment.keyless(command).exits(1);
        assert!(run.stderr.contains("state.json"), "{command}:\n{}", run.told());
    }
    insta::assert_snapshot!(format!("state_{name}"), environment.keyless("apply -auto-approve").told());
    assert_eq!(environment.read(".keyless/state.json"), text);
    assert_eq!(environment.world()["api_keys"], before);
}

#[test]
fn a_corrupted_state() {
    refused("corrupted", "{\"format_version\": 1, \"serial\": ");
}

#[test]
fn a_state_of_a_newer_program() {
    refused("newer", "{\"format_version\": 99}");
}

/// A file where the directory should be stands for a folder that cannot be written, because the
/// superuser, under whom tests may run, can write to any folder.
#[test]
fn a_folder_that_cannot_be_written() {
    let environment = Environment::one_lane();
    environment.write(".keyless", "in the way");
    told!("unwritable", environment.keyless("apply -auto-approve").exits(1));
    assert_eq!(environment.read(".keyless"), "in the way");
}
