//! Both reports of use on the wire.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Wire, given};
use crate::platform::UsageRow;

#[derive(Deserialize)]
pub(crate) struct BucketWire {
    starting_at: Timestamp,
    ending_at: Timestamp,
    results: Vec<ResultWire>,
}

// The token counts are required: a count that is missing must not make a key look quiet.
#[derive(Deserialize)]
struct ResultWire {
    #[serde(default)]
    api_key_id: Option<String>,
    #[serde(default)]
    service_account_id: Option<String>,
    uncached_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    cache_creation: CacheCreationWire,
}

#[derive(Deserialize)]
struct CacheCreationWire {
    ephemeral_1h_input_tokens: u64,
    ephemeral_5m_input_tokens: u64,
}

impl ResultWire {
    fn tokens(&self) -> u64 {
        [
            self.uncached_input_tokens,
            self.cache_read_input_tokens,
            self.output_tokens,
            self.cache_creation.ephemeral_1h_input_tokens,
            self.cache_creation.ephemeral_5m_input_tokens,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

impl Wire for BucketWire {
    type Object = Vec<UsageRow>;
    const NOUN: &'static str = "usage bucket";

    fn into_object(self) -> Result<Vec<UsageRow>, String> {
        let (starting_at, ending_at) = (self.starting_at, self.ending_at);
        let row = |result: ResultWire| UsageRow {
            starting_at,
            ending_at,
            tokens: result.tokens(),
            api_key_id: result.api_key_id,
            service_account_id: result.service_account_id,
            requests: None,
        };
        Ok(self.results.into_iter().map(row).filter(|row| row.tokens > 0).collect())
    }
}

/// A row of the newer report.
#[derive(Deserialize)]
pub(crate) struct UsageRowWire {
    starting_at: Timestamp,
    ending_at: Timestamp,
    group: GroupWire,
    usage: CountsWire,
}

#[derive(Deserialize)]
struct GroupWire {
    // Null means that no key authenticated; absent would mean that nobody knows.
    #[serde(default, deserialize_with = "given")]
    api_key_id: Option<Option<String>>,
    #[serde(default)]
    actor: Option<ActorWire>,
}

#[derive(Deserialize)]
struct ActorWire {
    #[serde(default)]
    service_account_id: Option<String>,
    #[serde(default)]
    api_key_id: Option<String>,
}

#[derive(Deserialize)]
struct CountsWire {
    total_tokens: u64,
    #[serde(default)]
    requests: Option<u64>,
}

impl Wire for UsageRowWire {
    type Object = Option<UsageRow>;
    const NOUN: &'static str = "usage row";

    fn into_object(self) -> Result<Option<UsageRow>, String> {
        let (tokens, requests) = (self.usage.total_tokens, self.usage.requests);
        let key = self.group.api_key_id.ok_or("missing field `group.api_key_id`")?;
        let (account, actors_key) =
            self.group.actor.map_or((None, None), |actor| (actor.service_account_id, actor.api_key_id));
        let row = UsageRow {
            starting_at: self.starting_at,
            ending_at: self.ending_at,
            api_key_id: key.or(actors_key),
            service_account_id: account,
            tokens,
            requests,
        };
        Ok((tokens > 0 || requests.is_some_and(|requests| requests > 0)).then_some(row))
    }
}

/// Until when a page of the newer report is complete, where it says so.
pub(crate) fn refreshed_at(page: &Map<String, Value>) -> Result<Option<Timestamp>, String> {
    match page.get("data_refreshed_at") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let time = value.as_str().and_then(|text| text.parse().ok());
            time.map(Some).ok_or("the field `data_refreshed_at` is no time".to_owned())
        }
    }
}
