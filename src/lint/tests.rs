use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::matching::samples::{list, rule_of, samples};
use crate::matching::{matches_claims, subject_matches};

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const CLUSTER: &str = "https://oidc.eks.us-west-2.amazonaws.com/id/6FA4";

/// The lints that are checked in full; findings of other ids are welcome but not promised.
const PROMISED: [&str; 7] = ["WIF-S01", "WIF-S02", "WIF-S03", "WIF-S04", "WIF-S05", "WIF-S10", "WIF-A01"];

/// The kind that a user would declare for a provider of the sample file; `oidc` for the others.
fn kind_of(provider: &str) -> &'static str {
    match provider {
        "github-actions" => "github_actions",
        "kubernetes-self-managed" | "eks" | "gke" | "aks" => "kubernetes",
        "aws-sts" => "aws",
        "gcp" => "gcp",
        "entra-v2" => "entra",
        "okta" => "okta",
        _ => "oidc",
    }
}

fn findings(kind: &str, issuer_url: &str, matching: &Match) -> Vec<Finding> {
    check_rule(LintedRule { provider_kind: kind, issuer_url, matching })
}

fn ids(found: &[Finding]) -> BTreeSet<&str> {
    found.iter().map(|finding| finding.id).collect()
}

/// Runs a check for each rule of a list, with the declared kind and with the inferred one.
fn each_rule(name: &str, mut check: impl FnMut(&str, &Value, &[Finding])) {
    let fixtures = samples();
    for provider in list(&fixtures, "providers") {
        let issuer_url = provider["issuer"]["issuer_url"].as_str().unwrap();
        for rule in list(provider, name) {
            let matching = rule_of(&rule["match"]);
            for kind in BTreeSet::from([kind_of(provider["id"].as_str().unwrap()), "oidc"]) {
                let label = format!("{} as {kind}", rule["id"]);
                check(&label, rule, &findings(kind, issuer_url, &matching));
            }
        }
    }
}

#[test]
fn strict_rules_raise_nothing() {
    let mut rules = 0;
    each_rule("strict_rules", |label, _, found| {
        rules += 1;
        assert_eq!(found, [], "{label}");
    });
    assert_eq!(rules, 31);
}

#[test]
fn loose_and_dead_rules_raise_what_they_must() {
    let (mut promised, mut others) = (0, 0);
    let mut seen = BTreeSet::new();
    each_rule("loose_rules", |label, rule, found| {
        let expected = rule["expected_lint"].as_str().unwrap();
        if !PROMISED.contains(&expected) {
            others += 1;
            return;
        }
        promised += 1;
        seen.insert(expected.to_owned());
        assert!(ids(found).contains(expected), "{label} {expected}: {found:#?}");
    });
    assert_eq!((promised, others), (41, 78));
    // The other two are covered by the rule fixtures.
    assert_eq!(seen, ["WIF-S03", "WIF-S04", "WIF-S05", "WIF-S10"].map(str::to_owned).into());
}

/// Fixtures whose match is in order, while the grant or something else is not.
const WHOLLY_PINNED: [&str; 6] = [
    "all-workspaces",
    "developer-scope",
    "long-token",
    "prod-and-staging-same-account",
    "dangling-repository",
    "audience-github-default",
];

#[test]
fn rule_fixtures_raise_what_they_must_and_controls_nothing() {
    let fixtures = samples();
    let (mut promised, mut controls, mut fully_pinned) = (BTreeSet::new(), 0, 0);
    for fixture in list(&fixtures, "rule_fixtures") {
        let id = fixture["id"].as_str().unwrap();
        let mut found = Vec::new();
        for rule in list(fixture, "rules") {
            found.extend(findings("oidc", rule["issuer_url"].as_str().unwrap(), &rule_of(&rule["match"])));
        }
        let expected: BTreeSet<&str> =
            list(fixture, "expected_lint").iter().map(|lint| lint.as_str().unwrap()).collect();
        for lint in PROMISED.iter().filter(|lint| expected.contains(**lint)) {
            promised.insert(format!("{lint} {id}"));
            assert!(ids(&found).contains(lint), "{id} {lint}: {found:#?}");
        }
        if fixture["label"].as_str().unwrap().starts_with("control") {
            controls += 1;
            assert_eq!(found, [], "{id}");
        }
        if WHOLLY_PINNED.contains(&id) {
            fully_pinned += 1;
            assert_eq!(found, [], "{id}");
        }
    }
    assert_eq!((promised.len(), controls), (14, 3));
    assert_eq!(fully_pinned, WHOLLY_PINNED.len());
}

#[test]
fn findings_name_what_passes_and_what_to_write() {
    let mut subjects = 0;
    each_rule("loose_rules", |label, rule, found| {
        let matching = rule_of(&rule["match"]);
        for finding in found {
            assert!(!finding.remark.is_empty() && !finding.fix.is_empty(), "{label}: {finding:?}");
            assert!(finding.caret <= finding.value.len(), "{label}: {finding:?}");
            assert!(finding.value.is_char_boundary(finding.caret), "{label}: {finding:?}");
            let pattern = matching.subject_prefix.as_deref().unwrap_or_default();
            if let Some(subject) = finding.consequence.strip_prefix("also accepts ")
                && finding.field == Field::SubjectPrefix
                && !subject.starts_with("any ")
            {
                subjects += 1;
                assert!(subject_matches(pattern, subject), "{label}: {finding:?}");
            }
        }
    });
    assert!(subjects > 30, "{subjects}");
}

#[track_caller]
fn check(issuer_url: &str, rule: Value, expected: &[&str]) {
    let mut matching = rule_of(&rule);
    matching.audience.get_or_insert("https://api.anthropic.com".to_owned());
    let found = findings("oidc", issuer_url, &matching);
    let ids: Vec<&str> = found.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, expected, "{rule} {found:#?}");
}

#[test]
fn claims_close_what_a_star_opens() {
    let id = json!({"repository_id": "550001001"});
    let pinned = |subject: &str, more: Value| {
        let mut claims = id.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"subject_prefix": subject, "claims": claims})
    };
    check(GITHUB, json!({"subject_prefix": "repo:acme/app*"}), &["WIF-S04"]);
    check(GITHUB, pinned("repo:acme/app*", json!({})), &["WIF-S07"]);
    check(GITHUB, pinned("repo:acme/*", json!({"ref": "refs/heads/main"})), &[]);
    check(GITHUB, pinned("*", json!({"ref": "refs/heads/main"})), &[]);
    check(GITHUB, pinned("repo:acme/app:ref:refs/heads/main*", json!({})), &["WIF-S04"]);
    let workflow = json!({"workflow_ref": "acme/app/.github/workflows/x.yml@refs/heads/main"});
    check(GITHUB, json!({"subject_prefix": "repo:acme/app:*", "claims": workflow}), &[]);
    let reusable = json!({"job_workflow_ref": "acme/ci/.github/workflows/x.yml@refs/heads/main"});
    check(GITHUB, json!({"subject_prefix": "repo:acme/*", "claims": reusable}), &["WIF-S07"]);
    check(CLUSTER, json!({"subject_prefix": "system:serviceaccount:*"}), &["WIF-S05"]);
    let uid = r#"claims["kubernetes.io"].serviceaccount.uid == "14ee3fa4""#;
    check(CLUSTER, json!({"subject_prefix": "system:serviceaccount:*", "condition": uid}), &[]);
    let ids = json!({"org_id": "1", "app_id": "2"});
    check("https://oidc.fly.io/acme", json!({"subject_prefix": "acme:*", "claims": ids}), &[]);
}

#[test]
fn tenants_are_pinned_in_every_branch() {
    let condition = |text: &str| json!({"condition": text});
    check(GITHUB, condition(r#"claims.repository == "acme/app""#), &[]);
    check(GITHUB, condition(r#"claims.repository == "acme/app" || claims.repository == "acme/api""#), &[]);
    check(GITHUB, condition(r#"claims.repository in ["acme/app", "acme/api"]"#), &[]);
    check(
        GITHUB,
        condition(r#"claims.repository == "acme/app" || claims.ref == "refs/heads/main""#),
        &["WIF-S03"],
    );
    check(GITHUB, condition(r#"claims.repository_owner == "acme""#), &["WIF-S05"]);
    check(
        GITHUB,
        condition(r#"claims.repository_owner == "acme" && claims.ref == "refs/heads/main""#),
        &["WIF-S05"],
    );
    check(GITHUB, condition(r#"claims.sub == "repo:acme/app:ref:refs/heads/main""#), &[]);
    check(GITHUB, condition(r#"claims.sub.startsWith("repo:acme/app:ref:")"#), &["WIF-S07"]);
    check(GITHUB, condition(r#"claims.sub.startsWith("repo:acme/ap")"#), &["WIF-S04"]);
    check(GITHUB, condition(r#"claims.repository.startsWith("acme/")"#), &["WIF-S05"]);
    check(GITHUB, condition(r#"!(claims.repository != "acme/app")"#), &[]);
    check(GITHUB, condition(r#"claims.repository.matches("^acme/app$")"#), &["WIF-S03"]);
    check(GITHUB, condition(r#"claims.repository != "evil/app""#), &["WIF-C04", "WIF-S03"]);
    // A branch that contradicts the claims cannot open anything.
    let rule = json!({
        "claims": {"repository": "acme/app"},
        "condition": r#"claims.ref == "refs/heads/main" || claims.repository == "mallory/app""#,
    });
    check(GITHUB, rule, &[]);
    // On an issuer of one's own the tenant is pinned already.
    check("https://token.actions.acme.ghe.com", condition(r#"claims.ref == "refs/heads/main""#), &[]);
    check("https://acme.scalr.io", json!({"subject_prefix": "account:acme"}), &[]);
    check("https://acme.scalr.io", json!({"claims": {"account": "acme"}}), &["WIF-S03"]);
    check(
        "https://oidc.vercel.com",
        json!({"claims": {"project": "api", "environment": "production"}}),
        &["WIF-S03"],
    );
    check(
        "https://oidc.circleci.com",
        json!({"claims": {"oidc.circleci.com/vcs-ref": "refs/heads/main"}}),
        &["WIF-S03"],
    );
    check(&format!("{GITHUB}/acme-ent"), json!({"claims": {"ref": "refs/heads/main"}}), &["WIF-S03"]);
}

#[test]
fn what_is_true_of_everybody_is_found() {
    let condition = |text: &str| json!({"condition": text});
    for text in [
        "true",
        "1 == 1",
        "has(claims.sub)",
        r#""sub" in claims"#,
        "claims.sub == claims.sub",
        r#"claims.sub.startsWith("")"#,
        r#"claims.sub.matches(".*")"#,
        r#"claims.sub != """#,
        "size(claims.sub) > 0",
        "claims.exp > claims.iat",
        r#"claims.iss == "https://oidc.eks.us-west-2.amazonaws.com/id/6FA4""#,
        r#"claims.sub == "system:serviceaccount:ml:worker" || has(claims.sub)"#,
    ] {
        check(CLUSTER, condition(text), &["WIF-S02"]);
    }
    check(CLUSTER, json!({"subject_prefix": "*"}), &["WIF-S02"]);
    check(CLUSTER, json!({"claims": {"iss": CLUSTER}}), &["WIF-S02"]);
    check("https://oidc.acme.example", json!({"subject_prefix": "*"}), &["WIF-S02"]);
    check("", json!({"subject_prefix": "spiffe://*"}), &["WIF-S02"]);
    check(CLUSTER, json!({"subject_prefix": "system:serviceaccount:ml:worker", "condition": "true"}), &[]);
    check(CLUSTER, condition(r#"claims["kubernetes.io"].namespace != "ml""#), &["WIF-C04"]);
    check(CLUSTER, condition(r#"claims.sub.endsWith(":worker")"#), &[]);
}

#[test]
fn rules_that_match_nothing_are_found() {
    let subject = |text: &str| json!({"subject_prefix": text});
    let dead = ["WIF-S10"];
    for text in [
        "repo:acme/app:",
        "repo:acme/*:ref:refs/heads/main",
        "repo:acme/app:ref:refs/heads/**",
        "repo:acme/app:ref:refs/heads/(main|release)",
        "repo:acme/app:ref:refs/heads/v[0-9]",
        "^repo:acme/app:pull_request$",
        "repo:acme/app:ref:refs/heads/<branch>",
        "repo:${owner}/app:pull_request",
        "repo:YOUR_ORG/app:pull_request",
        " repo:acme/app:pull_request",
        "repo:acme/app:ref:main",
        "repo:acme",
    ] {
        let found = findings("oidc", GITHUB, &rule_of(&json!({"subject_prefix": text, "audience": "a"})));
        assert!(ids(&found).contains("WIF-S10"), "{text}: {found:#?}");
    }
    for text in [
        "repo:acme/app:ref:refs/heads/feature/c++",
        "repo:acme/app:ref:refs/heads/fix(ui)",
        "repo:acme/app:environment:prod [eu]",
        "repo:acme/app:environment:{blue}",
        "repo:acme/app",
        "repo:acme/app.js:pull_request",
    ] {
        check(GITHUB, subject(text), &[]);
    }
    check(CLUSTER, subject("system:serviceaccount:ml"), &dead);
    check(CLUSTER, subject("inference/worker"), &dead);
    let session = "arn:aws:sts::123456789012:assumed-role/worker/x";
    check("https://3f1c.tokens.sts.global.api.aws", subject(session), &dead);
    check(GITHUB, json!({"claims": {"repository": "acme/app", "workflow_ref": "acme/app/*"}}), &dead);
    check(GITHUB, json!({"claims": {"repository": "acme/app"}, "condition": "claims.ref =="}), &dead);
    let contradiction =
        json!({"claims": {"repository": "a/b"}, "condition": r#"claims.repository == "c/d""#});
    check(GITHUB, contradiction, &dead);
    check(GITHUB, json!({"claims": {"repository": "a/b"}, "audience": "https://api.*"}), &dead);
}

#[test]
fn a_condition_that_is_too_complex_is_only_warned_of() {
    let factor = r#"(claims.repository == "acme/app" || claims.repository_id == "1")"#;
    let rule = json!({"condition": ([factor; 7].join(" && ")), "audience": "a"});
    let found = findings("oidc", GITHUB, &rule_of(&rule));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].id, found[0].gravity), ("WIF-S03", Gravity::Warning));
}

#[test]
fn a_finding_says_it_all() {
    let found = findings("github_actions", GITHUB, &rule_of(&json!({"subject_prefix": "repo:acme/app*"})));
    let ids: Vec<&str> = found.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["WIF-A01", "WIF-S04"]);
    assert_eq!(found[0].fix, r#"audience = "https://api.anthropic.com""#);
    assert_eq!(
        found[1],
        Finding {
            id: "WIF-S04",
            gravity: Gravity::Error,
            field: Field::SubjectPrefix,
            value: "repo:acme/app*".to_owned(),
            caret: 13,
            remark: "the star follows an unfinished repository name".to_owned(),
            consequence: "also accepts repo:acme/app-evil:ref:refs/heads/any-branch".to_owned(),
            fix: r#""repo:acme/app:ref:refs/heads/main""#.to_owned(),
        }
    );
}

/// Where `sub` changes with each run, a whole subject would be bad advice.
#[test]
fn fixes_are_claims_where_subjects_change() {
    let check = |issuer: &str, subject: &str, fix: &str| {
        let rule = rule_of(&json!({"subject_prefix": subject, "audience": "a"}));
        let found = findings("oidc", issuer, &rule);
        assert!(found.iter().any(|finding| finding.fix == fix), "{found:#?}");
    };
    check("https://oidc.fly.io/acme", "acme:app*", r#"claims = { app_id = "APP_ID" }"#);
    let source = r#"claims = { "oidc.circleci.com/vcs-ref" = "…" }"#;
    check("https://oidc.circleci.com/org/1", "org/1/project/2/*", source);
    check("https://agent.buildkite.com", "organization:a:*", r#"claims = { pipeline_id = "PIPELINE_ID" }"#);
}

/// What the typed arguments compile to is never worth a finding.
#[test]
fn typed_arguments_raise_nothing() {
    let compile = |kind: &str, provider: Value, given: Value| {
        let kind = crate::provider::kind(kind).unwrap();
        let object = |value: Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
        (kind.compile_match)(&object(provider), &object(given)).unwrap()
    };
    let mut rules = 0;
    let mut check = |kind: &str, issuer: &str, provider: Value, given: Value| {
        rules += 1;
        assert_eq!(findings(kind, issuer, &compile(kind, provider, given.clone())), [], "{given}");
    };
    let acme = json!({"organization": "acme"});
    for run in [
        json!({"branch": "main"}),
        json!({"tag": "v1"}),
        json!({"ref": "refs/heads/a/b"}),
        json!({"environment": "eu:prod"}),
        json!({"environment": "prod", "branch": "main"}),
        json!({"pull_request": true}),
        json!({"workflow_ref": "acme/app/.github/workflows/x.yml@refs/heads/main"}),
    ] {
        let mut given = run;
        given["repository"] = json!("app");
        check("github_actions", GITHUB, acme.clone(), given);
    }
    check("kubernetes", CLUSTER, json!({}), json!({"namespace": "ml", "service_account": "w.x"}));
    let role = json!({"role_arn": "arn:aws:iam::123456789012:role/team/w"});
    check("aws", "https://3f1c.tokens.sts.global.api.aws", json!({}), role);
    check("gcp", "https://accounts.google.com", json!({}), json!({"service_account_unique_id": "104"}));
    check("okta", "https://id.acme.example/oauth2/aus1", json!({}), json!({"client_id": "0oa1"}));
    check("oidc", "https://oidc.acme.example", json!({}), json!({"subject": "worker"}));
    assert_eq!(rules, 12);
}

proptest! {
    #[test]
    fn no_text_makes_a_lint_panic(
        kind in prop::sample::select(vec!["github_actions", "kubernetes", "aws", "gcp", "entra", "okta", "oidc"]),
        issuer in prop::sample::select(vec![
            GITHUB, CLUSTER, "https://gitlab.com", "https://agent.buildkite.com", "https://oidc.circleci.com",
            "https://app.terraform.io", "https://oidc.vercel.com", "https://oidc.fly.io/a", "https://api.bitbucket.org", "",
        ]),
        head in prop::sample::select(vec![
            "", "repo:", "repo:a/", "repo:a/b:", "organization:", "project_path:", "system:serviceaccount:", "spiffe://",
            "arn:aws:iam::", "org/", "owner:", "{",
        ]),
        tail in ".{0,30}",
        claim in "[a-z_]{0,12}",
        condition in "(claims\\.[a-z]{1,8}( == |\\.startsWith\\()?.{0,30})?",
    ) {
        let subject = format!("{head}{tail}");
        let rule = Match {
            subject_prefix: Some(subject.clone()),
            audience: Some(tail.clone()),
            claims: [(claim, tail), ("sub".to_owned(), subject)].into(),
            condition: Some(condition),
        };
        for matching in [
            rule.clone(),
            Match { subject_prefix: Some(format!("{}*", rule.subject_prefix.clone().unwrap())), ..rule.clone() },
            Match { subject_prefix: None, ..rule.clone() },
            Match { condition: rule.condition.clone(), ..Match::default() },
        ] {
            for finding in findings(kind, issuer, &matching) {
                prop_assert!(finding.value.is_char_boundary(finding.caret), "{:?}", finding);
            }
        }
    }

    /// What a finding says is let in is let in, whatever the subject.
    #[test]
    fn strangers_pass_the_star_they_are_named_for(
        issuer in prop::sample::select(vec![
            GITHUB, CLUSTER, "https://gitlab.com", "https://agent.buildkite.com", "https://app.terraform.io",
        ]),
        head in prop::sample::select(vec![
            "repo:", "repo:a/", "repo:a/b:", "repo:a/b:ref:", "organization:a", "project_path:", "project_id:",
            "system:serviceaccount:",
        ]),
        tail in "[a-z@:/]{0,12}",
    ) {
        let pattern = format!("{head}{tail}*");
        let rule = Match {
            subject_prefix: Some(pattern.clone()),
            audience: Some("a".to_owned()),
            ..Match::default()
        };
        for finding in findings("oidc", issuer, &rule) {
            if let Some(subject) = finding.consequence.strip_prefix("also accepts ")
                && !subject.starts_with("any ")
            {
                let claims = json!({"sub": subject, "aud": "a"});
                prop_assert_eq!(matches_claims(&rule, claims.as_object().unwrap(), true), Ok(()), "{:?}", finding);
            }
        }
    }
}
