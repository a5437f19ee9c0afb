//! Calls that do not find what was just created.

use super::changes::rule;
use super::*;
use crate::resource::RuleWorkspaces;

const NOT_FOUND: fn() -> Reply = || Reply::new(404, r#"{"error":{"message":"not found"}}"#);

fn created() -> Reply {
    let page: Value = serde_json::from_str(&fixture("2026-10-21/rules.json")).unwrap();
    Reply::new(200, page["data"][0].to_string())
}

/// Creates a rule, then changes it: how often that was sent, how it ended, and what was told.
async fn change_after_create(
    replies: Vec<Answering>,
    call: &Call,
) -> (usize, Result<Answer, ApiError>, usize) {
    let mut all: Vec<Answering> = vec![created];
    all.extend(replies);
    let server = Server::answering(all).await;
    let told: Arc<Mutex<usize>> = Arc::default();
    let count = Arc::clone(&told);
    let notice = Arc::new(move |text: &str| {
        assert!(text.contains("was just created"), "{text}");
        *count.lock().unwrap() += 1;
    });
    let (client, _) = client(Settings { notice, ..server.settings() });
    client.perform(&Call::CreateRule(rule(RuleWorkspaces::All)), since()).await.unwrap();
    let ended = client.perform(call, since()).await;
    let told = *told.lock().unwrap();
    (server.seen().len() - 1, ended, told)
}

fn enable(rule_id: &str) -> Call {
    Call::EnableWorkspace { rule_id: rule_id.to_owned(), workspace_id: "wrkspc_01Prod".to_owned() }
}

#[tokio::test]
async fn what_was_just_created_may_not_be_found_yet() {
    let found: Answering = || Reply::new(200, "{}");
    let (sent, ended, told) =
        change_after_create(vec![NOT_FOUND, NOT_FOUND, found], &enable("fdrl_01Release")).await;
    assert_eq!((sent, told), (3, 1));
    ended.unwrap();
}

#[tokio::test]
async fn patience_ends_and_is_for_new_objects_alone() {
    let (sent, ended, told) = change_after_create(vec![NOT_FOUND], &enable("fdrl_01Release")).await;
    assert_eq!((sent, told), (1 + crate::limits::FRESH_TRIES_MAX as usize, 1));
    assert_eq!(ended.unwrap_err().kind, ErrorKind::NotFound);
    let (sent, ended, told) = change_after_create(vec![NOT_FOUND], &enable("fdrl_01Other")).await;
    assert_eq!((sent, told), (1, 0));
    assert_eq!(ended.unwrap_err().kind, ErrorKind::NotFound);
    // Of a new object itself it is no answer that its values are wrong.
    let invalid: Answering = || Reply::new(400, "{}");
    let (sent, _, told) = change_after_create(vec![invalid], &enable("fdrl_01Release")).await;
    assert_eq!((sent, told), (1, 0));
}

#[tokio::test]
async fn a_reference_to_a_new_object_may_be_called_invalid() {
    let account: Answering = || {
        let page: Value = serde_json::from_str(&fixture("service_accounts.json")).unwrap();
        Reply::new(200, page["data"][0].to_string())
    };
    let invalid: Answering = || Reply::new(400, "{}");
    let server = Server::answering(vec![account, invalid, created]).await;
    let (client, _) = server.client();
    let create = Call::CreateServiceAccount(crate::resource::ServiceAccountArguments {
        name: "release".to_owned(),
        description: String::new(),
        organization_role: crate::resource::OrganizationRole::Developer,
    });
    client.perform(&create, since()).await.unwrap();
    let mut arguments = rule(RuleWorkspaces::All);
    arguments.service_account_id = "svac_01Release".to_owned();
    client.perform(&Call::CreateRule(arguments), since()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}
