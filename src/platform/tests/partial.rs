//! Reading an organization of which something is missing, late or not understood.

use super::observation::newest;
use super::*;
use crate::resource::Unreadable;

const GONE: &str = r#"{"error":{"message":"not found"}}"#;

/// The fixture's answer with one text replaced in the answer to one request.
fn bent(seen: &Seen, request: &str, from: &str, to: &str) -> Reply {
    let reply = newest(seen);
    match seen.tail() == request {
        true => Reply { body: reply.body.replacen(from, to, 1), ..reply },
        false => reply,
    }
}

#[tokio::test]
async fn one_object_that_is_not_understood_is_named_and_the_rest_is_read() {
    for (request, from, to, id, noun, why) in [
        (
            "GET federation_issuers",
            "\"issuer_url\": \"https://token",
            "\"url\": \"https://token",
            "fdis_01Github",
            "federation issuer",
            "federation issuer fdis_01Github: missing field `issuer_url`",
        ),
        (
            "GET api_keys",
            "\"name\": \"ci\"",
            "\"name\": 7",
            "apikey_01Ci",
            "API key",
            "API key apikey_01Ci: invalid type: integer `7`, expected a string",
        ),
        (
            "GET workspaces/wrkspc_01Prod/service_accounts",
            "\"workspace_role\"",
            "\"role\"",
            "svac_01Release",
            "service account",
            "its memberships: membership without an id: missing field `workspace_role`",
        ),
    ] {
        let server = Server::start(move |seen| bent(seen, request, from, to)).await;
        let observed = server.client().0.observe(&managed()).await.unwrap();
        let whole = Server::start(newest).await.client().0.observe(&managed()).await.unwrap();
        let found: Vec<(&String, &Unreadable)> = observed.unreadable.iter().collect();
        let [(found_id, found)] = found[..] else { panic!("{request}: {found:?}") };
        assert_eq!((found_id.as_str(), found.noun, found.why.as_str()), (id, noun, why));
        let count = |observed: &Observed| {
            [observed.issuers.len(), observed.api_keys.len(), observed.service_accounts.len()]
                .iter()
                .sum::<usize>()
        };
        assert_eq!(count(&observed) + 1, count(&whole), "{request}");
    }
}

#[tokio::test]
async fn an_object_without_an_id_fails_its_list() {
    let server = Server::start(|seen| bent(seen, "GET federation_issuers", "\"id\"", "\"key\"")).await;
    let error = server.client().0.observe(&managed()).await.unwrap_err();
    assert_eq!(error.message, "federation issuer without an id: missing field `id`");
    assert_eq!((error.kind, error.operation.as_str()), (ErrorKind::Malformed, "list federation issuers"));
}

/// An API whose lists lack an issuer that is recorded; by its id it is found at this try.
async fn look(found_at: usize) -> (Observed, usize, usize) {
    let tries = Mutex::new(0);
    let server = Server::start(move |seen| match seen.tail().as_str() {
        "GET federation_issuers/fdis_02Late" => {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            match *tries >= found_at {
                true => {
                    let page: Value = serde_json::from_str(&fixture("issuers_page_2.json")).unwrap();
                    Reply::new(200, page["data"][0].to_string().replace("fdis_01Spiffe", "fdis_02Late"))
                }
                false => Reply::new(404, GONE),
            }
        }
        _ => newest(seen),
    })
    .await;
    let recorded = ["fdis_02Late".to_owned(), "fdis_01Github".to_owned()];
    let managed = Managed { issuers: recorded.into(), ..managed() };
    let (client, pace) = server.client();
    let observed = client.observe(&managed).await.unwrap();
    let asked = server.seen().iter().filter(|seen| seen.tail().contains("fdis_02Late")).count();
    (observed, asked, pace.slept().len())
}

#[tokio::test]
async fn a_recorded_object_that_no_list_shows_is_looked_for_and_never_counts_as_gone() {
    let (observed, asked, slept) = look(1).await;
    assert!(observed.issuers.contains_key("fdis_02Late"));
    assert_eq!((asked, slept), (1, 0));
    let (observed, asked, slept) = look(3).await;
    assert!(observed.issuers.contains_key("fdis_02Late"));
    assert_eq!((asked, slept), (3, 2));
    let most = crate::limits::MISSING_TRIES_MAX as usize;
    let (observed, asked, slept) = look(usize::MAX).await;
    let why = &observed.unreadable["fdis_02Late"].why;
    assert!(why.contains("never deletes"), "{why}");
    assert_eq!((asked, slept), (most + 1, most));
}

#[tokio::test]
async fn only_managed_accounts_are_asked_for_their_memberships() {
    let server = Server::start(newest).await;
    let managed = Managed { service_accounts: ["svac_01Engine".to_owned()].into(), ..Managed::default() };
    server.client().0.observe(&managed).await.unwrap();
    let asked: Vec<String> = server.seen().iter().map(Seen::tail).collect();
    let of_members: Vec<&String> = asked.iter().filter(|tail| tail.matches('/').count() == 2).collect();
    assert_eq!(of_members, ["GET service_accounts/svac_01Engine/workspaces"]);
}

#[tokio::test]
async fn an_account_that_is_archived_while_it_is_read_is_archived() {
    let server = Server::start(|seen| match seen.tail().as_str() {
        "GET service_accounts/svac_01Engine/workspaces" => Reply::new(404, GONE),
        "GET service_accounts/svac_01Engine" => {
            let page: Value = serde_json::from_str(&fixture("service_accounts.json")).unwrap();
            let mut account = page["data"][1].clone();
            account["archived_at"] = json!("2026-11-20T00:00:00Z");
            Reply::new(200, account.to_string())
        }
        _ => newest(seen),
    })
    .await;
    let managed = Managed { service_accounts: ["svac_01Engine".to_owned()].into(), ..Managed::default() };
    let observed = server.client().0.observe(&managed).await.unwrap();
    assert!(observed.service_accounts["svac_01Engine"].provenance.archived_at.is_some());
}

#[tokio::test]
async fn an_account_that_is_listed_and_not_found_is_not_gone() {
    let server = Server::start(|seen| match seen.tail().as_str() {
        "GET service_accounts/svac_01Engine/workspaces" | "GET service_accounts/svac_01Engine" => {
            Reply::new(404, GONE)
        }
        _ => newest(seen),
    })
    .await;
    let managed = Managed { service_accounts: ["svac_01Engine".to_owned()].into(), ..Managed::default() };
    let observed = server.client().0.observe(&managed).await.unwrap();
    assert!(observed.unreadable["svac_01Engine"].why.contains("may show later"));
    assert!(!observed.service_accounts.contains_key("svac_01Engine"));
}

#[tokio::test]
async fn a_list_that_is_read_again_forgets_nothing_that_was_found_by_its_id() {
    // No list shows the issuer of a live rule, which makes keyless read the list again.
    let server = Server::start(|seen| match seen.tail().as_str() {
        "GET federation_issuers" => Reply::new(200, r#"{"data":[],"next_page":null}"#),
        "GET federation_issuers/fdis_01Spiffe" => {
            let page: Value = serde_json::from_str(&fixture("issuers_page_2.json")).unwrap();
            Reply::new(200, page["data"][0].to_string())
        }
        "GET federation_issuers/fdis_02Late" => Reply::new(404, GONE),
        _ => newest(seen),
    })
    .await;
    let recorded = ["fdis_01Spiffe".to_owned(), "fdis_02Late".to_owned()];
    let managed = Managed { issuers: recorded.into(), ..managed() };
    let observed = server.client().0.observe(&managed).await.unwrap();
    let lists = server.seen().iter().filter(|seen| seen.tail() == "GET federation_issuers").count();
    assert_eq!(lists, 2);
    assert!(observed.issuers.contains_key("fdis_01Spiffe"));
    assert!(observed.unreadable.contains_key("fdis_02Late"));
}
