//! Reading a few objects by their ids.

use super::observation::newest;
use super::*;

/// The same organization, which shows each object by its id as the lists show it.
fn by_id(seen: &Seen) -> Reply {
    let listed = newest(seen);
    let tail = seen.tail();
    let Some((list, id)) = tail.rsplit_once('/').filter(|_| listed.status == 404) else { return listed };
    let in_list = ["", "page=cursor-2", "after_id=apikey_01Default", "include_default=true"].map(|query| {
        let list = newest(&Seen { path: list.replace("GET ", ""), query: query.to_owned(), ..seen.clone() });
        serde_json::from_str::<Value>(&list.body).unwrap_or_default()["data"].clone()
    });
    let rows = in_list.iter().filter_map(Value::as_array).flatten();
    match rows.into_iter().find(|row| row["id"] == id) {
        Some(row) => Reply::new(200, row.to_string()),
        None => listed,
    }
}

fn all_of(observed: &crate::resource::Observed) -> Named {
    Named {
        issuers: observed.issuers.keys().cloned().collect(),
        service_accounts: observed.service_accounts.keys().cloned().collect(),
        rules: observed.rules.keys().cloned().collect(),
        api_keys: observed.api_keys.keys().cloned().collect(),
        workspaces: observed.workspaces.keys().cloned().collect(),
    }
}

#[tokio::test]
async fn an_object_is_seen_by_its_id_as_in_a_list() {
    let server = Server::start(by_id).await;
    let client = server.client().0;
    let mut listed = client.observe(&managed()).await.unwrap();
    let seen = client.read(&all_of(&listed), &listed).await;
    // One workspace does not say that it is the default one.
    listed.workspaces.values_mut().for_each(|workspace| workspace.is_default = false);
    assert!(listed.rules.len() > 1 && listed.service_accounts.values().any(|it| !it.memberships.is_empty()));
    assert_eq!(seen, listed);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let server = Server::start(|seen| match seen.tail().as_str() {
        "GET federation_issuers/fdis_01Github" => Reply::new(403, r#"{"error":{"message":"not yours"}}"#),
        "GET service_accounts/svac_01Release/workspaces" => Reply::new(200, r#"{"data":[{"odd":1}]}"#),
        "GET api_keys/apikey_01Ci" => Reply::new(200, r#"{"id":"apikey_01Ci"}"#),
        "GET workspaces/wrkspc_01Prod" => Reply::new(404, "{}"),
        _ => by_id(seen),
    })
    .await;
    let client = server.client().0;
    let whole = Server::start(by_id).await.client().0.observe(&managed()).await.unwrap();
    let seen = client.read(&all_of(&whole), &whole).await;
    let unread: Vec<&str> = seen.unreadable.keys().map(String::as_str).collect();
    assert_eq!(unread, ["apikey_01Ci", "fdis_01Github", "svac_01Release", "wrkspc_01Prod"]);
    assert!(seen.unreadable["fdis_01Github"].why.contains("not yours"));
    let found = [seen.issuers.len(), seen.service_accounts.len(), seen.api_keys.len(), seen.workspaces.len()];
    let all =
        [whole.issuers.len(), whole.service_accounts.len(), whole.api_keys.len(), whole.workspaces.len()];
    assert_eq!(found.map(|count| count + 1), all);
}
