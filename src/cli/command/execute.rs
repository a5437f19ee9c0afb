//! Carrying a plan out under the lock, with progress, interrupts and the closing words.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use keyless_state::{Event, Mutation, Store};

use super::connect::Connection;
use super::look::Look;
use crate::apply::{self, Options, Outcome};
use crate::cli::args;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::signals;
use crate::cli::store;
use crate::cli::ui::Ui;
use crate::evidence::{self, Goes};
use crate::plan::{Action, Mode, Operation, Plan, recordable, refusals};
use crate::render;

/// Takes the lock, connects, does the work, and lets go of both whatever happened.
pub(super) async fn with_store(
    session: &Session,
    remote: &args::Remote,
    operation: &str,
    ui: &Ui,
    work: impl AsyncFnOnce(&mut Store, &Connection) -> Result<Exit, String>,
) -> Exit {
    let mut store = match super::apply::open_store(session, operation) {
        Ok(store) => store,
        Err(message) => {
            ui.error(&message);
            return Exit::Error;
        }
    };
    for repair in store.repairs() {
        ui.tell(&format!("warning: {repair}"));
    }
    store::tell_findings(&session.data_directory());
    let exit = match super::apply::connect_to(session, remote).await {
        Err(message) => Err(message),
        Ok(connection) => {
            let worked = work(&mut store, &connection).await;
            let closed = connection.close().await;
            worked.and_then(|exit| closed.map(|()| exit))
        }
    };
    let closed = store.close().map_err(|error| error.to_string());
    match exit.and_then(|exit| closed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
    }
}

/// Everything a run needs beside the plan.
pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) connection: &'a Connection,
    pub(super) parallelism: usize,
    pub(super) ui: &'a Ui,
}

impl Run<'_> {
    /// Carries a plan out and tells how it ended.
    pub(super) async fn carry_out(&self, store: &mut Store, look: Look, plan: &Plan) -> Result<Exit, String> {
        settle(store, &look)?;
        let run = ulid::Ulid::generate().to_string();
        let workspaces = look.workspaces(self.session);
        record_mutations(store, &run, &look, look.learnt.iter().chain(&look.deposed).cloned().collect())?;
        let options = Options {
            run: run.clone(),
            parallelism: self.parallelism,
            skip_waits: self.connection.skip_waits,
            base: self.session.base.clone(),
        };
        let settling = signals::settle();
        let mut sightings = look.sightings.clone();
        apply::sightings::before_run(plan, &mut sightings);
        let ui = self.ui;
        let mut tell = |event: apply::Event<'_>| {
            if let Some(line) = render::apply::line(&event) {
                ui.tell(&line);
            }
        };
        let outcome = apply::run(
            plan,
            Arc::clone(&self.session.configuration),
            self.connection.remote.clone(),
            store,
            look.observed.clone(),
            sightings,
            &workspaces,
            &options,
            settling.stop(),
            &mut tell,
        )
        .await;
        let outcome = outcome.map_err(|error| error.to_string())?;
        let after = super::look::look(
            self.session,
            self.connection,
            super::apply::recorded_in(store),
            Goes::Undeclared,
            ui,
        )
        .await;
        self.close_run(store, &run, after.as_ref().ok(), look.now)?;
        self.tell_outcome(plan, &outcome, after)
    }

    /// Records the outputs with what is known now, ends the run in the journal, and saves all of it.
    fn close_run(
        &self,
        store: &mut Store,
        run: &str,
        after: Option<&Look>,
        before: Timestamp,
    ) -> Result<(), String> {
        let now = after.map_or(before, |after| after.now);
        let changes = evidence::unused_approvals(store.state());
        if !changes.is_empty() {
            let event = Event::Recorded { changes };
            store.append(run, now, event).map_err(|error| error.to_string())?;
        }
        if let Some(after) = after {
            let outputs = recordable(&self.session.outputs(store.state(), &after.observed));
            if outputs != store.state().outputs {
                let event = Event::Recorded { changes: vec![Mutation::SetOutputs { outputs }] };
                store.append(run, now, event).map_err(|error| error.to_string())?;
            }
            store.set_organization(&after.observed.organization.id);
        }
        store.append(run, now, Event::RunEnded).map_err(|error| error.to_string())?;
        store.save(now, env!("CARGO_PKG_VERSION")).map(|_| ()).map_err(|error| error.to_string())
    }

    fn tell_outcome(
        &self,
        plan: &Plan,
        outcome: &Outcome,
        after: Result<Look, String>,
    ) -> Result<Exit, String> {
        let ui = self.ui;
        let unused = after.as_ref().map(|after| render::back::waits(&after.unused_keys(self.session)));
        let unused = unused.unwrap_or_default();
        match after {
            Err(message) => ui.tell(&format!(
                "warning: everything done is recorded, but how it stands now cannot be read: {message}"
            )),
            Ok(mut after) if plan.mode == Mode::Apply => {
                // This look judges no change.
                after.sightings.refused = refusals(&plan.refused);
                if let Some(after) = after.plan(self.session, Mode::RefreshOnly, false, ui)
                    && !after.lanes.is_empty()
                {
                    ui.data(&format!("\n{}", render::status::text(&after.lanes)));
                }
            }
            Ok(_) => {}
        }
        if outcome.interrupted {
            ui.tell(
                "\nInterrupted. What was begun has ended and is recorded; run the command again to go on.",
            );
        }
        for failure in &outcome.failed {
            ui.error(&format!("{}: {}", failure.step, failure.error));
        }
        let is_way_back = matches!(plan.mode, Mode::Destroy | Mode::Rollback);
        let is_whole = outcome.failed.is_empty() && !outcome.interrupted;
        if is_whole && is_way_back && !outcome.waiting.is_empty() {
            ui.data(&format!(
                "\n{unused}{}",
                render::back::waiting(plan.mode, outcome.done.len(), plan.steps.len())
            ));
        } else if is_whole {
            ui.data(&format!("\n{}", complete(plan, &outcome.done)));
        } else {
            ui.data(&format!(
                "\n{} incomplete: {} of {} steps done. What was done is recorded; {}run the command again.\n",
                render::back::name(plan.mode),
                outcome.done.len(),
                plan.steps.len(),
                if outcome.failed.is_empty() { "" } else { "mend the cause and " },
            ));
        }
        Ok(match (outcome.interrupted, outcome.failed.is_empty()) {
            (true, _) => Exit::Interrupted,
            (false, true) => tell_refused(plan, ui),
            (false, false) => Exit::Error,
        })
    }
}

/// Records which blocks were renamed, and ends what an interrupted run left in doubt.
fn settle(store: &mut Store, look: &Look) -> Result<(), String> {
    record_mutations(store, &ulid::Ulid::generate().to_string(), look, look.moved.clone())?;
    for (doubt, event) in &look.settled {
        store.append(&doubt.run, look.now, event.clone()).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn record_mutations(store: &mut Store, run: &str, look: &Look, changes: Vec<Mutation>) -> Result<(), String> {
    if changes.is_empty() {
        return Ok(());
    }
    store.append(run, look.now, Event::Recorded { changes }).map_err(|error| error.to_string())
}

/// Settles an interrupted run and records changes of the state alone.
pub(super) fn record(store: &mut Store, look: &Look, changes: Vec<Mutation>) -> Result<(), String> {
    settle(store, look)?;
    let run = ulid::Ulid::generate().to_string();
    record_mutations(store, &run, look, changes)?;
    store.set_organization(&look.observed.organization.id);
    store.save(look.now, env!("CARGO_PKG_VERSION")).map(|_| ()).map_err(|error| error.to_string())
}

/// Records what looking around taught. Evidence alone is not worth a new serial when nothing
/// moves: the next look sees it again.
pub(super) fn record_learnt(store: &mut Store, look: &Look, nothing_moves: bool) -> Result<(), String> {
    let keep = |change: &&Mutation| match change {
        Mutation::PutEvidence { .. } => !nothing_moves,
        _ => true,
    };
    let changes: Vec<Mutation> = look.learnt.iter().filter(keep).chain(&look.deposed).cloned().collect();
    if changes.is_empty() && look.settled.is_empty() && look.moved.is_empty() {
        return Ok(());
    }
    record(store, look, changes)
}

/// Tells at the end what was left alone, and how the command ends for it.
pub(super) fn tell_refused(plan: &Plan, ui: &Ui) -> Exit {
    if plan.refused.is_empty() {
        return Exit::Done;
    }
    let refused: BTreeSet<String> = plan.refused.iter().map(|it| it.address.to_string()).collect();
    let refused: Vec<String> = refused.into_iter().collect();
    ui.error(&format!(
        "nothing was done with what is refused: {}; the errors above say why and how to mend it",
        refused.join(", ")
    ));
    Exit::Error
}

/// `Apply complete! Resources: N added, N changed, N destroyed.`, by what was really done.
pub(super) fn complete(plan: &Plan, done: &[String]) -> String {
    let finished = |change: &&crate::plan::Change| {
        let mut steps = plan.steps.iter().filter(|step| {
            step.operation.target().address == &change.address
                && !matches!(step.operation, Operation::Verify { .. })
        });
        // A lane counts once anything of it was done; an object when all of it was.
        match change.address.kind() {
            keyless_state::Kind::ApiKey => steps.any(|step| done.contains(&step.id)),
            _ => steps.all(|step| done.contains(&step.id)),
        }
    };
    let count = |action: Action| {
        plan.changes.iter().filter(|change| change.action == action).filter(finished).count()
    };
    let word = format!("{} complete! Resources:", render::back::name(plan.mode));
    let (added, changed, destroyed) = (count(Action::Create), count(Action::Update), count(Action::Archive));
    match plan.mode {
        Mode::Destroy => format!("{word} {destroyed} destroyed.\n"),
        _ => format!("{word} {added} added, {changed} changed, {destroyed} destroyed.\n"),
    }
}
