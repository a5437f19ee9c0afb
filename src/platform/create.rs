//! Creates whose answer may be lost: the unique name tells whether the object is there.
//!
//! A create is never sent again blindly. Between two tries stands a look for the name: an object
//! that is what was asked and newer than the intent is adopted, another object of that name is
//! somebody else's. Where the name is free nothing happened, or it cannot be seen yet; then the
//! API's own check of the name keeps the next try from making a second one.

use std::sync::Arc;

use jiff::Timestamp;

use super::observe::{self, Listed};
use super::transport::{Request, Transport};
use super::{Answer, ApiError, Call, ErrorKind, http};
use crate::limits;

/// Makes a create that was announced at `since`, and settles it by its name when the answer is lost.
///
/// # Errors
/// What the API refuses; [`ErrorKind::AnswerLost`] when even looking could not tell; and
/// [`ErrorKind::Conflict`] when meanwhile another object has the name.
pub(crate) async fn create(
    transport: &Arc<Transport>,
    call: &Call,
    request: &Request,
    since: Timestamp,
) -> Result<Answer, ApiError> {
    let mut lost: Option<ApiError> = None;
    let mut tries = 0;
    loop {
        match http::send(transport, call, request).await {
            Err(error) if error.kind == ErrorKind::AnswerLost => lost = Some(error),
            // The name is taken since a try whose answer was lost: most likely by that very try.
            Err(error) if error.kind == ErrorKind::Conflict && lost.is_some() => {}
            settled => return settled,
        }
        let doubt = lost.clone().expect("only a lost answer leads here");
        tries += 1;
        match look_up(transport, call).await {
            Err(_) => return Err(doubt),
            Ok(Some(found)) if call.made(&found, since) => return Ok(found),
            Ok(Some(_)) => {
                let message = "an object of this name is there that this create did not make";
                return Err(ApiError {
                    request_id: doubt.request_id,
                    ..request.error(ErrorKind::Conflict, message)
                });
            }
            Ok(None) if tries >= limits::CREATE_TRIES_MAX => return Err(doubt),
            Ok(None) => transport.back_off(tries).await,
        }
    }
}

/// The live object of the name that a create asked for.
async fn look_up(transport: &Arc<Transport>, call: &Call) -> Result<Option<Answer>, ApiError> {
    match call {
        Call::CreateIssuer(_) => named(call, observe::list_issuers(transport).await?, Answer::Issuer),
        Call::CreateServiceAccount(_) => {
            named(call, observe::list_accounts(transport).await?, Answer::ServiceAccount)
        }
        _ => named(call, observe::list_rules(transport).await?, Answer::Rule),
    }
}

/// The object of the name in a list.
///
/// # Errors
/// Where an object that cannot be read may be it.
fn named<T>(call: &Call, listed: Listed<T>, answer: fn(T) -> Answer) -> Result<Option<Answer>, ApiError> {
    let mut found = listed.objects.into_values().map(answer);
    if let Some(found) = found.find(|object| call.names(object)) {
        return Ok(Some(found));
    }
    match listed.unreadable.values().find(|object| call.name().is_some_and(|name| object.may_be(name))) {
        Some(object) => {
            Err(Request::get("look for the created object", &[]).error(ErrorKind::Malformed, &object.why))
        }
        None => Ok(None),
    }
}
