//! Exit codes say what happened, also where nobody could be told.

use std::fs::File;

use super::support::Environment;

#[test]
fn data_that_does_not_get_through_fails_the_command() {
    let environment = Environment::one_lane();
    environment.apply();
    environment.keyless("plan -out=saved.plan").exits(0);
    let lines = [
        "output -json",
        "plan",
        "plan -detailed-exitcode",
        "status",
        "status -json",
        "show",
        "show saved.plan",
        "validate",
        "validate -json",
        "drift -json",
        "evidence list -json",
        "checkpoint list",
        "doctor -json",
        "version",
        "--help",
        "apply -auto-approve",
    ];
    for line in lines {
        let mut command = environment.command(&line.split_whitespace().collect::<Vec<_>>());
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        let run = environment.ended(command);
        assert_eq!(run.code, Some(1), "{line}: {}", run.told());
        if line != "--help" {
            run.says("standard output could not be written").says("No space left on device");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let environment = Environment::one_lane();
    environment.apply();
    for line in ["output -json", "status", "show", "version", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = environment.command(&line.split_whitespace().collect::<Vec<_>>());
        command.stdout(writer);
        let run = environment.ended(command).exits(0);
        assert_eq!(run.stderr, "", "{line}");
    }
}

#[test]
fn a_check_that_fails_is_told_by_every_look() {
    let environment = Environment::two_lanes();
    environment.apply();
    environment.edit("batch.keyless.hcl", "\"if grep -q", "\"exit 3; if grep -q");
    for line in ["plan", "status", "status -json"] {
        let run = environment.keyless(line).exits(0);
        run.says("warning: it is not known whether the key is there: command.vault of api_key.batch")
            .says("`sh` failed: exit status: 3");
    }
}
