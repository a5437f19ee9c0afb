//! Usage analytics: the newer report, which counts requests and says until when it is complete.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::clock;
use super::error::Refusal;
use super::organization::{Usage, World};
use super::page;
use super::request::{Query, Request};

/// The beta that the report belongs to.
const BETA: &str = "analytics-usage-cost-2026-08-24";
const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 1_000;
const GROUPS_MAX: usize = 5;
/// The first second of 2026 in UTC; nothing before it can be asked about.
const FIRST: i64 = 1_767_225_600;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const DIMENSIONS: [&str; 20] = [
    "actor",
    "actor_type",
    "agent_id",
    "api_key_id",
    "claude_tag_category",
    "claude_tag_user_id",
    "context_window",
    "deployment_id",
    "environment_id",
    "inference_geo",
    "model",
    "organization_id",
    "product",
    "rbac_group_id",
    "service_tier",
    "session_id",
    "slack_channel_id",
    "speed",
    "user_profile_id",
    "workspace_id",
];
/// Parameters that keep rows by a dimension.
const FILTERS: [(&str, &str); 20] = [
    ("actor_ids", "actor"),
    ("actor_types", "actor_type"),
    ("agent_ids", "agent_id"),
    ("api_key_ids", "api_key_id"),
    ("claude_tag_categories", "claude_tag_category"),
    ("claude_tag_user_ids", "claude_tag_user_id"),
    ("context_windows", "context_window"),
    ("deployment_ids", "deployment_id"),
    ("environment_ids", "environment_id"),
    ("inference_geos", "inference_geo"),
    ("models", "model"),
    ("organization_ids", "organization_id"),
    ("products", "product"),
    ("rbac_group_ids", "rbac_group_id"),
    ("service_tiers", "service_tier"),
    ("session_ids", "session_id"),
    ("slack_channel_ids", "slack_channel_id"),
    ("speeds", "speed"),
    ("user_profile_ids", "user_profile_id"),
    ("workspace_ids", "workspace_id"),
];

/// Answers `GET /v1/organizations/analytics/usage`.
pub(super) fn usage(world: &World, request: &Request, now: Timestamp) -> Result<Value, Refusal> {
    if !request.betas.iter().any(|beta| beta == BETA) {
        return Err(Refusal::invalid(format!("anthropic-beta: this endpoint needs the value {BETA}")));
    }
    let query = &request.query;
    let question = Question::read(query, now)?;
    let limit = query.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let refreshed_at = clock::later(now, -world.assumptions.usage_delay_seconds.0);
    let rows = question.rows(world, query, refreshed_at);
    let start = match query.get("page") {
        None => 0,
        Some(cursor) => {
            let place = page::decode(cursor)?.parse().ok().filter(|place| *place <= rows.len());
            place.ok_or_else(|| Refusal::invalid("page: Not a cursor of this report"))?
        }
    };
    let end = start.saturating_add(limit).min(rows.len());
    let data: Vec<Value> = rows[start..end].iter().map(|row| row.show(world, &question)).collect();
    let has_more = end < rows.len();
    let next_page = has_more.then(|| page::encode(&end.to_string()));
    Ok(json!({
        "data": data,
        "has_more": has_more,
        "next_page": next_page,
        "data_refreshed_at": refreshed_at.to_string(),
    }))
}

/// What is asked.
struct Question<'a> {
    from: Timestamp,
    to: Timestamp,
    /// In seconds; none for one row over the whole range.
    bucket: Option<i64>,
    groups: Vec<&'a str>,
    order_by: &'a str,
    ascending: bool,
}

impl<'a> Question<'a> {
    fn read(query: &'a Query, now: Timestamp) -> Result<Question<'a>, Refusal> {
        let from =
            query.time("starting_at")?.ok_or_else(|| Refusal::invalid("starting_at: Field required"))?;
        let bucket = match query.get("time_bucket_width") {
            None => None,
            Some("1m") => Some(60),
            Some("1h") => Some(HOUR),
            Some("1d") => Some(DAY),
            Some(_) => {
                return Err(Refusal::invalid("time_bucket_width: Input should be one of: 1m, 1h, 1d"));
            }
        };
        if from.as_second() < FIRST || from < clock::later(now, -365 * DAY) {
            return Err(Refusal::invalid(
                "starting_at: Input should be within the last 365 days and not before 2026-01-01",
            ));
        }
        let to = match query.time("ending_at")? {
            Some(to) => to,
            None if bucket.is_some() => {
                return Err(Refusal::invalid("ending_at: Field required with time_bucket_width"));
            }
            None => now.min(clock::later(from, 31 * DAY)),
        };
        let longest = SignedDuration::from_secs(if bucket == Some(60) { DAY } else { 31 * DAY });
        if to <= from || to.duration_since(from) > longest {
            let message = format!(
                "ending_at: Input should be after starting_at, by at most {} hours",
                longest.as_hours()
            );
            return Err(Refusal::invalid(message));
        }
        let groups = query.all("group_by");
        if let Some(unknown) = groups.iter().find(|group| !DIMENSIONS.contains(group)) {
            let message = format!("group_by: \"{unknown}\" is not one of: {}", DIMENSIONS.join(", "));
            return Err(Refusal::invalid(message));
        }
        if groups.len() > GROUPS_MAX {
            return Err(Refusal::invalid(format!("group_by: List should have at most {GROUPS_MAX} items")));
        }
        let order_by = query.get("order_by").unwrap_or("total_tokens");
        let metrics = ["output_tokens", "requests", "time", "total_tokens", "uncached_input_tokens"];
        if !metrics.contains(&order_by) {
            let message = format!("order_by: Input should be one of: {}", metrics.join(", "));
            return Err(Refusal::invalid(message));
        }
        let ascending = match query.get("order").unwrap_or("desc") {
            "asc" => true,
            "desc" => false,
            _ => return Err(Refusal::invalid("order: Input should be one of: asc, desc")),
        };
        // A row covers whole buckets, or whole hours.
        let width = bucket.unwrap_or(HOUR);
        let to = if bucket.is_some() { to } else { clock::floor(to, HOUR) };
        Ok(Question { from: clock::floor(from, width), to, bucket, groups, order_by, ascending })
    }

    /// All rows in their order.
    fn rows(&self, world: &World, query: &Query, visible_until: Timestamp) -> Vec<Row> {
        let mut sums: BTreeMap<(Timestamp, Values), (u64, u64, u64)> = BTreeMap::new();
        let used = world.usage.range(self.from..self.to.max(self.from));
        for (at, usages) in used.filter(|(at, _)| **at <= visible_until) {
            let start = self.bucket.map_or(self.from, |width| clock::floor(*at, width));
            for usage in usages.iter().filter(|usage| passes(world, query, usage)) {
                let values = self.groups.iter().map(|group| dimension(world, usage, group)).collect();
                let (requests, input, output) = sums.entry((start, values)).or_default();
                *requests = requests.saturating_add(usage.requests);
                *input = input.saturating_add(usage.input_tokens);
                *output = output.saturating_add(usage.output_tokens);
            }
        }
        let row =
            |((start, values), (requests, input, output))| Row { start, values, requests, input, output };
        let mut rows: Vec<Row> = sums.into_iter().map(row).collect();
        rows.sort_by(|one, other| self.compare(one, other));
        rows
    }

    /// Rows of the same rank stay in the order of their bucket and values.
    fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let by_time = self.order_by == "time" && self.bucket.is_some();
        let rank = if by_time {
            one.start.cmp(&other.start)
        } else {
            one.metric(self.order_by).cmp(&other.metric(self.order_by))
        };
        let rank = if self.ascending { rank } else { rank.reverse() };
        let within = || if by_time { other.total().cmp(&one.total()) } else { Ordering::Equal };
        rank.then_with(within)
    }
}

/// Values of the dimensions that were asked for, in that order.
type Values = Vec<Option<String>>;

/// One sum.
struct Row {
    start: Timestamp,
    values: Values,
    requests: u64,
    input: u64,
    output: u64,
}

impl Row {
    fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    fn metric(&self, name: &str) -> u64 {
        match name {
            "output_tokens" => self.output,
            "requests" => self.requests,
            "uncached_input_tokens" => self.input,
            _ => self.total(),
        }
    }

    fn show(&self, world: &World, question: &Question<'_>) -> Value {
        let end = question.bucket.map_or(question.to, |width| clock::later(self.start, width));
        let mut group: Map<String, Value> =
            DIMENSIONS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        for (name, value) in question.groups.iter().zip(&self.values) {
            let shown = match (*name, value) {
                ("actor", Some(id)) => actor(world, id),
                _ => json!(value),
            };
            group.insert((*name).to_owned(), shown);
        }
        json!({
            "starting_at": self.start.to_string(),
            "ending_at": end.to_string(),
            "group": group,
            "usage": {
                "requests": self.requests,
                "total_tokens": self.total(),
                "uncached_input_tokens": self.input,
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
                "cache_read_input_tokens": 0,
                "output_tokens": self.output,
                "server_tool_use": {"web_search_requests": 0},
            },
        })
    }
}

/// Whom usage is attributed to: the member, else the service account, else the key.
fn attributed(usage: &Usage) -> Option<&String> {
    usage.user_id.as_ref().or(usage.service_account_id.as_ref()).or(usage.api_key_id.as_ref())
}

fn dimension(world: &World, usage: &Usage, name: &str) -> Option<String> {
    let fixed = |text: &str| Some(text.to_owned());
    match name {
        "actor" => attributed(usage).cloned(),
        "actor_type" => match attributed(usage)?.split_once('_')?.0 {
            "user" => fixed("user_actor"),
            "svac" => fixed("service_account_actor"),
            _ => fixed("api_actor"),
        },
        "api_key_id" => usage.api_key_id.clone(),
        "workspace_id" => usage.workspace_id.clone(),
        "model" => Some(usage.model.clone()),
        "organization_id" => Some(world.organization.id.clone()),
        "product" => fixed("messages_api"),
        "service_tier" | "speed" => fixed("standard"),
        "context_window" => fixed("0-200k"),
        "inference_geo" => fixed("global"),
        _ => None,
    }
}

fn passes(world: &World, query: &Query, usage: &Usage) -> bool {
    FILTERS.iter().all(|(parameter, name)| {
        let wanted = query.all(parameter);
        if wanted.is_empty() {
            return true;
        }
        match dimension(world, usage, name) {
            Some(value) => wanted.contains(&value.as_str()),
            // An empty entry asks for what no key authenticated.
            None => *name == "api_key_id" && wanted.contains(&""),
        }
    })
}

fn actor(world: &World, id: &str) -> Value {
    match id.split_once('_').map(|(prefix, _)| prefix) {
        Some("user") => {
            let user = world.users.get(id);
            json!({
                "type": "user_actor",
                "user_id": id,
                "name": user.map(|user| &user.name),
                "email_address": user.map(|user| &user.email),
                "deleted": user.is_none(),
            })
        }
        Some("svac") => json!({"type": "service_account_actor", "service_account_id": id}),
        _ => json!({"type": "api_actor", "api_key_id": id}),
    }
}
