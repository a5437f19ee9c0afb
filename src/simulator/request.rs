//! One request and its answer, freed from HTTP.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::auth::Caller;
use super::concealed::Concealed;
use super::error::Refusal;

/// A request as the router sees it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Request {
    /// Upper case.
    pub(super) method: String,
    /// The path without the query.
    pub(super) path: String,
    /// Decoded, in order.
    pub(super) query: Query,
    pub(super) bearer: Option<Concealed>,
    pub(super) api_key: Option<Concealed>,
    /// The `anthropic-version` header.
    pub(super) version: Option<String>,
    /// The `anthropic-beta` headers, apart.
    pub(super) betas: Vec<String>,
    /// The id that the answer will name.
    pub(super) id: String,
    #[serde(with = "as_text")]
    pub(super) body: Vec<u8>,
}

/// What a handler knows about the call.
pub(super) struct Context<'a> {
    pub(super) caller: &'a Caller,
    pub(super) version: Version,
    pub(super) now: Timestamp,
}

/// An accepted request's answer.
pub(super) struct Reply {
    pub(super) body: Value,
    /// Whether the organization of the credential is known and belongs in a header.
    pub(super) authenticated: bool,
    /// The workspace that the credential resolved to, for calls of the models.
    pub(super) workspace: Option<String>,
    /// Whether the body, a message, is sent as a stream of events.
    pub(super) is_stream: bool,
}

/// Which shapes the answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `2023-06-01`.
    Old,
    /// `2026-10-21`.
    New,
    /// `2026-10-21` with `beta=true` in the query: rules keep the fields of the older version.
    Beta,
}

/// The query of a request.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Query(Vec<(String, String)>);

impl Request {
    /// Whether it is for the controls of the simulation, not for the API.
    pub(super) fn is_control(&self) -> bool {
        // The router does not mind more slashes at the beginning.
        self.path.trim_start_matches('/').starts_with("_simulator/")
    }
}

impl Query {
    /// Decodes what stands after the question mark.
    pub(super) fn parse(text: &str) -> Query {
        let mut url = reqwest::Url::parse("http://localhost/").expect("the literal is a URL");
        url.set_query(Some(text));
        Query(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a parameter, the last one where it is repeated.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// All values of a repeated parameter, given as `name[]` or `name`.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let is_it = |given: &str| given == name || given.strip_suffix("[]") == Some(name);
        self.0.iter().filter(|(given, _)| is_it(given)).map(|(_, value)| value.as_str()).collect()
    }

    /// True or false, false when left out.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("false" | "False" | "0") => Ok(false),
            Some("true" | "True" | "1") => Ok(true),
            Some(_) => Err(Refusal::invalid(format!("{name}: Input should be a valid boolean"))),
        }
    }

    /// A page size.
    pub(super) fn limit(&self, default: usize, most: usize) -> Result<usize, Refusal> {
        match self.get("limit").map(str::parse::<usize>) {
            None => Ok(default),
            Some(Ok(limit)) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Refusal::invalid(format!("limit: Input should be from 1 to {most}"))),
        }
    }

    /// An id with this prefix.
    pub(super) fn id(&self, name: &str, prefix: &str) -> Result<Option<&str>, Refusal> {
        match self.get(name) {
            Some(id) if !super::ids::is_well_formed(id, prefix) => {
                Err(Refusal::invalid(format!("{name}: Input should be an id that starts with {prefix}_")))
            }
            id => Ok(id),
        }
    }

    /// A point in time.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Refusal::invalid(format!("{name}: Input should be a time such as 2026-11-20T09:00:00Z"))
                })
            })
            .transpose()
    }
}

/// A body is text, unless somebody sends something else.
mod as_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Body {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let body = match std::str::from_utf8(body) {
            Ok(text) => Body::Text(text.to_owned()),
            Err(_) => Body::Bytes(body.to_owned()),
        };
        body.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(match Body::deserialize(deserializer)? {
            Body::Text(text) => text.into_bytes(),
            Body::Bytes(bytes) => bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let query =
            Query::parse("a=1&a=2&ids%5B%5D=x&ids[]=y+z&flag=true&limit=3&at=2026-11-20T09%3A00%3A00Z");
        assert_eq!(query.get("a"), Some("2"));
        assert_eq!(query.all("ids"), ["x", "y z"]);
        assert!(query.flag("flag").unwrap());
        assert!(!query.flag("other").unwrap());
        assert_eq!(query.limit(20, 100).unwrap(), 3);
        assert_eq!(query.limit(20, 2).unwrap_err().message, "limit: Input should be from 1 to 2");
        assert_eq!(query.time("at").unwrap().unwrap().to_string(), "2026-11-20T09:00:00Z");
        assert_eq!(query.time("a").unwrap_err().status, 400);
        assert_eq!(query.id("b", "fdis").unwrap(), None);
        assert_eq!(
            query.id("a", "fdis").unwrap_err().message,
            "a: Input should be an id that starts with fdis_"
        );
    }
}
