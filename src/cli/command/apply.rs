//! `apply`.

use std::path::Path;
use std::time::Duration;

use keyless_state::{Mutation, Store};

use super::connect::{Connection, connect};
use super::execute::{self, Run};
use super::look::{self, Look, Recorded};
use crate::cli::args::Apply as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::{self, Session};
use crate::cli::store;
use crate::cli::ui::Ui;
use crate::evidence::Goes;
use crate::limits::PLAN_FILE_BYTES_MAX;
use crate::plan::{self, Mode, Plan};
use crate::plan_check;
use crate::regular_file;
use crate::render;

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    let saved = match arguments
        .plan_file
        .as_deref()
        .map(|path| read_plan(&session::in_directory(base, path)))
        .transpose()
    {
        Ok(saved) => saved,
        Err(message) => {
            ui.error(&message);
            return Exit::Error;
        }
    };
    let operation = saved.as_ref().map_or("apply", |plan| plan.mode.word());
    execute::with_store(&session, &arguments.remote, operation, ui, async |store, connection| {
        let recorded = recorded_in(store);
        let mut look = look::look(&session, connection, recorded, Goes::Undeclared, ui).await?;
        let mode = if arguments.refresh_only { Mode::RefreshOnly } else { Mode::Apply };
        let mode = saved.as_ref().map_or(mode, |plan| plan.mode);
        arguments.choices.take(&mut look, mode)?;
        look.depose(&session, mode);
        let asks = match mode {
            Mode::Destroy => super::destroy::hold(&mut look, &session),
            _ => Vec::new(),
        };
        let Some(fresh) = fresh(&look, &session, connection, mode, ui)? else {
            return Ok(Exit::Error);
        };
        let plan = match saved {
            Some(saved) => {
                plan::refuse_stale(&saved, &fresh)?;
                plan_check::refuse_saved(&saved, &fresh, &look.moment(&session))?;
                saved
            }
            None => fresh,
        };
        arguments.choices.demand_use(&plan)?;
        super::destroy::tell_asks(&asks, &plan, &look, ui);
        finish(arguments, &session, connection, store, look, plan, ui).await
    })
    .await
}

/// The plan as it would be made now, which a saved one has to be a part of; nothing when problems in its
/// way have been told.
fn fresh(
    look: &Look,
    session: &Session,
    connection: &Connection,
    mode: Mode,
    ui: &Ui,
) -> Result<Option<Plan>, String> {
    match mode {
        Mode::Apply | Mode::RefreshOnly => Ok(look.plan(session, mode, connection.skip_waits, ui)),
        Mode::Destroy => super::destroy::plan(look, session).map(Some),
        // No command saves one, as a file does not say which checkpoint it is for.
        Mode::Rollback => Err("a rollback cannot be applied from a file. Nothing was changed; run `keyless rollback -to=NAME`, which shows its plan and asks".to_owned()),
    }
}

async fn finish(
    arguments: &Arguments,
    session: &Session,
    connection: &Connection,
    store: &mut Store,
    look: Look,
    plan: Plan,
    ui: &Ui,
) -> Result<Exit, String> {
    if arguments.plan_file.is_none() {
        ui.data(&render::plan_text::plan(&plan));
    }
    if plan.mode == Mode::RefreshOnly {
        return record_drift(store, look, &plan, ui);
    }
    if plan.is_empty() {
        execute::record_learnt(store, &look, true)?;
        ui.data(&execute::complete(&plan, &[]));
        return Ok(execute::tell_refused(&plan, ui));
    }
    if arguments.plan_file.is_none() && !arguments.auto_approve {
        let question = "Do you want to perform these actions?";
        let otherwise = ", or save the plan with `plan -out` and apply that file";
        if !ui.approves(question, otherwise, arguments.remote.input)? {
            ui.tell("Apply cancelled. Nothing was changed.");
            return Ok(Exit::Error);
        }
    }
    let run = Run { session, connection, parallelism: arguments.remote.parallelism, ui };
    run.carry_out(store, look, &plan).await
}

fn read_plan(path: &Path) -> Result<Plan, String> {
    let text = regular_file::read_text(path, PLAN_FILE_BYTES_MAX)
        .map_err(|error| format!("the plan {} {error}", path.display()))?;
    let refused = |error: String| format!("{} cannot be applied: {error}", path.display());
    let plan = plan::decode(&text).map_err(|error| refused(error.to_string()))?;
    plan_check::refuse(&plan).map_err(refused)?;
    Ok(plan)
}

/// What is recorded, as the holder of the lock sees it.
pub(super) fn recorded_in(store: &Store) -> Recorded {
    let snapshot = store.snapshot();
    Recorded {
        state: store.state().clone(),
        lineage: (snapshot.serial > 0).then(|| snapshot.lineage.clone()),
        serial: snapshot.serial,
        organization_id: snapshot.organization_id.clone(),
        in_doubt: store.in_doubt().to_vec(),
    }
}

/// Records what others changed. What they archived stays recorded, so that no successor is made
/// without a choice.
fn record_drift(store: &mut Store, look: Look, plan: &Plan, ui: &Ui) -> Result<Exit, String> {
    let mut changes: Vec<Mutation> = Vec::new();
    for drift in &plan.drift {
        if let (Some(after), Some(record)) = (&drift.after, look.state.records.get(&drift.address)) {
            let record = keyless_state::Record { attributes: after.clone(), ..record.clone() };
            changes.push(Mutation::PutRecord { address: drift.address.clone(), record });
        }
    }
    let noted = changes.len();
    execute::record(store, &look, changes)?;
    ui.data(&format!(
        "Refresh complete! {noted} recorded as they are now; nothing at the API was altered.\n"
    ));
    Ok(Exit::Done)
}

/// How long a command waits for another one's lock.
pub(super) const LOCK_WAIT: Duration = Duration::ZERO;

/// Opens the store, off the async workers.
pub(super) fn open_store(session: &Session, operation: &str) -> Result<Store, String> {
    let directory = session.data_directory();
    tokio::task::block_in_place(|| store::open(&directory, operation, LOCK_WAIT))
        .map_err(|error| error.to_string())
}

/// Connects, for commands that hold the store.
pub(super) async fn connect_to(
    session: &Session,
    remote: &crate::cli::args::Remote,
) -> Result<Connection, String> {
    connect(session, remote).await
}
