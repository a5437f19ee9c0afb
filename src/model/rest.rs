//! What must hold once keyless has come to rest.

use keyless_state::State;

use super::engine::wrong;
use super::scope::Scope;
use super::world::{World, Wrong, at};
use crate::lane::{self, Gate, Sightings, Supplier};
use crate::plan::Operation;
use crate::resource::KeyStatus;

impl Scope {
    /// What must hold once keyless has come to rest.
    pub(super) fn at_rest(&self, next: World, state: &State, seen: &Sightings, moved: bool) -> World {
        if let Some(what) = self.lost(&next) {
            return wrong(next, Wrong::Lost, &what);
        }
        let mut seen = seen.clone();
        seen.wanted_settings = self.wanted(state, &next.observed);
        for (address, key) in
            self.configuration.api_keys.iter().filter(|_| !moved && !next.broken.contains(&true))
        {
            let facts = lane::gather(address, key, &self.configuration, state, &next.observed, &seen);
            let assessment = lane::assess(&facts, at(next.hour));
            let stuck = match &assessment.gate {
                Gate::Waiting(needs) => needs.iter().all(|need| need.supplier == Supplier::Engine),
                Gate::Open => true,
                Gate::Refused(_) | Gate::Held(_) | Gate::Finished(_) => false,
            };
            if stuck {
                return wrong(next, Wrong::Stuck, &(address, assessment));
            }
        }
        next
    }

    /// Something that keyless did and does not know of.
    fn lost(&self, world: &World) -> Option<String> {
        for (at, key) in world.keys.iter().enumerate() {
            let lane = world.state.lanes.get(self.lane(at)).cloned().unwrap_or_default();
            match self.status(world, at) {
                KeyStatus::Inactive if key.ours && lane.disabled_at.is_none() => {
                    return Some(format!("{} set inactive", self.lane(at)));
                }
                KeyStatus::Archived if lane.archived_at.is_none() => {
                    return Some(format!("{} archived", self.lane(at)));
                }
                _ => {}
            }
            for (place, it) in key.places.iter().enumerate() {
                let record = lane.consumers.get(self.consumer(at, place));
                if it.taken && !it.holds_key && record.is_none_or(|record| record.removed_at.is_none()) {
                    return Some(format!("a key taken out of {}", self.consumer(at, place)));
                }
                let binding = world.state.binding(self.key_id(at), self.consumer(at, place));
                if it.taken && !it.holds_key && binding.is_none_or(|it| it.has_key()) {
                    return Some(format!("what {} lives off", self.consumer(at, place)));
                }
            }
        }
        let known: Vec<&String> = world.state.records.values().map(|record| &record.id).collect();
        let observed = &world.observed;
        let issuers = observed.issuers.values().map(|it| (&it.id, &it.provenance));
        let accounts = observed.service_accounts.values().map(|it| (&it.id, &it.provenance));
        let rules = observed.rules.values().map(|it| (&it.id, &it.provenance));
        let mut live = issuers.chain(accounts).chain(rules).filter(|(_, it)| it.archived_at.is_none());
        live.find(|(id, _)| !known.contains(id)).map(|(id, _)| format!("{id} created"))
    }
}

/// Whether an operation takes something back.
pub(super) fn is_way_back(operation: &Operation) -> bool {
    matches!(operation, Operation::Enable { .. } | Operation::Restore { .. } | Operation::Unconfigure { .. })
}
