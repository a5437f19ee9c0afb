//! On the way back, what a workload may live off goes only once it is seen to use its key again.

use keyless_state::StoreError;

use super::run::Run;
use crate::binding::{self, Seen};
use crate::lane::{Gate, Need, Supplier};
use crate::plan::{self, Mode, Operation, Scene};

impl Run<'_> {
    /// The gate of a step that is no lane's own: on the way back it waits for workloads to use their keys.
    pub(super) fn use_gate(&self, operation: &Operation) -> Result<(), Gate> {
        if !matches!(self.plan.mode, Mode::Destroy | Mode::Rollback) {
            return Ok(());
        }
        let state = self.store.state();
        let scene = Scene {
            configuration: &self.tools.configuration,
            state,
            observed: &self.observed,
            now: self.now,
        };
        let seen = self.seen();
        let needs: Vec<Need> = plan::not_used_yet(operation, &scene)
            .into_iter()
            .flat_map(|binding| {
                let lacks = binding::in_use(binding, &seen).and_then(Result::err).unwrap_or_default();
                lacks.into_iter().map(|lack| Need {
                    what: format!("{lack}, of {} of {}", binding.consumer, binding.lane),
                    supplier: match lack {
                        binding::Lack::Sign(_) | binding::Lack::Report(_) => Supplier::Workload,
                        _ => Supplier::Person,
                    },
                    earliest: lack.earliest(),
                    consumer: Some(binding.consumer.clone()),
                    remedy: None,
                })
            })
            .collect();
        if needs.is_empty() { Ok(()) } else { Err(Gate::Waiting(needs)) }
    }

    /// Records which workloads are seen to use their keys again.
    pub(super) fn note_use(&mut self) -> Result<(), StoreError> {
        let changes = binding::in_use_again(&self.seen());
        match changes.is_empty() {
            true => Ok(()),
            false => self.journal(keyless_state::Event::Recorded { changes }),
        }
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            configuration: &self.tools.configuration,
            state: self.store.state(),
            observed: &self.observed,
            presence: &self.sightings.presence,
        }
    }
}
