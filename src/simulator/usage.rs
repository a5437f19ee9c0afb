//! Token use and the report on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock;
use super::error::Refusal;
use super::organization::{Usage, World};
use super::page;
use super::request::{Query, Request};

/// The model of traffic that names none.
pub(super) const MODEL_DEFAULT: &str = "claude-sonnet-4-5";

/// The beta that the dimension `speed` belongs to.
const SPEED_BETA: &str = "fast-mode-2026-02-01";

const GROUPS: [&str; 9] = [
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "speed",
    "workspace_id",
];

/// Records token use at a moment; equal callers in the same minute are added up.
pub(super) fn record(world: &mut World, at: Timestamp, usage: Usage) {
    let minute = world.usage.entry(clock::floor(at, 60)).or_default();
    let is_same = |row: &&mut Usage| {
        row.api_key_id == usage.api_key_id
            && row.service_account_id == usage.service_account_id
            && row.user_id == usage.user_id
            && row.workspace_id == usage.workspace_id
            && row.model == usage.model
    };
    match minute.iter_mut().find(is_same) {
        Some(row) => {
            row.input_tokens = row.input_tokens.saturating_add(usage.input_tokens);
            row.output_tokens = row.output_tokens.saturating_add(usage.output_tokens);
            row.requests = row.requests.saturating_add(usage.requests);
        }
        None => minute.push(usage),
    }
}

/// The usage report: buckets from the oldest on, empty ones included.
pub(super) fn report(world: &World, request: &Request, now: Timestamp) -> Result<Value, Refusal> {
    let query = &request.query;
    let (width, default_limit, most) = match query.get("bucket_width").unwrap_or("1d") {
        "1m" => (60, 60, 1440),
        "1h" => (3600, 24, 168),
        "1d" => (86_400, 7, 31),
        _ => return Err(Refusal::invalid("bucket_width: Input should be one of: 1m, 1h, 1d")),
    };
    let limit = query.limit(default_limit, most)?;
    let asked = query.time("starting_at")?.ok_or_else(|| Refusal::invalid("starting_at: Field required"))?;
    let end = query.time("ending_at")?.unwrap_or(now);
    let mut start = clock::floor(asked, width);
    if end <= asked {
        return Err(Refusal::invalid("ending_at: Input should be after starting_at"));
    }
    if let Some(cursor) = query.get("page") {
        let next = page::decode(cursor)?.parse().ok().filter(|next| *next >= start && *next < end);
        start = next.ok_or_else(|| Refusal::invalid("page: Not a cursor of this report"))?;
    }
    let groups = query.all("group_by");
    if let Some(unknown) = groups.iter().find(|group| !GROUPS.contains(group)) {
        let message = format!("group_by: \"{unknown}\" is not one of: {}", GROUPS.join(", "));
        return Err(Refusal::invalid(message));
    }
    let by_speed = groups.contains(&"speed") || !query.all("speeds").is_empty();
    if by_speed && !request.betas.iter().any(|beta| beta == SPEED_BETA) {
        return Err(Refusal::invalid(format!(
            "speed: this dimension needs the header anthropic-beta: {SPEED_BETA}"
        )));
    }
    let visible_until = clock::later(now, -world.assumptions.usage_delay_seconds.0);

    let mut buckets = Vec::new();
    while buckets.len() < limit && start < end {
        let bucket_end = clock::later(start, width);
        let rows = world.usage.range(start..bucket_end.min(end)).filter(|(at, _)| **at <= visible_until);
        let rows = rows.flat_map(|(_, rows)| rows).filter(|row| passes(world, query, row));
        buckets.push(json!({
            "starting_at": start.to_string(),
            "ending_at": bucket_end.to_string(),
            "results": sum_up(world, rows, &groups),
        }));
        start = bucket_end;
    }
    let has_more = start < end;
    let next_page = has_more.then(|| page::encode(&start.to_string()));
    Ok(json!({"data": buckets, "has_more": has_more, "next_page": next_page}))
}

/// The value of one dimension of a row.
fn dimension<'a>(world: &World, row: &'a Usage, group: &str) -> Option<&'a str> {
    match group {
        "api_key_id" => row.api_key_id.as_deref(),
        "service_account_id" => row.service_account_id.as_deref(),
        "workspace_id" => row.workspace_id.as_deref().filter(|id| *id != world.default_workspace),
        "model" => Some(&row.model),
        "account_id" => row.user_id.as_deref(),
        "service_tier" | "speed" => Some("standard"),
        "context_window" => Some("0-200k"),
        "inference_geo" => Some("global"),
        _ => None,
    }
}

fn passes(world: &World, query: &Query, row: &Usage) -> bool {
    let filters = [
        ("api_key_ids", "api_key_id"),
        ("service_account_ids", "service_account_id"),
        ("workspace_ids", "workspace_id"),
        ("account_ids", "account_id"),
        ("models", "model"),
        ("service_tiers", "service_tier"),
        ("context_window", "context_window"),
        ("inference_geos", "inference_geo"),
        ("speeds", "speed"),
    ];
    filters.iter().all(|(parameter, group)| {
        let wanted = query.all(parameter);
        wanted.is_empty() || dimension(world, row, group).is_some_and(|value| wanted.contains(&value))
    })
}

fn sum_up<'a>(world: &World, rows: impl Iterator<Item = &'a Usage>, groups: &[&str]) -> Vec<Value> {
    let mut sums: BTreeMap<Vec<Option<&str>>, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let key = GROUPS
            .iter()
            .map(|group| if groups.contains(group) { dimension(world, row, group) } else { None })
            .collect();
        let (input, output) = sums.entry(key).or_default();
        *input = input.saturating_add(row.input_tokens);
        *output = output.saturating_add(row.output_tokens);
    }
    let show = |(key, (input, output)): (Vec<Option<&str>>, (u64, u64))| {
        let mut shown = json!({
            "uncached_input_tokens": input,
            "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
            "cache_read_input_tokens": 0,
            "output_tokens": output,
            "server_tool_use": {"web_search_requests": 0},
        });
        for (group, value) in GROUPS.iter().zip(key) {
            shown[*group] = json!(value);
        }
        shown
    };
    sums.into_iter().map(show).collect()
}
