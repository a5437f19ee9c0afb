//! No step takes the last credential of a workload: what would is refused before there is a plan.
//!
//! Whose credential that is says the record of bindings, not the configuration, so that it makes no
//! difference whether the blocks of a workload are there, gone or called otherwise. What a workload is on its
//! way from waits for it; what it cannot keep as it is gets a successor first ([`successions`]).

mod harm;
mod loss;
mod succession;
#[cfg(test)]
mod tests;
mod unrecorded;
mod way_back;

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyless_state::{Address, Binding, Grant, State};
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::change::{Action, Reason};
use super::diff::Diff;
use super::operation::Operation;
use super::refused::Refused;
use crate::binding::{self, Word};
use crate::config::Configuration;
use crate::diagnostic::Diagnostic;
use crate::resource::Observed;
use harm::harm;
use loss::Loss;
pub use succession::successions;
use unrecorded::Somebody;
pub use way_back::{cut_off, not_used_yet, until_used};

/// More workloads than these are counted and not named.
const NAMED_MAX: usize = 5;

/// What the guard rests on.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// What is asked for.
    pub configuration: &'a Configuration,
    /// What is recorded, evidence included.
    pub state: &'a State,
    /// What the API says.
    pub observed: &'a Observed,
    /// The platform's time.
    pub now: Timestamp,
}

/// What stays until workloads have moved: something that is not declared any more, an object that a block had
/// before, or a membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The recorded thing; of a membership, the account.
    pub address: Address,
    /// Why it stays, as a whole sentence.
    pub why: String,
}

impl Kept {
    /// The warning that names it.
    pub fn warning(&self) -> Diagnostic {
        Diagnostic::warning("Still lived off")
            .address(&self.address)
            .detail(&self.why)
            .hint("apply, let the workloads run and report, and apply again; settings that keyless does not write (there is no `identity_token_file`) are changed by hand, and for a `manual` consumer a person says that it is done. Where the block of a workload is gone, declare it again; if a workload is gone: keyless evidence add -manual -retire=LANE -consumer=CONSUMER -by=\"YOUR NAME\" -statement=\"…\"")
    }
}

/// One thing that a workload may live off.
#[derive(Clone, Copy)]
struct Stake<'a> {
    binding: &'a Binding,
    grant: &'a Grant,
    /// Since when it may.
    since: Timestamp,
}

/// A workload and what it would lose by an operation.
struct Harmed<'a> {
    stake: Stake<'a>,
    loss: Loss,
}

/// What bound workloads may live off, by what it rests on.
struct Bound<'a> {
    scene: Scene<'a>,
    /// By the ids of rules, accounts and issuers.
    by_object: BTreeMap<&'a str, Vec<Stake<'a>>>,
    /// Those of which it is not known what they rest on.
    unresolved: Vec<Stake<'a>>,
    words: BTreeMap<&'a str, Word<'a>>,
}

impl<'a> Bound<'a> {
    fn new(scene: Scene<'a>) -> Bound<'a> {
        let mut bound = Bound {
            scene,
            by_object: BTreeMap::new(),
            unresolved: Vec::new(),
            words: binding::words(scene.state, scene.now),
        };
        for binding in binding::live(scene.state) {
            bound.add(Stake { binding, grant: &binding.grant, since: binding.since });
            for written in &binding.written {
                bound.add(Stake { binding, grant: &written.grant, since: written.at });
            }
        }
        bound
    }

    fn add(&mut self, stake: Stake<'a>) {
        match stake.grant {
            Grant::Key => {}
            Grant::Unresolved => self.unresolved.push(stake),
            Grant::Rule { rule_id, service_account_id, issuer_id, .. } => {
                for id in [rule_id, service_account_id, issuer_id] {
                    self.by_object.entry(id).or_default().push(stake);
                }
            }
        }
    }

    /// The workloads that an operation would cut off.
    fn harmed(&self, operation: &Operation) -> Vec<Harmed<'a>> {
        let Some(record) = self.scene.state.records.get(operation.target().address) else {
            return Vec::new();
        };
        let is_archive = matches!(operation, Operation::Archive { .. });
        let resting = self.by_object.get(record.id.as_str()).into_iter().flatten();
        resting
            .chain(&self.unresolved)
            .filter(|stake| !(is_archive && self.is_given_up(stake)))
            .filter_map(|stake| {
                let loss = harm(operation, record, stake.binding, stake.grant, &self.scene)?;
                Some(Harmed { stake: *stake, loss })
            })
            .collect()
    }

    /// Whether a person gave up what lives off a rule. A word that a workload contradicts is forgotten.
    fn is_given_up(&self, stake: &Stake<'_>) -> bool {
        let Grant::Rule { rule_id, .. } = stake.grant else { return false };
        self.words.get(rule_id.as_str()).is_some_and(|word| word.at >= stake.since)
    }

    /// Whether the block of a workload names another rule by now, so that it is on its way to that one.
    fn moves(&self, stake: &Stake<'_>) -> bool {
        let Grant::Rule { rule_id, .. } = stake.grant else { return false };
        let binding = stake.binding;
        let Some(key) = self.scene.configuration.api_keys.get(&binding.lane) else { return false };
        let is_it = key.id == binding.key_id;
        is_it
            && key.consumers.get(&binding.consumer).is_some_and(|consumer| {
                self.scene.state.records.get(&consumer.rule).is_none_or(|record| record.id != *rule_id)
            })
    }

    /// Who lives off a recorded object, or may.
    fn resting_on(&self, address: &Address) -> impl Iterator<Item = &Stake<'a>> {
        let record = self.scene.state.records.get(address);
        let resting = record.and_then(|record| self.by_object.get(record.id.as_str())).into_iter().flatten();
        resting.chain(&self.unresolved)
    }

    /// The same of one that is still there, without those that were given up.
    fn living_off(&self, address: &Address) -> impl Iterator<Item = &Stake<'a>> {
        let record = self.scene.state.records.get(address);
        let is_there = record.is_some_and(|record| !self.scene.observed.is_lost(&record.id));
        self.resting_on(address).filter(move |stake| is_there && !self.is_given_up(stake))
    }

    /// What comes of an operation that would harm these; with a deposed object nothing is done as long as
    /// anybody lives off it.
    fn verdict(&self, operation: &Operation, harmed: &[Harmed<'_>]) -> Option<Verdict> {
        let address = operation.target().address;
        // That it goes was nobody's wish, so that it may stay as long as it likes.
        if address.is_deposed() {
            let workloads = named(self.living_off(address).map(|stake| workload(stake.binding)));
            let until = "stays until each of these shows that it lives off what its block names";
            let waits =
                || Verdict::Waits(format!("{}, and {until}: {workloads}.", before(address, &self.scene)));
            return (!workloads.is_empty()).then(waits);
        }
        if harmed.is_empty() {
            return None;
        }
        let workloads = named(harmed.iter().map(|it| workload(it.stake.binding)));
        let until = "until each of these shows that it lives off what its block names";
        Some(match operation {
            _ if !harmed.iter().all(|it| self.moves(&it.stake)) => Verdict::Refused,
            Operation::Archive { .. } => {
                Verdict::Waits(format!("{address} is no longer declared, and stays {until}: {workloads}."))
            }
            Operation::RemoveMembership { workspace_id, .. } => Verdict::Waits(format!(
                "{address} is not to be a member of {workspace_id} any more, and stays one {until}: {workloads}."
            )),
            _ => Verdict::Refused,
        })
    }

    /// The block of the rule that is at stake.
    fn rule(&self, stake: &Stake<'_>) -> Option<Address> {
        let Grant::Rule { rule_id, .. } = stake.grant else { return None };
        let mut records = self.scene.state.records.iter();
        records.find(|(_, record)| record.id == *rule_id).map(|(address, _)| address.present())
    }
}

/// What comes of an operation that would cut workloads off.
enum Verdict {
    /// It waits for this.
    Waits(String),
    /// It is refused.
    Refused,
}

/// Takes out of the work what has to wait until workloads have moved, and refuses what would cut one off.
pub(super) fn guard(scene: &Scene<'_>, diff: &mut Diff) {
    let bound = Bound::new(*scene);
    let strangers = unrecorded::somebodies(scene);
    let mut refused: BTreeMap<Address, (bool, Vec<Harmed<'_>>)> = BTreeMap::new();
    let mut unexplained: BTreeMap<Address, Refused> = BTreeMap::new();
    let mut waiting: Vec<(Operation, String)> = Vec::new();
    for (operation, _) in &diff.work {
        let address = operation.target().address;
        let harmed = bound.harmed(operation);
        match bound.verdict(operation, &harmed) {
            Some(Verdict::Waits(why)) => waiting.push((operation.clone(), why)),
            Some(Verdict::Refused) => {
                // Those that move are no reason.
                let harmed: Vec<Harmed<'_>> = match harmed.iter().all(|it| bound.moves(&it.stake)) {
                    true => harmed,
                    false => harmed.into_iter().filter(|it| !bound.moves(&it.stake)).collect(),
                };
                let is_archive = matches!(operation, Operation::Archive { .. });
                let known = refused.entry(address.clone()).or_insert((is_archive, Vec::new()));
                known.1.extend(harmed);
            }
            None => {
                let mut losses = strangers.iter().filter_map(|it| Some((it, it.loss(operation, scene)?)));
                if address.is_deposed() {
                    let why = |it: &Somebody| format!("{}: {}", before(address, scene), it.waits(scene));
                    waiting.extend(losses.next().map(|(it, _)| (operation.clone(), why(it))));
                    continue;
                }
                if let Some((stranger, loss)) = losses.next() {
                    let refusal = || stranger.refusal(&loss, scene);
                    unexplained.entry(address.clone()).or_insert_with(refusal);
                }
            }
        }
    }
    for (operation, why) in waiting {
        hold(&operation, why, diff);
    }
    for (address, (is_archive, harmed)) in refused {
        diff.refuse(refusal(&address, is_archive, &harmed, &bound));
    }
    for (address, refusal) in unexplained {
        if refusal.address != address {
            diff.tie(&address, &refusal.address);
        }
        // One is enough to say who it is.
        let is_told = |it: &Refused| (&it.address, &it.summary) == (&refusal.address, &refusal.summary);
        if !diff.refused.iter().any(is_told) {
            diff.refuse(refusal);
        }
    }
    diff.leave_refused_out(scene.configuration, scene.state);
}

/// Leaves an operation out of the work for now.
fn hold(operation: &Operation, why: String, diff: &mut Diff) {
    let address = operation.target().address.clone();
    diff.work.retain(|(other, _)| other != operation);
    match operation {
        Operation::RemoveMembership { workspace_id, .. } => stay_member(&address, workspace_id, diff),
        _ => diff.changes.retain(|change| change.address != address),
    }
    diff.kept.push(Kept { address, why });
}

/// Leaves an account in a workspace for now.
fn stay_member(account: &Address, workspace_id: &str, diff: &mut Diff) {
    let Some(change) = diff.changes.iter_mut().find(|change| change.address == *account) else { return };
    let memberships =
        |attributes: &Option<Attributes>| attributes.as_ref()?.get("memberships")?.as_object().cloned();
    let role = memberships(&change.before).and_then(|before| before.get(workspace_id).cloned());
    if let (Some(role), Some(mut after)) = (role, memberships(&change.after)) {
        after.insert(workspace_id.to_owned(), role);
        change.after.as_mut().expect("it has memberships").insert("memberships".to_owned(), after.into());
    }
    if change.before == change.after {
        change.action = Action::NoOp;
        change.reason = Reason::Equal;
        diff.unconfigured.remove(account);
    }
}

fn workload(binding: &Binding) -> String {
    format!("{} of {} ({})", binding.consumer, binding.lane, binding.key_id)
}

/// The first of these lines, and how many more there are.
fn named(lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.dedup();
    let more = lines.len().saturating_sub(NAMED_MAX);
    lines.truncate(NAMED_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("; ")
}

/// What a deposed object is.
fn before(address: &Address, scene: &Scene<'_>) -> String {
    let id = scene.state.records.get(address).map_or("", |record| record.id.as_str());
    format!("{id} is what {} was before its block was changed", address.present())
}

fn refusal(address: &Address, is_archive: bool, harmed: &[Harmed<'_>], bound: &Bound<'_>) -> Refused {
    let lives = |it: &Harmed<'_>| {
        let (stake, since) = (&it.stake, it.stake.since);
        let off = match bound.rule(stake) {
            Some(rule) if *stake.grant == stake.binding.grant => format!("lives off {rule} since {since}"),
            Some(rule) => format!("has had {rule} in its settings since {since}"),
            None => format!(
                "has been without its key since {since}, and what it lives off instead is not recorded"
            ),
        };
        format!("{} {off}: {}", workload(stake.binding), it.loss)
    };
    let why = format!("{}.", named(harmed.iter().map(lives)));
    Refused::new(address, "Workload would be cut off", why, hint(address, is_archive, harmed, bound))
}

fn hint(address: &Address, is_archive: bool, harmed: &[Harmed<'_>], bound: &Bound<'_>) -> String {
    let mut workloads: Vec<String> = harmed
        .iter()
        .map(|it| format!("-retire={} -consumer={}", it.stake.binding.lane, it.stake.binding.consumer))
        .collect();
    workloads.sort();
    workloads.dedup();
    let which =
        if workloads.len() == 1 { "if that workload is gone" } else { "for each workload that is gone" };
    let one =
        format!("{which}: keyless evidence add -manual {} -by=\"YOUR NAME\" -statement=\"…\"", workloads[0]);
    let Some(rule) = harmed.iter().find_map(|it| bound.rule(&it.stake)) else {
        let lane = &harmed[0].stake.binding.lane;
        return match bound.scene.configuration.api_keys.contains_key(lane) {
            true => format!("let its rule be under care, and let it report; or, {one}"),
            false => format!(
                "declare {lane} again with its consumers, so that it is known what they live off; or, {one}"
            ),
        };
    };
    let is_declared = bound.scene.configuration.federation_rules.contains_key(&rule);
    match (is_archive && !is_declared, *address == rule) {
        (true, true) => format!("declare {rule} as it was; or, {one}"),
        (true, false) => format!("declare {rule} as it was, and {address}; or, {one}"),
        (false, true) => format!(
            "leave {rule} as it was and declare a second rule beside it with what is wanted; name that in `replaced_by` and as the consumers' `rule`, apply, and remove {rule} once they report the new one; or, {one}"
        ),
        (false, false) => format!(
            "leave {address} as it was; declare a second one beside it with what is wanted, and a second rule beside {rule} that stands on it; name that rule in `replaced_by` and as the consumers' `rule`, apply, and remove {rule} once they report the new one; or, {one}"
        ),
    }
}
