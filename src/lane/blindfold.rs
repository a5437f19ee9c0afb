//! Gates switched off one at a time, for the model alone: the facts say what the gate wants to see.
//!
//! It exists in tests only, and shows there that every gate is needed.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use keyless_state::{Weight, Winner};

use super::facts::{ExchangeFacts, LaneFacts, NamedRule, Presence, ReportFacts, UsageFacts};

/// What a gate no longer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Blind {
    /// Objects or settings that are not as configured.
    Configured,
    /// A trial exchange that is missing or was refused.
    Proof,
    /// The age of a trial exchange.
    ProofAge,
    /// A workload that may not know the rule.
    Named,
    /// A key that is still in a consumer.
    Removal,
    /// A report that is missing.
    Report,
    /// A report from before the removal.
    ReportAge,
    /// A report that says that a key wins, or nothing does.
    ReportWinner,
    /// Use of the key after its removal.
    Use,
    /// Traffic of the service account that is missing.
    Traffic,
    /// That the key was set active again by somebody.
    Reactivation,
    /// That somebody else set the key inactive.
    SomebodyElse,
    /// That the lane was rolled back and stays so.
    Held,
    /// When the lane was rolled back.
    RolledBack,
    /// The time that a key has been inactive.
    ArchiveWait,
    /// The approval of an archive that is missing.
    Approval,
    /// Use of a key that was set inactive.
    UseWhileInactive,
}

thread_local! {
    static BLIND: Cell<Option<Blind>> = const { Cell::new(None) };
}

/// Does something while a gate is switched off on this thread.
pub(crate) fn with<T>(blind: Option<Blind>, work: impl FnOnce() -> T) -> T {
    let before = BLIND.replace(blind);
    let done = work();
    BLIND.set(before);
    done
}

/// The facts as they look through the blindfold of this thread.
pub(super) fn cover(mut facts: LaneFacts) -> LaneFacts {
    let Some(blind) = BLIND.get() else { return facts };
    let long_ago = Timestamp::from_second(0).expect("1970 is a time");
    for rule in &mut facts.rules {
        match (blind, &mut rule.exchange) {
            (Blind::Configured, _) => rule.unconfigured = None,
            (Blind::Proof, _) => {
                rule.issuer_keys_seen = true;
                let at = Timestamp::MAX;
                rule.exchange = Some(ExchangeFacts { at, accepted: true, refusal: String::new() });
            }
            (Blind::ProofAge, Some(exchange)) => exchange.at = Timestamp::MAX,
            (Blind::Traffic, _) => rule.traffic_at = Some(Timestamp::MAX),
            _ => {}
        }
    }
    for consumer in &mut facts.consumers {
        match (blind, &mut consumer.report) {
            (Blind::Configured, _) => consumer.unconfigured = None,
            (Blind::Named, _) => {
                consumer.names = NamedRule::Own { at: Timestamp::MAX, is_stated: false };
            }
            (Blind::Removal, _) => {
                consumer.presence = Presence::Absent;
                consumer.removed_at = consumer.removed_at.or(Some(long_ago));
            }
            (Blind::Report, None) => consumer.report = Some(good_report()),
            (Blind::ReportAge, Some(report)) => report.at = Timestamp::MAX,
            (Blind::ReportWinner, Some(report)) => {
                report.winner = Winner::Federation;
                report.through_our_rule = true;
            }
            _ => {}
        }
    }
    let unused = || UsageFacts { since: long_ago, complete_until: Timestamp::MAX, last_used_before: None };
    match blind {
        Blind::Use if facts.key.disabled_at.is_none() => facts.usage = Some(unused()),
        Blind::UseWhileInactive if facts.key.disabled_at.is_some() => facts.usage = Some(unused()),
        Blind::Held => facts.held = false,
        Blind::RolledBack => facts.rolled_back_at = None,
        Blind::Reactivation => facts.key.reactivated_at = None,
        Blind::SomebodyElse => facts.key.disabled_at = facts.key.disabled_at.or(Some(long_ago)),
        Blind::ArchiveWait => facts.archive_after = facts.archive_after.map(|_| SignedDuration::ZERO),
        Blind::Approval => facts.key.approval = Some(("nobody".to_owned(), Timestamp::MAX)),
        _ => {}
    }
    facts
}

fn good_report() -> ReportFacts {
    ReportFacts {
        at: Timestamp::MAX,
        weight: Weight::Signed,
        winner: Winner::Federation,
        winner_source: "nowhere".to_owned(),
        through_our_rule: true,
        shadows: Vec::new(),
    }
}
