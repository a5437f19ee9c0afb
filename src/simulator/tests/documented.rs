//! The seed as docs/simulator.md describes it.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::simulator::seed::{
    ApiKeySeed, ClockSeed, FileSeed, IdentityProviderSeed, IssuerSeed, MembershipSeed, OrganizationSeed,
    RuleSeed, Seed, ServiceAccountSeed, UserSeed, WorkloadSeed, WorkspaceSeed,
};
use crate::simulator::{faults::Fault, rate_limits::RateLimit};

const PAGE: &str = include_str!("../../../docs/simulator.md");

/// What stands below a heading, up to the next one of the same depth or less.
fn section(heading: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let is_end = |line: &str| {
        let depth = line.bytes().take_while(|byte| *byte == b'#').count();
        (1..=heading.bytes().take_while(|byte| *byte == b'#').count()).contains(&depth)
    };
    let end = rest.lines().find(|line| is_end(line)).and_then(|line| rest.find(&format!("\n{line}\n")));
    &rest[..end.unwrap_or(rest.len())]
}

/// The first block of JSON below a heading.
fn sample(heading: &str) -> &'static str {
    let (_, rest) = section(heading).split_once("```json\n").unwrap();
    rest.split_once("\n```").unwrap().0
}

/// The fields that a type takes, by the error about one that it does not.
fn fields<T: DeserializeOwned>() -> Vec<String> {
    let Err(error) = serde_json::from_value::<T>(json!({"?": 0})) else { panic!("any field is taken") };
    let error = error.to_string();
    let (_, names) = error.split_once(", expected ").unwrap_or_else(|| panic!("{error}"));
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_sample_of_a_seed_uses_every_part_and_works() {
    let seed = sample("## Seed");
    let parts: Value = serde_json::from_str(seed).unwrap();
    let mut given: Vec<_> = parts.as_object().unwrap().keys().cloned().collect();
    let mut known = fields::<Seed>();
    given.sort();
    known.sort();
    assert_eq!(given, known);
    let api = Api::seeded(seed, "").await;
    assert_eq!(api.get("me").await.ok()["name"], "Acme");
    let dump = api.get("/_simulator/organization").await.ok();
    let workload = &dump["workloads"][0];
    assert_eq!((&workload["problem"], &workload["calls"]), (&json!(null), &json!(1)), "{workload}");
}

#[test]
fn every_field_of_a_seed_is_documented_where_its_part_is() {
    let documented = [
        ("## Seed", fields::<Seed>()),
        ("### `clock`", fields::<ClockSeed>()),
        ("### `organization`", fields::<OrganizationSeed>()),
        ("### `users`", fields::<UserSeed>()),
        ("### `workspaces`", fields::<WorkspaceSeed>()),
        ("### `api_keys`", fields::<ApiKeySeed>()),
        ("### `identity_providers`", fields::<IdentityProviderSeed>()),
        ("### `issuers`", fields::<IssuerSeed>()),
        ("### `service_accounts`", fields::<ServiceAccountSeed>()),
        ("### `service_accounts`", fields::<MembershipSeed>()),
        ("### `rules`", fields::<RuleSeed>()),
        ("### `files`", fields::<FileSeed>()),
        ("### `workloads`", fields::<WorkloadSeed>()),
        ("## Faults", fields::<Fault>()),
        ("## Rate limits", fields::<RateLimit>()),
    ];
    let of_seed = documented.len() - 2;
    let structs = include_str!("../seed.rs").matches("deny_unknown_fields").count();
    assert_eq!(of_seed, structs, "every part of a seed is looked at");
    for (heading, names) in documented {
        assert!(!names.is_empty(), "{heading}");
        let text = section(heading);
        let missing: Vec<_> = names.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{heading} does not name {missing:?}");
    }
}

#[test]
fn sections_end_where_the_next_begins() {
    assert!(section("### `clock`").contains("`runs`") && !section("### `clock`").contains("`email`"));
    assert!(section("## Seed").contains("`email`") && !section("## Seed").contains("answer_lost"));
}

#[tokio::test]
async fn counters_look_as_documented() {
    let api = Api::start().await;
    for name in ["a", "a"] {
        api.post("federation_rules", rule(name)).await;
    }
    api.archive("federation_rules/fdrl_01Worker").await.ok();
    let shown: Value = serde_json::from_str(sample("## Control")).unwrap();
    assert_eq!(api.get("/_simulator/requests").await.ok(), shown);
}
