//! Reading the whole organization.

use std::collections::BTreeMap;

use super::*;
use crate::resource::{Jwks, KeyPrincipal, KeyScope, KeyStatus, Observed, OrganizationRole, RuleWorkspaces};

/// An organization in the newest shape, whose list of workspaces can show the default one.
pub(super) fn newest(seen: &Seen) -> Reply {
    let goes_on = seen.query.contains("page=cursor-2") || seen.query.contains("after_id=apikey_01Default");
    Reply::file(match (seen.tail().as_str(), goes_on) {
        ("GET me", _) => "organization.json",
        ("GET federation_issuers", false) => "issuers_page_1.json",
        ("GET federation_issuers", true) => "issuers_page_2.json",
        ("GET federation_rules", _) => "2026-10-21/rules.json",
        ("GET service_accounts", _) => "service_accounts.json",
        ("GET api_keys", false) => "2026-10-21/api_keys_page_1.json",
        ("GET api_keys", true) => "2026-10-21/api_keys_page_2.json",
        ("GET workspaces", _) if !seen.query.contains("include_default") => return without_default(""),
        ("GET workspaces", _) => "2026-10-21/workspaces.json",
        ("GET workspaces/wrkspc_01Default", _) => "workspace_default.json",
        ("GET workspaces/wrkspc_01Prod/service_accounts", _) => "members_of_production.json",
        ("GET workspaces/wrkspc_01Default/service_accounts", _) => "members_of_default.json",
        ("GET service_accounts/svac_01Release/workspaces", _) => "workspaces_of_release.json",
        ("GET service_accounts/svac_01Engine/workspaces", _) => "workspaces_of_engine.json",
        ("GET service_accounts/svac_01Newer/workspaces", _) => "workspaces_of_newer.json",
        (other, _) => return Reply::new(404, other.to_owned()),
    })
}

/// The list of workspaces that nobody asked for the default one; `Production` under another name.
fn without_default(renamed: &str) -> Reply {
    let text = fixture("2026-10-21/workspaces.json");
    let text = if renamed.is_empty() { text } else { text.replace("Production", renamed) };
    let mut page: Value = serde_json::from_str(&text).unwrap();
    page["data"].as_array_mut().unwrap().retain(|workspace| workspace["id"] != "wrkspc_01Default");
    Reply::new(200, page.to_string())
}

/// An older API: it does not know `include_default`, and shows older shapes.
fn older(seen: &Seen) -> Reply {
    match seen.tail().as_str() {
        "GET workspaces" if seen.query.contains("include_default") => Reply::new(400, "{}"),
        "GET workspaces" => Reply::file("2023-06-01/workspaces.json"),
        "GET federation_rules" => Reply::file("2023-06-01/rules.json"),
        "GET api_keys" => Reply::file("2023-06-01/api_keys.json"),
        _ => newest(seen),
    }
}

async fn observe(answer: fn(&Seen) -> Reply) -> (Observed, Vec<String>) {
    let server = Server::start(answer).await;
    let observed = server.client().0.observe(&managed()).await.unwrap();
    let mut asked: Vec<String> =
        server.seen().iter().map(|seen| format!("{}?{}", seen.tail(), seen.query)).collect();
    asked.sort();
    (observed, asked)
}

fn memberships(observed: &Observed, account: &str) -> BTreeMap<String, String> {
    observed.service_accounts[account].memberships.clone()
}

fn roles<const N: usize>(roles: [(&str, &str); N]) -> BTreeMap<String, String> {
    roles.into_iter().map(|(workspace, role)| (workspace.to_owned(), role.to_owned())).collect()
}

fn default_workspaces(observed: &Observed) -> Vec<&str> {
    observed.workspaces.values().filter(|w| w.is_default).map(|w| w.id.as_str()).collect()
}

#[tokio::test]
async fn lists_cost_pages_and_not_objects() {
    let (_, asked) = observe(newest).await;
    assert_eq!(
        asked,
        [
            "GET api_keys?limit=1000",
            "GET api_keys?limit=1000&after_id=apikey_01Default",
            "GET federation_issuers?include_archived=true&limit=100",
            "GET federation_issuers?include_archived=true&limit=100&page=cursor-2",
            "GET federation_rules?include_archived=true&limit=100",
            "GET me?",
            "GET service_accounts?include_archived=true&limit=100",
            "GET workspaces/wrkspc_01Default/service_accounts?limit=100",
            "GET workspaces/wrkspc_01Prod/service_accounts?limit=100",
            "GET workspaces?include_archived=true&include_default=true&limit=1000",
            "GET workspaces?include_archived=true&limit=1000",
        ]
    );
}

#[tokio::test]
async fn objects_are_read_in_the_newest_shape() {
    let (observed, _) = observe(newest).await;
    assert_eq!(observed.organization.name, "Acme");
    let issuers = &observed.issuers;
    assert_eq!(issuers.len(), 4);
    assert_eq!(issuers["fdis_01Cluster"].health.consecutive_failures, 7);
    assert!(issuers["fdis_01Cluster"].health.polling_disabled_at.is_some());
    assert!(matches!(&issuers["fdis_01Cluster"].arguments.jwks, Jwks::ExplicitUrl { url, ca_cert_pem: None }
        if url == "https://keys.example.com/jwks"));
    assert!(matches!(&issuers["fdis_01Spiffe"].arguments.jwks, Jwks::Inline { keys } if keys.len() == 1));
    assert!(
        matches!(&issuers["fdis_01Newer"].arguments.jwks, Jwks::Other { kind } if kind == "carrier_pigeon")
    );
    let provenance = &issuers["fdis_01Spiffe"].provenance;
    assert_eq!(provenance.archived_by.as_deref(), Some("user_01Ada"));
    assert_eq!(provenance.updated_by.as_deref(), Some("svac_01Engine"));

    let rules = &observed.rules;
    let release = &rules["fdrl_01Release"].arguments;
    assert_eq!(release.description, "");
    assert_eq!(release.matching.claims["repository_owner"], "acme");
    let both = ["wrkspc_01Prod".to_owned(), "wrkspc_01Default".to_owned()];
    assert_eq!(release.workspaces, RuleWorkspaces::These(both.into()));
    assert_eq!(rules["fdrl_01All"].arguments.workspaces, RuleWorkspaces::All);
    assert_eq!(rules["fdrl_01User"].target_type, "user");
    assert_eq!(rules["fdrl_01User"].arguments.service_account_id, "");

    let accounts = &observed.service_accounts;
    assert_eq!(accounts["svac_01Engine"].arguments.organization_role, OrganizationRole::Admin);
    let newer = &accounts["svac_01Newer"].arguments.organization_role;
    assert_eq!(newer, &OrganizationRole::Other("auditor".into()));
    assert_eq!(memberships(&observed, "svac_01Release"), roles([("wrkspc_01Prod", "workspace_developer")]));
    assert_eq!(memberships(&observed, "svac_01Engine"), roles([("wrkspc_01Default", "workspace_admin")]));

    let keys = &observed.api_keys;
    assert_eq!(keys["apikey_01Ci"].scope, KeyScope::Workspace(Some("wrkspc_01Prod".into())));
    assert_eq!(keys["apikey_01Org"].scope, KeyScope::Organization);
    assert_eq!(keys["apikey_01Org"].status, KeyStatus::Other("frozen".into()));
    let principal = |key: &str| keys[key].principal.clone();
    assert_eq!(principal("apikey_01Ci"), None);
    assert_eq!(principal("apikey_01Org"), Some(KeyPrincipal::User("user_01Ada".into())));
    assert_eq!(principal("apikey_01Robot"), Some(KeyPrincipal::ServiceAccount("svac_01Release".into())));
    assert_eq!(principal("apikey_01Newer"), Some(KeyPrincipal::Other("robot_actor".into())));
    // A scope of a kind that is not known is taken for the widest one.
    assert_eq!(keys["apikey_01Newer"].scope, KeyScope::Organization);
    assert_eq!(observed.workspaces.len(), 3);
    assert_eq!(default_workspaces(&observed), ["wrkspc_01Default"]);
}

#[tokio::test]
async fn the_older_shape_is_understood_and_says_the_same() {
    let (observed, asked) = observe(older).await;
    let prod = RuleWorkspaces::These(["wrkspc_01Prod".to_owned()].into());
    assert_eq!(observed.rules["fdrl_01Legacy"].arguments.workspaces, prod);
    assert_eq!(observed.api_keys["apikey_01Ci"].scope, KeyScope::Workspace(Some("wrkspc_01Prod".into())));
    assert_eq!(observed.api_keys["apikey_01Default"].scope, KeyScope::Workspace(None));
    // A variant shows the newer field beside the older one, and the newer one is right.
    assert_eq!(observed.api_keys["apikey_01Both"].scope, KeyScope::Organization);
    let principal = |key: &str| observed.api_keys[key].principal.clone();
    assert_eq!(principal("apikey_01Ci"), Some(KeyPrincipal::User("user_01Ada".into())));
    assert_eq!(principal("apikey_01Both"), Some(KeyPrincipal::ServiceAccount("svac_01Release".into())));
    let workspaces = |rule: &str| observed.rules[rule].arguments.workspaces.clone();
    let both = ["wrkspc_01Prod".to_owned(), "wrkspc_01Default".to_owned()];
    assert_eq!(workspaces("fdrl_01Several"), RuleWorkspaces::These(both.into()));
    // The binding of old rules works as long as nothing is enabled beside it.
    assert_eq!(workspaces("fdrl_01Bound"), prod);
    assert_eq!(workspaces("fdrl_01Old"), RuleWorkspaces::These([].into()));
    // The implicit membership gives the default workspace away.
    assert_eq!(default_workspaces(&observed), ["wrkspc_01Default"]);
    assert!(asked.contains(&"GET workspaces/wrkspc_01Default?".to_owned()), "{asked:?}");
    // Both sides tell the same, archived workspaces and implicit rows left out.
    let (newest, _) = observe(newest).await;
    for account in ["svac_01Release", "svac_01Engine", "svac_01Newer", "svac_01Gone"] {
        assert_eq!(memberships(&observed, account), memberships(&newest, account), "{account}");
    }
}

fn without_accounts(seen: &Seen) -> Reply {
    match seen.tail().as_str() {
        "GET service_accounts" => Reply::new(200, r#"{"data":[],"next_page":null}"#),
        "GET api_keys" | "GET federation_rules" => newest(seen),
        _ => older(seen),
    }
}

#[tokio::test]
async fn without_accounts_the_default_workspace_is_known_from_a_key() {
    let (observed, _) = observe(without_accounts).await;
    assert_eq!(default_workspaces(&observed), ["wrkspc_01Default"]);
}

/// Somebody called a workspace of their own `Default`.
fn two_defaults(seen: &Seen) -> Reply {
    match seen.tail().as_str() {
        "GET workspaces" if !seen.query.contains("include_default") => without_default("Default"),
        "GET workspaces" => {
            Reply::new(200, fixture("2026-10-21/workspaces.json").replace("Production", "Default"))
        }
        tail if tail.starts_with("GET workspaces/") => members_with_a_row_each(seen),
        _ => newest(seen),
    }
}

/// Members without the implicit row that would give the default workspace away.
fn members_with_a_row_each(seen: &Seen) -> Reply {
    Reply::new(200, newest(seen).body.replace("\"implicit\": true", "\"implicit\": false"))
}

/// Somebody gave the default workspace another name, as far as a list shows.
fn renamed_default(seen: &Seen) -> Reply {
    match seen.tail().as_str() {
        "GET workspaces" if seen.query.contains("include_default") => {
            Reply::new(200, fixture("2026-10-21/workspaces.json").replace("\"Default\"", "\"Main\""))
        }
        _ => two_defaults(seen),
    }
}

#[tokio::test]
async fn the_default_workspace_is_not_told_by_its_name() {
    for answer in [two_defaults, renamed_default] {
        let (observed, _) = observe(answer).await;
        assert_eq!(default_workspaces(&observed), ["wrkspc_01Default"]);
    }
}

async fn observe_error(answer: fn(&Seen) -> Reply) -> ApiError {
    Server::start(answer).await.client().0.observe(&managed()).await.unwrap_err()
}

#[tokio::test]
async fn a_rule_that_names_no_workspace_at_all_is_not_understood() {
    let (observed, _) = observe(|seen| match seen.tail().as_str() {
        "GET federation_rules" => {
            Reply::new(200, fixture("2023-06-01/rules.json").replace("\"workspace_id\"", "\"room\""))
        }
        _ => older(seen),
    })
    .await;
    let rule = &observed.unreadable["fdrl_01Legacy"];
    assert_eq!(rule.why, "federation rule fdrl_01Legacy: missing field `workspace_ids`");
    assert!(!observed.rules.contains_key("fdrl_01Legacy"));
}

#[tokio::test]
async fn a_list_in_circles_is_a_fault_of_the_server() {
    let error = observe_error(|seen| match seen.tail().as_str() {
        "GET federation_issuers" => Reply::file("issuers_page_1.json"),
        _ => newest(seen),
    })
    .await;
    assert_eq!(error.kind, ErrorKind::Malformed);
    assert!(error.message.contains("read already"), "{error}");
}

#[tokio::test]
async fn a_list_that_is_cut_short_is_not_believed() {
    let error = observe_error(|seen| match seen.tail().as_str() {
        "GET federation_rules" => Reply::new(200, r#"{"data":[]}"#),
        _ => newest(seen),
    })
    .await;
    assert_eq!(error.message, "page: missing field `next_page`");
}

/// The first page of the issuers, then a refusal of the cursor as often as `refusals` says.
async fn observe_with_stale_cursors(refusals: usize) -> (Result<Observed, ApiError>, usize) {
    let left = Mutex::new(refusals);
    let server = Server::start(move |seen| {
        if seen.query.contains("page=cursor-2") {
            let mut left = left.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Reply::new(400, r#"{"error":{"message":"page: the cursor is stale"}}"#);
            }
        }
        newest(seen)
    })
    .await;
    let observed = server.client().0.observe(&managed()).await;
    let asked = server.seen().iter().filter(|seen| seen.tail() == "GET federation_issuers").count();
    (observed, asked)
}

#[tokio::test]
async fn a_stale_cursor_starts_the_list_again_a_few_times() {
    let restarts = crate::limits::LIST_RESTARTS_MAX as usize;
    let (observed, asked) = observe_with_stale_cursors(restarts).await;
    assert_eq!((observed.unwrap().issuers.len(), asked), (4, 2 * (restarts + 1)));
    let (observed, asked) = observe_with_stale_cursors(restarts + 1).await;
    assert_eq!((observed.unwrap_err().kind, asked), (ErrorKind::Invalid, 2 * (restarts + 1)));
    // A refusal of the first page is not about a cursor.
    let server = Server::start(|seen| match seen.tail().as_str() {
        "GET federation_issuers" => Reply::new(400, "{}"),
        _ => newest(seen),
    })
    .await;
    assert_eq!(server.client().0.observe(&managed()).await.unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(server.seen().iter().filter(|seen| seen.tail() == "GET federation_issuers").count(), 1);
}

#[tokio::test]
async fn an_object_on_two_pages_is_taken_as_it_was_read_last() {
    let server = Server::start(|seen| match (seen.tail().as_str(), seen.query.contains("page=cursor-2")) {
        ("GET federation_issuers", true) => {
            let page = fixture("issuers_page_1.json").replace("\"cursor-2\"", "null");
            Reply::new(200, page.replace("\"github\"", "\"renamed\""))
        }
        _ => newest(seen),
    })
    .await;
    let observed = server.client().0.observe(&managed()).await.unwrap();
    assert_eq!(observed.issuers.len(), 2);
    assert_eq!(observed.issuers["fdis_01Github"].arguments.name, "renamed");
}

#[tokio::test]
async fn a_list_that_lacks_what_a_rule_refers_to_was_read_too_early() {
    let early = Mutex::new(true);
    let server = Server::start(move |seen| match seen.tail().as_str() {
        "GET service_accounts" if std::mem::take(&mut *early.lock().unwrap()) => {
            Reply::new(200, r#"{"data":[],"next_page":null}"#)
        }
        _ => newest(seen),
    })
    .await;
    let observed = server.client().0.observe(&managed()).await.unwrap();
    assert_eq!(observed.service_accounts.len(), 4);
    assert_eq!(memberships(&observed, "svac_01Release"), roles([("wrkspc_01Prod", "workspace_developer")]));
}

#[tokio::test]
async fn progress_is_told_page_by_page() {
    let server = Server::start(newest).await;
    let told: Arc<Mutex<Vec<(&str, usize)>>> = Arc::default();
    let log = Arc::clone(&told);
    let progress: Progress = Arc::new(move |noun, count| log.lock().unwrap().push((noun, count)));
    let (client, _) = client(Settings { progress: Some(progress), ..server.settings() });
    client.observe(&managed()).await.unwrap();
    let issuers: Vec<usize> =
        told.lock().unwrap().iter().filter(|(noun, _)| *noun == "federation issuers").map(|t| t.1).collect();
    assert_eq!(issuers, [2, 4]);
}
