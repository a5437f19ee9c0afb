//! `plan`.

use std::path::Path;

use super::connect::connect;
use super::look;
use crate::cli::args::Plan as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::evidence::Goes;
use crate::plan::{Mode, Plan, encode};
use crate::render;

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    match plan(arguments, &session, ui).await {
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
        Ok(None) => Exit::Error,
        Ok(Some(plan)) => show(arguments, &plan, base, ui),
    }
}

async fn plan(arguments: &Arguments, session: &Session, ui: &Ui) -> Result<Option<Plan>, String> {
    let mode = match (arguments.destroy, arguments.refresh_only) {
        (true, _) => Mode::Destroy,
        (false, true) => Mode::RefreshOnly,
        (false, false) => Mode::Apply,
    };
    let connection = connect(session, &arguments.remote).await?;
    let looked = async {
        let mut look =
            look::look(session, &connection, look::recorded(session)?, Goes::Undeclared, ui).await?;
        arguments.choices.take(&mut look, mode)?;
        look.depose(session, mode);
        Ok::<_, String>(look)
    }
    .await;
    let skip_waits = connection.skip_waits;
    let closed = connection.close().await;
    let mut look = looked?;
    closed?;
    if arguments.destroy {
        let asks = super::destroy::hold(&mut look, session);
        let plan = super::destroy::plan(&look, session)?;
        super::destroy::tell_asks(&asks, &plan, &look, ui);
        return Ok(Some(plan));
    }
    let plan = look.plan(session, mode, skip_waits, ui);
    plan.map(|plan| arguments.choices.demand_use(&plan).map(|()| plan)).transpose()
}

fn show(arguments: &Arguments, plan: &Plan, base: &Path, ui: &Ui) -> Exit {
    match arguments.json.then(|| render::plan_json::plan(plan)) {
        None => ui.data(&render::plan_text::plan(plan)),
        Some(Ok(document)) => ui.json(document),
        Some(Err(error)) => {
            ui.error(&format!("the plan cannot be shown: {error}"));
            return Exit::Error;
        }
    }
    if let Some(path) = &arguments.out {
        let saved = encode(plan)
            .map_err(|error| error.to_string())
            .and_then(|text| std::fs::write(base.join(path), text).map_err(|error| error.to_string()));
        if let Err(error) = saved {
            ui.error(&format!("the plan could not be saved to {}: {error}", path.display()));
            return Exit::Error;
        }
        let switch =
            if base == Path::new(".") { String::new() } else { format!("-chdir={} ", base.display()) };
        let path = path.display();
        let choices = match arguments.choices.flags() {
            flags if flags.is_empty() => flags,
            flags => format!("{flags} "),
        };
        ui.tell(&format!(
            "\nSaved the plan to {path}. To carry out exactly this:\n    keyless {switch}apply {choices}{path}"
        ));
    }
    let changes = !plan.is_empty()
        || !plan.console.is_empty()
        || !plan.held.is_empty()
        || !plan.moves.is_empty()
        || plan.disturbed().next().is_some()
        || (plan.mode == Mode::RefreshOnly && !plan.drift.is_empty());
    match (plan.refused.is_empty(), arguments.detailed_exitcode && changes) {
        (false, _) => Exit::Error,
        (true, true) => Exit::Changes,
        (true, false) => Exit::Done,
    }
}
