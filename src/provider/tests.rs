use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[track_caller]
fn issues(name: &str, provider: Value, url: &str, check_jti: bool, lifetime: i64) {
    let preset = (kind(name).unwrap().issuer)(&object(provider)).unwrap();
    assert_eq!(
        (preset.issuer_url.as_str(), preset.check_jti, preset.max_jwt_lifetime_seconds),
        (url, check_jti, lifetime)
    );
}

const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const OBJECT: &str = "9f8e7d6c-1a2b-4c4d-8e6f-0a1b2c3d4e5f";
const APP: &str = "11112222-bbbb-3333-cccc-4444dddd5555";

#[test]
fn kinds_know_their_issuers() {
    let github = "https://token.actions.githubusercontent.com";
    issues("github_actions", json!({"organization": "acme"}), github, true, 600);
    issues(
        "github_actions",
        json!({"organization": "acme", "enterprise": "e"}),
        &format!("{github}/e"),
        true,
        600,
    );
    let data_residency = json!({"organization": "acme", "host": "acme.ghe.com"});
    issues("github_actions", data_residency, "https://token.actions.acme.ghe.com", true, 600);
    let server = json!({"organization": "acme", "host": "github.acme.example"});
    issues("github_actions", server, "https://github.acme.example/_services/token", true, 600);
    issues("kubernetes", json!({"issuer_url": "https://a.example"}), "https://a.example", true, 3_600);
    let aws = format!("https://{TENANT}.tokens.sts.global.api.aws");
    issues("aws", json!({"account_issuer": TENANT}), &aws, true, 3_600);
    issues("aws", json!({"issuer_url": aws}), &aws, true, 3_600);
    issues("gcp", json!({}), "https://accounts.google.com", false, 3_600);
    let entra = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    issues("entra", json!({"tenant_id": TENANT}), &entra, false, 90_000);
    let old = format!("https://sts.windows.net/{TENANT}/");
    issues("entra", json!({"tenant_id": TENANT, "token_version": 1}), &old, false, 90_000);
    let okta = json!({"domain": "acme.okta.com", "authorization_server": "aus1"});
    issues("okta", okta, "https://acme.okta.com/oauth2/aus1", true, 3_600);
    issues("oidc", json!({"issuer_url": "https://a.example/"}), "https://a.example/", true, 3_600);
}

/// Typed arguments that must compile to a strict match of the sample file, letter by letter.
#[test]
fn typed_arguments_compile_to_the_strict_matches() {
    let fixtures = crate::matching::samples::samples();
    let strict = |id: &str| -> Value {
        let providers = fixtures["providers"].as_array().unwrap();
        let mut rules = providers.iter().flat_map(|provider| provider["strict_rules"].as_array().unwrap());
        rules.find(|rule| rule["id"] == id).expect(id)["match"].clone()
    };
    let check = |id: &str, name: &str, provider: Value, given: Value| {
        let found = (kind(name).unwrap().compile_match)(&object(provider), &object(given)).expect(id);
        let mut expected = json!({});
        for (field, text) in [
            ("subject_prefix", &found.subject_prefix),
            ("audience", &found.audience),
            ("condition", &found.condition),
        ] {
            if let Some(text) = text {
                expected[field] = json!(text);
            }
        }
        if !found.claims.is_empty() {
            expected["claims"] = json!(found.claims);
        }
        assert_eq!(expected, strict(id), "{id}");
    };
    let github = json!({"organization": "acme", "organization_id": "9100001"});
    check(
        "gha-main-push-legacy-sub",
        "github_actions",
        github.clone(),
        json!({
            "repository": "acme/app", "branch": "main", "repository_id": "550001001", "event_name": "push",
            "workflow_ref": "acme/app/.github/workflows/release.yml@refs/heads/main",
            "runner_environment": "github-hosted",
        }),
    );
    let mut immutable = github;
    immutable["immutable_subjects"] = json!(true);
    check(
        "gha-prod-environment-immutable-sub",
        "github_actions",
        immutable,
        json!({
            "repository": "portal", "environment": "production", "branch": "main", "repository_id": "1290001002",
            "job_workflow_ref": "acme/portal/.github/workflows/deploy.yml@refs/heads/main",
            "runner_environment": "github-hosted",
        }),
    );
    let cluster = json!({"issuer_url": "https://kubernetes.default.svc.cluster.local"});
    let account = json!({"namespace": "inference", "service_account": "claude-worker"});
    check("k8s-one-service-account", "kubernetes", cluster.clone(), account);
    check(
        "k8s-one-service-account-uid-and-pod",
        "kubernetes",
        cluster,
        json!({
            "namespace": "inference", "service_account": "claude-worker", "require_pod": true,
            "service_account_uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798",
        }),
    );
    check(
        "aws-one-role",
        "aws",
        json!({}),
        json!({"role_arn": "arn:aws:iam::123456789012:role/inference-worker", "organization_id": "o-abc1234567"}),
    );
    check(
        "gcp-one-service-account",
        "gcp",
        json!({}),
        json!({
            "service_account_unique_id": "104892101234567890123",
            "service_account_email": "inference-worker@acme-prod.iam.gserviceaccount.com",
        }),
    );
    check(
        "entra-one-managed-identity",
        "entra",
        json!({"tenant_id": TENANT}),
        json!({"object_id": OBJECT, "client_id": "55556666-aaaa-4777-8888-9999bbbbcccc", "audience": APP}),
    );
    check(
        "okta-one-service-app",
        "okta",
        json!({}),
        json!({"client_id": "0oa1b2c3d4e5f6g7h8i9", "scopes": ["anthropic.access"]}),
    );
    check(
        "spiffe-one-id",
        "oidc",
        json!({}),
        json!({"subject": "spiffe://prod.example.com/ns/inference/sa/worker"}),
    );
}

#[test]
fn github_runs_become_subjects() {
    let subject = |given: Value| {
        let mut arguments = object(given);
        arguments.insert("repository".to_owned(), json!("app"));
        let provider = object(json!({"organization": "acme"}));
        (kind("github_actions").unwrap().compile_match)(&provider, &arguments)
            .unwrap()
            .subject_prefix
            .unwrap()
    };
    assert_eq!(subject(json!({"branch": "release/1"})), "repo:acme/app:ref:refs/heads/release/1");
    assert_eq!(subject(json!({"tag": "v1"})), "repo:acme/app:ref:refs/tags/v1");
    assert_eq!(subject(json!({"ref": "refs/tags/v1"})), "repo:acme/app:ref:refs/tags/v1");
    assert_eq!(subject(json!({"environment": "eu:prod"})), "repo:acme/app:environment:eu%3Aprod");
    assert_eq!(subject(json!({"pull_request": true})), "repo:acme/app:pull_request");
    let workflow = "acme/app/.github/workflows/x.yml@refs/heads/main";
    assert_eq!(subject(json!({"workflow_ref": workflow})), "repo:acme/app:*");
}

/// Compiles what is wrong and expects a problem of this argument with these words.
#[track_caller]
fn refuses(name: &str, provider: Value, given: Value, argument: &str, words: &str) {
    let problems = (kind(name).unwrap().compile_match)(&object(provider), &object(given)).unwrap_err();
    expect_problem(&problems, argument, words);
}

#[track_caller]
fn refuses_provider(name: &str, provider: Value, argument: &str, words: &str) {
    let problems = (kind(name).unwrap().issuer)(&object(provider)).unwrap_err();
    expect_problem(&problems, argument, words);
}

#[track_caller]
fn expect_problem(problems: &[ArgumentProblem], argument: &str, words: &str) {
    let text = |problem: &ArgumentProblem| format!("{} {}", problem.detail, problem.hint);
    assert!(
        problems.iter().any(|problem| problem.argument == argument && text(problem).contains(words)),
        "{problems:#?}"
    );
    assert!(problems.iter().all(|problem| !problem.detail.is_empty() && !problem.hint.is_empty()));
}

#[test]
fn wrong_github_arguments_are_explained() {
    let check = |given: Value, argument: &str, words: &str| {
        let mut arguments = json!({"repository": "acme/app", "branch": "main"});
        arguments.as_object_mut().unwrap().extend(object(given));
        arguments.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        refuses("github_actions", json!({"organization": "acme"}), arguments, argument, words);
    };
    check(json!({"repository": "https://github.com/acme/app"}), "repository", "owner/name");
    check(json!({"repository": "other/app"}), "repository", "belongs to \"other\"");
    check(json!({"repository": "Acme/app"}), "repository", "capitals");
    check(json!({"repository": "acme/*"}), "repository", "star");
    check(json!({"repository": ""}), "repository", "empty");
    check(json!({"branch": null}), "branch", "which runs");
    check(json!({"branch": "refs/heads/main"}), "branch", "ref = \"refs/heads/main\"");
    check(json!({"branch": "main "}), "branch", "space");
    check(json!({"tag": "v1"}), "tag", "both given");
    check(json!({"branch": null, "ref": "main"}), "ref", "refs/heads/main");
    check(json!({"pull_request": true}), "pull_request", "subject of its own");
    check(json!({"repository_id": "app"}), "repository_id", "digits");
    check(json!({"workflow_ref": "release.yml"}), "workflow_ref", ".github/workflows/");
    check(json!({"runner_environment": "ubuntu-latest"}), "runner_environment", "github-hosted");
    let immutable = json!({"organization": "acme", "immutable_subjects": true, "organization_id": "1"});
    refuses(
        "github_actions",
        immutable,
        json!({"repository": "app", "branch": "main"}),
        "repository_id",
        "both ids",
    );
    refuses_provider(
        "github_actions",
        json!({"organization": "github.com/acme"}),
        "organization",
        "name alone",
    );
    let host = json!({"organization": "acme", "host": "https://acme.ghe.com"});
    refuses_provider("github_actions", host, "host", "host alone");
    let both = json!({"organization": "acme", "host": "acme.ghe.com", "enterprise": "e"});
    refuses_provider("github_actions", both, "enterprise", "Leave out");
}

#[test]
fn wrong_arguments_of_other_kinds_are_explained() {
    let account = json!({"namespace": "ML", "service_account": "worker"});
    refuses("kubernetes", json!({}), account, "namespace", "small letters");
    let uid = json!({"namespace": "ml", "service_account": "worker", "service_account_uid": "x"});
    refuses("kubernetes", json!({}), uid, "service_account_uid", "GUID");
    refuses_provider(
        "kubernetes",
        json!({"issuer_url": "kubernetes/serviceaccount"}),
        "issuer_url",
        "projected",
    );
    let session = json!({"role_arn": "arn:aws:sts::123456789012:assumed-role/worker/s"});
    refuses("aws", json!({}), session, "role_arn", "arn:aws:iam::123456789012:role/worker");
    let account = json!({"role_arn": "arn:aws:iam::123456789012:role/w", "account": "210987654321"});
    refuses("aws", json!({}), account, "account", "no token can have both");
    refuses("aws", json!({}), json!({"role_arn": "arn:aws:iam::12:role/w"}), "role_arn", "ACCOUNT_ID");
    refuses_provider("aws", json!({}), "issuer_url", "exactly one");
    refuses_provider("aws", json!({"account_issuer": "x"}), "account_issuer", "GUID");
    refuses_provider(
        "aws",
        json!({"issuer_url": "https://sts.amazonaws.com"}),
        "issuer_url",
        "no issuer of an AWS account",
    );
    refuses(
        "gcp",
        json!({}),
        json!({"service_account_unique_id": "a@b"}),
        "service_account_unique_id",
        "uniqueId",
    );
    let email = json!({"service_account_unique_id": "1", "service_account_email": "jane@acme.example"});
    refuses("gcp", json!({}), email, "service_account_email", "service account");
    for tenant in ["common", "organizations", "consumers"] {
        refuses_provider("entra", json!({"tenant_id": tenant}), "tenant_id", "every tenant");
    }
    refuses_provider("entra", json!({"tenant_id": "acme.onmicrosoft.com"}), "tenant_id", "GUID");
    refuses_provider("entra", json!({"tenant_id": TENANT, "token_version": 3}), "token_version", "1 or 2");
    let entra = |audience: &str| json!({"object_id": OBJECT, "audience": audience});
    let tenant = json!({"tenant_id": TENANT});
    refuses("entra", tenant.clone(), entra("https://api.anthropic.com"), "audience", "client id");
    refuses("entra", tenant.clone(), entra("api://AzureADTokenExchange"), "audience", "Entra itself");
    refuses("entra", tenant.clone(), entra("api://app"), "audience", "version 2");
    refuses("entra", tenant, json!({"object_id": "worker", "audience": APP}), "object_id", "GUID");
    refuses("entra", json!({"tenant_id": "common"}), entra(APP), "", "provider");
    refuses_provider(
        "okta",
        json!({"domain": "https://acme.okta.com", "authorization_server": "a"}),
        "domain",
        "host alone",
    );
    refuses_provider(
        "okta",
        json!({"domain": "acme-admin.okta.com", "authorization_server": "a"}),
        "domain",
        "-admin",
    );
    refuses("oidc", json!({}), json!({"subject": "x*"}), "subject", "subject_prefix");
}

#[test]
fn every_problem_is_told_at_once() {
    let given = json!({"repository": "other/app", "branch": "a", "tag": "b", "repository_id": "x"});
    let compile = kind("github_actions").unwrap().compile_match;
    let problems = compile(&object(json!({"organization": "acme"})), &object(given)).unwrap_err();
    let mut arguments: Vec<&str> = problems.iter().map(|problem| problem.argument.as_str()).collect();
    arguments.sort_unstable();
    assert_eq!(arguments, ["repository", "repository_id", "tag"]);
}

#[test]
fn kinds_and_arguments_have_names_of_their_own() {
    let mut names: Vec<&str> = kinds().iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), kinds().len());
    for kind in kinds() {
        for arguments in [kind.arguments, kind.match_arguments] {
            let mut names: Vec<&str> = arguments.iter().map(|argument| argument.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), arguments.len(), "{}", kind.name);
        }
    }
}

#[test]
fn literals_of_conditions_are_escaped() {
    let claims = object(json!({"a": "x\"y\\z\n\u{e4}"}));
    let condition = format!("claims.a == {}", arguments::cel_text("x\"y\\z\n\u{e4}"));
    assert_eq!(crate::condition::evaluate(&condition, &claims), Ok(true));
}
