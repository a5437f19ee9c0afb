//! The calls behind one step. Async, and without the journal: `run` has written that already.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use keyless_state::{Address, Evidence, Fact, Weight};
use serde_json::Value;

use super::prepare::{self, ConsumerChange, Task};
use crate::config::{Configuration, EnvFiles, IdentityTokenSource};
use crate::consumer::Place;
use crate::lane::Presence;
use crate::matching::{self, Denial, IssuerView, TokenView};
use crate::plan::issuer_arguments;
use crate::platform::{
    Answer, ApiError, Call, ErrorKind, ExchangeRequest, Exchanged, Platform, read_identity_token,
};
use crate::refresh::Remote;
use crate::secret::Secret;
use crate::token;

/// What every step may use.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) remote: Remote,
    pub(super) configuration: Arc<Configuration>,
    pub(super) files: Arc<EnvFiles>,
    pub(super) base: PathBuf,
    pub(super) organization_id: String,
}

/// What a step did outside.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The object as the API shows it afterwards.
    pub(super) answer: Option<Answer>,
    /// What a consumer's driver needs to put the key back.
    pub(super) receipt: Option<Value>,
    /// What was proved.
    pub(super) evidence: Vec<Evidence>,
    /// Set when the step has to count as failed although something is to be recorded.
    pub(super) failure: Option<String>,
}

/// Why a step did not end well.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) told: String,
    /// Whether it may have taken effect all the same. Then it stays in doubt, and the next run looks.
    pub(super) in_doubt: bool,
    /// What putting the key back needs, where it was taken out before something else failed.
    pub(super) receipt: Option<Value>,
}

impl From<String> for Failure {
    fn from(told: String) -> Failure {
        Failure { told, in_doubt: false, receipt: None }
    }
}

/// A change at the API that failed, or whose answer tells nothing.
fn unanswered(error: &ApiError) -> Failure {
    let in_doubt =
        matches!(error.kind, ErrorKind::AnswerLost | ErrorKind::Unavailable { .. } | ErrorKind::Malformed);
    Failure { told: explain(error), in_doubt, receipt: None }
}

/// Carries a task out. The digest is that of the rule a trial exchange is made for.
pub(super) async fn carry_out(
    tools: Tools,
    task: Task,
    rule_digest: Option<String>,
    now: Timestamp,
) -> Result<Done, Failure> {
    match task {
        Task::Note => Ok(Done::default()),
        Task::Call(call) => {
            let answer =
                tools.remote.platform.perform(&call, now).await.map_err(|error| unanswered(&error))?;
            Ok(Done { answer: Some(answer), ..Done::default() })
        }
        Task::KeyStatus { id, expected, wanted } => {
            // The API checks no version, so the status is read again right before it is changed.
            let key = tools.remote.platform.api_key(&id).await.map_err(|error| explain(&error))?;
            prepare::may_change(&id, &key.status, &expected, &wanted)?;
            let call = Call::SetKeyStatus { id, status: wanted };
            let answer =
                tools.remote.platform.perform(&call, now).await.map_err(|error| unanswered(&error))?;
            Ok(Done { answer: Some(answer), ..Done::default() })
        }
        Task::Verify { rule, rule_id, service_account_id, workspace_id } => {
            let request = Trial { rule, rule_id, service_account_id, workspace_id, rule_digest };
            Ok(verify(&tools, request, now).await?)
        }
        Task::Consumer { key, consumer, tag, change } => {
            let declared =
                tools.configuration.api_keys.get(&key).and_then(|key| key.consumers.get(&consumer));
            let consumer_block = declared
                .ok_or_else(|| {
                    format!("{consumer} of {key} is no longer declared, so it is not known how to reach it")
                })?
                .clone();
            if matches!(change, ConsumerChange::Restore(_)) {
                let id = tools.configuration.api_keys[&key].id.clone();
                let found = tools.remote.platform.api_key(&id).await.map_err(|error| explain(&error))?;
                prepare::may_put_back(&id, &found.status)?;
            }
            if let ConsumerChange::TakeDeadKeyOut(key) = &change {
                let found = tools.remote.platform.api_key(&key.id).await.map_err(|error| explain(&error))?;
                prepare::is_dead(&key.id, &found.status)?;
            }
            if let ConsumerChange::ForgetParked(key) = &change {
                let found = tools.remote.platform.api_key(key).await.map_err(|error| explain(&error))?;
                prepare::is_dead(key, &found.status)?;
            }
            let beside = tools.files.beside(&consumer_block.driver);
            let place = Place { base: tools.base, key, id: consumer, consumer: consumer_block, beside, tag };
            // What a driver did before it failed shows in the place.
            change_consumer(place, change).await
        }
    }
}

/// An API error with what can be done about it.
pub(super) fn explain(error: &ApiError) -> String {
    error.told()
}

struct Trial {
    rule: Address,
    rule_id: String,
    service_account_id: String,
    workspace_id: Option<String>,
    rule_digest: Option<String>,
}

async fn verify(tools: &Tools, trial: Trial, now: Timestamp) -> Result<Done, String> {
    let rule = &tools.configuration.federation_rules[&trial.rule];
    let provider = &tools.configuration.providers[&rule.provider];
    let keys = tools.remote.issuer_keys.fetch_keys(&issuer_arguments(provider)).await.map_err(|error| {
        format!("the keys of {} cannot be fetched: {error}. {}", rule.provider, error.advice)
    })?;
    let mut evidence = vec![Evidence {
        id: format!("issuer-keys/{}", rule.provider),
        observed_at: now,
        weight: Weight::Observed,
        source: "issuer's published key set".to_owned(),
        digest: Some(keys.digest.clone()),
        fact: Fact::IssuerKeys {
            provider: rule.provider.clone(),
            issuer_url: provider.issuer_url.clone(),
            key_ids: keys.key_ids.clone(),
        },
    }];
    let identity_token = identity_token(tools, &trial.rule).await?;
    // What cannot be verified here could never prove a report either, and its lane would wait for ever.
    let seen = token::verify_signature(identity_token.expose(), &keys)
        .map_err(|refusal| format!("the identity token of {} is unusable: {refusal}", trial.rule))?;
    let subject = seen.claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
    let request = ExchangeRequest {
        rule_id: trial.rule_id.clone(),
        organization_id: tools.organization_id.clone(),
        service_account_id: trial.service_account_id,
        workspace_id: trial.workspace_id,
        identity_token,
    };
    let exchanged = tools.remote.platform.exchange(&request).await.map_err(|error| explain(&error))?;
    let (accepted, expires_in_seconds, refusal) = match exchanged {
        Exchanged::Accepted { expires_in_seconds, .. } => (true, expires_in_seconds, String::new()),
        Exchanged::Refused { status, message, request_id } => {
            let request = request_id.map_or(String::new(), |id| format!(", request {id}"));
            (false, 0, format!("{status} {message}{request}"))
        }
    };
    let failure = if accepted {
        None
    } else {
        // The run may have begun a while ago, and its token was made just now.
        let at = tools.remote.platform.now().await.unwrap_or(now);
        let issuer = IssuerView {
            issuer_url: &provider.issuer_url,
            known_kids: &keys.key_ids,
            max_jwt_lifetime_seconds: provider.max_jwt_lifetime_seconds,
        };
        let token = TokenView { header: &seen.header, claims: &seen.claims };
        let seen = matching::evaluate(&rule.matching, &issuer, &token, at.as_second());
        Some(refused(&trial.rule, seen, &refusal))
    };
    evidence.push(Evidence {
        id: format!("exchange/{}", trial.rule),
        observed_at: now,
        weight: Weight::Observed,
        source: "trial exchange".to_owned(),
        digest: None,
        fact: Fact::Exchange {
            rule: trial.rule,
            rule_id: trial.rule_id,
            rule_digest: trial.rule_digest.unwrap_or_default(),
            accepted,
            subject,
            expires_in_seconds,
            refusal,
        },
    });
    Ok(Done { evidence, failure, ..Done::default() })
}

/// The API never says why it refuses, so the token is held against rule and issuer here.
fn refused(rule: &Address, seen: Result<(), Denial>, refusal: &str) -> String {
    let why = match seen {
        Err(denial) => format!("Seen from here: {denial}."),
        Ok(()) => "The token fits the rule and its issuer, so the reason lies elsewhere: a token used twice, a rule that \
                   was changed or archived meanwhile, or a service account that is no member of the workspace. The \
                   Console's history (Settings, Workload identity) names it."
            .to_owned(),
    };
    format!("the API refused a trial exchange through {rule}: {refusal}. {why}")
}

async fn identity_token(tools: &Tools, rule: &Address) -> Result<Secret, String> {
    let text = match &tools.configuration.federation_rules[rule].identity_token {
        None => return Err(format!("{rule} has no `identity_token` block to take a token from")),
        Some(IdentityTokenSource::File(path)) => read_identity_token(&tools.base.join(path))
            .map_err(|error| format!("{rule}: {error}"))?
            .to_string(),
        Some(IdentityTokenSource::Command(command)) => crate::consumer::run_for_output(command, &tools.base)
            .await
            .map_err(|message| format!("the identity token command of {rule} gave nothing: {message}"))?,
    };
    Ok(Secret::new(text.trim()))
}

async fn change_consumer(place: Place, change: ConsumerChange) -> Result<Done, Failure> {
    let mut done = Done::default();
    let doubt = |told: String| Failure { told, in_doubt: true, receipt: None };
    let told = |error: crate::consumer::ConsumerError| doubt(error.to_string());
    match change {
        ConsumerChange::Configure(settings) => place.configure(&settings).map_err(told)?,
        ConsumerChange::Unconfigure => {
            // Without its key the workload lives off these settings.
            match place.check().await {
                Presence::Present => place.unconfigure().map_err(told)?,
                Presence::Absent => {
                    let told = format!(
                        "{} does not hold the key, so its federation settings stay: its workload lives off them. Put the key back there, and run the command again",
                        place.id
                    );
                    return Err(told.into());
                }
                Presence::Unknown(why) => {
                    let told = format!(
                        "{} cannot be read, so its federation settings stay: {why}. Mend that, and run the command again",
                        place.id
                    );
                    return Err(told.into());
                }
            }
        }
        ConsumerChange::TakeDeadKeyOut(key) => place.take_dead_key_out(&key).map_err(told)?,
        ConsumerChange::ForgetParked(_) => place.forget_parked().map_err(told)?,
        ConsumerChange::Remove => {
            done.receipt = place.remove().await.map_err(told)?;
            // The consumer has to read back free of the key, or it was not taken out.
            let told = match place.check().await {
                Presence::Absent => return Ok(done),
                Presence::Present => format!("{} still holds the key after it was taken out", place.id),
                Presence::Unknown(why) => format!("{} cannot be read back: {why}", place.id),
            };
            return Err(Failure { receipt: done.receipt, ..doubt(told) });
        }
        ConsumerChange::Restore(receipt) => {
            place.restore(receipt.as_ref()).await.map_err(told)?;
            match place.check().await {
                Presence::Present => {}
                Presence::Absent => {
                    return Err(doubt(format!(
                        "{} does not hold the key after it was put back: what was parked there is gone, or somebody took it away. Put it back by hand, and run the command again",
                        place.id
                    )));
                }
                Presence::Unknown(why) => {
                    return Err(doubt(format!("{} cannot be read back: {why}", place.id)));
                }
            }
        }
    }
    Ok(done)
}
