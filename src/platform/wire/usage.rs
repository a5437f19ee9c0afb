//! The usage report on the wire.

use jiff::Timestamp;
use serde::Deserialize;

use super::Wire;
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
        };
        Ok(self.results.into_iter().map(row).filter(|row| row.tokens > 0).collect())
    }
}
