//! Files in which a key lives: what is parked in them, and what is refused with its line.

use super::support::Environment;

const SEEDED: &str =
    "# What the workflow exports\\nLOG_LEVEL=info\\nANTHROPIC_API_KEY={{key:apikey_01Ci}}\\n";

/// The lane whose file has this text, with `{KEY}` for the key, and these more arguments.
fn lane_with(text: &str, more: &str) -> Environment {
    let environment = Environment::one_lane();
    let text = serde_json::Value::from(text.replace("{KEY}", "{{key:apikey_01Ci}}")).to_string();
    environment.edit("acme.json", SEEDED, text.trim_matches('"'));
    let path = "path                = \"ci/.env\"";
    environment.edit("main.keyless.hcl", path, &format!("{path}\n    {more}"));
    environment
}

#[track_caller]
fn check_parked(text: &str, more: &str, lines: &[usize]) {
    let environment = lane_with(text, more);
    environment.keyless("plan").exits(0);
    let before = environment.read("ci/.env");
    environment.keyless("apply -auto-approve").exits(0);
    let after = environment.read("ci/.env");
    let is_parked =
        |line: &&str| line.trim_start_matches('\u{feff}').starts_with("# keyless parked for api_key.ci");
    let parked: Vec<usize> =
        after.lines().enumerate().filter(|(_, line)| is_parked(line)).map(|(at, _)| at + 1).collect();
    assert_eq!(parked, lines, "{text:?}");
    let left: String = after.lines().filter(|line| !is_parked(line)).collect();
    assert!(!left.contains("sk-ant-"), "the key is still there: {text:?}");
    environment.keyless("destroy -auto-approve").exits(0);
    assert_eq!(environment.read("ci/.env"), before, "{text:?}");
}

#[track_caller]
fn check_refused(text: &str, more: &str, line: usize) {
    let environment = lane_with(text, more);
    let words = format!("ci/.env: line {line} ");
    environment.keyless("plan").exits(0).says("refused").says(&words);
    let before = environment.read("ci/.env");
    environment.keyless("apply -auto-approve").says("refused").says(&words);
    environment.keyless("status").exits(0).says(&words);
    assert_eq!(environment.read("ci/.env"), before, "{text:?}");
    assert_eq!(environment.world()["api_keys"]["apikey_01Ci"]["status"], "active");
    environment.keyless("destroy -auto-approve").exits(0);
    assert_eq!(environment.read("ci/.env"), before, "{text:?}");
}

#[test]
fn a_key_is_parked_however_the_file_writes_it() {
    for (text, lines) in [
        ("\u{feff}ANTHROPIC_API_KEY={KEY}\nLOG=1\n", &[1][..]),
        ("export\tANTHROPIC_API_KEY={KEY}\n", &[1]),
        ("NOTE=\"first line\nANTHROPIC_API_KEY=not-a-key\nlast line\"\nANTHROPIC_API_KEY={KEY}\n", &[4]),
        ("A=1\r\nANTHROPIC_API_KEY=\"{KEY}\" # note\r\nB=2", &[2]),
    ] {
        check_parked(text, "", lines);
    }
    check_parked("export LOG=1\nexport ANTHROPIC_API_KEY={KEY}\n", "format = \"direnv\"", &[2]);
    let leaves = "A=1\nexport ANTHROPIC_API_KEY={KEY}\n[ -f .local ] || return 0\nB=2\n";
    check_parked(leaves, "format = \"shell\"", &[2]);
    check_parked("LOG=1\nANTHROPIC_API_KEY={KEY}\n; note\n", "format = \"systemd\"", &[2]);
}

#[test]
fn a_file_that_is_not_understood_refuses_the_lane_with_its_line() {
    for (text, line) in [
        ("'ANTHROPIC_API_KEY'={KEY}\n", 1),
        ("export LOG=1 ANTHROPIC_API_KEY={KEY}\n", 1),
        ("ANTHROPIC_API_KEY=`{KEY}\n`\nLOG=1\n", 1),
        ("NOTE=first \\\nANTHROPIC_API_KEY=not-a-key\nANTHROPIC_API_KEY={KEY}\n", 2),
        ("ANTHROPIC_API_KEY={KEY}\nGATEWAY_KEY=${ANTHROPIC_API_KEY}\n", 2),
        ("ANTHROPIC_API_KEY={KEY}\nCLAUDE_KEY={KEY}\n", 2),
    ] {
        check_refused(text, "", line);
    }
    check_refused("ANTHROPIC_AUTH_TOKEN=tok\nANTHROPIC_API_KEY={KEY}\n", "", 1);
    check_refused("ANTHROPIC_API_KEY={KEY}\nANTHROPIC_WORKSPACE_ID=old\n", "", 2);
    check_refused("ANTHROPIC_API_KEY={KEY}\nexport FOO\n", "", 2);
    check_refused("if true; then\n  export ANTHROPIC_API_KEY={KEY}\nfi\n", "format = \"shell\"", 2);
}

#[test]
fn children_of_a_shell_that_sources_the_file_are_given_the_settings() {
    let environment = lane_with("export LOG=1\nexport ANTHROPIC_API_KEY={KEY}\n", "");
    environment.keyless("apply -auto-approve").exits(0).says("1 revoked");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", ". ci/.env && env"]).current_dir(environment.path(""));
    let found = String::from_utf8(shell.output().unwrap().stdout).unwrap();
    for name in ["LOG=1", "ANTHROPIC_FEDERATION_RULE_ID=fdrl_", "ANTHROPIC_IDENTITY_TOKEN_FILE="] {
        assert!(found.contains(name), "{name} is missing in {found}");
    }
    assert!(!found.contains("ANTHROPIC_API_KEY"));
}

#[test]
fn a_file_in_which_the_key_never_was_holds_its_lane_until_a_person_speaks() {
    let environment = lane_with("LOG=1\n", "");
    let words = "not found in dotenv.runner (ci/.env)";
    environment.keyless("plan").exits(0).says(words).says("-absent");
    environment.keyless("apply -auto-approve").exits(0).says(words).lacks("take the key out");
    assert_eq!(environment.world()["api_keys"]["apikey_01Ci"]["status"], "active");
    environment.keyless("status").exits(0).says(words);
    let say = "evidence add -manual -absent -key=api_key.ci -consumer=dotenv.runner -by=Ada -statement=x";
    environment.keyless(say).exits(0).says("Ada says at");
    environment.keyless("apply -auto-approve").exits(0).says("1 revoked");
    environment.keyless("plan -detailed-exitcode").exits(0);
    // Nothing is parked, so that nothing can be put back.
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    environment.keyless("destroy -auto-approve").says("by hand");
    assert!(!environment.read("ci/.env").contains("ANTHROPIC_API_KEY"));
}

#[test]
fn nobody_says_that_a_key_never_was_where_it_is() {
    let environment = Environment::one_lane();
    let say = "evidence add -manual -absent -key=api_key.ci -consumer=dotenv.runner -by=Ada -statement=x";
    environment.keyless(say).exits(1).says("the key is in dotenv.runner (ci/.env)");
    environment.keyless("apply -auto-approve").exits(0).says("1 revoked");
    environment.keyless(say).exits(1).says("is parked in dotenv.runner");
}

#[test]
fn a_parked_key_is_told_and_goes_when_a_person_gives_it_up() {
    let environment = Environment::one_lane();
    environment.keyless("apply -auto-approve -forget-parked").exits(1).says("no lane has a key out of use");
    environment.keyless("apply -auto-approve").exits(0).says("1 revoked");
    environment.keyless("status").exits(0).says("parked ci/.env:3 keeps the key of dotenv.runner");
    let plan = environment.keyless("plan -forget-parked").exits(0);
    plan.says("delete the parked key from dotenv.runner").says("Point of no return");
    environment.keyless("plan -detailed-exitcode").exits(0);
    environment.keyless("apply -auto-approve -forget-parked").exits(0).says("delete the parked key");
    assert!(!environment.read("ci/.env").contains("sk-ant-"));
    environment.keyless("status").exits(0).lacks("keeps the key");
    environment.keyless("plan -detailed-exitcode").exits(0);
    environment.edit("main.keyless.hcl", "skip_waits   = true", "skip_waits   = false");
    environment.keyless("destroy -auto-approve").says("by hand");
}

#[test]
fn a_parked_key_goes_with_the_archive_of_the_key() {
    let environment = Environment::one_lane();
    environment.edit("main.keyless.hcl", "quiet_period", "archive_after = \"24h\"\n  quiet_period");
    environment.keyless("apply -auto-approve").exits(0).says("1 revoked");
    assert!(environment.read("ci/.env").contains("# keyless parked for"));
    let apply = "apply -auto-approve -approve-archive=api_key.ci -by=Ada";
    environment.keyless(apply).exits(0).says("delete the parked key from dotenv.runner");
    assert_eq!(environment.world()["api_keys"]["apikey_01Ci"]["status"], "archived");
    assert!(!environment.read("ci/.env").contains("sk-ant-"));
    environment.keyless("plan -detailed-exitcode").exits(0);
}

#[test]
fn a_line_that_is_not_understood_is_told_of_a_finished_lane_too() {
    let environment = Environment::one_lane();
    environment.keyless("apply -auto-approve").exits(0).says("1 revoked");
    let before = environment.read("ci/.env");
    environment.write("ci/.env", &format!("{before}export LOG=1 ANTHROPIC_API_KEY=sk-ant-api03-x\n"));
    let line = before.lines().count() + 1;
    let words = format!("it cannot be told whether a key is in dotenv.runner again: ci/.env: line {line} ");
    environment.keyless("status").exits(0).says(&words);
    environment.keyless("plan").exits(0).says(&words);
    environment.keyless("drift -detailed-exitcode").exits(2).says(&words);
    environment.write("ci/.env", &before);
    environment.keyless("drift -detailed-exitcode").exits(0);
}
