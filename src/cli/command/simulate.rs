//! `simulate`: the embedded API on a socket, to be played with by hand or by other programs.

use std::path::Path;

use super::connect::{simulator_options, traffic_file};
use crate::cli::args::Simulate as Arguments;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::signals;
use crate::cli::ui::Ui;
use crate::config::PlatformSettings;
use crate::simulator::{self, Assumptions, Simulator};

/// Where an organization is kept when no directory is given, as commands in the directory expect it.
const DATA: &str = ".keyless/simulator";

pub(super) async fn run(arguments: &Arguments, base: &Path, ui: &Ui) -> Exit {
    let options = if arguments.organization.is_some() || arguments.data.is_some() {
        Ok(alone(arguments, base))
    } else {
        let Some(session) = Session::load(base, &arguments.variables, ui) else { return Exit::Error };
        configured(&session)
    };
    let served = match options {
        Ok(options) => serve(arguments, options, ui).await,
        Err(message) => Err(message),
    };
    match served {
        Ok(()) => Exit::Done,
        Err(message) => {
            ui.error(&message);
            Exit::Error
        }
    }
}

/// What the configuration asks for.
fn configured(session: &Session) -> Result<simulator::Options, String> {
    match &session.configuration.settings.platform {
        PlatformSettings::Simulator(simulated) => {
            Ok(simulator_options(session, simulated.organization.clone()))
        }
        PlatformSettings::Claude => Err("this configuration is for the real platform; write `platform \"simulator\" {}` in the `keyless` block to simulate it, or name an organization with -organization=FILE".to_owned()),
    }
}

/// What the command line asks for, without a configuration.
fn alone(arguments: &Arguments, base: &Path) -> simulator::Options {
    let directory = arguments.data.as_deref().unwrap_or(Path::new(DATA));
    simulator::Options {
        directory: base.join(directory),
        base: base.to_owned(),
        organization: arguments.organization.clone(),
        listen: arguments.listen,
        assumptions: Assumptions::default(),
        traffic: traffic_file(),
    }
}

async fn serve(arguments: &Arguments, mut options: simulator::Options, ui: &Ui) -> Result<(), String> {
    let settling = signals::settle();
    options.listen = arguments.listen;
    options.assumptions = assumptions(&arguments.assume)?;
    let simulator = simulator::start(options).await.map_err(|error| error.to_string())?;
    // With another data directory they start one of their own.
    let others = match arguments.data {
        None => "Other keyless commands in this directory use it while it runs. ",
        Some(_) => "",
    };
    let told = format!(
        "The simulator listens on {0}\n\n  clock      curl {0}/_simulator/clock\n  tokens     curl {0}/_simulator/tokens\n\n{others}Stop it with Ctrl-C.\n",
        simulator.url()
    );
    if arguments.export {
        ui.data(&exports(&simulator));
        ui.tell(told.trim_end());
    } else {
        ui.data(&told);
    }
    settling.stop().cancelled().await;
    simulator.stop().await.map_err(|error| error.to_string())
}

/// What clients need, as lines that a shell reads.
fn exports(simulator: &Simulator) -> String {
    let (operator, admin) = (simulator.operator_token(), simulator.admin_key());
    let compliance = simulator.compliance_key();
    let values = [
        ("ANTHROPIC_BASE_URL", simulator.url()),
        ("ANTHROPIC_AUTH_TOKEN", operator.expose()),
        ("ANTHROPIC_ADMIN_API_KEY", admin.expose()),
        ("ANTHROPIC_COMPLIANCE_ACCESS_KEY", compliance.expose()),
    ];
    let mut lines = String::from(
        "# For the simulator alone: these credentials are fake and open nothing else.\n\
         # Unset ANTHROPIC_API_KEY where it is set, since many clients prefer it to a token.\n",
    );
    for (name, value) in values {
        lines.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    lines
}

/// A text as one word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Reads the switches; every wrong one is told.
fn assumptions(switches: &[String]) -> Result<Assumptions, String> {
    let mut assumptions = Assumptions::default();
    let wrong: Vec<String> = switches
        .iter()
        .filter_map(|switch| assumptions.set(switch).err())
        .map(|error| error.to_string())
        .collect();
    if wrong.is_empty() { Ok(assumptions) } else { Err(wrong.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_survive_a_shell() {
        assert_eq!(quoted("a $b"), "'a $b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
