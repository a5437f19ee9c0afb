//! The client: one code path for the Claude Platform and for the simulator.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::activity::{self, FeedClosed};
use super::fresh::Fresh;
use super::retry::{Effect, Pace, SystemPace};
use super::settings::{ClockSource, Settings, check_base_url, is_loopback};
use super::transport::{Request, Transport};
use super::usage::LastSource;
use super::wire::{self, ApiKeyWire, IssuerWire, RuleWire, ServiceAccountWire, Wire};
use super::{
    Activity, ActivityQuestion, Answer, ApiError, Call, ErrorKind, ExchangeRequest, Exchanged, Managed,
    Named, Platform, Usage, UsageQuestion, create, exchange, observe, usage,
};
use crate::limits;
use crate::resource::{ApiKeyObject, Observed};

/// The Claude Platform over HTTP.
#[derive(Clone)]
pub struct HttpPlatform {
    pub(crate) transport: Arc<Transport>,
    usage_source: Arc<LastSource>,
    feed_closed: Arc<FeedClosed>,
    fresh: Arc<Fresh>,
    clock: ClockSource,
}

impl HttpPlatform {
    /// Prepares a client; nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Credential`] for a credential that cannot work, and [`ErrorKind::Settings`] for
    /// an unsafe base URL, an unreadable CA file or a machine without CA certificates.
    pub fn new(settings: Settings) -> Result<HttpPlatform, ApiError> {
        HttpPlatform::with_pace(settings, Arc::new(SystemPace))
    }

    pub(crate) fn with_pace(settings: Settings, pace: Arc<dyn Pace>) -> Result<HttpPlatform, ApiError> {
        let transport = Transport::new(&settings, pace)?;
        let base = check_base_url(&settings.base_url)?;
        if settings.clock == ClockSource::Simulator && !is_loopback(&base) {
            let request = Request::get("use the simulator's clock", &[]);
            return Err(request.error(ErrorKind::Settings, "a simulator runs on this machine only"));
        }
        Ok(HttpPlatform {
            transport: Arc::new(transport),
            usage_source: Arc::default(),
            feed_closed: Arc::default(),
            fresh: Arc::default(),
            clock: settings.clock,
        })
    }
}

impl Platform for HttpPlatform {
    async fn perform(&self, call: &Call, since: Timestamp) -> Result<Answer, ApiError> {
        let request = request(call)?;
        let now = || self.transport.pace().now();
        let mut tries = 0;
        loop {
            let result = match call.creates() {
                true => create::create(&self.transport, call, &request, since).await,
                false => send(&self.transport, call, &request).await,
            };
            let blamed = match &result {
                Ok(answer) => {
                    self.fresh.note(call, answer, now());
                    None
                }
                Err(error) => self.fresh.blamed(call, error, now()),
            };
            let Some(id) = blamed.filter(|_| tries < limits::FRESH_TRIES_MAX) else { return result };
            if tries == 0 {
                self.transport.notice(&format!(
                    "{id} was just created, and the API does not know it everywhere yet; trying again for a moment"
                ));
            }
            tries += 1;
            self.transport.back_off(tries).await;
        }
    }

    async fn observe(&self, managed: &Managed) -> Result<Observed, ApiError> {
        observe::observe(&self.transport, managed).await
    }

    async fn read(&self, named: &Named, known: &Observed) -> Observed {
        observe::read_named(&self.transport, named, known).await
    }

    async fn pause(&self, tries: u32) {
        self.transport.back_off(tries).await;
    }

    async fn api_key(&self, id: &str) -> Result<ApiKeyObject, ApiError> {
        let request = Request::get(format!("read key {id}"), &path(&["api_keys", id]));
        let reply = self.transport.call(&request).await?;
        let value = reply.json(&request)?;
        wire::read::<ApiKeyWire>(value).map_err(|why| request.malformed(&reply, why))
    }

    async fn exchange(&self, request: &ExchangeRequest) -> Result<Exchanged, ApiError> {
        exchange::exchange(&self.transport, request).await
    }

    async fn usage(&self, question: &UsageQuestion) -> Result<Usage, ApiError> {
        let now = self.now().await?;
        usage::usage(&self.transport, &self.usage_source, question, now).await
    }

    async fn activities(&self, question: ActivityQuestion) -> Result<Option<Vec<Activity>>, ApiError> {
        activity::activities(&self.transport, &self.feed_closed, question).await
    }

    async fn now(&self) -> Result<Timestamp, ApiError> {
        match self.clock {
            ClockSource::System => Ok(self.transport.now()),
            ClockSource::Simulator => {
                let request = Request::get("read the simulated clock", &["_simulator", "clock"]);
                let reply = self.transport.call(&request).await?;
                let clock = reply.json(&request)?;
                let now = clock["now"].as_str().and_then(|text| text.parse().ok());
                now.ok_or_else(|| request.malformed(&reply, "the field `now` is missing or no time"))
            }
        }
    }

    async fn advance_clock(&self, to: Timestamp) -> Result<bool, ApiError> {
        match self.clock {
            ClockSource::System => Ok(false),
            ClockSource::Simulator => {
                let request = Request {
                    method: Method::POST,
                    body: Some(json!({ "advance_to": to.to_string() })),
                    effect: Effect::Repeatable,
                    ..Request::get("advance the simulated clock", &["_simulator", "clock"])
                };
                self.transport.call(&request).await.map(|_| true)
            }
        }
    }
}

/// Sends a change and reads its answer.
pub(crate) async fn send(transport: &Transport, call: &Call, request: &Request) -> Result<Answer, ApiError> {
    let reply = transport.call(request).await?;
    let value = reply.json(request)?;
    read_answer(call, value).map_err(|why| request.malformed(&reply, why))
}

const ORGANIZATIONS: [&str; 2] = ["v1", "organizations"];

/// A path below `/v1/organizations`.
pub(crate) fn path<'a>(tail: &[&'a str]) -> Vec<&'a str> {
    ORGANIZATIONS.into_iter().chain(tail.iter().copied()).collect()
}

/// The request that makes a change.
fn request(call: &Call) -> Result<Request, ApiError> {
    let post = |operation: String, tail: &[&str], effect, body: Option<Value>| Request {
        method: Method::POST,
        body,
        effect,
        ..Request::get(operation, &path(tail))
    };
    let delete = |operation: String, tail: &[&str]| Request {
        method: Method::DELETE,
        effect: Effect::Repeatable,
        ..Request::get(operation, &path(tail))
    };
    let issuer = |operation: String, tail: &[&str], effect, arguments| {
        let request = post(operation, tail, effect, None);
        let body = wire::issuer_body(arguments).map_err(|why| request.error(ErrorKind::Invalid, why))?;
        Ok(Request { body: Some(body), ..request })
    };
    use Effect::{Create, Repeatable};
    Ok(match call {
        Call::CreateIssuer(arguments) => {
            issuer(format!("create issuer {}", arguments.name), &["federation_issuers"], Create, arguments)?
        }
        Call::UpdateIssuer { id, arguments } => {
            issuer(format!("update issuer {id}"), &["federation_issuers", id], Repeatable, arguments)?
        }
        Call::ArchiveIssuer { id } => {
            post(format!("archive issuer {id}"), &["federation_issuers", id, "archive"], Repeatable, None)
        }
        Call::CreateServiceAccount(arguments) => post(
            format!("create service account {}", arguments.name),
            &["service_accounts"],
            Create,
            Some(wire::create_service_account(arguments)),
        ),
        Call::UpdateServiceAccount { id, description, organization_role } => post(
            format!("update service account {id}"),
            &["service_accounts", id],
            Repeatable,
            Some(wire::update_service_account(description.as_deref(), organization_role.as_deref())),
        ),
        Call::ArchiveServiceAccount { id } => post(
            format!("archive service account {id}"),
            &["service_accounts", id, "archive"],
            Repeatable,
            None,
        ),
        Call::SetMembership { service_account_id, workspace_id, role } => post(
            format!("add service account {service_account_id} to workspace {workspace_id}"),
            &["service_accounts", service_account_id, "workspaces"],
            Repeatable,
            Some(json!({ "workspace_id": workspace_id, "workspace_role": role })),
        ),
        Call::RemoveMembership { service_account_id, workspace_id } => delete(
            format!("remove service account {service_account_id} from workspace {workspace_id}"),
            &["service_accounts", service_account_id, "workspaces", workspace_id],
        ),
        Call::CreateRule(arguments) => post(
            format!("create rule {}", arguments.name),
            &["federation_rules"],
            Create,
            Some(wire::create_rule(arguments)),
        ),
        Call::UpdateRule { id, arguments, applies_to_all_workspaces } => post(
            format!("update rule {id}"),
            &["federation_rules", id],
            Repeatable,
            Some(wire::update_rule(arguments, *applies_to_all_workspaces)),
        ),
        Call::ArchiveRule { id } => {
            post(format!("archive rule {id}"), &["federation_rules", id, "archive"], Repeatable, None)
        }
        Call::EnableWorkspace { rule_id, workspace_id } => post(
            format!("enable rule {rule_id} in workspace {workspace_id}"),
            &["federation_rules", rule_id, "workspaces"],
            Repeatable,
            Some(json!({ "workspace_id": workspace_id })),
        ),
        Call::DisableWorkspace { rule_id, workspace_id } => delete(
            format!("disable rule {rule_id} in workspace {workspace_id}"),
            &["federation_rules", rule_id, "workspaces", workspace_id],
        ),
        Call::SetKeyStatus { id, status } => post(
            format!("set API key {id} {}", status.word()),
            &["api_keys", id],
            Repeatable,
            Some(json!({ "status": status.word() })),
        ),
    })
}

fn read_answer(call: &Call, value: Value) -> Result<Answer, String> {
    fn object<W: Wire>(value: Value, answer: fn(W::Object) -> Answer) -> Result<Answer, String> {
        wire::read::<W>(value).map(answer)
    }
    match call {
        Call::CreateIssuer(_) | Call::UpdateIssuer { .. } | Call::ArchiveIssuer { .. } => {
            object::<IssuerWire>(value, Answer::Issuer)
        }
        Call::CreateServiceAccount(_)
        | Call::UpdateServiceAccount { .. }
        | Call::ArchiveServiceAccount { .. } => object::<ServiceAccountWire>(value, Answer::ServiceAccount),
        Call::CreateRule(_) | Call::UpdateRule { .. } | Call::ArchiveRule { .. } => {
            object::<RuleWire>(value, Answer::Rule)
        }
        Call::SetKeyStatus { .. } => object::<ApiKeyWire>(value, Answer::ApiKey),
        Call::SetMembership { .. }
        | Call::RemoveMembership { .. }
        | Call::EnableWorkspace { .. }
        | Call::DisableWorkspace { .. } => Ok(Answer::Linked),
    }
}
