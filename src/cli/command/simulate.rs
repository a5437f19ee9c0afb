//! `simulate`: the embedded API of this configuration on a socket, to be played with by hand.

use std::path::Path;

use super::connect::simulator_options;
use crate::cli::args::Simulate as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::config::PlatformSettings;
use crate::simulator::{self, Assumptions};

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
    match serve(arguments, &session, ui).await {
        Ok(()) => Exit::Done,
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
    }
}

async fn serve(arguments: &Arguments, session: &Session, ui: &Ui) -> Result<(), String> {
    let PlatformSettings::Simulator(simulated) = &session.configuration.settings.platform else {
        return Err("this configuration is for the real platform; write `platform \"simulator\" {}` in the `keyless` block to simulate it".to_owned());
    };
    let mut options = simulator_options(session, simulated.organization.clone());
    options.listen = arguments.listen;
    options.assumptions = assumptions(&arguments.assume)?;
    let simulator = simulator::start(options).await.map_err(|error| error.to_string())?;
    ui.data(&format!(
        "The simulator listens on {0}\n\n  clock      curl {0}/_simulator/clock\n  tokens     curl {0}/_simulator/tokens\n\nOther keyless commands in this directory use it while it runs. Stop it with Ctrl-C.\n",
        simulator.url()
    ));
    let waited = tokio::signal::ctrl_c().await.map_err(|error| error.to_string());
    simulator.stop().await.map_err(|error| error.to_string())?;
    waited
}

fn assumptions(switches: &[String]) -> Result<Assumptions, String> {
    let mut assumptions = Assumptions::default();
    for switch in switches {
        assumptions.set(switch).map_err(|error| error.to_string())?;
    }
    Ok(assumptions)
}
