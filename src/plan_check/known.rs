//! A moment with what is looked up in it put in order, each at its first use: a plan of many lanes asks
//! the same of each.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Deref;

use jiff::Timestamp;
use keyless_state::{Address, Binding, ConsumerId, Evidence, Fact, Grant, Kind};

use super::Moment;

/// A lane with one of its consumers.
pub(super) type Place<'a> = (&'a Address, &'a ConsumerId);

/// A moment, with indexes.
pub(super) struct Known<'a> {
    moment: Moment<'a>,
    facts: OnceCell<Facts<'a>>,
    standing: OnceCell<HashMap<&'a Address, Vec<&'a Address>>>,
    named: OnceCell<HashMap<(Kind, &'a str), &'a str>>,
    rules: OnceCell<HashMap<&'a str, &'a Address>>,
    bound: OnceCell<Bound<'a>>,
    unbound: OnceCell<HashMap<&'a Address, Vec<Place<'a>>>>,
    settled: OnceCell<Option<Timestamp>>,
    left: OnceCell<HashMap<&'a str, Timestamp>>,
}

/// Evidence by what it is about, oldest first as it is recorded.
#[derive(Default)]
struct Facts<'a> {
    things: HashMap<&'a Address, Vec<&'a Evidence>>,
    objects: HashMap<&'a str, Vec<&'a Evidence>>,
}

/// Bindings by the ids of what they may rest on, each with its place among all.
#[derive(Default)]
struct Bound<'a> {
    by_id: HashMap<&'a str, Vec<(usize, &'a Binding)>>,
    unresolved: Vec<(usize, &'a Binding)>,
}

impl<'a> Deref for Known<'a> {
    type Target = Moment<'a>;

    fn deref(&self) -> &Moment<'a> {
        &self.moment
    }
}

impl<'a> Known<'a> {
    pub(super) fn new(moment: Moment<'a>) -> Known<'a> {
        Known {
            moment,
            facts: OnceCell::new(),
            standing: OnceCell::new(),
            named: OnceCell::new(),
            rules: OnceCell::new(),
            bound: OnceCell::new(),
            unbound: OnceCell::new(),
            settled: OnceCell::new(),
            left: OnceCell::new(),
        }
    }

    /// The newest fact about a declared thing that `pick` takes, with its time.
    pub(super) fn latest<T>(
        &self,
        about: &Address,
        pick: impl Fn(&'a Fact) -> Option<T>,
    ) -> Option<(&'a Evidence, T)> {
        newest(self.facts().things.get(about), pick)
    }

    /// The newest word of a person that what lives off an object is given up.
    pub(super) fn retirement(&self, object: &str) -> Option<&'a Evidence> {
        let retired = newest(self.facts().objects.get(object), |fact| match fact {
            Fact::Retirement { .. } => Some(()),
            _ => None,
        });
        retired.map(|(evidence, ())| evidence)
    }

    /// The newest word of a person that the settings in a place name a rule.
    pub(super) fn stated_settings(
        &self,
        key_id: &str,
        here: &str,
        rule: Option<&String>,
    ) -> Option<&'a Evidence> {
        let stated = newest(self.facts().objects.get(key_id), |fact| match fact {
            Fact::SettingsStatement { place, rule_id, .. } if place == here && Some(rule_id) == rule => {
                Some(())
            }
            _ => None,
        });
        stated.map(|(evidence, ())| evidence)
    }

    /// Everything that is recorded about a declared thing.
    pub(super) fn evidence(&self, about: &Address) -> impl Iterator<Item = &'a Evidence> {
        self.facts().things.get(about).into_iter().flatten().copied()
    }

    /// Everything that is recorded about an object at the API, by its id.
    pub(super) fn words_about(&self, object_id: &str) -> impl Iterator<Item = &'a Evidence> {
        self.facts().objects.get(object_id).into_iter().flatten().copied()
    }

    fn facts(&self) -> &Facts<'a> {
        let state = self.state;
        self.facts.get_or_init(|| {
            let mut facts = Facts::default();
            facts.things.reserve(state.evidence.len());
            for evidence in &state.evidence {
                match &evidence.fact {
                    Fact::Retirement { object_id, .. }
                    | Fact::SettingsStatement { key_id: object_id, .. }
                    | Fact::AbsenceStatement { key_id: object_id, .. } => {
                        facts.objects.entry(object_id.as_str()).or_default().push(evidence);
                    }
                    Fact::IssuerKeys { provider: about, .. }
                    | Fact::Exchange { rule: about, .. }
                    | Fact::FederatedAuthentication { rule: about, .. }
                    | Fact::CredentialReport { key: about, .. }
                    | Fact::Statement { key: about, .. }
                    | Fact::KeyUsage { key: about, .. }
                    | Fact::ArchiveApproval { key: about, .. }
                    | Fact::AccountTraffic { service_account: about, .. } => {
                        facts.things.entry(about).or_default().push(evidence);
                    }
                }
            }
            facts
        })
    }

    /// The recorded live rules that stand on an issuer or an account.
    pub(super) fn standing_on(&self, address: &Address) -> &[&'a Address] {
        let state = self.state;
        let standing = self.standing.get_or_init(|| {
            let mut standing: HashMap<&Address, Vec<&Address>> = HashMap::new();
            for (rule, record) in &state.records {
                if rule.kind() == Kind::FederationRule && self.is_live(Kind::FederationRule, &record.id) {
                    for part in &record.depends_on {
                        let rules = standing.entry(part).or_default();
                        if rules.last() != Some(&rule) {
                            rules.push(rule);
                        }
                    }
                }
            }
            standing
        });
        standing.get(address).map(Vec::as_slice).unwrap_or_default()
    }

    /// The live object of a name.
    pub(super) fn live_named(&self, kind: Kind, name: &str) -> Option<&'a str> {
        let observed = self.observed;
        let named = self.named.get_or_init(|| {
            let issuers = observed.issuers.values().map(|it| (Kind::Provider, &it.arguments.name, &it.id));
            let accounts = observed
                .service_accounts
                .values()
                .map(|it| (Kind::ServiceAccount, &it.arguments.name, &it.id));
            let rules = observed.rules.values().map(|it| (Kind::FederationRule, &it.arguments.name, &it.id));
            let mut named = HashMap::new();
            for (kind, name, id) in issuers.chain(accounts).chain(rules) {
                if self.is_live(kind, id) {
                    named.entry((kind, name.as_str())).or_insert(id.as_str());
                }
            }
            named
        });
        named.get(&(kind, name)).copied()
    }

    /// The address under which an object is recorded.
    pub(super) fn recorded_as(&self, id: &str) -> Option<&'a Address> {
        let state = self.state;
        let rules = self.rules.get_or_init(|| {
            let mut rules = HashMap::with_capacity(state.records.len());
            for (address, record) in &state.records {
                rules.entry(record.id.as_str()).or_insert(address);
            }
            rules
        });
        rules.get(id).copied()
    }

    /// The bindings that may rest on an object, in the order of all.
    pub(super) fn bindings(&self, id: &str) -> Vec<&'a Binding> {
        let state = self.state;
        let bound = self.bound.get_or_init(|| {
            let mut bound = Bound::default();
            for (place, binding) in state.bindings.values().enumerate() {
                for grant in binding.grants() {
                    match grant {
                        Grant::Key => {}
                        Grant::Unresolved => bound.unresolved.push((place, binding)),
                        Grant::Rule { rule_id, service_account_id, issuer_id, .. } => {
                            for id in [rule_id, service_account_id, issuer_id] {
                                bound.by_id.entry(id.as_str()).or_default().push((place, binding));
                            }
                        }
                    }
                }
            }
            bound
        });
        let mut found: Vec<(usize, &Binding)> =
            bound.by_id.get(id).into_iter().flatten().chain(&bound.unresolved).copied().collect();
        found.sort_by_key(|(place, _)| *place);
        found.dedup_by_key(|(place, _)| *place);
        found.into_iter().map(|(_, binding)| binding).collect()
    }

    /// When a workload last lived off something else than before, or was taken back.
    pub(super) fn settled(&self) -> Option<Timestamp> {
        *self.settled.get_or_init(|| {
            let mut last = self.state.lanes.values().filter_map(|lane| lane.rolled_back_at).max();
            for binding in self.state.bindings.values() {
                let since = (binding.grant != Grant::Key).then_some(binding.since);
                last = last.max(since).max(binding.ended.as_ref().map(|ended| ended.at));
            }
            last
        })
    }

    /// Until when workloads that went back may have used an account.
    pub(super) fn left(&self, account_id: &str) -> Option<Timestamp> {
        let state = self.state;
        let left = self.left.get_or_init(|| {
            let mut known = HashMap::new();
            for (account, at) in state.lanes.values().flat_map(|lane| lane.left.iter()) {
                known
                    .entry(account.as_str())
                    .and_modify(|last: &mut Timestamp| *last = (*last).max(*at))
                    .or_insert(*at);
            }
            known
        });
        left.get(account_id).copied()
    }

    /// The declared consumers that lost their key and of which no binding is recorded, by what they live
    /// off: their rule, and what that stands on.
    pub(super) fn unbound(&self, address: &Address) -> &[Place<'a>] {
        let (state, configuration) = (self.state, self.configuration);
        let unbound = self.unbound.get_or_init(|| {
            let mut unbound: HashMap<&Address, Vec<Place<'a>>> = HashMap::new();
            for (lane, key) in &configuration.api_keys {
                for (id, consumer) in &key.consumers {
                    if state.binding(&key.id, id).is_some() || self.removed_at(lane, id).is_none() {
                        continue;
                    }
                    let rule = self.reported_rule(lane, id).unwrap_or(&consumer.rule);
                    let stood_on = state.records.get(rule).into_iter().flat_map(|record| &record.depends_on);
                    for address in std::iter::once(rule).chain(stood_on) {
                        let places = unbound.entry(address).or_default();
                        if places.last() != Some(&(lane, id)) {
                            places.push((lane, id));
                        }
                    }
                }
            }
            unbound
        });
        unbound.get(address).map(Vec::as_slice).unwrap_or_default()
    }
}

fn newest<'a, T>(
    evidence: Option<&Vec<&'a Evidence>>,
    pick: impl Fn(&'a Fact) -> Option<T>,
) -> Option<(&'a Evidence, T)> {
    let mut latest: Option<(&Evidence, T)> = None;
    for evidence in evidence.into_iter().flatten().copied() {
        let Some(picked) = pick(&evidence.fact) else { continue };
        if latest.as_ref().is_none_or(|(known, _)| known.observed_at <= evidence.observed_at) {
            latest = Some((evidence, picked));
        }
    }
    latest
}
