//! `simulate -export`: lines that a shell reads to talk to the simulator.

use std::process::{Command, Stdio};

use crate::support::{Environment, Simulator};

/// What a shell that has read the file sees in a variable.
fn seen(environment: &Environment, name: &str) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-c", ". ./sim.env; env"]).current_dir(environment.path("")).env_clear();
    let told = shell.stdin(Stdio::null()).output().unwrap();
    assert!(told.status.success() && told.stderr.is_empty(), "{told:?}");
    let told = String::from_utf8(told.stdout).unwrap();
    let value = told.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    value.unwrap_or_else(|| panic!("{name} is not set in\n{told}")).to_owned()
}

#[test]
fn a_shell_reads_what_clients_need() {
    let environment = Environment::with(&[("acme.json", include_str!("fixtures/one-lane/acme.json"))]);
    let arguments = ["-export", "-organization=acme.json", "-data=kept", "-listen=127.0.0.1:0"];
    let simulator = Simulator::exporting(&environment, &arguments, "sim.env");
    let lines = environment.read("sim.env");
    assert!(lines.starts_with("# For the simulator alone: these credentials are fake"), "{lines}");
    assert!(
        lines.lines().all(|line| line.starts_with("# ") || line.starts_with("export ANTHROPIC_")),
        "{lines}"
    );
    assert_eq!(seen(&environment, "ANTHROPIC_BASE_URL"), simulator.url());
    for (name, path) in [
        ("ANTHROPIC_AUTH_TOKEN", "/v1/organizations/federation_rules"),
        ("ANTHROPIC_ADMIN_API_KEY", "/v1/organizations/api_keys"),
        ("ANTHROPIC_COMPLIANCE_ACCESS_KEY", "/v1/compliance/activities"),
    ] {
        assert!(simulator.get_as(&seen(&environment, name), path)["data"].is_array(), "{name} {path}");
    }
}
