//! A token that may change during a run: renewed in time, by one call for all.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderValue;
use tokio::sync::Mutex as AsyncMutex;
use zeroize::Zeroizing;

use super::choose::{Credential, Proof};
use super::freshness::{Decision, Life, PAUSE_SECONDS, decide};
use super::renew::{Exchanger, Fresh, Means, Want};
use super::{Login, check};
use crate::platform::sender::Sender;
use crate::platform::settings::{Notice, WallClock};
use crate::platform::{ApiError, ErrorKind};
use crate::resource::Caller;
use crate::secret::Secret;

/// What a call carries.
#[derive(Clone)]
pub(crate) struct Bearer {
    /// The value of the header; it is marked as sensitive.
    pub(crate) header: HeaderValue,
    /// Which token it is, counted from 1.
    pub(crate) generation: u64,
}

/// The token in use.
struct Held {
    bearer: Bearer,
    token: Secret,
    life: Life,
    renewable: bool,
    paused_until: Option<Timestamp>,
}

enum Renewal {
    Fixed(Secret),
    Login(Login),
    Federation(Exchanger),
}

/// Gives calls their token and keeps it fresh.
pub(crate) struct CredentialSource {
    origin: String,
    caller: Caller,
    /// Whoever holds it renews the token; the others wait, or go on with the old one.
    renewal: AsyncMutex<Renewal>,
    held: Mutex<Option<Held>>,
    sender: Sender,
    clock: WallClock,
    notice: Notice,
}

impl CredentialSource {
    /// Takes a credential over; nothing is sent. `sender` reaches the token endpoint.
    ///
    /// # Errors
    /// [`ErrorKind::Credential`] for a token that cannot work.
    pub(crate) fn new(
        credential: Credential,
        sender: Sender,
        clock: WallClock,
        notice: Notice,
    ) -> Result<CredentialSource, ApiError> {
        let renewal = match credential.proof {
            Proof::Fixed(token) => {
                check(&token, &credential.origin)?;
                Renewal::Fixed(token)
            }
            Proof::Login(login) => Renewal::Login(login),
            Proof::Federation(federation) => Renewal::Federation(Exchanger::new(federation)),
        };
        Ok(CredentialSource {
            origin: credential.origin,
            caller: credential.caller,
            renewal: AsyncMutex::new(renewal),
            held: Mutex::new(None),
            sender,
            clock,
            notice,
        })
    }

    /// The token for a call that is about to be sent.
    ///
    /// # Errors
    /// When there is none that could work.
    pub(crate) async fn bearer(&self) -> Result<Bearer, ApiError> {
        match self.look() {
            (Some(bearer), Decision::Keep) => Ok(bearer),
            (Some(bearer), Decision::Advised) => {
                let Ok(mut renewal) = self.renewal.try_lock() else { return Ok(bearer) };
                // Another call may have renewed it between the look and the lock.
                if let (Some(bearer), Decision::Keep) = self.look() {
                    return Ok(bearer);
                }
                Ok(self.renew(&mut renewal, Want::Aging).await.unwrap_or_else(|error| {
                    tracing::debug!(%error, "an early renewal failed; the old token goes on");
                    self.pause();
                    bearer
                }))
            }
            _ => {
                let mut renewal = self.renewal.lock().await;
                let want = match self.look() {
                    (Some(bearer), Decision::Keep | Decision::Advised) => return Ok(bearer),
                    (Some(_), _) => Want::Aging,
                    (None, _) => Want::First,
                };
                self.renew(&mut renewal, want).await
            }
        }
    }

    /// Gets another token after the API refused one; false when there is no other.
    ///
    /// # Errors
    /// When there should be another and it could not be had.
    pub(crate) async fn renew_after(&self, refused: u64) -> Result<bool, ApiError> {
        let mut renewal = self.renewal.lock().await;
        if matches!(*renewal, Renewal::Fixed(_)) {
            return Ok(false);
        }
        // Another call was refused as well, and has renewed the token already.
        let current = self.held().as_ref().map(|held| held.bearer.generation);
        if current.is_some_and(|current| current != refused) {
            return Ok(true);
        }
        self.renew(&mut renewal, Want::Refused).await.map(|_| true)
    }

    /// What to do when the API refuses the token, in whole sentences.
    pub(crate) fn advice(&self, kind: &ErrorKind, writes_federation: bool) -> Option<String> {
        let origin = &self.origin;
        match kind {
            ErrorKind::Unauthenticated => Some(match self.caller {
                Caller::Unknown => format!(
                    "The token came from {origin}; it is expired or not valid here. Get a new one with `ant auth login --scope org:admin`, or unset the variable so that a profile or federation is used."
                ),
                Caller::Person => format!(
                    "The token came from {origin}; it is not valid here. Log in again with `ant auth login --scope org:admin`."
                ),
                Caller::Workload => format!(
                    "The token came from {origin} and was minted anew without success; look whether its rule and service account are live in the Console, and whether ANTHROPIC_BASE_URL is the API that minted it."
                ),
            }),
            ErrorKind::Forbidden => {
                let console = "rules with any scope but workspace:developer and workspace:inference, and issuers that back such a rule, can be changed in the Console only";
                Some(match (writes_federation, self.caller) {
                    (false, _) => format!(
                        "The token came from {origin}; managing federation needs the scope org:admin, and a member with the role admin or owner behind it."
                    ),
                    (true, Caller::Person) => format!("The token came from {origin}; {console}."),
                    (true, Caller::Workload) => format!(
                        "The token came from {origin} and belongs to a workload; {console}, and only a person may give a service account the role admin."
                    ),
                    (true, Caller::Unknown) => format!(
                        "The token came from {origin}, which does not tell whether a person or a workload stands behind it; {console}, and no workload may give a service account the role admin."
                    ),
                })
            }
            _ => None,
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token in use, and what to do about it now.
    fn look(&self) -> (Option<Bearer>, Decision) {
        match &*self.held() {
            None => (None, Decision::Required),
            Some(held) => {
                let decision = decide(held.life, held.renewable, held.paused_until, (self.clock)());
                (Some(held.bearer.clone()), decision)
            }
        }
    }

    fn pause(&self) {
        let until = (self.clock)().checked_add(SignedDuration::from_secs(PAUSE_SECONDS)).ok();
        if let Some(held) = self.held().as_mut() {
            held.paused_until = until;
        }
    }

    async fn renew(&self, renewal: &mut Renewal, want: Want) -> Result<Bearer, ApiError> {
        let means =
            Means { sender: &self.sender, now: (self.clock)(), notice: &self.notice, origin: &self.origin };
        let old = self.held().as_ref().map(|held| held.token.clone());
        let fresh = match renewal {
            Renewal::Fixed(token) => {
                let life = Life { expires_at: None, whole_seconds: None };
                Fresh { token: token.clone(), life, renewable: false }
            }
            Renewal::Login(login) => login.token(want, old.as_ref(), &means).await?,
            Renewal::Federation(exchanger) => exchanger.token(want, &means).await?,
        };
        let mut held = self.held();
        let generation = held.as_ref().map_or(0, |held| held.bearer.generation) + 1;
        let bearer = Bearer { header: header(&fresh.token, "Bearer "), generation };
        let Fresh { token, life, renewable } = fresh;
        *held = Some(Held { bearer: bearer.clone(), token, life, renewable, paused_until: None });
        Ok(bearer)
    }
}

/// A header with a credential in it, marked as sensitive.
pub(crate) fn header(secret: &Secret, prefix: &str) -> HeaderValue {
    let text = Zeroizing::new(format!("{prefix}{}", secret.expose()));
    let mut header = HeaderValue::from_str(&text).expect("credentials are checked to be visible ASCII");
    header.set_sensitive(true);
    header
}
