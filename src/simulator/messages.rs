//! The calls of the models that workloads make, as far as credentials and usage go.

use serde_json::{Value, json};

use super::auth::{self, Caller};
use super::error::Refusal;
use super::organization::{Usage, World};
use super::request::{Reply, Request};
use super::usage;
use jiff::Timestamp;

const OUTPUT_TOKENS: u64 = 8;
/// A rough measure: four bytes of what a model reads are one token.
const BYTES_PER_TOKEN: u64 = 4;

/// Whom a model call is charged to.
pub(super) struct Charged {
    pub(super) api_key_id: Option<String>,
    pub(super) service_account_id: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) workspace_id: Option<String>,
}

/// What is asked of a model.
struct Asked {
    model: String,
    input_tokens: u64,
    /// Whether the answer is to come as a stream of events.
    is_stream: bool,
}

/// Answers `POST /v1/messages`.
pub(super) fn create(world: &mut World, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
    let caller = auth::authenticate(world, auth::credential(request)?, now)?;
    let charged = charge(world, &caller)?;
    let Asked { model, input_tokens, is_stream } = read(request, true)?;
    let id = world.next_id("msg");
    let workspace = charged.workspace_id.clone();
    let text = who(&charged);
    usage::record(
        world,
        now,
        Usage {
            requests: 1,
            input_tokens,
            output_tokens: OUTPUT_TOKENS,
            api_key_id: charged.api_key_id,
            service_account_id: charged.service_account_id,
            user_id: charged.user_id,
            workspace_id: charged.workspace_id,
            model: model.clone(),
        },
    );
    let body = json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": {"input_tokens": input_tokens, "output_tokens": OUTPUT_TOKENS},
    });
    Ok(Reply { body, authenticated: true, workspace, is_stream })
}

/// Answers `POST /v1/messages/count_tokens`, which is charged to nobody.
pub(super) fn count_tokens(world: &World, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
    let caller = auth::authenticate(world, auth::credential(request)?, now)?;
    let workspace = charge(world, &caller)?.workspace_id;
    let body = json!({"input_tokens": read(request, false)?.input_tokens});
    Ok(Reply { body, authenticated: true, workspace, is_stream: false })
}

/// Reads what both calls take; an answer has a limit of tokens, a count has none.
fn read(request: &Request, is_answered: bool) -> Result<Asked, Refusal> {
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::invalid(format!("The request body is not valid JSON: {error}")))?;
    let model = body["model"].as_str().filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| Refusal::invalid("model: Field required"))?;
    if is_answered && body["max_tokens"].as_u64().is_none_or(|tokens| tokens == 0) {
        return Err(Refusal::invalid("max_tokens: Input should be a positive integer"));
    }
    let messages = body["messages"].as_array();
    if messages.is_none_or(|messages| messages.is_empty() || !messages.iter().all(Value::is_object)) {
        return Err(Refusal::invalid("messages: At least one message is required"));
    }
    let is_stream = match body.get("stream").filter(|_| is_answered) {
        None => false,
        Some(Value::Bool(is_stream)) => *is_stream,
        Some(_) => return Err(Refusal::invalid("stream: Input should be a valid boolean")),
    };
    // What a model reads, so that a count and the answer to the same messages agree.
    let parts =
        ["system", "tools", "messages"].map(|part| body.get(part).map_or(0, |it| it.to_string().len()));
    let input_tokens = (parts.iter().sum::<usize>() as u64 / BYTES_PER_TOKEN).max(1);
    Ok(Asked { model: model.to_owned(), input_tokens, is_stream })
}

/// A message as the events of a stream, in the order in which clients expect them.
pub(super) fn events(message: &Value) -> String {
    let mut begun = message.clone();
    (begun["content"], begun["stop_reason"]) = (json!([]), Value::Null);
    begun["usage"]["output_tokens"] = json!(1);
    let text = &message["content"][0]["text"];
    let ended = json!({"stop_reason": message["stop_reason"], "stop_sequence": null});
    let events = [
        json!({"type": "message_start", "message": begun}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": ended, "usage": {"output_tokens": OUTPUT_TOKENS}}),
        json!({"type": "message_stop"}),
    ];
    let line =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(line).collect()
}

/// The whole answer: who was recognized, and by what.
fn who(charged: &Charged) -> String {
    let principal = charged.service_account_id.as_ref().or(charged.user_id.as_ref());
    match (&charged.api_key_id, principal) {
        (Some(key), Some(principal)) => {
            format!("The simulator knows you as {principal}, by the API key {key}.")
        }
        (Some(key), None) => format!("The simulator knows you by the API key {key} alone."),
        (None, Some(principal)) => format!("The simulator knows you as {principal}, by an access token."),
        (None, None) => String::from("The simulator does not know you."),
    }
}

/// Whom a call with this credential is charged to; 403 when it grants no calls of the models.
pub(super) fn charge(world: &World, caller: &Caller) -> Result<Charged, Refusal> {
    match caller {
        Caller::AdminKey => Err(Refusal::unauthenticated("This endpoint does not accept Admin API keys")),
        Caller::ComplianceKey => {
            Err(Refusal::unauthenticated("This endpoint does not accept keys for the Activity Feed"))
        }
        Caller::ApiKey(key) => {
            let workspace = world.api_keys.get(&key.id).and_then(|key| key.workspace.clone());
            let acts_as = |prefix: &str| key.principal.clone().filter(|id| id.starts_with(prefix));
            Ok(Charged {
                api_key_id: Some(key.id.clone()),
                service_account_id: acts_as("svac_"),
                user_id: acts_as("user_"),
                workspace_id: workspace.or_else(|| Some(world.default_workspace.clone())),
            })
        }
        Caller::Oauth(token) => {
            let grants = |scope: &str| matches!(scope, "workspace:developer" | "workspace:inference");
            if !token.scope.split(' ').any(grants) {
                return Err(Refusal::forbidden("The token's scope does not include calls of the models"));
            }
            Ok(Charged {
                api_key_id: None,
                service_account_id: Some(token.actor.clone()).filter(|actor| actor.starts_with("svac_")),
                user_id: Some(token.actor.clone()).filter(|actor| actor.starts_with("user_")),
                workspace_id: token.workspace.clone(),
            })
        }
    }
}
