//! `destroy`: the keys first, then what replaced them.

use std::path::Path;

use keyless_state::State;

use super::execute::{self, Run};
use super::look::{self, Look};
use crate::binding::{self, Ask};
use crate::cli::args::Destroy as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::evidence::Goes;
use crate::plan::{Mode, Operation, Plan, Reason};
use crate::render;
use crate::rollback::{hold_asked, spare, way_back};

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    execute::with_store(&session, &arguments.remote, "destroy", ui, async |store, connection| {
        let mut look =
            look::look(&session, connection, super::apply::recorded_in(store), Goes::Recorded, ui).await?;
        let asks = hold(&mut look, &session);
        let plan = plan(&look, &session)?;
        tell_asks(&asks, &plan, &look, ui);
        if plan.steps.is_empty() {
            ui.data("No changes. Nothing is recorded that could be destroyed.\n\n");
            ui.data(&execute::complete(&plan, &[]));
            return Ok(Exit::Done);
        }
        ui.data(&render::plan_text::plan(&plan));
        if !arguments.auto_approve
            && !ui.approves(
                "Do you really want to put the keys back and archive everything that was created?",
                ", or save the plan with `plan -destroy -out` and apply that file",
                arguments.remote.input,
            )?
        {
            ui.tell("Destroy cancelled. Nothing was changed.");
            return Ok(Exit::Error);
        }
        let run = Run { session: &session, connection, parallelism: arguments.remote.parallelism, ui };
        run.carry_out(store, look, &plan).await
    })
    .await
}

/// Which keys a person is asked to put back; their lanes are held from the start of the run on.
pub(super) fn hold(look: &mut Look, session: &Session) -> Vec<Ask> {
    let asks = binding::asks(&look.state, &State::default(), &session.configuration);
    let held = hold_asked(&asks, &look.state, look.now);
    held.iter().for_each(|change| look.state.apply(change));
    look.learnt.extend(held);
    asks
}

/// The plan of a destroy; refused where a workload would be left without a credential.
pub(super) fn plan(look: &Look, session: &Session) -> Result<Plan, String> {
    let mut back = way_back(
        &look.state,
        &State::default(),
        &session.configuration,
        &look.sightings.presence,
        Reason::Destroy,
    );
    spare(&mut back, &look.state, &binding::unrecorded_use(&look.state, look.now));
    if !back.residue.is_empty() {
        return Err(format!(
            "this cannot be destroyed without leaving a workload without a credential:\n  {}\nNothing was changed. Declare again what is no longer declared, and put back by hand what only a person can; if a workload is gone, say so: keyless evidence add -manual -retire=LANE -consumer=CONSUMER -by=\"YOUR NAME\" -statement=\"…\"",
            back.residue.join("\n  ")
        ));
    }
    look.plan_back(session, Mode::Destroy, back)
}

/// Tells what a person is asked to do, besides what is planned.
pub(super) fn tell_asks(asks: &[Ask], plan: &Plan, look: &Look, ui: &Ui) {
    for ask in asks {
        ui.tell(&format!("by hand: {ask}"));
    }
    for step in &plan.steps {
        if let Operation::Restore { address, consumer, .. } = &step.operation
            && look.sightings.unparked.contains(&(address.clone(), consumer.clone()))
        {
            ui.tell(&format!("by hand: put the key of {address} back into {consumer} once it is active, and run this again: what keyless parked there is gone"));
        }
    }
}
