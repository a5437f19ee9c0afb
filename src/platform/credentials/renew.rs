//! Getting a token: from a profile's file, by renewing a login, or by an exchange.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::choose::{Federation, IdentityToken, Login};
use super::freshness::{Decision, Life, decide};
use super::profile::{self, StoredTokens};
use super::{ORG_ADMIN, check, refusal, store};
use crate::platform::grant::{self, Assertion, Minted};
use crate::platform::sender::{Sender, Sending};
use crate::platform::settings::Notice;
use crate::platform::transport::Request;
use crate::platform::{ApiError, ErrorKind};
use crate::secret::Secret;
use crate::token;

/// Why a token is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// There is none yet.
    First,
    /// The one in use is near its end, or past it.
    Aging,
    /// The API refused the one in use.
    Refused,
}

/// A token, ready to be used.
pub(super) struct Fresh {
    pub(super) token: Secret,
    pub(super) life: Life,
    pub(super) renewable: bool,
}

/// What renewing needs from outside.
pub(super) struct Means<'a> {
    pub(super) sender: &'a Sender,
    pub(super) now: Timestamp,
    pub(super) notice: &'a Notice,
    pub(super) origin: &'a str,
}

impl Means<'_> {
    async fn mint(&self, request: &Request, sending: Sending<'_>) -> Result<Minted, ApiError> {
        let reply = self.sender.send(request, sending).await.map_err(|failure| failure.error)?;
        let minted = grant::minted(request, &reply)?;
        check(&minted.access_token, &format!("the token minted for {}", self.origin))?;
        Ok(minted)
    }

    fn life(&self, minted: &Minted) -> Life {
        let seconds = i64::try_from(minted.expires_in_seconds).unwrap_or(i64::MAX / 4);
        let expires_at = self.now.checked_add(SignedDuration::from_secs(seconds)).ok();
        Life { expires_at, whole_seconds: Some(seconds) }
    }

    fn keep(&self, path: &std::path::Path, text: &str, consequence: &str) {
        if let Err(error) = store::write_tokens(path, text) {
            (self.notice)(&format!(
                "the renewed token could not be stored in {}: {error}. {consequence}",
                path.display()
            ));
        }
    }
}

fn admits(scope: Option<&str>) -> bool {
    scope.is_none_or(|scope| scope.is_empty() || scope.split_whitespace().any(|word| word == ORG_ADMIN))
}

impl Login {
    /// Takes the token of the file where it is good, and renews it where it is not.
    ///
    /// Other programs renew the same login, and a refresh token may work once, so the file is read
    /// again before anything is sent.
    pub(super) async fn token(
        &self,
        want: Want,
        held: Option<&Secret>,
        means: &Means<'_>,
    ) -> Result<Fresh, ApiError> {
        let (text, stored) = self.read(means.origin)?;
        let renewable = self.client_id.is_some() && stored.refresh_token.is_some();
        if let Some(fresh) = self.still_good(&stored, want, held, means.now) {
            return Ok(fresh);
        }
        let (Some(client_id), Some(refresh_token)) = (&self.client_id, &stored.refresh_token) else {
            return Err(self.cannot_renew(&stored, want, means.origin));
        };
        let request = grant::refresh(format!("renew {}", means.origin), client_id, refresh_token);
        let minted = match means.mint(&request, Sending::Refresh).await {
            Ok(minted) => minted,
            Err(error) => {
                // Somebody else may have renewed it at the same moment.
                let (_, now_stored) = self.read(means.origin)?;
                let other = now_stored.access_token.expose() != stored.access_token.expose();
                let taken = self.still_good(&now_stored, Want::Aging, Some(&stored.access_token), means.now);
                return taken.filter(|_| other).ok_or_else(|| login_refused(error));
            }
        };
        let life = means.life(&minted);
        let rewritten = profile::rewritten(
            Some(&text),
            &minted.access_token,
            minted.refresh_token.as_ref(),
            life.expires_at,
        );
        means.keep(
            &self.tokens,
            &rewritten,
            "Log in again with `ant auth login --scope org:admin` after this run.",
        );
        Ok(Fresh { token: minted.access_token, life, renewable })
    }

    fn read(&self, origin: &str) -> Result<(zeroize::Zeroizing<String>, StoredTokens), ApiError> {
        let shown = self.tokens.display();
        let refuse = |why: &str| refusal(format!("{origin} has no usable login: {shown} {why}"));
        let text = store::read_tokens(&self.tokens).map_err(|why| refuse(&why))?;
        let text = text.ok_or_else(|| refuse("does not exist"))?;
        let stored = StoredTokens::parse(&text).map_err(|why| refuse(&format!("cannot be used: {why}")))?;
        check(&stored.access_token, &shown.to_string())?;
        let scope = stored.scope.as_deref().or(self.scope.as_deref());
        if !admits(scope) {
            return Err(refusal(format!(
                "{origin} was logged in with the scope `{}`, and managing federation needs {ORG_ADMIN}",
                scope.unwrap_or_default()
            )));
        }
        Ok((text, stored))
    }

    fn still_good(
        &self,
        stored: &StoredTokens,
        want: Want,
        held: Option<&Secret>,
        now: Timestamp,
    ) -> Option<Fresh> {
        let life = Life { expires_at: stored.expires_at, whole_seconds: None };
        let renewable = self.client_id.is_some() && stored.refresh_token.is_some();
        let same = held.is_some_and(|held| held.expose() == stored.access_token.expose());
        let decision = decide(life, renewable, None, now);
        let good = match want {
            Want::First => matches!(decision, Decision::Keep | Decision::Advised),
            Want::Aging => !same && matches!(decision, Decision::Keep | Decision::Advised),
            Want::Refused => !same && decision == Decision::Keep,
        };
        good.then(|| Fresh { token: stored.access_token.clone(), life, renewable })
    }

    fn cannot_renew(&self, stored: &StoredTokens, want: Want, origin: &str) -> ApiError {
        let ended = match (want, stored.expires_at) {
            (Want::Refused, _) | (_, None) => "is not accepted any more".to_owned(),
            (_, Some(at)) => format!("ended at {at}"),
        };
        let lacks = match (&self.client_id, &stored.refresh_token) {
            (None, _) => "the profile names no `client_id`",
            _ => "it has no refresh token",
        };
        refusal(format!("the login of {origin} {ended}, and it cannot be renewed: {lacks}"))
    }
}

fn login_refused(error: ApiError) -> ApiError {
    let advice = match error.kind {
        ErrorKind::Invalid | ErrorKind::Unauthenticated | ErrorKind::Forbidden => {
            "The login has ended; log in again with `ant auth login --scope org:admin`."
        }
        _ => return error,
    };
    ApiError { advice: Some(advice.into()), ..error }
}

/// A federation, with the identity token that was sent last.
pub(super) struct Exchanger {
    pub(super) federation: Federation,
    sent: Option<[u8; 32]>,
}

impl Exchanger {
    pub(super) fn new(federation: Federation) -> Exchanger {
        Exchanger { federation, sent: None }
    }

    /// Takes a profile's stored token where it is good, and exchanges an identity token otherwise.
    pub(super) async fn token(&mut self, want: Want, means: &Means<'_>) -> Result<Fresh, ApiError> {
        if want == Want::First
            && let Some(fresh) = self.cached(means.now)
        {
            return Ok(fresh);
        }
        let minted = self.exchange(means).await?;
        if !admits(minted.scope.as_deref()) {
            return Err(refusal(format!(
                "the rule {} mints tokens with the scope `{}`, and managing federation needs {ORG_ADMIN}; such a rule is made in the Console",
                self.federation.rule_id,
                minted.scope.unwrap_or_default()
            )));
        }
        let life = means.life(&minted);
        if let Some(path) = &self.federation.cache {
            match store::read_tokens(path) {
                Ok(before) => {
                    let before = before.as_ref().map(|text| text.as_str());
                    let text = profile::rewritten(before, &minted.access_token, None, life.expires_at);
                    means.keep(path, &text, "The next command makes an exchange of its own.");
                }
                Err(why) => {
                    (means.notice)(&format!("the minted token is not stored: {} {why}.", path.display()))
                }
            }
        }
        Ok(Fresh { token: minted.access_token, life, renewable: true })
    }

    fn cached(&self, now: Timestamp) -> Option<Fresh> {
        let text = store::read_tokens(self.federation.cache.as_ref()?).ok()??;
        let stored = StoredTokens::parse(&text).ok()?;
        let life = Life { expires_at: Some(stored.expires_at?), whole_seconds: None };
        let good = matches!(decide(life, true, None, now), Decision::Keep | Decision::Advised);
        (good && admits(stored.scope.as_deref())).then(|| Fresh {
            token: stored.access_token,
            life,
            renewable: true,
        })
    }

    /// Exchanges an identity token, read anew; once more when it was refused and has changed since.
    async fn exchange(&mut self, means: &Means<'_>) -> Result<Minted, ApiError> {
        let first = self.attempt(means).await;
        match first {
            Err(error) if error.kind == ErrorKind::Unauthenticated && self.has_another()? => {
                self.attempt(means).await
            }
            other => other,
        }
        .map_err(|error| self.refused(error))
    }

    async fn attempt(&mut self, means: &Means<'_>) -> Result<Minted, ApiError> {
        let identity_token = self.identity_token()?;
        let digest = digest(&identity_token);
        if self.sent == Some(digest) && token::is_single_use(identity_token.expose().trim()) {
            let error = refusal(format!(
                "{} was exchanged before and has not changed since. Identity tokens with a `jti` work once, so it is not sent again",
                self.place()
            ));
            let advice = "Let the job write a new identity token to the file before the old access token ends; a variable cannot change during a run.";
            return Err(ApiError { advice: Some(advice.into()), ..error });
        }
        let federation = &self.federation;
        let asked = Assertion {
            rule_id: &federation.rule_id,
            organization_id: &federation.organization_id,
            service_account_id: federation.service_account_id.as_deref(),
            workspace_id: federation.workspace_id.as_deref(),
        };
        let operation = format!("exchange the engine's identity token through rule {}", federation.rule_id);
        let request = grant::exchange(operation, &asked, &identity_token)?;
        let minted = means.mint(&request, Sending::Assertion).await;
        if minted.as_ref().err().is_none_or(|error| may_have_used(&error.kind)) {
            self.sent = Some(digest);
        }
        minted
    }

    fn has_another(&self) -> Result<bool, ApiError> {
        Ok(self.sent != Some(digest(&self.identity_token()?)))
    }

    fn identity_token(&self) -> Result<Secret, ApiError> {
        match &self.federation.identity_token {
            IdentityToken::Literal(token) => Ok(token.clone()),
            IdentityToken::File(path) => {
                store::read_identity_token(path).map(|text| Secret::new(text.trim())).map_err(refusal)
            }
        }
    }

    fn place(&self) -> String {
        match &self.federation.identity_token {
            IdentityToken::Literal(_) => "the identity token in ANTHROPIC_IDENTITY_TOKEN".to_owned(),
            IdentityToken::File(path) => format!("the identity token in {}", path.display()),
        }
    }

    fn refused(&self, error: ApiError) -> ApiError {
        let advice = match error.kind {
            ErrorKind::Unauthenticated => format!(
                "The API never says why; the Console does (Settings, Workload identity, history). Look whether {} fits the rule and was not used before, whether the rule has the scope {ORG_ADMIN} and its service account the role `admin`, and whether the workspace is named where the rule covers several (ANTHROPIC_WORKSPACE_ID).",
                self.place()
            ),
            ErrorKind::Invalid => {
                "Compare ANTHROPIC_FEDERATION_RULE_ID, ANTHROPIC_ORGANIZATION_ID, ANTHROPIC_SERVICE_ACCOUNT_ID and ANTHROPIC_WORKSPACE_ID, or the profile, with the rule in the Console.".to_owned()
            }
            _ => return error,
        };
        ApiError { advice: Some(advice.into()), ..error }
    }
}

/// A service that had no time for a token has not looked at it; a lost answer leaves that open.
fn may_have_used(kind: &ErrorKind) -> bool {
    !matches!(kind, ErrorKind::NotSent | ErrorKind::RateLimited { .. } | ErrorKind::Unavailable { .. })
}

fn digest(token: &Secret) -> [u8; 32] {
    Sha256::digest(token.expose().trim().as_bytes()).into()
}
