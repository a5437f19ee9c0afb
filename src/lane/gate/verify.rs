//! The gate of the verify stage: does federation work for every replacing rule?

use jiff::{SignedDuration, Timestamp};

use super::super::facts::{ExchangeFacts, LaneFacts, RuleFacts};
use super::{Gate, Need, Refusal, Supplier, join, need};
use crate::limits;

/// Tells whether a rule has a fresh accepted exchange and its issuer's keys were seen.
pub fn rule_is_verified(rule: &RuleFacts, now: Timestamp) -> bool {
    rule_gate(rule, now) == Gate::Open
}

pub(super) fn verify_gate(facts: &LaneFacts, now: Timestamp) -> Gate {
    facts.rules.iter().map(|rule| rule_gate(rule, now)).fold(Gate::Open, join)
}

/// Whether one rule is proved.
pub(super) fn rule_gate(rule: &RuleFacts, now: Timestamp) -> Gate {
    let address = &rule.address;
    let fresh = SignedDuration::from_secs(limits::EXCHANGE_FRESH_SECONDS);
    let supply = |what: String| {
        let (supplier, remedy) = supply(rule);
        Gate::Waiting(vec![Need { remedy, ..need(what, supplier) }])
    };
    if accepted_from_others(rule, now) {
        return Gate::Open;
    }
    match &rule.exchange {
        None => supply(format!("an accepted token exchange through {address}")),
        Some(exchange) if !exchange.accepted => {
            let why = format!(
                "the API refused an exchange through {address}: {}{}",
                exchange.refusal,
                reason_in_the_feed(rule, exchange)
            );
            let fix = "Compare the token's issuer, subject, audience and claims with the rule; the Console's history (Settings, Workload identity) names the reason."
                .to_owned();
            // What was mended outside shows only in a new trial, so a refused one may be repeated.
            if rule.can_exchange {
                supply(why)
            } else {
                Gate::Refused(vec![Refusal { why, place: None, fix }])
            }
        }
        Some(exchange) if now.duration_since(exchange.at) > fresh => {
            supply(format!("a newer token exchange through {address} than the one of {}", exchange.at))
        }
        Some(_) if !rule.issuer_keys_seen => supply(format!("the published keys of the issuer of {address}")),
        Some(_) => Gate::Open,
    }
}

/// Who can show that a rule works, and what helps where that is not the engine.
fn supply(rule: &RuleFacts) -> (Supplier, Option<String>) {
    let address = &rule.address;
    if rule.can_exchange {
        return (Supplier::Engine, None);
    }
    let Some(spared) = &rule.spared else {
        let how = "block, so that a trial exchange can be made";
        return (
            Supplier::Person,
            Some(format!("give {address} an `identity_token {{ file = \"…\" }}` {how}")),
        );
    };
    let why = format!(
        "keyless does not use up the identity token off which {} lives, since its issuer takes each one once",
        spared.workload
    );
    let mint = format!(
        "mint one for keyless with `identity_token {{ command = […] }}` in {address}, or set `check_jti = false` in its provider (taking that back later is refused as long as workloads live off it)"
    );
    match spared.lives_off_it {
        true => (
            Supplier::Workload,
            Some(format!("{why}: its next signed report shows it, or the Activity Feed; or {mint}")),
        ),
        false => (Supplier::Person, Some(format!("{why}: {mint}"))),
    }
}

/// Tells whether a workload is to show by itself that a rule works.
pub fn awaits_workload(rule: &RuleFacts) -> bool {
    supply(rule).0 == Supplier::Workload
}

/// Tells whether somebody else's exchange is known to have been accepted lately, where the engine
/// cannot make one itself. The API fetched the issuer's keys for it, so they need not be seen again.
fn accepted_from_others(rule: &RuleFacts, now: Timestamp) -> bool {
    let fresh = SignedDuration::from_secs(limits::EXCHANGE_FRESH_SECONDS);
    let accepted = accepted_at(rule);
    let refused_since =
        |at: Timestamp| rule.exchange.as_ref().is_some_and(|own| !own.accepted && own.at >= at);
    !rule.can_exchange
        && accepted.is_some_and(|at| at <= now && now.duration_since(at) <= fresh && !refused_since(at))
}

/// When an exchange of somebody else was last accepted, by the feed or by the workload's own report.
fn accepted_at(rule: &RuleFacts) -> Option<Timestamp> {
    let reported_at = rule.reported_at.filter(|_| rule.spared.is_some());
    rule.feed.as_ref().and_then(|feed| feed.accepted_at).max(reported_at)
}

/// How far the feed's time of a refusal may lie from ours for it to be the same one, in seconds: an
/// entry shows within a minute, and two clocks are involved.
const SAME_REFUSAL_SECONDS: u64 = 120;

/// Why the API refused, which it tells in its feed alone; empty where that is not known.
fn reason_in_the_feed(rule: &RuleFacts, exchange: &ExchangeFacts) -> String {
    let Some(feed) = rule.feed.as_ref().filter(|feed| !feed.reason.is_empty()) else { return String::new() };
    let apart = feed.refused_at.map(|at| at.duration_since(exchange.at).unsigned_abs().as_secs());
    match apart {
        Some(seconds) if seconds <= SAME_REFUSAL_SECONDS => {
            format!("; the Activity Feed gives the reason `{}`", feed.reason)
        }
        _ => String::new(),
    }
}

/// Tells whether a rule, as it is now, was ever proved to work.
pub fn was_proven(rule: &RuleFacts) -> bool {
    let by_us = rule.issuer_keys_seen && rule.exchange.as_ref().is_some_and(|exchange| exchange.accepted);
    by_us || (!rule.can_exchange && accepted_at(rule).is_some())
}
