//! Names that would act on a terminal are shown, in every format, and sent as they are.

use super::support::{Environment, Run};

/// Sets a color, rings, goes back, turns the order of reading, hides, breaks the line.
const EVIL: &str = "e\u{1b}[31m\u{7}\r\u{9b}2K\u{202e}\u{2066}\u{200b}\u{2028}\u{e0041}vil";

#[track_caller]
fn inert(run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        let acts = |c: &char| {
            (c.is_control() && *c != '\n' && *c != '\t')
                || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0041}')
        };
        assert_eq!(text.chars().find(acts), None, "{}", run.told());
    }
}

/// The organization of the one lane, in which a workspace and who made the keys are called like that.
fn evil() -> Environment {
    let environment = Environment::one_lane();
    let json = serde_json::to_string(EVIL).unwrap();
    let name = json.trim_matches('"');
    environment.edit("acme.json", "\"Production\"", &format!("\"{name}\""));
    environment.edit("acme.json", "{{workspace:Production}}", &format!("{{{{workspace:{name}}}}}"));
    environment.edit("acme.json", "Pat Person", &format!("Pat {name}"));
    let hcl: String = EVIL.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    let hcl = hcl.replace("\\uDB40\\uDC41", "\\U000E0041");
    environment.edit("main.keyless.hcl", "name = \"Production\"", &format!("name = \"{hcl}\""));
    environment.write(
        "names.keyless.hcl",
        &format!("output \"name\" {{\n  value = data.workspace.production.name\n}}\n\noutput \"text\" {{\n  value = \"{hcl}\"\n}}\n"),
    );
    environment
}

#[test]
fn names_are_shown_and_do_not_act() {
    let environment = evil();
    inert(&environment.keyless("plan -out=saved.plan").exits(0));
    for line in ["show saved.plan", "show -json saved.plan", "show -format=markdown saved.plan"] {
        let run = environment.keyless(line).exits(0);
        inert(&run);
        assert!(!run.stdout.contains("\u{1b}"));
    }
    inert(&environment.keyless("apply -auto-approve").exits(0));
    for line in
        ["plan", "plan -json", "show", "show -json", "status", "status -json", "output", "evidence list"]
    {
        inert(&environment.keyless(line).exits(0));
    }
    let shown = environment.keyless("output").exits(0);
    assert!(
        shown.stdout.contains(r"e\u001b[31m\u0007\r\u009b2K\u202e\u2066\u200b\u2028\udb40\udc41vil"),
        "{}",
        shown.told()
    );
    // A program gets what is meant.
    assert_eq!(environment.keyless("output -json text").exits(0).json(), EVIL);
    assert_eq!(environment.keyless("output -raw text").exits(0).stdout, EVIL);
}

#[test]
fn on_a_terminal_only_our_own_styles_act() {
    let environment = evil();
    let ours = regex::Regex::new("\u{1b}\\[(0|1|2|3[1-3])m").unwrap();
    for arguments in [&["plan"][..], &["status"], &["validate"], &["-help"]] {
        let mut command = environment.command(arguments);
        command.env("CLICOLOR_FORCE", "1");
        let mut run = environment.ended(command).exits(0);
        assert_eq!(ours.is_match(&run.stdout), arguments != ["validate"], "{}", run.told());
        for text in [&mut run.stdout, &mut run.stderr] {
            *text = ours.replace_all(text, "").replace("\u{1b}[4m", "");
        }
        inert(&run);
    }
}

#[test]
fn a_source_line_is_drawn_and_does_not_act() {
    let environment = Environment::one_lane();
    environment.write(
        "odd.keyless.hcl",
        &format!("\u{feff}# {EVIL}\r\noutput \"x\" {{ value = nothing.\"{EVIL}\" }}\r\n"),
    );
    for line in ["validate", "validate -json"] {
        inert(&environment.keyless(line).exits(1));
    }
    environment.write(
        "odd.keyless.hcl",
        &format!("output \"x\" {{\r\n  value = /* {EVIL} */ service_account.none.id\r\n}}\r\n"),
    );
    let run = environment.keyless("validate").exits(1).says(r"\u{1b}[31m\u{7}");
    inert(&run);
    let lines: Vec<&str> = run.stderr.lines().collect();
    let drawn = lines.iter().position(|line| line.contains("value =")).unwrap();
    let column = |line: &str, c: &str| line.find(c).map(|at| line[..at].chars().count());
    assert_eq!(column(lines[drawn], "service_account"), column(lines[drawn + 1], "^"), "{}", run.told());
}

#[test]
fn arguments_and_logs_do_not_act() {
    let environment = Environment::one_lane();
    inert(&environment.run(&[EVIL]).exits(1));
    inert(&environment.run(&["output", EVIL]).exits(1));
    inert(&environment.run(&["-chdir", EVIL, "plan"]).exits(1));
    let mut command = environment.command(&["plan"]);
    command.env("KEYLESS_LOG", "trace");
    let run = environment.ended(command);
    inert(&run);
    assert!(run.stderr.contains("TRACE") || run.stderr.contains("DEBUG"), "{}", run.told());
}

#[test]
fn help_and_usage_errors_say_what_the_documentation_says() {
    let environment = Environment::one_lane();
    let help = environment.keyless("apply -help").exits(0).lacks("--a").lacks("--i").lacks("--h");
    assert!(help.stdout.contains("-auto-approve") && help.stdout.contains("-input"), "{}", help.told());
    assert!(help.stdout.ends_with('\n'));
    environment.keyless("plan -nothing").exits(1).says("'-nothing'").lacks("--n").lacks("--h");
    environment.keyless("state list").exits(1).says("'keyless show'").lacks("simulate");
}
