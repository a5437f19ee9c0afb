//! What each change sends, and how its answer is read.

use super::*;
use crate::resource::{
    IssuerArguments, Jwks, KeyStatus, Match, OrganizationRole, RuleArguments, RuleWorkspaces,
    ServiceAccountArguments,
};

fn issuer(jwks: Jwks) -> IssuerArguments {
    IssuerArguments {
        name: "github".into(),
        issuer_url: "https://token.actions.githubusercontent.com".into(),
        jwks,
        check_jti: true,
        max_jwt_lifetime_seconds: 3_600,
    }
}

pub(super) fn rule(workspaces: RuleWorkspaces) -> RuleArguments {
    RuleArguments {
        name: "release".into(),
        description: String::new(),
        issuer_id: "fdis_01Github".into(),
        matching: Match {
            subject_prefix: Some("repo:acme/app:*".into()),
            claims: [("repository_owner".to_owned(), "acme".to_owned())].into(),
            ..Match::default()
        },
        service_account_id: "svac_01Release".into(),
        oauth_scope: "workspace:inference".into(),
        token_lifetime_seconds: 600,
        workspaces,
    }
}

fn first_object(file: &str) -> String {
    let page: Value = serde_json::from_str(&fixture(file)).unwrap();
    page["data"][0].to_string()
}

fn answer(seen: &Seen) -> Reply {
    let path = seen.tail();
    let body = match path.split_once(' ').unwrap().1.split('/').next().unwrap() {
        _ if path.contains("/workspaces") => "{}".to_owned(),
        "federation_issuers" => first_object("issuers_page_1.json"),
        "federation_rules" => first_object("2026-10-21/rules.json"),
        "service_accounts" => first_object("service_accounts.json"),
        _ => first_object("2026-10-21/api_keys_page_1.json"),
    };
    Reply::new(200, body)
}

async fn check(call: Call, expected: &str, body: Value) -> Answer {
    let server = Server::start(answer).await;
    let found = server.client().0.perform(&call, since()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].tail().as_str(), &seen[0].body), (expected, &body));
    found
}

#[tokio::test]
async fn issuers() {
    let body = |jwks: Value| {
        json!({
            "name": "github",
            "issuer_url": "https://token.actions.githubusercontent.com",
            "jwks": jwks,
            "check_jti": true,
            "max_jwt_lifetime_seconds": 3_600,
        })
    };
    let discovery = Jwks::Discovery { discovery_base: None, ca_cert_pem: None };
    let answer = check(
        Call::CreateIssuer(issuer(discovery)),
        "POST federation_issuers",
        body(json!({"type": "discovery"})),
    )
    .await;
    let Answer::Issuer(object) = answer else { panic!("{answer:?}") };
    assert_eq!(object.id, "fdis_01Github");
    let based = Jwks::Discovery { discovery_base: Some("https://d".into()), ca_cert_pem: Some("PEM".into()) };
    check(
        Call::UpdateIssuer { id: "fdis_1".into(), arguments: issuer(based) },
        "POST federation_issuers/fdis_1",
        body(json!({"type": "discovery", "discovery_base": "https://d", "ca_cert_pem": "PEM"})),
    )
    .await;
    check(
        Call::CreateIssuer(issuer(Jwks::ExplicitUrl { url: "https://k".into(), ca_cert_pem: None })),
        "POST federation_issuers",
        body(json!({"type": "explicit_url", "url": "https://k"})),
    )
    .await;
    check(
        Call::CreateIssuer(issuer(Jwks::Inline { keys: vec![json!({"kty": "RSA"})] })),
        "POST federation_issuers",
        body(json!({"type": "inline", "keys": [{"kty": "RSA"}]})),
    )
    .await;
    let archive = Call::ArchiveIssuer { id: "fdis_1".into() };
    check(archive, "POST federation_issuers/fdis_1/archive", Value::Null).await;
}

#[tokio::test]
async fn rules() {
    let common = json!({
        "name": "release",
        "issuer_id": "fdis_01Github",
        "match": {"subject_prefix": "repo:acme/app:*", "claims": {"repository_owner": "acme"}},
        "target": {"type": "service_account", "service_account_id": "svac_01Release"},
        "oauth_scope": "workspace:inference",
        "token_lifetime_seconds": 600,
    });
    let with = |name: &str, value: Value| {
        let mut body = common.clone();
        body[name] = value;
        body
    };
    let these = RuleWorkspaces::These(["wrkspc_B".to_owned(), "wrkspc_A".to_owned()].into());
    let create = Call::CreateRule(rule(these.clone()));
    check(create, "POST federation_rules", with("workspace_id", json!("wrkspc_A"))).await;
    let create = Call::CreateRule(rule(RuleWorkspaces::All));
    check(create, "POST federation_rules", with("applies_to_all_workspaces", json!(true))).await;

    let mut body = with("description", Value::Null);
    body.as_object_mut().unwrap().remove("issuer_id");
    let update = |all| Call::UpdateRule {
        id: "fdrl_1".into(),
        arguments: rule(these.clone()),
        applies_to_all_workspaces: all,
    };
    check(update(None), "POST federation_rules/fdrl_1", body.clone()).await;
    body["applies_to_all_workspaces"] = json!(false);
    check(update(Some(false)), "POST federation_rules/fdrl_1", body).await;

    let archive = Call::ArchiveRule { id: "fdrl_1".into() };
    let answer = check(archive, "POST federation_rules/fdrl_1/archive", Value::Null).await;
    assert!(matches!(answer, Answer::Rule(object) if object.id == "fdrl_01Release"));
    let enable = Call::EnableWorkspace { rule_id: "fdrl_1".into(), workspace_id: "wrkspc_1".into() };
    let answer =
        check(enable, "POST federation_rules/fdrl_1/workspaces", json!({"workspace_id": "wrkspc_1"})).await;
    assert_eq!(answer, Answer::Linked);
    let disable = Call::DisableWorkspace { rule_id: "fdrl_1".into(), workspace_id: "wrkspc_1".into() };
    check(disable, "DELETE federation_rules/fdrl_1/workspaces/wrkspc_1", Value::Null).await;
}

#[tokio::test]
async fn service_accounts() {
    let create = |description: &str| {
        Call::CreateServiceAccount(ServiceAccountArguments {
            name: "release".into(),
            description: description.into(),
            organization_role: OrganizationRole::Developer,
        })
    };
    let body = json!({"name": "release", "organization_role": "developer"});
    check(create(""), "POST service_accounts", body.clone()).await;
    let mut described = body;
    described["description"] = json!("Signs");
    check(create("Signs"), "POST service_accounts", described).await;
    let update = |description: Option<&str>, role: Option<&str>| Call::UpdateServiceAccount {
        id: "svac_1".into(),
        description: description.map(Into::into),
        organization_role: role.map(Into::into),
    };
    check(update(Some(""), None), "POST service_accounts/svac_1", json!({"description": null})).await;
    check(update(None, Some("admin")), "POST service_accounts/svac_1", json!({"organization_role": "admin"}))
        .await;
    let archive = Call::ArchiveServiceAccount { id: "svac_1".into() };
    check(archive, "POST service_accounts/svac_1/archive", Value::Null).await;
    let set = Call::SetMembership {
        service_account_id: "svac_1".into(),
        workspace_id: "wrkspc_1".into(),
        role: "workspace_developer".into(),
    };
    let body = json!({"workspace_id": "wrkspc_1", "workspace_role": "workspace_developer"});
    check(set, "POST service_accounts/svac_1/workspaces", body).await;
    let remove =
        Call::RemoveMembership { service_account_id: "svac_1".into(), workspace_id: "wrkspc_1".into() };
    check(remove, "DELETE service_accounts/svac_1/workspaces/wrkspc_1", Value::Null).await;
}

#[tokio::test]
async fn keys() {
    let set = |status| Call::SetKeyStatus { id: "apikey_1".into(), status };
    for status in [KeyStatus::Inactive, KeyStatus::Active, KeyStatus::Archived] {
        let word = status.word().to_owned();
        let answer = check(set(status), "POST api_keys/apikey_1", json!({"status": word})).await;
        assert!(matches!(answer, Answer::ApiKey(object) if object.id == "apikey_01Ci"));
    }
}

#[tokio::test]
async fn ids_cannot_lead_to_another_path() {
    let server = Server::start(answer).await;
    let archive = Call::ArchiveRule { id: "../api_keys?x#y".into() };
    server.client().0.perform(&archive, since()).await.unwrap();
    assert_eq!(server.seen()[0].path, "/v1/organizations/federation_rules/..%2Fapi_keys%3Fx%23y/archive");
}

#[tokio::test]
async fn an_id_that_would_vanish_from_the_path_is_not_sent() {
    let server = Server::start(answer).await;
    for id in ["", ".", ".."] {
        let error =
            server.client().0.perform(&Call::ArchiveRule { id: id.into() }, since()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn every_call_carries_the_documented_headers() {
    let server = Server::start(answer).await;
    let archive = Call::ArchiveRule { id: "fdrl_1".into() };
    server.client().0.perform(&archive, since()).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), Some("Bearer sk-ant-oat01-engine"));
    assert_eq!(seen.header("anthropic-version"), Some("2026-10-21"));
    assert_eq!(seen.header("anthropic-beta"), Some("oauth-2025-04-20"));
    assert_eq!(seen.header("user-agent"), Some(concat!("keyless/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(seen.header("x-api-key"), None);
    assert_eq!(seen.header("content-type"), None);
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let server = Server::answering(vec![|| Reply::new(200, first_object("2026-10-21/rules.json"))]).await;
    let settings = settings(&format!("{}/gateway/", server.base));
    client(settings).0.perform(&Call::ArchiveRule { id: "fdrl_1".into() }, since()).await.unwrap();
    assert_eq!(server.seen()[0].path, "/gateway/v1/organizations/federation_rules/fdrl_1/archive");
}
