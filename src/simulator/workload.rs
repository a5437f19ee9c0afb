//! Simulated workloads: what a program that calls Claude does, one run at a time.
//!
//! A run mints an identity token into the workload's file, reads the environment files, chooses a
//! credential, calls with it, and writes a credential report that the identity provider signs.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::auth;
use super::concealed::Concealed;
use super::environment::{Choice, Environment, Federation};
use super::exchange::{self, ExchangeRequest};
use super::files;
use super::identity_provider::{self, Claims};
use super::ids;
use super::limits;
use super::messages;
use super::organization::{Usage, Workload, World};
use super::usage;

/// Longest time that the clock can be moved in one step: it bounds the traffic to account for.
pub(super) const ADVANCE_SECONDS_MAX: i64 = 400 * 86_400;
const HOUR: i64 = 3600;

/// How much a workload calls in one run.
enum Load<'a> {
    /// One call, now.
    OneCall,
    /// An hour's calls at each of these moments.
    Hours(&'a [Timestamp]),
}

/// Runs every workload that is not paused: one call each.
pub(super) fn run_all(world: &mut World, base: &Path, now: Timestamp) {
    run_each(world, base, now, &Load::OneCall);
}

/// Accounts for every whole hour that has passed since the last time, with the files as they are.
/// Minutes that are left over are accounted for later. True when there was anything to do.
pub(super) fn catch_up(world: &mut World, base: &Path, now: Timestamp) -> bool {
    let passed = (now.as_second() - world.worked_until.as_second()).clamp(0, ADVANCE_SECONDS_MAX) / HOUR;
    if passed == 0 {
        return false;
    }
    // Traffic is put into the middle of its hour, so that it never lies ahead of the clock.
    let middle =
        |hour: i64| world.worked_until.checked_add(SignedDuration::from_secs(hour * HOUR + HOUR / 2));
    let hours: Vec<Timestamp> = (0..passed).filter_map(|hour| middle(hour).ok()).collect();
    let accounted = SignedDuration::from_secs(passed * HOUR);
    world.worked_until = world.worked_until.checked_add(accounted).unwrap_or(now);
    run_each(world, base, now, &Load::Hours(&hours));
    true
}

/// Moves the workloads to a new time: traffic of the hours that passed, and fresh files.
pub(super) fn advance(world: &mut World, base: &Path, now: Timestamp) {
    if !catch_up(world, base, now) {
        run_each(world, base, now, &Load::Hours(&[]));
    }
}

fn run_each(world: &mut World, base: &Path, now: Timestamp, load: &Load<'_>) {
    let names: Vec<String> =
        world.workloads.iter().filter(|(_, it)| !it.paused).map(|(name, _)| name.clone()).collect();
    for name in names {
        let problem = run(world, base, &name, now, load).err();
        if let Some(workload) = world.workloads.get_mut(&name) {
            workload.problem = problem;
        }
    }
}

fn run(world: &mut World, base: &Path, name: &str, now: Timestamp, load: &Load<'_>) -> Result<(), String> {
    let Some(workload) = world.workloads.get(name).cloned() else { return Ok(()) };
    let token = mint(world, &workload, &workload.audience, now)?;
    write(base, &workload.identity_token_file, token.expose().as_bytes(), true)?;
    let environment = read_environment(base, &workload)?;
    let outcome = call(world, base, &workload, &environment, now)?;
    account(world, name, &workload, &outcome, now, load);
    let report = report(&workload, &environment, &outcome, now).to_string();
    let digest = hex(&Sha256::digest(&report));
    let proof = mint(world, &workload, &format!("keyless-report:sha256:{digest}"), now)?;
    let document = json!({"report": report, "proof": proof.expose()});
    write(base, &workload.report, format!("{document:#}\n").as_bytes(), false)
}

/// What came of calling with the credential that wins.
struct Outcome {
    winner: &'static str,
    source: String,
    charged: Option<messages::Charged>,
}

/// Calls with the credential that the client chooses.
fn call(
    world: &mut World,
    base: &Path,
    workload: &Workload,
    environment: &Environment,
    now: Timestamp,
) -> Result<Outcome, String> {
    let (winner, setting) = match environment.choose() {
        Choice::ApiKey(setting) => ("api_key", setting),
        Choice::AuthToken(setting) => ("auth_token", setting),
        Choice::Federation(federation) => {
            let source = federation.rule.place();
            let charged = federate(world, base, workload, &federation, now)?;
            let winner = if charged.is_some() { "federation" } else { "nothing" };
            return Ok(Outcome { winner, source, charged });
        }
        Choice::Nothing => return Ok(Outcome { winner: "nothing", source: String::new(), charged: None }),
    };
    let caller = auth::authenticate(world, &setting.value, now).ok();
    let charged = caller.and_then(|caller| messages::charge(world, &caller).ok());
    Ok(Outcome { winner, source: setting.place(), charged })
}

/// Exchanges a fresh identity token, so that the one in the file stays unused.
fn federate(
    world: &mut World,
    base: &Path,
    workload: &Workload,
    federation: &Federation,
    now: Timestamp,
) -> Result<Option<messages::Charged>, String> {
    let named = base.join(federation.token_file.value.expose());
    if named != base.join(&workload.identity_token_file) {
        return Ok(None);
    }
    let text = |setting: &super::environment::Setting| setting.value.expose().to_owned();
    let request = ExchangeRequest {
        assertion: mint(world, workload, &workload.audience, now)?,
        rule_id: text(&federation.rule),
        organization_id: text(&federation.organization),
        service_account_id: federation.service_account.as_ref().map(text),
        workspace_id: federation.workspace.as_ref().map(text),
    };
    if !ids::is_well_formed(&request.rule_id, "fdrl") {
        return Ok(None);
    }
    let request_id = world.next_id("req");
    let minted = exchange::exchange(world, &request, &request_id, now).ok();
    let caller = minted.and_then(|minted| auth::authenticate(world, &minted.access_token, now).ok());
    Ok(caller.and_then(|caller| messages::charge(world, &caller).ok()))
}

/// Records the calls and what they used.
fn account(
    world: &mut World,
    name: &str,
    workload: &Workload,
    outcome: &Outcome,
    now: Timestamp,
    load: &Load<'_>,
) {
    let (calls, moments): (u64, &[Timestamp]) = match load {
        Load::OneCall => (1, &[now]),
        Load::Hours(hours) => (workload.calls_per_hour, hours),
    };
    let total = calls.saturating_mul(moments.len() as u64);
    if let Some(counted) = world.workloads.get_mut(name) {
        let counter = if outcome.charged.is_some() { &mut counted.calls } else { &mut counted.failed_calls };
        *counter = counter.saturating_add(total);
    }
    let tokens = calls.saturating_mul(workload.tokens_per_call);
    let Some(charged) = outcome.charged.as_ref().filter(|_| tokens > 0) else { return };
    for at in moments {
        let used = Usage {
            requests: calls,
            input_tokens: tokens - tokens / 4,
            output_tokens: tokens / 4,
            api_key_id: charged.api_key_id.clone(),
            service_account_id: charged.service_account_id.clone(),
            user_id: charged.user_id.clone(),
            workspace_id: charged.workspace_id.clone(),
            model: usage::MODEL_DEFAULT.to_owned(),
        };
        usage::record(world, *at, used);
    }
}

/// The credential report: who wins, where it comes from, what beats federation. No secret is in it.
fn report(workload: &Workload, environment: &Environment, outcome: &Outcome, now: Timestamp) -> Value {
    let shadows: Vec<Value> = environment
        .static_credentials
        .iter()
        .map(|(name, setting)| {
            let fix = format!(
                "Remove line {} of {}; do not blank it, an empty value still counts for some clients.",
                setting.line, setting.file
            );
            json!({"name": name, "place": setting.place(), "fix": fix})
        })
        .collect();
    // Only what is an id is repeated: a key that was put in the wrong variable stays out.
    let rule_id = environment.federation().map(|federation| federation.rule.value.expose().to_owned());
    let rule_id = rule_id.filter(|id| ids::is_well_formed(id, "fdrl"));
    json!({
        "format": "keyless.credential-report/1",
        "key": workload.lane,
        "consumer": workload.consumer,
        "observed_at": now.to_string(),
        "client": workload.client,
        "winner": outcome.winner,
        "winner_source": outcome.source,
        "rule_id": rule_id,
        "shadows": shadows,
    })
}

fn mint(world: &mut World, workload: &Workload, audience: &str, now: Timestamp) -> Result<Concealed, String> {
    let more: Map<String, Value> = workload.claims.clone();
    let claims = Claims {
        subject: &workload.subject,
        audience,
        more: &more,
        lifetime_seconds: workload.token_lifetime_seconds,
    };
    identity_provider::mint(world, &workload.identity_provider, &claims, now)
        .ok_or_else(|| format!("the identity provider {} cannot sign", workload.identity_provider))
}

fn read_environment(base: &Path, workload: &Workload) -> Result<Environment, String> {
    let mut environment = Environment::default();
    for name in &workload.environment {
        let path = files::below(base, name).ok_or_else(|| format!("{name} is outside the directory"))?;
        let text = files::read_text(&path, limits::DOTENV_BYTES_MAX)
            .map_err(|error| format!("could not read {name}: {error}"))?;
        environment.load(name, text.as_deref().unwrap_or_default());
    }
    Ok(environment)
}

fn write(base: &Path, name: &str, bytes: &[u8], private: bool) -> Result<(), String> {
    let path = files::below(base, name).ok_or_else(|| format!("{name} is outside the directory"))?;
    files::write(&path, bytes, private).map_err(|error| format!("could not write {name}: {error}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
