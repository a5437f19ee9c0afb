//! How things stand when nothing is left to do, in a form in which two runs can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::support::{Environment, Simulator};

/// What the organization is made of.
const OBJECTS: [&str; 6] =
    ["federation_issuers", "federation_rules", "service_accounts", "api_keys", "workspaces", "memberships"];

/// Everything that the order and the hour of calls must not change.
pub(super) struct End {
    parts: BTreeMap<&'static str, String>,
}

impl End {
    /// Looks at everything; fails where it is wrong by itself.
    pub(super) fn of(environment: &Environment, simulator: &Simulator) -> Result<End, String> {
        let organization = simulator.get("/_simulator/organization");
        let state = environment.state();
        let strays = strays(&organization, &state);
        if !strays.is_empty() {
            return Err(format!("nobody knows of {}", strays.join(", ")));
        }
        let doubles = doubles(&organization);
        if !doubles.is_empty() {
            return Err(format!("there is more than one {}", doubles.join(", ")));
        }
        let status = environment.keyless("status -json");
        let lanes = match status.code {
            Some(0) => status.json()["lanes"].take(),
            _ => return Err(format!("status fails:\n{}", status.told())),
        };
        let objects: BTreeMap<&str, &Value> =
            OBJECTS.iter().map(|kind| (*kind, &organization[*kind])).collect();
        let parts = BTreeMap::from([
            ("records", timeless(&state["records"])),
            ("lane records", timeless(&state["lanes"])),
            ("outputs", timeless(&state["outputs"])),
            ("evidence", timeless(&evidence(&state))),
            ("lanes", timeless(&without_feed(lanes))),
            ("organization", timeless(&json!(objects))),
            ("files", timeless(&files(environment, &organization))),
        ]);
        Ok(End { parts })
    }

    /// What is not as it was with another.
    pub(super) fn differs_from(&self, other: &End) -> Option<String> {
        let differing = self.parts.iter().filter(|(part, text)| other.parts[*part] != **text);
        let told: Vec<String> =
            differing.map(|(part, text)| differing_lines(part, text, &other.parts[part])).collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

/// A value without what tells when something happened.
fn timeless(value: &Value) -> String {
    static TIMES: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap());
    TIMES.replace_all(&format!("{value:#}"), "TIME").into_owned()
}

fn differing_lines(part: &str, ours: &str, theirs: &str) -> String {
    let only = |these: &str, those: &str, sign: char| {
        let those: BTreeSet<&str> = those.lines().collect();
        let lines = these.lines().filter(|line| !those.contains(line));
        lines.map(|line| format!("  {sign} {line}\n")).collect::<String>()
    };
    format!("the {part} differ:\n{}{}", only(theirs, ours, '-'), only(ours, theirs, '+'))
}

/// What is proved, without the proofs themselves: they tell of their hour. A run that comes later
/// reads more in the Activity Feed, which proves nothing by itself.
fn evidence(state: &Value) -> Value {
    let ids = state["evidence"].as_array().unwrap().iter().map(|proof| proof["id"].as_str().unwrap());
    let ids: BTreeSet<&str> = ids.filter(|id| !id.starts_with("feed/")).collect();
    json!(ids)
}

/// Lanes without what was merely seen in the feed.
fn without_feed(mut lanes: Value) -> Value {
    for lane in lanes.as_array_mut().unwrap() {
        lane.as_object_mut().unwrap().remove("seen");
    }
    lanes
}

fn live(organization: &Value, kind: &str) -> Vec<Value> {
    let objects = organization[kind].as_array().unwrap().iter();
    objects.filter(|object| object["archived_at"].is_null()).cloned().collect()
}

/// Live objects that no record knows. In the seeds there are none of these kinds.
fn strays(organization: &Value, state: &Value) -> Vec<String> {
    let records = state["records"].as_object().unwrap();
    let known: BTreeSet<&str> = records.values().map(|record| record["id"].as_str().unwrap()).collect();
    let kinds = ["federation_issuers", "federation_rules", "service_accounts"];
    let objects = kinds.iter().flat_map(|kind| live(organization, kind));
    let ids = objects.map(|object| object["id"].as_str().unwrap().to_owned());
    ids.filter(|id| !known.contains(id.as_str())).collect()
}

fn doubles(organization: &Value) -> Vec<String> {
    let mut doubles = Vec::new();
    for kind in OBJECTS.iter().filter(|kind| **kind != "memberships") {
        let mut names = BTreeSet::new();
        for object in live(organization, kind) {
            if !names.insert(object["name"].to_string()) {
                doubles.push(format!("{kind} {}", object["name"]));
            }
        }
    }
    doubles
}

/// What the workloads read at their start.
fn files(environment: &Environment, organization: &Value) -> Value {
    let workloads = organization["workloads"].as_array().unwrap();
    let names = workloads.iter().flat_map(|workload| workload["environment"].as_array().unwrap());
    let read = |name: &str| std::fs::read_to_string(environment.path(name)).ok();
    let texts: BTreeMap<&str, Option<Vec<String>>> = names
        .map(|name| name.as_str().unwrap())
        .map(|name| (name, read(name).map(|text| text.lines().map(str::to_owned).collect())))
        .collect();
    json!(texts)
}
