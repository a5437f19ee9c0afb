//! What is no regular file is told at once, wherever a path leads to it, and never waited for.

use super::support::Environment;

const LOOKS: [&str; 4] = ["plan", "status", "drift", "apply -auto-approve -parallelism=1"];

/// The lane, whose workload goes on living off the files that the simulator made.
fn lane_with(argument: &str, value: &str) -> Environment {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", argument, value);
    environment
}

const CONSUMER: &str = "path                = \"ci/.env\"";

/// Demands that each command ends and tells this.
#[track_caller]
fn each_tells(environment: &Environment, words: &str) {
    for line in LOOKS {
        environment.keyless(line).says(words);
    }
}

#[test]
fn a_consumer_that_is_a_pipe_is_refused() {
    let environment = lane_with(CONSUMER, "path                = \"pipe.env\"");
    environment.pipe("pipe.env");
    each_tells(&environment, "(pipe.env): is a named pipe; only regular files are read");
}

#[test]
fn a_consumer_that_is_a_device_is_refused() {
    let environment = lane_with(CONSUMER, "path                = \"/dev/zero\"");
    each_tells(&environment, "(/dev/zero): is a device; only regular files are read");
}

#[test]
fn a_consumer_that_is_a_directory_is_refused() {
    let environment = lane_with(CONSUMER, "path                = \"folder\"");
    environment.write("folder/file", "");
    each_tells(&environment, "(folder): is a directory; only regular files are read");
}

#[test]
fn a_pipe_where_the_simulated_workload_lives_ends_too() {
    let environment = Environment::one_lane();
    environment.keyless("plan").exits(0);
    std::fs::remove_file(environment.path("ci/.env")).unwrap();
    environment.pipe("ci/.env");
    for line in LOOKS {
        environment.keyless(line).says("is a named pipe; only regular files are read");
    }
}

#[test]
fn a_report_that_cannot_be_read_is_told_and_a_missing_one_is_not() {
    let environment =
        lane_with("report              = \"ci/credential-report.json\"", "report              = \"rep\"");
    for line in ["plan", "status", "drift"] {
        environment.keyless(line).exits(0).lacks("rep:");
    }
    environment.pipe("rep");
    for line in ["plan", "status", "apply -auto-approve -parallelism=1"] {
        environment.keyless(line).exits(0).says("rep").says("the file is a named pipe; only regular files");
    }
    environment.keyless("drift").exits(0);
}

#[test]
fn an_identity_token_that_is_a_pipe_is_told_and_not_waited_for() {
    let environment = lane_with(
        "identity_token {\n    file = \"ci/identity-token\"",
        "identity_token {\n    file = \"tok\"",
    );
    environment.pipe("tok");
    for line in ["plan", "status", "drift"] {
        environment.keyless(line).exits(0);
    }
    let applied = environment.keyless("apply -auto-approve -parallelism=1");
    applied.says("tok is a named pipe; only regular files are read");
}

#[test]
fn a_pipe_is_no_argument_of_file() {
    let environment = Environment::one_lane();
    environment.write("output.keyless.hcl", "output \"text\" {\n  value = file(\"pipe\")\n}\n");
    environment.pipe("pipe");
    for line in ["validate"].iter().chain(&LOOKS) {
        environment.keyless(line).exits(1).says("The file \"pipe\" is a named pipe; only regular files");
    }
}

#[test]
fn pipes_among_configuration_and_plans_are_told() {
    let environment = Environment::one_lane();
    environment.pipe("saved.plan");
    for line in ["show saved.plan", "apply saved.plan"] {
        environment.keyless(line).exits(1).says("saved.plan is a named pipe; only regular files are read");
    }
    environment.pipe("more.keyless.hcl");
    environment.pipe("more.auto.keylessvars");
    let validated = environment.keyless("validate").exits(1);
    validated.says("more.keyless.hcl is a named pipe").says("more.auto.keylessvars is a named pipe");
}
