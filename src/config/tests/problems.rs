//! What is wrong is said at its place, all at once.

use super::*;

/// `SOUND` with one thing replaced.
#[track_caller]
fn check_change(from: &str, to: &str, expected: &[&str]) {
    assert!(SOUND.contains(from), "{from:?} is not in the sound text");
    check(&SOUND.replacen(from, to, 1), expected);
}

#[test]
fn a_sound_text_has_no_problems() {
    check(SOUND, &[]);
    check("", &[]);
}

#[test]
fn syntax_errors_are_all_reported() {
    check(
        "locals {\n a = \n b = 1 +\n c = [1,\n}\n d = 2",
        &["2: Missing value", "3: Invalid expression", "4: Unclosed bracket"],
    );
    check("locals {\n a = \"x\n b = 1\n}\noutput \"o\" {\n value = local.b\n}", &["2: Unclosed quote"]);
    check("locals { a = 1, b = 2 }", &["1: Invalid expression"]);
    check("locals {\n a 1\n}\n", &["2: Neither argument nor block"]);
    check("a = 1", &["1: Argument outside of a block"]);
    check("}\n", &["1: Unexpected closing brace"]);
    check("!\n", &["1: Unexpected text"]);
    check("locals\n", &["1: Neither argument nor block"]);
    check("locals \"x\"\n", &["1: Missing brace"]);
    check("/* never closed", &["1: Unclosed comment"]);
    check("output \"x {\n value = 1\n}\n", &["1: Unclosed quote"]);
    check("locals {\n a = <<EOT\n text\n}\n", &["2: Unclosed heredoc"]);
    check("locals {\n a = { x = 1, x = 2 }\n}\n", &["2: Duplicate key"]);
    check("locals {\n a = \"${\"\n}\n", &["2: Unclosed interpolation"]);
    check("locals {\n a = \"%{ if true }x\"\n}\n", &["2: Invalid expression"]);
    check("locals {\n a = \"\\q\"\n}\n", &["2: Invalid expression"]);
}

#[test]
fn a_block_left_open_does_not_swallow_the_next_one() {
    let text =
        "locals {\n  a = 1\n\noutput \"x\" {\n  value = 1 +\n}\noutput \"y\" {\n  value = nothing\n}\n";
    check(text, &["1: Unclosed block", "5: Invalid expression", "8: Unknown name"]);
}

#[test]
fn problems_of_two_files_are_reported_at_once() {
    let trial = Trial::default()
        .file("a.keyless.hcl", "locals {\n  a = (1\n}\nlocals {\n  b = 1 +\n}\n")
        .file("b.keyless.hcl", "output \"x\" {\n  valu = 1\n}\nprovder \"x\" \"y\" {}\n")
        .file("terraform.tf", "this is not ours {{{{");
    assert_eq!(
        trial.problems(),
        [
            "a.keyless.hcl:2: Unclosed parenthesis",
            "a.keyless.hcl:5: Invalid expression",
            "b.keyless.hcl:1: Missing argument",
            "b.keyless.hcl:2: Unknown argument",
            "b.keyless.hcl:4: Unknown block",
        ]
    );
}

#[test]
fn positions_survive_byte_order_marks_and_carriage_returns() {
    let trial = Trial::of("\u{feff}locals {\r\n  ä = nothing\r\n}\r\n");
    let (_, found) = trial.load();
    let list = found.into_sorted();
    let place = trial.sources.location(list[0].labels[0].span);
    assert_eq!((place.line, place.column), (2, 7));
    let trial = Trial::of(
        "locals {\r\n  a = <<EOT\r\none\r\ntwo\r\nEOT\r\n}\r\noutput \"x\" {\r\n  value = local.a\r\n}\r\n",
    );
    assert_eq!(trial.configuration().outputs["x"].value, Some("one\ntwo\n".into()));
}

#[test]
fn names_are_suggested() {
    check_words("provder \"oidc\" \"x\" {}", &["did you mean `provider`?"]);
    check_words("module \"x\" {}", &["not know `module`"]);
    check_words(
        &SOUND.replace("organization = \"acme\"", "organisation = \"acme\"\n organization = \"x\""),
        &["did you mean `organization`?"],
    );
    check_words(
        &SOUND.replace("service_account.release\n", "service_account.relaese\n"),
        &["did you mean `service_account.release`?"],
    );
    check_words("locals { a = lenght(\"x\") }", &["did you mean `length`?"]);
    check_words("locals {\n a = 1\n b = locl.a\n}", &["did you mean `local`?"]);
    check_words("locals {\n a = { name = 1 }\n b = local.a.nmae\n}", &["did you mean `name`?"]);
    check_words("provider \"githubactions\" \"x\" {}", &["did you mean `github_actions`?", "oidc"]);
}

#[test]
fn what_is_declared_twice_is_shown_at_both_places() {
    for (text, line, first) in [
        ("locals {\n a = 1\n a = 2\n}", 3, 2),
        ("locals { a = 1 }\nlocals { a = 1 }", 2, 1),
        ("variable \"a\" { default = 1 }\nvariable \"a\" {}", 2, 1),
        ("output \"a\" { value = 1 }\noutput \"a\" { value = 2 }", 2, 1),
        ("keyless {}\nkeyless {}", 2, 1),
        ("output \"a\" {\n value = 1\n value = 2\n}", 3, 2),
        ("data \"workspace\" \"a\" { name = \"x\" }\ndata \"workspace\" \"a\" { name = \"y\" }", 2, 1),
    ] {
        let trial = Trial::of(text);
        let list = trial.load().1.into_sorted();
        assert_eq!(list.len(), 1, "{text}\n{list:#?}");
        let lines: Vec<u32> =
            list[0].labels.iter().map(|label| trial.sources.location(label.span).line).collect();
        assert_eq!(lines, [line, first], "{text}");
    }
}

#[test]
fn circles_are_spelled_out() {
    check_words("locals {\n a = local.b\n b = local.a\n}", &["local.a -> local.b -> local.a"]);
    check_words("locals { a = [for x in local.a : x] }", &["local.a -> local.a"]);
    let text = r#"
service_account "a" { description = service_account.b.name }
service_account "b" { description = local.l }
locals { l = service_account.a.description }
"#;
    check_words(text, &["local.l -> service_account.a -> service_account.b -> local.l"]);
    // What only needs something on a circle is no second problem.
    check("locals {\n a = local.a\n b = local.a + 1\n}", &["2: References in a circle"]);
}

#[test]
fn labels_are_checked() {
    check("provider \"oidc\" {}", &["1: Wrong number of labels"]);
    check("locals \"x\" {}", &["1: Wrong number of labels"]);
    check("output \"1x\" { value = 1 }", &["1: Invalid name"]);
    check("data \"weather\" \"x\" {}", &["1: Unknown data kind"]);
    check("data \"api_key\" \"x\" {}", &["1: Not available in this version"]);
}

#[test]
fn references_and_their_kinds_are_checked() {
    check_change("provider.github_actions.github\n", "service_account.release\n", &["11: Wrong type"]);
    check_change("[data.workspace.prod]", "data.workspace.prod", &["13: Wrong type"]);
    check_change("[data.workspace.prod]", "[\"prod\"]", &["13: Wrong type"]);
    check_change(
        "[federation_rule.release]",
        "[federation_rule.nightly]",
        &["22: Reference to something undeclared"],
    );
    check_change("[federation_rule.release]", "[federation_rule]", &["22: Incomplete reference"]);
    check_change(
        "[federation_rule.release]",
        "[federation_rule.release.id]",
        &["22: Value not known before apply"],
    );
    check_change("[federation_rule.release]", "[]", &["22: No replacement"]);
    check_change("[data.workspace.prod]", "[]", &["13: No workspace"]);
}

#[test]
fn arguments_are_checked() {
    check_change("  provider        = provider.github_actions.github\n", "", &["10: Missing argument"]);
    check_change("  workspaces      = [data.workspace.prod]\n", "", &["10: Missing argument"]);
    check_change(
        "[data.workspace.prod]",
        "[data.workspace.prod]\n  applies_to_all_workspaces = true",
        &["14: Conflicting arguments"],
    );
    check_change("  match {", "  token_lifetime_seconds = 30\n  match {", &["14: Number out of range"]);
    check_change("  match {", "  token_lifetime_seconds = \"an hour\"\n  match {", &["14: Wrong type"]);
    check_change("  match {", "  token_lifetime_seconds = 90.5\n  match {", &["14: Wrong type"]);
    check_change(
        "  match {",
        "  oauth_scope = \"org:admin\"\n  match {",
        &["14: Scope is managed in the Console only"],
    );
    check_change("  match {", "  name = \"Release\"\n  match {", &["14: Invalid API name"]);
    check_change("  match {", "  for_each = {}\n  match {", &["14: Not available in this version"]);
    check_change("  match {", "  match = 1\n  match {", &["14: Unknown argument"]);
    check_change("  match {", "  match {}\n  match {", &["14: Missing argument", "15: Block given twice"]);
    check_change("organization = \"acme\"", "", &["2: Missing argument"]);
    check_change("organization = \"acme\"", "organization = [1]", &["2: Wrong type"]);
    check_change("name = \"Production\"", "", &["3: Missing argument"]);
    check_change("\"workspace_developer\"", "\"workspace_billing\"", &["7: Unknown role"]);
    check_change("\"workspace_developer\"", "\"developer\"", &["7: Unknown role"]);
    check_change(
        "  membership {",
        "  organization_role = \"admin\"\n  membership {",
        &["5: Admin service account"],
    );
    check_change("  membership {", "  organization_role = \"owner\"\n  membership {", &["5: Unknown role"]);
    check_change("apikey_01", "key_01", &["21: Invalid key id"]);
    check_change("  consumer", "  quiet_period = \"3 days\"\n  consumer", &["23: Wrong type"]);
    check_change("  consumer", "  archive_after = 3600\n  consumer", &["23: Wrong type"]);
    check_change("consumer \"dotenv\" \"laptop\" { path = \".env\" }", "", &["20: Missing block"]);
    check_change("\"dotenv\"", "\"dotnev\"", &["23: Unknown consumer kind"]);
    check_change("\"dotenv\" \"laptop\"", "\"dotenv\"", &["23: Wrong number of labels"]);
    check_change("path = \".env\"", "", &["23: Missing argument"]);
}

#[test]
fn a_match_is_typed_or_raw_and_never_contradicts_itself() {
    check_change("acme/app\"", "app\"", &["15: Invalid provider argument"]);
    check_change("    repository  = \"acme/app\"\n", "", &["14: Missing argument"]);
    check_change("    audience", "    subject = \"repo:acme/app:x\"\n    audience", &["17: Two subjects"]);
    check_change(
        "    audience",
        "    claims = { repository = \"acme/other\" }\n    audience",
        &["17: Two values for one claim"],
    );
    check_change("    audience", "    claims = { verified = true }\n    audience", &["17: Wrong type"]);
    check_change("    audience", "    branch = \"main\"\n    audience", &["17: Unknown argument"]);
    let raw = SOUND.replace(
        "    repository  = \"acme/app\"\n    environment = \"production\"\n",
        "    subject = \"a\"\n    subject_prefix = \"b*\"\n",
    );
    check(&raw, &["16: Two subjects"]);
    check(&raw.replace("    subject_prefix = \"b*\"\n", ""), &[]);
    check(
        &raw.replace("    subject = \"a\"\n    subject_prefix = \"b*\"\n", "    subject = \"b*\"\n"),
        &["15: Star in an exact subject"],
    );
}

#[test]
fn rules_stay_inside_of_their_accounts_workspaces() {
    let outside = SOUND.replace("workspace = data.workspace.prod", "workspace = data.workspace.test")
        + "data \"workspace\" \"test\" { name = \"Test\" }\n";
    check_words(&outside, &["service_account.release is no member", "workspace = data.workspace.prod"]);
    let default = outside.replace("\"Production\"", "\"Default\"");
    check(&default, &[]);
    // A name and an id may mean the same; once the id is known, they do or do not.
    let mixed = SOUND.replace("workspace = data.workspace.prod", "workspace = \"wrkspc_1\"");
    check(&mixed, &[]);
    assert!(Trial::of(&mixed).known("data.workspace.prod", "id", "wrkspc_1").problems().is_empty());
    let problems = Trial::of(&mixed).known("data.workspace.prod", "id", "wrkspc_2").problems();
    assert_eq!(problems, ["10: Rule outside of its account's workspaces"]);
}

#[test]
fn names_and_keys_are_unique() {
    check(
        &format!("{SOUND}service_account \"other\" {{ name = \"release\" }}\n"),
        &["4: API name used twice"],
    );
    let again = "api_key \"again\" {\n  id = \"apikey_01\"\n  replaced_by = [federation_rule.release]\n  \
                 consumer \"manual\" \"x\" { instructions = \"delete it\" }\n}\n";
    check(&format!("{SOUND}{again}"), &["20: Key declared twice"]);
}

#[test]
fn the_keyless_block_is_checked() {
    check("keyless { required_version = \">= 99\" }", &["1: Unsupported keyless version"]);
    check("keyless { required_version = \"newest\" }", &["1: Invalid version constraint"]);
    check("keyless {\n  backend \"s3\" {}\n}", &["2: Not available in this version"]);
    check("keyless {\n  backend \"disk\" {}\n}", &["2: Unknown backend"]);
    check("keyless {\n  platform \"clod\" {}\n}", &["2: Unknown platform"]);
    check("keyless {\n  platform \"simulator\" { skip = true }\n}", &["2: Unknown argument"]);
}

#[test]
fn evaluation_problems_have_a_place() {
    for (expression, summary) in [
        ("1 / 0", "Division by zero"),
        ("1 % 0", "Division by zero"),
        ("[1][5]", "Invalid index"),
        ("[1].a", "Unsupported attribute"),
        ("null.a", "Unexpected null"),
        ("1 + null", "Unexpected null"),
        ("\"a\" + 1", "Invalid operand"),
        ("\"a\" ? 1 : 2", "Invalid condition"),
        ("\"x${[1]}\"", "Invalid template value"),
        ("{ for x in [1, 1] : x => x }", "Duplicate key"),
        ("[for x in 1 : x]", "Invalid collection"),
        ("upper()", "Wrong number of arguments"),
        ("upper([])", "Invalid function argument"),
        ("file(\"missing.txt\")", "Invalid function argument"),
        ("nosuch(1)", "Unknown function"),
        ("99999999999999999999999999999999999999 * 99999999999999999999999999999999999999", ""),
        ("range(2000)", "Invalid function argument"),
    ] {
        let text = format!("locals {{\n\n a = {expression}\n}}");
        match summary {
            "" => check(&text, &[]),
            _ => check(&text, &[&format!("3: {summary}")]),
        }
    }
}

#[test]
fn growth_is_bounded() {
    let mut doubling = "locals {\n l0 = \"aaaaaaaa\"\n".to_owned();
    for at in 1..60 {
        doubling += &format!(" l{at} = \"${{local.l{}}}${{local.l{0}}}\"\n", at - 1);
    }
    let problems = Trial::of(&format!("{doubling}}}\n")).problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].ends_with("Value too large"), "{problems:?}");
    let lists = doubling
        .replace("\"aaaaaaaa\"", "[1]")
        .replace("\"$", "[$")
        .replace("${", "")
        .replace('}', ", ")
        .replace(", \"", "]");
    let problems = Trial::of(&format!("{lists}}}\n")).problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let loops = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]";
    check(&format!("locals {{\n a = length({loops})\n}}"), &["2: Value too large"]);
}
