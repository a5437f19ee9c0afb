//! The remote side that a configuration asks for.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::args;
use crate::cli::session::Session;
use crate::config::{Patience, PlatformSettings};
use crate::platform::{
    ApiError, ClockSource, DEFAULT_BASE_URL, HttpPlatform, IssuerKeyClient, ReportKeyKind, ReportKeys,
    Settings, from_process,
};
use crate::refresh::Remote;
use crate::resource::Caller;
use crate::simulator::{self, Assumptions, Attached};

/// A connection; the simulator, where there is one, ends with it.
pub(super) struct Connection {
    pub(super) remote: Remote,
    /// Who stands behind the credential.
    pub(super) caller: Caller,
    /// The keys for reports that the user gave.
    pub(super) report_keys: ReportKeys,
    pub(super) skip_waits: bool,
    simulator: Option<Attached>,
}

impl Connection {
    /// Ends the simulator, if one runs in this process.
    pub(super) async fn close(self) -> Result<(), String> {
        match self.simulator {
            Some(simulator) => simulator.stop().await.map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

/// Where the simulator of a session keeps its organization.
pub(super) fn simulator_options(session: &Session, organization: Option<PathBuf>) -> simulator::Options {
    simulator::Options {
        directory: session.data_directory().join("simulator"),
        base: session.base.clone(),
        organization,
        listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        assumptions: Assumptions::default(),
        traffic: traffic_file(),
    }
}

/// Where the traffic of a simulator is recorded, if `KEYLESS_SIMULATOR_TRAFFIC` names a file.
pub(super) fn traffic_file() -> Option<PathBuf> {
    std::env::var_os("KEYLESS_SIMULATOR_TRAFFIC").filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// Connects to what the configuration names.
pub(super) async fn connect(session: &Session, remote: &args::Remote) -> Result<Connection, String> {
    crate::consumer::tell_waits(warn);
    match &session.configuration.settings.platform {
        PlatformSettings::Claude => {
            let selection = from_process().map_err(|error| told(&error))?;
            selection.warnings.iter().for_each(|warning| warn(warning));
            let caller = selection.credential.caller;
            let base_url = selection.base_url.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
            let mut settings = Settings::new(base_url, selection.credential);
            be_patient(&mut settings, &session.configuration.settings.patience);
            settings.report_keys = selection.report_keys.clone();
            settings.notice = Arc::new(warn);
            settings.parallelism = remote.parallelism;
            settings.ca_file.clone_from(&remote.ca_file);
            let platform = HttpPlatform::new(settings).map_err(|error| told(&error))?;
            let remote =
                Remote { platform: Arc::new(platform), issuer_keys: Arc::new(IssuerKeyClient::new()) };
            let report_keys = selection.report_keys;
            Ok(Connection { remote, caller, report_keys, skip_waits: false, simulator: None })
        }
        PlatformSettings::Simulator(simulated) => {
            let options = simulator_options(session, simulated.organization.clone());
            let attached = simulator::attach(options).await.map_err(|error| error.to_string())?;
            let mut settings = Settings::new(attached.url(), attached.operator_token().clone());
            be_patient(&mut settings, &session.configuration.settings.patience);
            settings.notice = Arc::new(warn);
            settings.report_keys =
                ReportKeys::default().with(ReportKeyKind::Admin, attached.admin_key().clone());
            settings.clock = ClockSource::Simulator;
            settings.parallelism = remote.parallelism;
            let platform = HttpPlatform::new(settings).map_err(|error| told(&error))?;
            let keys =
                IssuerKeyClient::through_simulator(attached.url()).map_err(|error| error.to_string())?;
            let remote = Remote { platform: Arc::new(platform), issuer_keys: Arc::new(keys) };
            // The operator of a simulated organization is a member of it.
            let (skip_waits, simulator) = (simulated.skip_waits, Some(attached));
            let report_keys = ReportKeys::default();
            Ok(Connection { remote, caller: Caller::Person, report_keys, skip_waits, simulator })
        }
    }
}

fn be_patient(settings: &mut Settings, patience: &Patience) {
    settings.call_timeout = patience.call_timeout.unwrap_or(settings.call_timeout);
    settings.retry_wait = patience.retry_wait.unwrap_or(settings.retry_wait);
}

/// Tells what the user should know, on standard error.
fn warn(text: &str) {
    crate::cli::ui::tell(&format!("warning: {text}"));
}

/// An API error with what can be done about it.
pub(super) fn told(error: &ApiError) -> String {
    error.told()
}
