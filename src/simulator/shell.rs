//! The organization behind the socket: one request at a time, and a change is on disk before its
//! answer is sent.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::auth;
use super::concealed::Concealed;
use super::error::{Refusal, SimulatorError};
use super::faults::{self, Bent, Call, Ending, Ruling};
use super::ids;
use super::organization::World;
use super::past::Past;
use super::persist::Directory;
use super::rate_limits::{Buckets, Quota};
use super::redo::{Change, Redo};
use super::request::{Reply, Request};
use super::router;
use super::tally::{Kind, Tally};
use super::workload;

/// The organization that is served.
pub(super) struct Shell {
    directory: Directory,
    base: PathBuf,
    held: Mutex<Held>,
    requests: AtomicU64,
    tally: Mutex<Tally>,
}

/// The organization, and what was written since it was saved whole.
struct Held {
    world: World,
    redo: Redo,
    buckets: Buckets,
    /// What reads still see, while they are stale.
    past: Past,
}

/// A request with everything that was decided about it.
pub(super) struct Answered {
    pub(super) result: Result<Reply, Refusal>,
    pub(super) request_id: String,
    pub(super) organization: String,
    pub(super) ruling: Ruling,
    pub(super) quota: Option<Quota>,
}

impl Shell {
    /// Takes over an organization that is about to be served and saves it.
    pub(super) fn new(directory: Directory, base: PathBuf, world: World) -> Result<Shell, SimulatorError> {
        let redo = directory.save(&world)?;
        let held = Mutex::new(Held { world, redo, buckets: Buckets::default(), past: Past::default() });
        Ok(Shell { directory, base, held, requests: AtomicU64::new(0), tally: Mutex::default() })
    }

    /// The directory the organization is kept in.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The key for the Activity Feed alone.
    pub(super) fn compliance_key(&self) -> Concealed {
        lock(&self.held).world.compliance_key()
    }

    /// Saves the organization whole.
    pub(super) fn save_now(&self) -> Result<(), SimulatorError> {
        let mut held = lock(&self.held);
        held.redo = self.directory.save(&held.world)?;
        Ok(())
    }

    /// The organization as it would be saved.
    #[cfg(test)]
    pub(super) fn saved_form(&self) -> serde_json::Value {
        serde_json::to_value(&lock(&self.held).world).expect("the organization has text keys only")
    }

    /// Counts a request that was answered, or that nobody is to see answered.
    pub(super) fn count(&self, kind: Kind, answered: &Answered) {
        let status = match (&answered.ruling.ending, &answered.result) {
            (Ending::Lost | Ending::Broken, _) => None,
            (_, Ok(_)) => Some(200),
            (_, Err(refusal)) => Some(refusal.status),
        };
        lock(&self.tally).count(kind, status);
    }

    /// The counters as the control shows them.
    #[cfg(test)]
    pub(super) fn counted(&self) -> serde_json::Value {
        lock(&self.tally).show()
    }

    /// Answers one request.
    pub(super) fn handle(&self, request: Result<Request, Refusal>) -> Answered {
        let real = Timestamp::now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut held = lock(&self.held);
        let Held { world, buckets, past, redo } = &mut *held;
        let request_id = ids::request(world.seed, world.starts, number);
        let now = world.clock.now(real);
        let caught_up = world.clock.runs() && workload::catch_up(world, &self.base, now);
        let (mut changed, mut revoked, mut written) = (caught_up, false, None);
        let mut answered = Answered {
            result: Err(Refusal::not_found("Not found")),
            request_id,
            organization: world.organization.id.clone(),
            ruling: Ruling::default(),
            quota: None,
        };
        answered.result = request.and_then(|mut request| {
            request.id.clone_from(&answered.request_id);
            if let Some(counters) = lock(&self.tally).answer(&request) {
                return counters.map(router::plain);
            }
            if !request.is_control() {
                // A call that the quota refuses meets no fault, so that each one does what it says.
                answered.quota = buckets.take(&world.rate_limits, &request.path, real)?;
                let seen = faults::seen(&world.faults);
                let has_token = auth::credential(&request)
                    .is_ok_and(|secret| auth::live_token(world, secret, now).is_some());
                let call = Call {
                    method: &request.method,
                    path: &request.path,
                    has_bearer: request.bearer.is_some(),
                    has_token,
                };
                answered.ruling = faults::rule(&mut world.faults, world.seed, &call);
                changed |= faults::seen(&world.faults) != seen;
                if let Some(token) = request.bearer.as_ref().filter(|_| answered.ruling.revokes) {
                    revoked = world.tokens.remove(token).is_some();
                }
            }
            if let Some(refusal) = answered.ruling.refusal.take() {
                return Err(refusal);
            }
            if answered.ruling.ending == Ending::Broken {
                // Nobody will see this.
                return Err(Refusal::with_status(503, "The connection is broken on purpose"));
            }
            if let Some(world) = past.seen_by(world, &request) {
                return router::answer(world, &self.base, &request, now, real);
            }
            if request.path == "/_simulator/organization" && request.method == "PUT" {
                *past = Past::default();
            }
            let before = past.before(world, &request, answered.ruling.stale_reads);
            let result = router::answer(world, &self.base, &request, now, real);
            if result.is_ok() {
                past.keep(before);
            }
            // A denied exchange changes the history.
            if request.method != "GET" && (result.is_ok() || request.path == "/v1/oauth/token") {
                changed = true;
                written = Some(request);
            }
            result
        });
        if changed {
            world.changes += 1;
            // What workloads and controls do depends on files too, and no request ends a token.
            let whole =
                caught_up || revoked || redo.is_full() || written.as_ref().is_some_and(Request::is_control);
            let accepted = answered.result.is_ok();
            let kept = match whole {
                true => self.directory.save(world).map(|begun| *redo = begun),
                false => redo.add(world, &Change { now, real, request: written.as_ref(), accepted }),
            };
            if let Err(error) = kept {
                answered.result = Err(Refusal::with_status(500, error.to_string()));
            }
        }
        answered.bend()
    }
}

impl Answered {
    /// The answer as a fault wants it; a refusal stays what it is.
    fn bend(mut self) -> Answered {
        let Some(bent) = self.ruling.bent else { return self };
        self.result = self.result.and_then(|reply| Ok(Reply { body: bent.answer(reply.body)?, ..reply }));
        if bent == Bent::Garbled && self.result.is_ok() {
            self.ruling.ending = Ending::Garbled;
        }
        self
    }
}

/// A panic while the lock was held leaves data that is still whole enough for a toy.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shell")
    }
}
