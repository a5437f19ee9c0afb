//! The simulator: the Claude Admin API, the token endpoint, the usage report, small identity
//! providers and the workloads that use them, on a socket of the local machine.
//!
//! It exists so that a migration can be tried, demonstrated and tested without an organization
//! that matters. It shares no types with the client, so that a misreading on one side shows.
//! Everything in it is fake: keys, tokens and signing keys are written to its directory in the
//! clear.
//!
//! # Map
//!
//! `server` is the socket, on a `line` that can be cut; it turns HTTP into a `request` for the
//! `shell`, which lets `faults` and `rate_limits` have their say, asks the `router`, and sees to it
//! that a change is on disk (`redo`, or `persist` whole) before its answer is sent. All else is synchronous functions
//! on one `organization` with `collection`s: `auth` (who calls), `issuers`, `rules` and `rule_workspaces`, `matching`,
//! `condition` and `tenant_pin`, `service_accounts` and `memberships`, `api_keys`, `workspaces`,
//! `exchange` with `jwt`, `usage` and `analytics`, `messages` and `models`, `activities` with
//! `changes`, which sees what each write changed. `past` is what stale reads see,
//! `tally` counts requests.
//! `identity_provider` is the simulated internet, `workload` and `environment` play the programs that
//! call Claude, `control` is the remote control. `seed` and `build` make the organization in the
//! first place, `reseed` another one later. What no public source settles is a switch in
//! [`Assumptions`].
//!
//! # Control
//!
//! Below `/_simulator/`, without a credential:
//!
//! | request | answer |
//! |---|---|
//! | `GET clock` | `{"now", "runs"}` |
//! | `POST clock` `{"advance_to"}` or `{"advance_seconds"}` | the same, after the workloads have lived through the time; at most 400 days |
//! | `GET organization` | everything but the secrets |
//! | `PUT organization` with a seed | the same of the new organization |
//! | `GET tokens` | `operator` and `person`: OAuth tokens with `org:admin` of two members; `admin_key`, `compliance_key` |
//! | `GET faults`; `POST`, `PUT` with one fault or `{"faults"}`; `DELETE` | `{"faults"}`, with how often each met a call |
//! | `GET rate_limits`; `PUT` `{"rate_limits"}` | `{"rate_limits"}` |
//! | `GET requests`; `DELETE` | `{"total", "requests"}`, by method and path, with ids replaced |
//! | `GET assumptions`; `POST` `{name: value}` | all switches |
//! | `POST workloads/run` | every workload that is not paused makes one call now |
//! | `POST workloads/{name}` `{"paused"}` | the workload |
//! | `GET fetch?url=…` | what the simulated internet answers: discovery documents and key sets |
//! | `POST identity_providers/{name}/token` `{"subject", "audience", "claims", "lifetime_seconds"}` | `{"token"}`; a claim of null is left out |
//!
//! # Seed
//!
//! A seed is one JSON file; unknown fields are refused. It is read once: afterwards the saved
//! organization counts, until its folder is deleted.
//!
//! * `clock`: `start`, and `runs`: true lets time pass as real time does, false (the default)
//!   leaves it to the control. Without `clock`, real time.
//! * `seed`: a number. Ids, keys and tokens follow from it, so that the same calls give the same
//!   ids. The id of a named object follows from its name alone, not from the order of calls.
//! * `organization`: `id` (a UUID), `name`, `active_key_limit`.
//! * `users`: the first is the operator, the second the other person; `id` may be left out.
//! * `workspaces`: one may be `default`; otherwise one named `Default` is added.
//! * `api_keys`: without `workspace` in the default workspace. `status` is `active` by default.
//!   `service_account` makes it that account's key, `user` that member's; `organization_wide` takes
//!   the workspace away.
//! * `assumptions`: switches by name. `faults` and `rate_limits`: as the controls take them.
//! * `identity_providers`: `algorithm` is `ES256` by default; RS, PS and ES with 256, 384, 512.
//! * `issuers`, `service_accounts`, `rules`: what is there from the start. Rules may be of any
//!   scope, without a tenant pin, or have a `legacy_workspace` instead of `workspaces`.
//! * `files`: laid out once, `path` from `text` or from the file `template`; what is there is
//!   replaced. `{{key:ID}}` is a key's secret, `{{rule:NAME}}`, `{{service_account:NAME}}` and
//!   `{{workspace:NAME}}` are ids, also of objects that are yet to be created, and
//!   `{{organization_id}}` is the organization's.
//! * `workloads`: see below.
//!
//! Paths are relative to the directory of the configuration and stay inside it.
//!
//! A workload's `environment` names dotenv files in the order in which they are loaded; a later
//! file does not override an earlier one. It prefers `ANTHROPIC_API_KEY`, then
//! `ANTHROPIC_AUTH_TOKEN`, then federation by `ANTHROPIC_FEDERATION_RULE_ID`,
//! `ANTHROPIC_ORGANIZATION_ID` and `ANTHROPIC_IDENTITY_TOKEN_FILE`; an empty variable is unset. A
//! run writes a fresh token to `identity_token_file`, calls with the credential that wins, and
//! writes a credential report, signed by its identity provider, to `report`. Workloads run at
//! every start, whenever the clock is moved, and on request; the traffic of passed hours is
//! accounted for with the files as they are afterwards.
//!
//! ```json
#![doc = include_str!("sample.json")]
//! ```

mod activities;
mod analytics;
mod api_keys;
mod assumptions;
mod auth;
mod build;
mod build_federation;
mod changes;
mod clock;
mod collection;
mod concealed;
mod condition;
mod control;
mod environment;
mod error;
mod exchange;
mod faults;
mod fields;
mod files;
mod identity_provider;
mod ids;
mod issuers;
mod jwt;
mod limits;
mod line;
mod matching;
mod memberships;
mod messages;
mod models;
mod names;
mod organization;
mod page;
mod past;
mod persist;
mod rate_limits;
mod redo;
mod request;
mod reseed;
mod router;
mod rule_workspaces;
mod rules;
mod seed;
mod server;
mod service_accounts;
mod shell;
mod tally;
mod tenant_pin;
mod traffic;
mod usage;
mod workload;
mod workspaces;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::secret::Secret;
use concealed::Concealed;
use persist::{Directory, Listening};
use shell::Shell;

pub use assumptions::{AssumptionError, Assumptions};
pub use error::SimulatorError;

/// How long a stop waits for calls in flight.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// How often, and how many times, another process is asked where it listens.
const ATTACH_PAUSE: Duration = Duration::from_millis(100);
const ATTACH_TRIES: usize = 50;

/// How to simulate.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the organization is kept, such as `.keyless/simulator`.
    pub directory: PathBuf,
    /// The directory of the configuration; paths in the seed are relative to it.
    pub base: PathBuf,
    /// The seed, relative to `base`; without it a small built-in organization is simulated.
    pub organization: Option<PathBuf>,
    /// The loopback address to listen on; port 0 takes any port.
    pub listen: SocketAddr,
    /// What no public source settles.
    pub assumptions: Assumptions,
    /// A file that every call of the API is appended to, as a line of JSON without credentials.
    pub traffic: Option<PathBuf>,
}

/// A simulator that runs in this process. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Simulator {
    url: String,
    operator_token: Secret,
    admin_key: Secret,
    shell: Arc<Shell>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Starts a simulator: builds the organization on first use, loads it otherwise.
///
/// Fails when another process uses the directory, when the seed or what was saved cannot be
/// used, or when the address is taken or is none of the local machine.
pub async fn start(options: Options) -> Result<Simulator, SimulatorError> {
    let address = options.listen;
    let traffic = options.traffic.as_deref().map(traffic::Traffic::open).transpose()?;
    if !address.ip().is_loopback() {
        return Err(SimulatorError::NotLoopback { address });
    }
    let opened = tokio::task::spawn_blocking(move || open(&options)).await;
    let (shell, operator_token, admin_key) = opened.expect("opening does not panic and is not cancelled")?;
    let listen = |source| SimulatorError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let url = format!("http://{}", listener.local_addr().map_err(listen)?);
    let listening =
        Listening { url: url.clone(), operator_token: operator_token.clone(), admin_key: admin_key.clone() };
    shell.directory().tell_listening(&listening)?;

    let shell = Arc::new(shell);
    let (stop, stopped) = oneshot::channel::<()>();
    let service =
        server::service(Arc::clone(&shell), traffic).into_make_service_with_connect_info::<line::Line>();
    let serving = tokio::spawn(async move {
        axum::serve(line::Lines(listener), service)
            .with_graceful_shutdown(async move {
                // A dropped simulator stops as well.
                let _ = stopped.await;
            })
            .await
    });
    let (operator_token, admin_key) = (Secret::new(operator_token.expose()), Secret::new(admin_key.expose()));
    Ok(Simulator { url, operator_token, admin_key, shell, stop, serving })
}

/// Loads or builds the organization and lets the workloads run once.
fn open(options: &Options) -> Result<(Shell, Concealed, Concealed), SimulatorError> {
    let real = Timestamp::now();
    let directory = Directory::lock(&options.directory)?;
    let mut world = directory.open(options, real)?;
    world.told = options.assumptions.clone();
    world.assume();
    world.starts += 1;
    let now = world.clock.now(real);
    if world.clock.runs() {
        workload::catch_up(&mut world, &options.base, now);
    }
    workload::run_all(&mut world, &options.base, now);
    let token = seed::login_token(world.seed, seed::OPERATOR);
    let admin_key = world.admin_key.clone();
    Ok((Shell::new(directory, options.base.clone(), world)?, token, admin_key))
}

impl Simulator {
    /// The base URL, such as `http://127.0.0.1:8080`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An OAuth token with the scope `org:admin` that acts as a member.
    pub fn operator_token(&self) -> &Secret {
        &self.operator_token
    }

    /// An Admin API key, for usage and the Activity Feed.
    pub fn admin_key(&self) -> &Secret {
        &self.admin_key
    }

    /// A key for the Activity Feed alone.
    pub fn compliance_key(&self) -> Secret {
        Secret::new(self.shell.compliance_key().expose())
    }

    /// Stops serving and saves. Calls in flight are given five seconds.
    pub async fn stop(mut self) -> Result<(), SimulatorError> {
        // The receiver is gone only when serving has ended already.
        let _ = self.stop.send(());
        if tokio::time::timeout(STOP_WAIT, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
        let shell = self.shell;
        let saved = tokio::task::spawn_blocking(move || {
            shell.directory().forget_listening();
            shell.save_now()
        });
        saved.await.expect("saving does not panic and is not cancelled")
    }
}

/// A simulator to talk to, wherever it runs.
#[derive(Debug)]
pub enum Attached {
    /// It runs in this process.
    Own(Simulator),
    /// Another process runs it.
    Other {
        /// Its base URL.
        url: String,
        /// The operator's token.
        operator_token: Secret,
        /// The Admin API key.
        admin_key: Secret,
    },
}

/// Talks to the simulator that another process runs on the directory, or else starts one here.
///
/// Fails like [`start`], and when the other process does not say within five seconds where it
/// listens.
pub async fn attach(options: Options) -> Result<Attached, SimulatorError> {
    for _ in 0..ATTACH_TRIES {
        match start(options.clone()).await {
            Err(SimulatorError::Busy { directory }) => {
                if let Some(listening) = persist::find_listening(&directory) {
                    let operator_token = Secret::new(listening.operator_token.expose());
                    let admin_key = Secret::new(listening.admin_key.expose());
                    return Ok(Attached::Other { url: listening.url, operator_token, admin_key });
                }
            }
            started => return started.map(Attached::Own),
        }
        tokio::time::sleep(ATTACH_PAUSE).await;
    }
    Err(SimulatorError::Silent { directory: options.directory })
}

impl Attached {
    /// The base URL.
    pub fn url(&self) -> &str {
        match self {
            Attached::Own(simulator) => simulator.url(),
            Attached::Other { url, .. } => url,
        }
    }

    /// An OAuth token with the scope `org:admin` that acts as a member.
    pub fn operator_token(&self) -> &Secret {
        match self {
            Attached::Own(simulator) => simulator.operator_token(),
            Attached::Other { operator_token, .. } => operator_token,
        }
    }

    /// An Admin API key, for usage and the Activity Feed.
    pub fn admin_key(&self) -> &Secret {
        match self {
            Attached::Own(simulator) => simulator.admin_key(),
            Attached::Other { admin_key, .. } => admin_key,
        }
    }

    /// Stops a simulator of this process; another process's goes on.
    pub async fn stop(self) -> Result<(), SimulatorError> {
        match self {
            Attached::Own(simulator) => simulator.stop().await,
            Attached::Other { .. } => Ok(()),
        }
    }
}
