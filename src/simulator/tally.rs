//! How many requests of each kind have arrived, in memory only.
//!
//! A kind is a method and a path with ids replaced. The kinds are a fixed list, so that no client can
//! make the table grow: what is not in it counts as unknown.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::Refusal;
use super::fields::Fields;
use super::request::Request;

/// The kind, where nobody knows the path or the method.
const UNKNOWN: &str = "unknown";
/// Where the connection broke in place of an answer.
const NO_ANSWER: &str = "none";
/// The control that shows the counters.
const CONTROL: &str = "/_simulator/requests";

const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];

/// Every path that the router knows. The first that fits counts.
const PATHS: [&str; 29] = [
    "/v1/oauth/token",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/models",
    "/v1/models/{id}",
    "/v1/compliance/activities",
    "/v1/organizations/me",
    "/v1/organizations/usage_report/messages",
    "/v1/organizations/analytics/usage",
    "/v1/organizations/federation_issuers",
    "/v1/organizations/federation_issuers/{id}",
    "/v1/organizations/federation_issuers/{id}/archive",
    "/v1/organizations/federation_rules",
    "/v1/organizations/federation_rules/{id}",
    "/v1/organizations/federation_rules/{id}/archive",
    "/v1/organizations/federation_rules/{id}/workspaces",
    "/v1/organizations/federation_rules/{id}/workspaces/{workspace_id}",
    "/v1/organizations/service_accounts",
    "/v1/organizations/service_accounts/{id}",
    "/v1/organizations/service_accounts/{id}/archive",
    "/v1/organizations/service_accounts/{id}/workspaces",
    "/v1/organizations/service_accounts/{id}/workspaces/{workspace_id}",
    "/v1/organizations/api_keys",
    "/v1/organizations/api_keys/{id}",
    "/v1/organizations/workspaces",
    "/v1/organizations/workspaces/{id}",
    "/v1/organizations/workspaces/{id}/archive",
    "/v1/organizations/workspaces/{id}/service_accounts",
    "/v1/organizations/workspaces/{id}/service_accounts/{service_account_id}",
];

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Method and path, both from the lists.
    Known(&'static str, &'static str),
    Unknown,
}

/// The counters, by kind and by the status that was answered.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<Kind, BTreeMap<String, u64>>);

impl Kind {
    /// The kind of a request; none for the controls, which do not count.
    pub(super) fn of(method: &str, path: &str) -> Option<Kind> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if parts.first() == Some(&"_simulator") {
            return None;
        }
        let method = METHODS.into_iter().find(|known| *known == method);
        let path = PATHS.into_iter().find(|template| fits(template, &parts));
        Some(method.zip(path).map_or(Kind::Unknown, |(method, path)| Kind::Known(method, path)))
    }

    fn name(self) -> String {
        match self {
            Kind::Known(method, path) => format!("{method} {path}"),
            Kind::Unknown => UNKNOWN.to_owned(),
        }
    }
}

fn fits(template: &str, parts: &[&str]) -> bool {
    let mut wanted = template.trim_start_matches('/').split('/');
    let all = parts.iter().all(|part| {
        wanted.next().is_some_and(|wanted| wanted == *part || (wanted.starts_with('{') && !part.is_empty()))
    });
    all && wanted.next().is_none()
}

impl Tally {
    /// Counts a request; without a status nobody was answered.
    pub(super) fn count(&mut self, kind: Kind, status: Option<u16>) {
        let status = status.map_or_else(|| NO_ANSWER.to_owned(), |status| status.to_string());
        *self.0.entry(kind).or_default().entry(status).or_default() += 1;
    }

    /// Answers the control that shows the counters or sets them to zero; none for other requests.
    pub(super) fn answer(&mut self, request: &Request) -> Option<Result<Value, Refusal>> {
        if request.path != CONTROL {
            return None;
        }
        Some(match request.method.as_str() {
            "GET" => Ok(self.show()),
            "DELETE" => Fields::none(&request.body).map(|()| {
                self.0.clear();
                self.show()
            }),
            method => Err(Refusal::with_status(405, format!("{method} is not possible here"))),
        })
    }

    /// The counters as the control shows them.
    pub(super) fn show(&self) -> Value {
        let total = |by_status: &BTreeMap<String, u64>| by_status.values().sum::<u64>();
        let kinds: BTreeMap<String, Value> = self
            .0
            .iter()
            .map(|(kind, by_status)| {
                (kind.name(), json!({"total": total(by_status), "by_status": by_status}))
            })
            .collect();
        json!({"total": self.0.values().map(total).sum::<u64>(), "requests": kinds})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_replaced_and_what_nobody_knows_is_one_kind() {
        let check = |method: &str, path: &str, expected: Option<&str>| {
            let name = Kind::of(method, path).map(Kind::name);
            assert_eq!(name.as_deref(), expected, "{method} {path}");
        };
        let rules = "/v1/organizations/federation_rules";
        check("POST", rules, Some("POST /v1/organizations/federation_rules"));
        check(
            "POST",
            &format!("{rules}/fdrl_1/archive"),
            Some("POST /v1/organizations/federation_rules/{id}/archive"),
        );
        check(
            "DELETE",
            &format!("{rules}/fdrl_1/workspaces/wrkspc_1"),
            Some("DELETE /v1/organizations/federation_rules/{id}/workspaces/{workspace_id}"),
        );
        check("POST", "/v1/messages/count_tokens", Some("POST /v1/messages/count_tokens"));
        check("GET", "/v1/models/x", Some("GET /v1/models/{id}"));
        for path in ["/", "", "/v1/models/", "/v1/models/x/y", "/v1/models/x/y/z", "/v1/organizations"] {
            check("GET", path, Some("unknown"));
        }
        check("BREW", "/v1/models", Some("unknown"));
        check("GET", "/_simulator/clock", None);
        check("GET", "/_simulator", None);
    }
}
