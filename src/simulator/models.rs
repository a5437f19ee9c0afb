//! The models that there are, as far as a credential may call them.

use serde_json::{Value, json};

use super::auth;
use super::error::Refusal;
use super::messages;
use super::organization::World;
use super::page::{self, Row};
use super::request::{Reply, Request};
use jiff::Timestamp;

/// Id, name for people, and when it came out.
const MODELS: [(&str, &str, &str); 3] = [
    ("claude-opus-4-5", "Claude Opus 4.5", "2025-11-24T00:00:00Z"),
    ("claude-haiku-4-5", "Claude Haiku 4.5", "2025-10-15T00:00:00Z"),
    ("claude-sonnet-4-5", "Claude Sonnet 4.5", "2025-09-29T00:00:00Z"),
];

/// Answers `GET /v1/models` and `GET /v1/models/{id}`. `path` is what follows `/v1/models`.
pub(super) fn answer(
    world: &World,
    request: &Request,
    path: &[&str],
    now: Timestamp,
) -> Result<Reply, Refusal> {
    let caller = auth::authenticate(world, auth::credential(request)?, now)?;
    let charged = messages::charge(world, &caller)?;
    let body = match path {
        [] => page::by_window(
            &MODELS.map(|model| Row { key: model.0.to_owned(), value: show(model) }),
            &request.query,
        )?,
        [id] => MODELS
            .into_iter()
            .find(|model| model.0 == *id)
            .map(show)
            .ok_or_else(|| Refusal::not_found(format!("model: {id}")))?,
        _ => return Err(Refusal::not_found("Not found")),
    };
    Ok(Reply { body, authenticated: true, workspace: charged.workspace_id, is_stream: false })
}

fn show((id, name, created_at): (&str, &str, &str)) -> Value {
    json!({
        "id": id,
        "type": "model",
        "display_name": name,
        "created_at": created_at,
        "deprecated_at": null,
        "retires_at": null,
        "lifecycle": "active",
        "line": null,
        "capabilities": null,
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    })
}
