//! Creates whose answer is lost: what is sent, what is looked up and what is adopted.

use super::changes::rule;
use super::*;
use crate::resource::RuleWorkspaces;

fn call() -> Call {
    Call::CreateRule(rule(RuleWorkspaces::All))
}

/// The rule that was asked for, as the API shows it.
fn made() -> Value {
    let mut object: Value =
        serde_json::from_str::<Value>(&fixture("2026-10-21/rules.json")).unwrap()["data"][0].take();
    object["match"] = json!({"subject_prefix": "repo:acme/app:*", "claims": {"repository_owner": "acme"}});
    object["token_lifetime_seconds"] = json!(600);
    object
}

fn page(objects: &[Value]) -> Reply {
    Reply::new(200, json!({"data": objects, "next_page": null}).to_string())
}

fn lost() -> Reply {
    Reply::new(529, r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#)
}

fn taken() -> Reply {
    Reply::new(409, fixture("conflict.json"))
}

/// What was sent (`+` for a create, `?` for a look), and how it ended.
async fn check(replies: Vec<Answering>, sent: &str, expected: Result<&str, ErrorKind>) {
    let server = Server::answering(replies).await;
    let found = server.client().0.perform(&call(), since()).await;
    let seen: String =
        server.seen().iter().map(|seen| if seen.method == "POST" { '+' } else { '?' }).collect();
    let found = match found {
        Ok(Answer::Rule(rule)) => Ok(rule.id),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.kind),
    };
    assert_eq!((seen.as_str(), found), (sent, expected.map(str::to_owned)));
}

#[tokio::test]
async fn what_is_there_is_adopted_and_never_made_twice() {
    check(vec![lost, || page(&[made()])], "+?", Ok("fdrl_01Release")).await;
    // Its answer came and could not be understood.
    check(vec![|| Reply::new(200, "{}"), || page(&[made()])], "+?", Ok("fdrl_01Release")).await;
    // Nothing happened, so it is sent again, after a look.
    check(vec![lost, || page(&[]), || Reply::new(200, made().to_string())], "+?+", Ok("fdrl_01Release"))
        .await;
    // It happened and could not be seen yet: the API's check of the name says so.
    check(vec![lost, || page(&[]), taken, || page(&[made()])], "+?+?", Ok("fdrl_01Release")).await;
}

#[tokio::test]
async fn what_somebody_else_made_is_not_adopted() {
    // A conflict at the first try is about an object that was there before.
    check(vec![taken], "+", Err(ErrorKind::Conflict)).await;
    let other = || {
        let mut object = made();
        object["oauth_scope"] = json!("workspace:developer");
        page(&[object])
    };
    check(vec![lost, other], "+?", Err(ErrorKind::Conflict)).await;
    // The lost answer may have been that the name is taken.
    let older = || {
        let mut object = made();
        object["created_at"] = json!("2026-09-30T23:58:59Z");
        page(&[object])
    };
    check(vec![lost, older], "+?", Err(ErrorKind::Conflict)).await;
}

#[tokio::test]
async fn doubt_that_looking_cannot_settle_is_told() {
    check(vec![lost, || Reply::new(403, "{}")], "+?", Err(ErrorKind::AnswerLost)).await;
    // An archived object of the name is not the one that was asked for.
    let archived = || {
        let mut object = made();
        object["archived_at"] = json!("2026-11-03T00:00:00Z");
        page(&[object])
    };
    check(vec![lost, archived, lost, archived, lost, archived], "+?+?+?", Err(ErrorKind::AnswerLost)).await;
}
