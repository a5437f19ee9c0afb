//! Kinds of calls, as the simulator tells them apart.

use serde_json::Value;

use crate::support::Simulator;

/// A method and a path with ids replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) method: String,
    template: String,
    /// How many calls of it an undisturbed apply makes.
    pub(super) calls: u64,
}

impl Kind {
    /// Every kind that has arrived at this simulator.
    pub(super) fn arrived(simulator: &Simulator) -> Vec<Kind> {
        let told = simulator.get("/_simulator/requests");
        let requests = told["requests"].as_object().unwrap();
        let mut kinds: Vec<Kind> = Vec::new();
        // A fault is for all paths with the same beginning, so that kinds which share one are met
        // together. They count as one, under the name of the longest.
        for kind in requests.iter().map(|(name, counted)| Kind::read(name, counted)) {
            match kinds.iter_mut().find(|other| other.is_met_with(&kind) || kind.is_met_with(other)) {
                Some(other) => {
                    other.calls += kind.calls;
                    if kind.template.len() > other.template.len() {
                        other.template = kind.template;
                    }
                }
                None => kinds.push(kind),
            }
        }
        kinds
    }

    fn read(name: &str, counted: &Value) -> Kind {
        let (method, template) = name.split_once(' ').unwrap_or_else(|| panic!("{name} is no kind of call"));
        let calls = counted["total"].as_u64().unwrap();
        Kind { method: method.to_owned(), template: template.to_owned(), calls }
    }

    /// The path of a fault that is to meet it.
    pub(super) fn path(&self) -> String {
        match self.template.split_once('{') {
            Some((before, _)) => format!("{before}*"),
            None => self.template.clone(),
        }
    }

    fn is_met_with(&self, other: &Kind) -> bool {
        let path = self.path();
        let meets = match path.strip_suffix('*') {
            Some(before) => other.template.starts_with(before),
            None => other.template == path,
        };
        self.method == other.method && meets
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    pub(super) fn is_read(&self) -> bool {
        self.method == "GET"
    }

    /// Whether it is about objects that the engine keeps or watches.
    pub(super) fn is_of_objects(&self) -> bool {
        let collection = self.template.strip_prefix("/v1/organizations/").and_then(|it| it.split('/').next());
        let objects =
            ["federation_issuers", "federation_rules", "service_accounts", "workspaces", "api_keys"];
        collection.is_some_and(|name| objects.contains(&name))
    }

    /// Whether it carries the engine's login. An exchange is its own credential, and reports are read
    /// with a key.
    pub(super) fn carries_login(&self) -> bool {
        let is_own = self.template == "/v1/oauth/token";
        let is_report = ["/v1/compliance/", "/v1/organizations/analytics/"]
            .iter()
            .any(|before| self.template.starts_with(before));
        !is_own && !is_report
    }
}
