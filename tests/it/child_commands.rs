//! Programs of others that keyless starts: what they are given, and how far they may go.

use super::support::Environment;

#[test]
fn a_command_gets_no_credential_of_keyless_but_all_else() {
    let environment = Environment::two_lanes();
    environment.edit("batch.keyless.hcl", "\"if grep -q", "\"env > seen; if grep -q");
    let mut command = environment.command(&["plan"]);
    let credentials = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_ADMIN_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_ANALYTICS_API_KEY",
        "ANTHROPIC_COMPLIANCE_ACCESS_KEY",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_IDENTITY_TOKEN",
        "ANTHROPIC_FEDERATION_RULE_ID",
    ];
    command.envs(credentials.map(|name| (name, "unseen"))).env("VAULT_TOKEN", "theirs");
    environment.ended(command).exits(0);
    let seen = environment.read("seen");
    assert!(!seen.contains("ANTHROPIC_"), "{seen}");
    assert!(seen.contains("VAULT_TOKEN=theirs\n"), "{seen}");
}

#[test]
fn a_removal_that_prints_without_end_is_ended_and_told() {
    let environment = Environment::two_lanes();
    let script = environment.read("remove.sh");
    environment.write("remove.sh", &format!("{script}\nyes\n"));
    let run = environment.run(&["apply", "-auto-approve", "-parallelism=1"]).exits(1);
    run.says("`sh` printed more than 1048576 bytes and was ended");
    environment.write("remove.sh", &script);
    environment.apply();
}
