//! Values that say nothing, or nothing sensible: empty texts, times without a length, ids of
//! something else.

use super::*;

/// Puts a line before another one of the sound configuration and expects this one problem.
#[track_caller]
fn check_line(before: &str, line: &str, summary: &str) {
    let text = SOUND.replacen(before, &format!("{line}\n{before}"), 1);
    let problems = Trial::of(&text).problems();
    match summary {
        "" => assert!(problems.is_empty(), "{line}: {problems:?}"),
        _ => {
            assert_eq!(problems.len(), 1, "{line}: {problems:?}");
            assert!(problems[0].ends_with(&format!(": {summary}")), "{line}: {problems:?}");
        }
    }
}

#[test]
fn an_empty_text_is_refused_where_the_api_would_drop_it() {
    for blank in ["\"\"", "\"  \"", "\"\\n\\t\"", "trimspace(\" \")"] {
        for name in ["condition", "subject", "subject_prefix", "workflow"] {
            let expected = if name == "workflow" { "Unknown argument" } else { "Empty text" };
            check_line("    audience", &format!("    {name} = {blank}"), expected);
        }
        check_line("  match {", &format!("  name = {blank}"), "Empty text");
        check_line("  match {", &format!("  oauth_scope = {blank}"), "Empty text");
        check_line("  membership {", &format!("  name = {blank}"), "Empty text");
        check_line("  membership {", &format!("  organization_role = {blank}"), "Empty text");
        for (from, to) in [
            ("\"https://api.anthropic.com\"", blank),
            ("\"production\"", blank),
            ("\"acme\"", blank),
            ("\"Production\"", blank),
            ("\".env\"", blank),
            ("\"apikey_01\"", blank),
            ("\"workspace_developer\"", blank),
        ] {
            let problems = Trial::of(&SOUND.replacen(from, to, 1)).problems();
            assert_eq!(problems.len(), 1, "{from}: {problems:?}");
            assert!(problems[0].ends_with(": Empty text"), "{from}: {problems:?}");
        }
    }
    for argument in ["report", "variable", "identity_token_file", "workspace"] {
        let expected = if argument == "workspace" { "Wrong type" } else { "Empty text" };
        let text = SOUND.replacen("path = \".env\"", &format!("path = \".env\"\n{argument} = \"\""), 1);
        assert!(Trial::of(&text).problems()[0].ends_with(expected), "{argument}");
    }
    check("keyless { organization_id = \"\" }", &["1: Empty text"]);
    check("keyless {\n  backend \"local\" { path = \"\" }\n}", &["2: Empty text"]);
    let instructions = SOUND
        .replace("\"dotenv\" \"laptop\" { path = \".env\" }", "\"manual\" \"m\" { instructions = \" \" }");
    check(&instructions, &["23: Empty text"]);
    check_line("  match {", "  identity_token { command = [\" \", \"x\"] }", "Empty command");
}

#[test]
fn an_empty_text_from_a_variable_is_refused_with_a_way_out() {
    let given = |value: &str| {
        format!(
            "{}variable \"extra\" {{ default = \"\" }}\n",
            SOUND.replacen("    audience", &format!("    condition = {value}\n    audience"), 1)
        )
    };
    check_words(&given("var.extra"), &["Empty text", "`condition`", "var.x != \"\" ? var.x : null"]);
    check(&given("var.extra != \"\" ? var.extra : null"), &[]);
}

#[test]
fn what_says_nothing_is_as_if_it_were_left_out() {
    let plain = Trial::of(SOUND).configuration();
    let address = "federation_rule.release".parse().expect("an address");
    for line in ["claims = {}", "claims = null", "condition = null", "subject = null"] {
        let text = SOUND.replacen("    audience", &format!("    {line}\n    audience"), 1);
        let read = Trial::of(&text).configuration();
        assert_eq!(
            read.federation_rules[&address].matching, plain.federation_rules[&address].matching,
            "{line}"
        );
        // The typed arguments are asked for all the same.
        let untyped = text.replace("    repository  = \"acme/app\"\n", "");
        check(&untyped, &["14: Missing argument"]);
    }
    for blank in ["\"\"", "\"  \"", "null"] {
        let text = SOUND.replacen("  match {", &format!("  description = {blank}\n  match {{"), 1);
        assert_eq!(Trial::of(&text).configuration().federation_rules[&address].description, "", "{blank}");
    }
    for claims in ["{ \"\" = \"x\" }", "{ a = \"\" }", "{ a = \" \" }"] {
        check_line("    audience", &format!("    claims = {claims}"), "Wrong type");
    }
}

#[test]
fn an_organization_is_told_by_its_uuid_in_letters_of_any_case() {
    let id = "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0001";
    for given in [id.to_owned(), id.to_uppercase(), id.replace('f', "F")] {
        let read = Trial::of(&format!("keyless {{ organization_id = \"{given}\" }}")).configuration();
        assert_eq!(read.settings.organization_id.as_deref(), Some(id), "{given}");
    }
    for given in
        ["acme", "0b6e3f0a51c54d579c7e3f1f3a1f0001", "org_01ABC", " 0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0001"]
    {
        check(&format!("keyless {{ organization_id = \"{given}\" }}"), &["1: Invalid organization id"]);
    }
}

#[test]
fn times_have_a_sensible_length() {
    for (line, summary) in [
        ("quiet_period = \"0h\"", "Duration out of range"),
        ("quiet_period = \"0s\"", "Duration out of range"),
        ("quiet_period = \"59m\"", "Duration out of range"),
        ("quiet_period = \"500ms\"", "Duration out of range"),
        ("quiet_period = \"100000d\"", "Duration out of range"),
        ("quiet_period = \"-1h\"", "Wrong type"),
        ("quiet_period = \"\"", "Wrong type"),
        ("quiet_period = 72", "Wrong type"),
        ("quiet_period = \"1h\"", ""),
        ("quiet_period = \"60m\"", ""),
        ("archive_after = \"-1h\"", "Wrong type"),
        ("archive_after = \"100000d\"", "Duration out of range"),
        ("archive_after = \"0h\"", ""),
    ] {
        check_line("  consumer", &format!("  {line}"), summary);
    }
    check_words(
        &SOUND.replacen("  consumer", "  quiet_period = \"0h\"\n  consumer", 1),
        &["1h", "8784h", "by the hour", "skip_waits"],
    );
}

#[test]
fn paths_and_matchers_are_such() {
    for path in ["ci/", ".", "ci/..", "/", "a\\u0000b", "a\\nb"] {
        check(&SOUND.replace("\".env\"", &format!("\"{path}\"")), &["23: Invalid path"]);
        for name in ["report", "identity_token_file"] {
            let text = SOUND.replace("\".env\"", &format!("\".env\"\n{name} = \"{path}\""));
            assert_eq!(Trial::of(&text).problems(), ["24: Invalid path"], "{name} = {path}");
        }
        check_line("  match {", &format!("  identity_token {{ file = \"{path}\" }}"), "Invalid path");
    }
    for path in ["/etc/app/.env", "../x", "a b", "~/x"] {
        check(&SOUND.replace("\".env\"", &format!("\"{path}\"")), &[]);
    }
    let api = "https://api.anthropic.com";
    for given in [format!(" {api}"), format!("{api} "), format!("{api}\\n")] {
        check(&SOUND.replace(api, &given), &["17: Blanks around a text"]);
    }
    let raw = |line: &str| {
        SOUND.replace(
            "    repository  = \"acme/app\"\n    environment = \"production\"\n",
            &format!("    {line}\n"),
        )
    };
    check(&raw("subject = \"a \""), &["15: Blanks around a text"]);
    check(&raw("subject = \" a\""), &["15: Blanks around a text"]);
    check(&raw("subject_prefix = \" a*\""), &["15: Blanks around a text"]);
    check(&raw("subject_prefix = \"a \""), &[]);
    for scope in [
        "workspace:inference workspace:inference",
        "workspace:developer  workspace:inference workspace:developer",
    ] {
        check_line("  match {", &format!("  oauth_scope = \"{scope}\""), "Scope given twice");
    }
    let keys = "provider \"oidc\" \"o\" {\n  issuer_url = \"https://a.example.com\"\n  jwks = { keys = [{ kty = \"RSA\", n = 104892101234567890123 }] }\n}\n";
    check_words(keys, &["too long for JSON"]);
}

#[test]
fn ids_are_of_the_right_kind() {
    for id in ["svac_01ABC", "fdrl_01ABC", "wrkspc_01ABC", "apikey_", "apikey_01 ", "APIKEY_01"] {
        check(&SOUND.replace("apikey_01", id), &["21: Invalid key id"]);
    }
    for id in ["wrkspc_", "wrkspc_ 1", "apikey_01", "WRKSPC_01"] {
        check(&format!("data \"workspace\" \"x\" {{ id = \"{id}\" }}\n"), &["1: Invalid workspace"]);
        let membership =
            SOUND.replacen("workspace = data.workspace.prod", &format!("workspace = \"{id}\""), 1);
        assert!(Trial::of(&membership).problems().contains(&"6: Wrong type".to_owned()), "{id}");
    }
    for number in ["0", "-1", "59", "86401", "1e30", "104892101234567890123"] {
        let text =
            SOUND.replacen("  match {", &format!("  token_lifetime_seconds = {number}\n  match {{"), 1);
        let problems = Trial::of(&text).problems();
        assert!(
            matches!(&problems[..], [one] if one == "14: Number out of range" || one == "14: Wrong type"),
            "{number}: {problems:?}"
        );
    }
}
