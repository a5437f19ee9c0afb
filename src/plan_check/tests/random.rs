//! Random organizations, random edits of them, and random damage to the plans: what passes the checker
//! cuts nobody off when it is carried out, in whatever order the plan allows.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use keyless_state::{Address, Binding, ConsumerId, Grant, Identity, State};
use serde_json::{Map, Value, json};

use super::truth::{Loss, Names, Spot, Truth, Workload};
use super::*;
use crate::binding;
use crate::config::{Configuration, ConsumerDriver, WorkspaceChoice, WorkspaceRef};
use crate::lane::Presence;
use crate::plan::{PlanInput, Reason, Scene, Step, build, build_back, successions};
use crate::resource::{KeyScope, KeyStatus, Match};
use crate::rollback::way_back;
use crate::sample::{
    self, account, consumer_id, dotenv, key, lane, plan_input, provider, recorded, rule, these,
};

/// Chance, the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(count).unwrap()).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        (!among.is_empty()).then(|| among[self.below(among.len())].clone())
    }
}

fn named(kind: &str, number: usize) -> String {
    format!("{kind}{number}")
}

const WORKSPACES: [&str; 2] = ["wrkspc_a", "wrkspc_b"];
const DEVELOPER: &str = "workspace_developer";

fn some_workspaces(chance: &mut Chance) -> Vec<&'static str> {
    match chance.below(3) {
        0 => vec![WORKSPACES[0]],
        1 => vec![WORKSPACES[1]],
        _ => WORKSPACES.to_vec(),
    }
}

/// Issuers, accounts, rules and keys in some relation.
fn organization(chance: &mut Chance) -> Configuration {
    let mut configuration = Configuration::default();
    for at in 0..2 {
        let name = named("i", at);
        let mut issuer = provider(&name);
        issuer.issuer_url = format!("https://{name}.example.com");
        configuration.providers.insert(address(&format!("provider.oidc.{name}")), issuer);
        let name = named("a", at);
        let roles: Vec<(&str, &str)> = WORKSPACES.iter().map(|id| (*id, DEVELOPER)).collect();
        configuration
            .service_accounts
            .insert(address(&format!("service_account.{name}")), account(&name, &roles));
    }
    for at in 0..=chance.below(3) {
        let name = named("r", at);
        let issuer = format!("provider.oidc.i{}", chance.below(2));
        let account = format!("service_account.a{}", chance.below(2));
        let mut made = rule(&name, &issuer, &account);
        made.workspaces = these(&some_workspaces(chance));
        made.matching = some_match(chance, at);
        configuration.federation_rules.insert(address(&format!("federation_rule.{name}")), made);
    }
    let rules: Vec<Address> = configuration.federation_rules.keys().cloned().collect();
    for at in 0..=chance.below(2) {
        let mut consumers = Vec::new();
        let mut replaced_by = BTreeSet::new();
        for place in 0..=chance.below(2) {
            let rule = chance.pick(&rules).unwrap();
            let mut consumer = dotenv(&rule.to_string());
            let ConsumerDriver::Dotenv { path, .. } = &mut consumer.driver else { unreachable!() };
            *path = format!("k{at}/c{place}/.env").into();
            consumers.push((named("dotenv.c", place), consumer));
            replaced_by.insert(rule);
        }
        let mut made = key(&format!("apikey_{at}"), &[], Vec::new());
        made.consumers = consumers.into_iter().map(|(id, it)| (consumer_id(&id), it)).collect();
        made.replaced_by = replaced_by;
        configuration.api_keys.insert(address(&format!("api_key.k{at}")), made);
    }
    configuration
}

/// A match that lets in who has the subject of this number, in one of several forms.
fn some_match(chance: &mut Chance, number: usize) -> Match {
    let subject = match chance.below(3) {
        0 => format!("repo:acme/x{number}:main"),
        1 => format!("repo:acme/x{number}:*"),
        _ => "repo:acme/*".to_owned(),
    };
    let claims = match chance.below(3) {
        0 => BTreeMap::from([("ref".to_owned(), "main".to_owned())]),
        _ => BTreeMap::new(),
    };
    Match { subject_prefix: Some(subject), claims, ..Match::default() }
}

/// One thing that a person changes in the files.
fn edit(chance: &mut Chance, configuration: &mut Configuration) {
    let rules: Vec<Address> = configuration.federation_rules.keys().cloned().collect();
    let keys: Vec<Address> = configuration.api_keys.keys().cloned().collect();
    let Some(rule) = chance.pick(&rules) else { return };
    let number = chance.below(3);
    let changed = configuration.federation_rules.get_mut(&rule).unwrap();
    match chance.below(13) {
        11 => changed.provider = address(&format!("provider.oidc.i{}", chance.below(2))),
        12 => {
            let number = chance.below(2);
            let account = address(&format!("service_account.a{number}"));
            let account = configuration.service_accounts.get_mut(&account).unwrap();
            (account.name, account.is_named) = (named("renamed", number), true);
        }
        0 => changed.matching = some_match(chance, number),
        1 => changed.matching.subject_prefix = Some("repo:*".to_owned()),
        2 => changed.workspaces = these(&some_workspaces(chance)),
        3 => changed.workspaces = WorkspaceChoice::All,
        4 => changed.service_account = address(&format!("service_account.a{}", chance.below(2))),
        5 => changed.oauth_scope = "workspace:developer".to_owned(),
        6 => drop(configuration.federation_rules.remove(&rule)),
        7 => drop(chance.pick(&keys).and_then(|key| configuration.api_keys.remove(&key))),
        8 => {
            let issuer = address(&format!("provider.oidc.i{}", chance.below(2)));
            configuration.providers.get_mut(&issuer).unwrap().issuer_url =
                "https://new.example.com".to_owned();
        }
        9 => {
            let account = address(&format!("service_account.a{}", chance.below(2)));
            let roles = &mut configuration.service_accounts.get_mut(&account).unwrap().memberships;
            roles.remove(&WorkspaceRef::Id(WORKSPACES[chance.below(2)].to_owned()));
        }
        _ => {
            let Some(key) = chance.pick(&keys) else { return };
            let key = configuration.api_keys.get_mut(&key).unwrap();
            for consumer in key.consumers.values_mut() {
                consumer.rule = rule.clone();
            }
            key.replaced_by = [rule].into();
        }
    }
    prune(configuration);
}

/// Takes out what refers to something that is not there.
fn prune(configuration: &mut Configuration) {
    let Configuration { federation_rules: rules, api_keys: keys, .. } = configuration;
    for key in keys.values_mut() {
        key.consumers.retain(|_, consumer| rules.contains_key(&consumer.rule));
        key.replaced_by.retain(|rule| rules.contains_key(rule));
    }
    keys.retain(|_, key| !key.consumers.is_empty() && !key.replaced_by.is_empty());
}

/// A recorded organization with its workloads, and what is asked for by now.
struct Case {
    truth: Truth,
    state: State,
    sightings: Sightings,
}

fn claims(configuration: &Configuration, rule: &Address) -> Map<String, Value> {
    let rule = &configuration.federation_rules[rule];
    let issuer = &configuration.providers[&rule.provider].issuer_url;
    let pattern = rule.matching.subject_prefix.clone().unwrap();
    let subject = match pattern.strip_suffix('*') {
        Some(prefix) => format!("{prefix}main"),
        None => pattern,
    };
    let claims = json!({ "iss": issuer, "sub": subject, "ref": "main" });
    claims.as_object().unwrap().clone()
}

impl Case {
    fn new(chance: &mut Chance) -> Case {
        let before = organization(chance);
        let mut observed = sample::build(&before);
        observed.api_keys.values_mut().for_each(|key| key.scope = KeyScope::Organization);
        let mut state = recorded(&before, &observed);
        let mut sightings = Sightings::default();
        let mut workloads = BTreeMap::new();
        for (address, key) in &before.api_keys {
            let is_bound: BTreeMap<&ConsumerId, bool> =
                key.consumers.keys().map(|id| (id, !chance.one_in(2))).collect();
            let removed: Vec<String> =
                is_bound.iter().filter(|(_, bound)| **bound).map(|(id, _)| id.to_string()).collect();
            let removed: Vec<(&str, Timestamp)> = removed.iter().map(|id| (id.as_str(), hour(0))).collect();
            let mut record = lane(&key.id, &removed);
            if is_bound.values().all(|bound| *bound) && chance.one_in(2) {
                record.disabled_at = Some(hour(80));
                observed.api_keys.get_mut(&key.id).unwrap().status = KeyStatus::Inactive;
            }
            if !removed.is_empty() {
                state.lanes.insert(address.clone(), record);
            }
            for (id, consumer) in &key.consumers {
                let rule = &state.records[&consumer.rule];
                let workspace = rule.attributes["workspace_ids"][0].as_str().unwrap();
                let claims = claims(&before, &consumer.rule);
                let is_bound = is_bound[id];
                let names = Names {
                    rule: rule.id.clone(),
                    account: rule.attributes["service_account_id"].as_str().unwrap().to_owned(),
                    workspace: Some(workspace.to_owned()),
                };
                if is_bound {
                    let grant = match chance.one_in(8) {
                        true => Grant::Unresolved,
                        false => binding::grant(rule, Some(workspace)),
                    };
                    let mut binding = Binding::new(&key.id, address, id, grant, hour(0));
                    binding.place = Some(binding::place(id, &consumer.driver));
                    if chance.one_in(2) {
                        binding.identities.push(Identity { claims: claims.clone(), seen_at: hour(50) });
                    }
                    state.apply(&binding.put());
                }
                let presence = if is_bound { Presence::Absent } else { Presence::Present };
                sightings.presence.insert((address.clone(), id.clone()), presence);
                let workload = Workload {
                    key_id: key.id.clone(),
                    holds_key: !is_bound,
                    names: is_bound.then_some(names),
                    claims,
                };
                workloads.insert((address.clone(), id.clone()), workload);
            }
        }
        let mut after = before.clone();
        for _ in 0..chance.below(4) {
            edit(chance, &mut after);
        }
        let in_place = |configuration: &Configuration, state: &State| {
            let mut seen = Sightings::default();
            sample::settings_in_place(&mut seen, configuration, state, &observed);
            seen.wanted_settings
        };
        let is_bound = |spot: &Spot| workloads.get(spot).is_some_and(|it: &Workload| !it.holds_key);
        sightings.settings =
            in_place(&before, &state).into_iter().filter(|(spot, _)| is_bound(spot)).collect();
        let scene = Scene { configuration: &after, state: &state, observed: &observed, now: hour(100) };
        let state = state.renamed(&successions(&scene));
        sightings.wanted_settings = in_place(&after, &state);
        let ids = state.records.iter().map(|(address, record)| (address.clone(), record.id.clone()));
        let truth = Truth { ids: ids.collect(), configuration: after, observed, workloads };
        Case { truth, state, sightings }
    }

    fn moment(&self) -> Moment<'_> {
        let Truth { configuration, observed, .. } = &self.truth;
        Moment { configuration, state: &self.state, observed, sightings: &self.sightings, now: hour(100) }
    }

    fn plan(&self, is_back: bool) -> Option<Plan> {
        let Truth { configuration, observed, .. } = &self.truth;
        let mode = if is_back { Mode::Destroy } else { Mode::Apply };
        let input = plan_input(configuration, &self.state, observed, self.sightings.clone());
        let input = PlanInput { mode, now: hour(100), ..input };
        if !is_back {
            return build(input).ok();
        }
        let (nothing, seen) = (State::default(), &self.sightings.presence);
        let back = way_back(&self.state, &nothing, configuration, seen, Reason::Destroy);
        let asks = back.asks.clone();
        let plan = build_back(input, back);
        let scene = Scene { configuration, state: &self.state, observed, now: hour(100) };
        crate::plan::cut_off(&plan.steps, &asks, &scene).is_empty().then_some(plan)
    }

    /// Carries a plan out in some order that it allows.
    fn losses(&self, plan: &Plan, chance: &mut Chance) -> BTreeSet<Loss> {
        let mut truth = self.truth.clone();
        let mut losses = BTreeSet::new();
        let mut done: HashSet<&str> = HashSet::new();
        let mut open: Vec<&Step> = plan.steps.iter().collect();
        let mut worked = truth.working();
        loop {
            let is_ready = |step: &Step| step.after.iter().all(|before| done.contains(before.as_str()));
            let ready: Vec<usize> = (0..open.len()).filter(|at| is_ready(open[*at])).collect();
            let Some(at) = chance.pick(&ready) else { break };
            let step = open.remove(at);
            if truth.carry_out(&step.operation) {
                done.insert(&step.id);
            }
            let works = truth.working();
            let lost = worked.iter().filter(|spot| !works.contains(spot));
            losses.extend(lost.map(|(lane, id)| Loss::CutOff(format!("{id} of {lane} by {}", step.id))));
            worked = works;
        }
        if plan.mode == Mode::Apply {
            losses.extend(truth.gone().into_iter().map(Loss::Declared));
        }
        losses
    }
}

/// One thing that somebody changes in a saved plan, in a way that still looks like a plan.
fn bend(chance: &mut Chance, plan: &mut Plan, case: &Case) {
    let recorded: Vec<Address> = case.state.records.keys().cloned().collect();
    let all: Vec<String> = plan.steps.iter().map(|step| step.id.clone()).collect();
    let choice = chance.below(7);
    if choice == 0 {
        // An archive at the end, as it should be made but for what it takes.
        let target = chance.pick(&recorded).unwrap();
        let operation = Operation::Archive { address: target };
        let undo = Undo::Impossible { why: "final".to_owned() };
        let id = String::new();
        plan.steps.push(Step { id, stage: Stage::Revoke, lane: None, operation, after: all, undo });
    }
    let Some(at) = chance.pick(&(0..plan.steps.len()).collect::<Vec<_>>()) else { return };
    let old = plan.steps[at].id.clone();
    match choice {
        1 => {
            plan.steps.remove(at);
            plan.steps.iter_mut().for_each(|step| step.after.retain(|before| *before != old));
        }
        2 => plan.steps[at].after.clear(),
        3 => {
            let dropped = chance.pick(&plan.steps[at].after.clone());
            plan.steps[at].after.retain(|before| Some(before) != dropped.as_ref());
        }
        4 => {
            let wanted = some_match(chance, 2);
            match &mut plan.steps[at].operation {
                Operation::UpdateRule { arguments, .. } => {
                    arguments.matching = wanted;
                    let after = crate::plan::rule(arguments);
                    let target = plan.steps[at].operation.address().clone();
                    for change in plan.changes.iter_mut().filter(|change| change.address == target) {
                        change.after = Some(after.clone());
                    }
                }
                Operation::Archive { address } => *address = chance.pick(&recorded).unwrap(),
                _ => {}
            }
        }
        5 => {
            let workspace = WORKSPACES[chance.below(2)].to_owned();
            let target = chance.pick(&recorded).unwrap();
            let operation = match target.kind() {
                Kind::FederationRule => {
                    Operation::DisableWorkspace { address: target, workspace_id: workspace }
                }
                Kind::ServiceAccount => {
                    Operation::RemoveMembership { address: target, workspace_id: workspace }
                }
                _ => return,
            };
            let undo = Undo::Possible { how: "put it back".to_owned(), leaves: String::new() };
            let (id, after) = (String::new(), Vec::new());
            plan.steps.insert(0, Step { id, stage: Stage::Configure, lane: None, operation, after, undo });
        }
        _ => {
            if let Operation::Disable { id, .. } | Operation::ArchiveKey { id, .. } =
                &mut plan.steps[at].operation
            {
                *id = format!("apikey_{}", chance.below(2));
            }
        }
    }
    let mut renamed = BTreeMap::new();
    for step in &mut plan.steps {
        let target = step.operation.target();
        let part = if target.part.is_empty() { String::new() } else { format!("/{}", target.part) };
        let id = format!("{}/{}{part}", step.operation.word(), target.address);
        renamed.insert(std::mem::replace(&mut step.id, id.clone()), id);
    }
    for before in plan.steps.iter_mut().flat_map(|step| &mut step.after) {
        before.clone_from(&renamed[before]);
    }
}

fn seeds(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|given| given.parse().ok()).unwrap_or(default)
}

/// More with `KEYLESS_PLAN_SEEDS`.
fn cases() -> impl Iterator<Item = (u64, Chance)> {
    (0..seeds("KEYLESS_PLAN_SEEDS", 3_000)).map(|seed| (seed, Chance(seed)))
}

#[test]
fn no_fresh_plan_is_faulty_or_cuts_a_workload_off() {
    let (mut planned, mut steps, mut refused) = (0, 0, 0);
    for (seed, mut chance) in cases() {
        let case = Case::new(&mut chance);
        let is_back = chance.one_in(4);
        let Some(plan) = case.plan(is_back) else {
            refused += 1;
            continue;
        };
        let found = check(&plan, Some(&case.moment()));
        assert_eq!(found, [], "seed {seed}");
        planned += 1;
        steps += plan.steps.len();
        for _ in 0..3 {
            let losses = case.losses(&plan, &mut chance);
            assert_eq!(losses, BTreeSet::new(), "seed {seed}: {:#?}", plan.steps);
        }
    }
    // What is only refused, or has nothing to do, shows nothing.
    assert!(planned > refused / 4 && steps > planned, "{planned} plans, {steps} steps, {refused} refused");
}

#[test]
fn no_bent_plan_that_passes_cuts_a_workload_off_and_each_check_is_needed() {
    use Invariant::{I1, I3, I14, I15};
    let mut needed: BTreeMap<Invariant, u64> = BTreeMap::new();
    for (seed, mut chance) in cases() {
        let case = Case::new(&mut chance);
        let is_back = chance.one_in(4);
        let Some(sound) = case.plan(is_back).filter(|plan| !plan.steps.is_empty()) else { continue };
        for _ in 0..6 {
            let mut plan = sound.clone();
            bend(&mut chance, &mut plan, &case);
            let broken: BTreeSet<Invariant> =
                check(&plan, Some(&case.moment())).iter().map(|it| it.invariant).collect();
            // Only one that stands alone shows what it is for.
            if broken.len() > 1 {
                continue;
            }
            let losses = case.losses(&plan, &mut chance);
            match broken.first() {
                None => assert_eq!(losses, BTreeSet::new(), "seed {seed}: {:#?}", plan.steps),
                Some(alone) if !losses.is_empty() => *needed.entry(*alone).or_default() += 1,
                Some(_) => {}
            }
        }
    }
    for invariant in [I1, I3, I14, I15] {
        assert!(needed.contains_key(&invariant), "nothing shows what {} is for: {needed:?}", invariant.id());
    }
}
