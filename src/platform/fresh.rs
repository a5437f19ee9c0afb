//! Objects that this process made a moment ago: other calls may not know them yet.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::{Answer, ApiError, Call, ErrorKind};
use crate::limits;

/// When which object was made.
#[derive(Default)]
pub(crate) struct Fresh {
    made: Mutex<BTreeMap<String, Instant>>,
}

impl Fresh {
    /// Remembers what a create made.
    pub(crate) fn note(&self, call: &Call, answer: &Answer, now: Instant) {
        if let (true, Some(id)) = (call.creates(), answer.id()) {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.retain(|_, at| now.duration_since(*at) < limits::FRESH);
            made.insert(id.to_owned(), now);
        }
    }

    /// The fresh object that a refusal may be about: one that the API does not find, or that it
    /// calls invalid where it is referred to.
    pub(crate) fn blamed(&self, call: &Call, error: &ApiError, now: Instant) -> Option<String> {
        let ids = match error.kind {
            ErrorKind::NotFound => call.ids(),
            ErrorKind::Invalid => call.references(),
            _ => return None,
        };
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |id: &&str| made.get(*id).is_some_and(|at| now.duration_since(*at) < limits::FRESH);
        ids.into_iter().find(is_fresh).map(str::to_owned)
    }
}
