//! What keyless sees of the outside: consumers, reports and use.

use keyless_state::{Mutation, State};

use super::outside;
use super::scope::Scope;
use super::world::{World, at};
use crate::evidence::{self, Goes};
use crate::lane::{Presence, Sightings};
use crate::platform::{Usage, UsageRow, UsageSource};

impl Scope {
    pub(super) fn sight(&self, world: &World) -> Sightings {
        let mut seen = Sightings::default();
        for (lane, key) in world.keys.iter().enumerate() {
            for (place, it) in key.places.iter().enumerate() {
                let id = (self.lane(lane).clone(), self.consumer(lane, place).clone());
                let presence = if it.holds_key { Presence::Present } else { Presence::Absent };
                seen.presence.insert(id.clone(), presence);
                if let Some(digest) = it.settings.as_ref().filter(|_| !self.by_hand) {
                    seen.settings.insert(id, digest.clone());
                }
            }
        }
        seen
    }

    /// What the API shows of use, and the reports of the workloads.
    pub(super) fn read_evidence(&self, world: &World, state: &State) -> Vec<Mutation> {
        let mut found = outside::reports(self, world);
        if let Some(question) =
            evidence::usage_question(&self.configuration, state, Goes::Undeclared, at(world.hour))
        {
            let row = |end: i64, key: Option<&str>, account: Option<String>| UsageRow {
                starting_at: crate::sample::hour(end - 1),
                ending_at: crate::sample::hour(end),
                api_key_id: key.map(str::to_owned),
                service_account_id: account,
                tokens: 1,
                requests: None,
            };
            // The hour that has not ended is not in the report yet.
            let ended = |end: &i64| *end <= world.hour;
            let keys = world.keys.iter().enumerate().filter_map(|(lane, key)| {
                key.used.filter(ended).map(|end| row(end, Some(self.key_id(lane)), None))
            });
            let rules = self.configuration.federation_rules.values().zip(&world.traffic);
            let accounts = rules.filter_map(|(rule, hour)| {
                let end = hour.map(|hour| hour + 1).filter(ended)?;
                let account = state.records.get(&rule.service_account)?;
                Some(row(end, None, Some(account.id.clone())))
            });
            let rows = keys.chain(accounts).collect();
            let usage = Usage { rows, complete_until: None, source: UsageSource::Report };
            let now = at(world.hour);
            found.extend(evidence::usage(&usage, question.since, &self.configuration, state, now));
        }
        found.into_iter().map(|evidence| Mutation::PutEvidence { evidence }).collect()
    }
}
