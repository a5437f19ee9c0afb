//! `rollback`: back to a checkpoint, as a plan of its own.

use std::path::Path;

use super::execute::{self, Run};
use super::look;
use crate::binding;
use crate::cli::args::Rollback as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::evidence::Goes;
use crate::plan::{self, Mode, Reason};
use crate::render;
use crate::rollback::{holds, spare, way_back};

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    execute::with_store(&session, &arguments.remote, "rollback", ui, async |store, connection| {
        let checkpoints = store.checkpoints().map_err(|error| error.to_string())?;
        let found = match &arguments.to {
            Some(name) => checkpoints.iter().find(|checkpoint| checkpoint.name == *name),
            None => checkpoints.last(),
        };
        let Some(checkpoint) = found else {
            return Err(match &arguments.to {
                Some(name) => {
                    format!("there is no checkpoint `{name}`; `keyless checkpoint list` shows them")
                }
                None => "there is no checkpoint yet: nothing was ever applied here".to_owned(),
            });
        };
        let mut look =
            look::look(&session, connection, super::apply::recorded_in(store), Goes::Recorded, ui).await?;
        let mut now = look.state.clone();
        let mut then = plan::follow(&checkpoint.state, &now);
        // Older formats have none.
        then.missing_bindings().iter().for_each(|change| then.apply(change));
        let lane = checkpoint.lane.as_ref().map(|lane| plan::lane_today(lane, &checkpoint.state, &now));
        if let Some(lane) = &lane {
            // A checkpoint of one lane says nothing of the others, which went on meanwhile.
            now.records.clear();
            then.records.clear();
            now.lanes.retain(|address, _| address == lane);
            then.lanes.retain(|address, _| address == lane);
            now.bindings.retain(|_, binding| binding.lane == *lane);
        }
        let mut back =
            way_back(&now, &then, &session.configuration, &look.sightings.presence, Reason::Rollback);
        spare(&mut back, &now, &binding::unrecorded_use(&look.state, look.now));
        ui.tell(&format!(
            "Checkpoint {} ({}), taken {}",
            checkpoint.name, checkpoint.reason, checkpoint.taken_at
        ));
        for line in &back.residue {
            ui.tell(&format!("stays behind: {line}"));
        }
        let stays = !back.residue.is_empty();
        let held = holds(&back, (&now, &then), &session.configuration, lane.as_ref(), look.now);
        let asks = back.asks.clone();
        let plan = look.plan_back(&session, Mode::Rollback, back)?;
        super::destroy::tell_asks(&asks, &plan, &look, ui);
        held.iter().for_each(|change| look.state.apply(change));
        look.learnt.extend(held.iter().cloned());
        if plan.steps.is_empty() {
            execute::record_learnt(store, &look, true)?;
            ui.data(match stays {
                true => "No changes. What was done since cannot be taken back.\n",
                false => "No changes. Everything is as it was at the checkpoint.\n",
            });
            return Ok(Exit::Done);
        }
        ui.data(&render::plan_text::plan(&plan));
        if !arguments.auto_approve
            && !ui.approves("Do you want to return to this checkpoint?", "", arguments.remote.input)?
        {
            ui.tell("Rollback cancelled. Nothing was changed.");
            return Ok(Exit::Error);
        }
        let run = Run { session: &session, connection, parallelism: arguments.remote.parallelism, ui };
        run.carry_out(store, look, &plan).await
    })
    .await
}
