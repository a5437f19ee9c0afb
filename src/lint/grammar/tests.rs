use super::*;
use crate::provider::profile::infer;

/// Reads a pattern and tells the result in a few words.
fn words(issuer: &str, pattern: &str) -> String {
    let literal = pattern.strip_suffix('*');
    let reading = read(infer(issuer, Some(pattern)), literal.unwrap_or(pattern), literal.is_some());
    match reading {
        Reading::Complete => "complete".to_owned(),
        Reading::Foreign => "foreign".to_owned(),
        Reading::Dead { at, .. } => format!("dead {at}"),
        Reading::Open(cut) => match cut.openings().first() {
            Some(open) => format!("{:?} {}", open.opening, open.segment.what),
            None => "nothing".to_owned(),
        },
    }
}

#[test]
fn github_subjects() {
    let check = |pattern: &str, expected: &str| {
        assert_eq!(words("https://token.actions.githubusercontent.com", pattern), expected, "{pattern}");
    };
    check("repo:*", "Everything owner name");
    check("re*", "Everything owner name");
    check("repo:acme*", "Unfinished owner name");
    check("repo:acme@*", "Ids owner name");
    check("repo:acme@91*", "Ids owner name");
    check("repo:acme/*", "Tenant repository name");
    check("repo:acme@91/*", "Tenant repository name");
    check("repo:acme/app*", "Unfinished repository name");
    check("repo:acme@91/app@*", "Ids repository name");
    check("repo:acme/app:*", "Runs branch name");
    check("repo:acme/app:ref:*", "Runs branch name");
    check("repo:acme/app:ref:refs/heads/*", "Runs branch name");
    check("repo:acme/app:ref:refs/heads/main*", "Unfinished branch name");
    check("repo:acme/app:ref:refs/heads/release/*", "Runs branch name");
    check("repo:acme/app:ref:refs/tags/v*", "Unfinished tag name");
    check("repo:acme/app:environment:*", "Runs environment name");
    check("repo:acme/app:environment:prod*", "Unfinished environment name");
    check("repo:acme/app:pull_request*", "nothing");
    check("repo:acme/app:pull_request", "complete");
    check("repo:a/b:ref:refs/heads/main", "complete");
    check("repo:acme@91/app@12:ref:refs/heads/feature/x", "complete");
    check("repo:acme/app:environment:prod:repository_owner:acme", "complete");
    check("repo:acme/app:job_workflow_ref:o/w/.github/workflows/x.yml@refs/heads/main", "complete");
    check("repo:acme/app", "complete");
    check("repo:acme/app:", "dead 14");
    check("repo:acme/app:ref:", "dead 18");
    check("repo:acme/app:ref:main", "dead 18");
    check("repo:acme/app:ref:refs/heads/", "dead 29");
    check("repo:acme/app:ref:refs/heads/main/", "dead 34");
    check("repo:acme//app:pull_request", "dead 10");
    check("repo:acme/app/x:pull_request", "dead 13");
    check("repo:acme/app/*", "dead 13");
    check("repo:/app:pull_request", "dead 5");
    check("repo:acme/", "dead 10");
    check("environment:production", "foreign");
    check("environment:production*", "foreign");
}

#[track_caller]
fn check(issuer: &str, pattern: &str, expected: &str) {
    assert_eq!(words(issuer, pattern), expected, "{pattern}");
}

#[test]
fn subjects_of_build_services() {
    let gitlab = "https://gitlab.com";
    check(gitlab, "project_path:acme*", "Unfinished group name");
    check(gitlab, "project_path:acme/*", "Tenant project path");
    check(gitlab, "project_path:acme/sub/*", "Tenant project path");
    check(gitlab, "project_path:acme/billing*", "Unfinished project path");
    check(gitlab, "project_path:acme/billing:ref_type:branch:ref:*", "Runs ref name");
    check(gitlab, "project_path:acme/sub/billing:ref_type:branch:ref:main", "complete");
    check(gitlab, "project_id:57382910:ref_type:branch:ref:main", "complete");
    check(gitlab, "project_id:57*", "Opaque project id");
    let buildkite = "https://agent.buildkite.com";
    check(buildkite, "organization:acme*", "Unfinished organization slug");
    check(buildkite, "organization:acme-inc:*", "Tenant pipeline slug");
    check(buildkite, "organization:a:pipeline:p:ref:refs/heads/main:commit:*", "Steps commit");
    check(buildkite, "organization:acme-inc", "dead 21");
    check(buildkite, "0184990a-4782-42b5-afc1-16715b10b1f0", "complete");
    check(buildkite, "0184990a*", "Opaque id");
    let circleci = "https://oidc.circleci.com/org/b3a1";
    check(circleci, "org/*", "Everything organization id");
    check(circleci, "org/b3a1/*", "Tenant project id");
    check(circleci, "org/b3a1/project/7c6b/*", "Triggers user id and source");
    check(circleci, "project/7c6b", "dead 0");
    let terraform = "https://app.terraform.io";
    check(terraform, "organization:acme:*", "Tenant project name");
    check(terraform, "organization:acme:project:Platform Prod:workspace:w:run_phase:*", "Phases run phase");
    check(terraform, "organization:acme:project:Platform Prod:workspace:w:run_phase:apply", "complete");
    check(terraform, "organization:acme:workspace:w:run_phase:apply", "dead 18");
}

#[test]
fn subjects_of_clouds_and_clusters() {
    let cluster = "https://oidc.eks.us-west-2.amazonaws.com/id/6FA4";
    check(cluster, "system:*", "Tenant namespace");
    check(cluster, "system:serviceaccount:*", "Tenant namespace");
    check(cluster, "system:serviceaccount:ml*", "Unfinished namespace");
    check(cluster, "system:serviceaccount:ml:*", "Namespace service account name");
    check(cluster, "system:serviceaccount:ml:worker*", "Unfinished service account name");
    check(cluster, "system:serviceaccount:ml:worker", "complete");
    check(cluster, "system:serviceaccount:ml:worker:x", "dead 31");
    check(cluster, "system:serviceaccount:ml", "dead 24");
    check(cluster, "system:serviceaccount::worker", "dead 22");
    check(cluster, "ml/worker", "dead 0");
    let aws = "https://3f1c.tokens.sts.global.api.aws";
    check(aws, "arn:aws:iam::123456789012:role/*", "Tenant role name");
    check(aws, "arn:aws:iam::123456789012:role/team/*", "Path role name");
    check(aws, "arn:aws:iam::123456789012:role/worker*", "Unfinished role name");
    check(aws, "arn:aws-us-gov:iam::123456789012:role/team/worker", "complete");
    check(aws, "arn:aws:iam::123456789012:user/jane", "complete");
    check(aws, "arn:aws:sts::123456789012:assumed-role/worker/session", "dead 8");
    check("", "spiffe://*", "Everything trust domain");
    check("", "spiffe://a.example*", "TrustDomain trust domain");
    check("", "spiffe://a.example/*", "Tenant path");
    check("", "spiffe://a.example/ns/ml/*", "Namespace path");
    check("", "spiffe://a.example/ns/ml/sa/worker*", "Unfinished path");
    check("", "spiffe://a.example/ns/ml/sa/worker", "complete");
    check("https://accounts.google.com", "104892*", "Opaque unique id");
    check("https://acme.okta.com/oauth2/aus1", "0oa1*", "Opaque client id");
    check(
        "https://oidc.vercel.com/acme",
        "owner:acme:project:p:environment:*",
        "Environments environment name",
    );
    check("https://oidc.fly.io/acme", "acme:inference:*", "Accepted machine name");
    check("https://oidc.fly.io/acme", "acme:inference*", "Unfinished app name");
    check("https://oidc.acme.example", "worker*", "foreign");
    check("https://oidc.acme.example", "worker", "complete");
}

#[test]
fn suggestions_and_strangers_are_whole_subjects() {
    let check = |pattern: &str, suggestion: &str, stranger: &str| {
        let profile = infer("https://token.actions.githubusercontent.com", None);
        let literal = pattern.strip_suffix('*').unwrap();
        let Reading::Open(cut) = read(profile, literal, true) else { panic!("{pattern}") };
        assert_eq!((cut.suggestion().as_str(), cut.stranger().as_str()), (suggestion, stranger));
        assert!(cut.stranger().starts_with(literal), "{pattern}");
    };
    check(
        "repo:acme/app*",
        "repo:acme/app:ref:refs/heads/main",
        "repo:acme/app-evil:ref:refs/heads/any-branch",
    );
    check(
        "repo:acme/*",
        "repo:acme/REPOSITORY:ref:refs/heads/main",
        "repo:acme/any-repository:ref:refs/heads/any-branch",
    );
    check(
        "repo:acme@*",
        "repo:acme@OWNER_ID/REPOSITORY:ref:refs/heads/main",
        "repo:acme@0000/any-repository:ref:refs/heads/any-branch",
    );
    check(
        "repo:acme/app:ref:refs/heads/main*",
        "repo:acme/app:ref:refs/heads/main",
        "repo:acme/app:ref:refs/heads/main-evil",
    );
    check(
        "repo:acme/app:ref:r*",
        "repo:acme/app:ref:refs/heads/main",
        "repo:acme/app:ref:refs/heads/any-branch",
    );
}
