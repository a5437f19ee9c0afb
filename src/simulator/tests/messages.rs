//! Calls of the models: streams, and tokens counted without an answer.

use serde_json::json;

use super::*;

const COUNT: &str = "/v1/messages/count_tokens";

fn key() -> String {
    crate::simulator::ids::secret(3, "sk-ant-api03-", "apikey_01One")
}

fn asked() -> Value {
    json!({"model": "m", "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]})
}

#[tokio::test]
async fn tokens_are_counted_for_whoever_may_call_the_models_and_charged_to_nobody() {
    let mut api = Api::assuming("usage-delay-seconds=0").await;
    let operator = api.token.clone();
    assert_eq!(api.post(COUNT, asked()).await.status, 403);
    api.token = api.admin_key.clone();
    assert_eq!(api.post(COUNT, asked()).await.status, 401);
    api.token = key();
    let mut body = asked();
    let answered = api.post("/v1/messages", body.clone()).await.ok();
    let got = api.post(&format!("{COUNT}?beta=true"), body.clone()).await;
    assert_eq!(got.headers["anthropic-workspace-id"], "wrkspc_01Prod");
    assert_eq!(got.ok(), json!({"input_tokens": answered["usage"]["input_tokens"]}));
    body.as_object_mut().unwrap().remove("max_tokens");
    let count =
        async |body: &Value| api.post(COUNT, body.clone()).await.ok()["input_tokens"].as_u64().unwrap();
    let short = count(&body).await;
    assert_eq!(answered["usage"]["input_tokens"], short);
    body["system"] = json!("Answer in one word, and never in two.");
    assert!(count(&body).await > short);
    assert_eq!(
        api.post(COUNT, json!({"model": "m"})).await.message(),
        "messages: At least one message is required"
    );
    assert_eq!(api.post(COUNT, json!({"messages": []})).await.message(), "model: Field required");
    assert_eq!(api.get(COUNT).await.status, 404);
    api.token = operator;
    api.advance(60).await;
    let report = api.get("usage_report/messages?starting_at=2026-11-20T00:00:00Z&bucket_width=1d").await.ok();
    let row = &report["data"][0]["results"][0];
    assert_eq!(row["uncached_input_tokens"], answered["usage"]["input_tokens"], "{report}");
}

#[tokio::test]
async fn a_message_comes_as_a_stream_when_it_is_asked_for() {
    let mut api = Api::start().await;
    api.token = key();
    let whole = api.post("/v1/messages", asked()).await.ok();
    let mut body = asked();
    body["stream"] = json!(true);
    let request = api.client.post(format!("{}/v1/messages", api.simulator.url())).bearer_auth(&api.token);
    let response = request.header("anthropic-version", api.version).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(response.headers()["anthropic-workspace-id"], "wrkspc_01Prod");
    let text = response.text().await.unwrap();
    let mut told = Vec::new();
    for event in text.trim_end().split("\n\n") {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
        told.push(data);
    }
    let kinds: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(told[0]["message"]["content"], json!([]));
    assert_eq!(told[3]["delta"]["text"], whole["content"][0]["text"]);
    assert_eq!(told[5]["delta"]["stop_reason"], "end_turn");
    body["stream"] = json!("yes");
    assert_eq!(api.post("/v1/messages", body).await.message(), "stream: Input should be a valid boolean");
}
