//! Workspaces of a rule: B19 to B24.

use serde_json::json;

use super::*;

const RULE: &str = "federation_rules/fdrl_01Worker";
const WORKSPACES: &str = "federation_rules/fdrl_01Worker/workspaces";

#[tokio::test]
async fn b19_the_only_enablement_is_swapped_and_several_are_not() {
    let api = Api::start().await;
    let swapped = api.post(RULE, json!({"workspace_id": "wrkspc_01Stage"})).await.ok();
    assert_eq!(swapped["workspace_ids"], json!(["wrkspc_01Stage"]));
    api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Prod"})).await.ok();
    assert_eq!(api.post(RULE, json!({"workspace_id": "wrkspc_01Stage"})).await.status, 400);
}

#[tokio::test]
async fn b20_turning_all_off_needs_a_workspace() {
    let api = Api::start().await;
    let everywhere = rule_with("a", json!({"workspace_id": null, "applies_to_all_workspaces": true}));
    let path = format!("federation_rules/{}", api.post("federation_rules", everywhere).await.id());
    assert_eq!(api.post(&path, json!({"applies_to_all_workspaces": false})).await.status, 400);
    api.post(&format!("{path}/workspaces"), json!({"workspace_id": "wrkspc_01Prod"})).await.ok();
    let some = api.post(&path, json!({"applies_to_all_workspaces": false})).await.ok();
    assert_eq!(
        (&some["applies_to_all_workspaces"], &some["workspace_ids"]),
        (&json!(false), &json!(["wrkspc_01Prod"]))
    );
    let legacy = "federation_rules/fdrl_01Legacy";
    api.post(legacy, json!({"applies_to_all_workspaces": true})).await.ok();
    api.post(legacy, json!({"applies_to_all_workspaces": false})).await.ok();
}

#[tokio::test]
async fn b21_enabling_twice_keeps_the_first_time() {
    let api = Api::start().await;
    let first = api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Stage"})).await.ok();
    assert_eq!(
        (&first["workspace_name"], &first["created_by_actor_id"]),
        (&json!(null), &json!("user_01Operator"))
    );
    api.advance(60).await;
    assert_eq!(api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Stage"})).await.ok(), first);
    assert_eq!(api.post(WORKSPACES, json!({})).await.status, 400);
    assert_eq!(api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Unknown"})).await.status, 400);
    api.archive(RULE).await.ok();
    assert_eq!(api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Stage"})).await.status, 400);
}

#[tokio::test]
async fn b22_the_list_is_always_whole() {
    let api = Api::start().await;
    api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Stage"})).await.ok();
    let list = api.get(&format!("{WORKSPACES}?limit=1&page=nonsense")).await.ok();
    assert_eq!((list["data"].as_array().unwrap().len(), &list["next_page"]), (2, &json!(null)));
    assert_eq!(list["data"][1]["workspace_name"], "Staging");
}

#[tokio::test]
async fn b23_an_archive_empties_the_workspaces() {
    let mut api = Api::start().await;
    assert_eq!(api.archive(RULE).await.ok()["workspace_ids"], json!([]));
    api.version = "2023-06-01";
    assert_eq!(api.archive("federation_rules/fdrl_01Legacy").await.ok()["workspace_id"], json!(null));
}

#[tokio::test]
async fn b24_the_last_workspace_stays_or_goes_as_assumed() {
    for (assumption, status) in [("", 400), ("remove-last-workspace=allowed", 200)] {
        let api = Api::assuming(assumption).await;
        assert_eq!(api.delete(&format!("{WORKSPACES}/wrkspc_01Prod")).await.status, status);
        api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Stage"})).await.ok();
        api.post(WORKSPACES, json!({"workspace_id": "wrkspc_01Prod"})).await.ok();
        for _ in 0..2 {
            let gone = api.delete(&format!("{WORKSPACES}/wrkspc_01Stage")).await.ok();
            assert_eq!(gone["type"], "federation_rule_workspace_deleted");
        }
        assert_eq!(api.get(RULE).await.ok()["workspace_ids"], json!(["wrkspc_01Prod"]));
        assert_eq!(api.delete(&format!("{WORKSPACES}/wrkspc_01Unknown")).await.status, 404);
    }
}
