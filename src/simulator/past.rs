//! Reads that do not see the newest write yet.

use super::faults::is_collection;
use super::organization::World;
use super::request::Request;

/// What reads see in place of the organization, and for how many of them.
#[derive(Default)]
pub(super) struct Past {
    kept: Option<Kept>,
}

/// The organization before a write, and how many reads see it.
pub(super) struct Kept {
    world: Box<World>,
    reads: u64,
}

impl Past {
    /// The organization that a read sees when that is not the newest one. Counts the read.
    pub(super) fn seen_by(&mut self, newest: &World, request: &Request) -> Option<&mut World> {
        if !is_stale_read(request) {
            return None;
        }
        self.kept.take_if(|kept| kept.reads == 0);
        let kept = self.kept.as_mut()?;
        kept.reads -= 1;
        // Who may read is not stale, and neither is how the API behaves.
        kept.world.tokens.clone_from(&newest.tokens);
        kept.world.assumptions.clone_from(&newest.assumptions);
        Some(&mut kept.world)
    }

    /// What is there before a write after which `reads` reads are to be stale, or as many as is
    /// assumed; none when none are.
    pub(super) fn before(&self, world: &World, request: &Request, reads: u64) -> Option<Kept> {
        let assumed = u64::try_from(world.assumptions.stale_reads.0).unwrap_or(0);
        let reads = reads.max(assumed);
        let is_write = request.method != "GET" && !request.is_control();
        (is_write && reads > 0).then(|| Kept { world: Box::new(world.clone()), reads })
    }

    /// Keeps what was there before a write that was made. While earlier writes do not show either,
    /// what was there before them stays.
    pub(super) fn keep(&mut self, before: Option<Kept>) {
        match (&mut self.kept, before) {
            (Some(kept), Some(before)) if kept.reads > 0 => kept.reads = before.reads,
            (kept, Some(before)) => *kept = Some(before),
            (_, None) => {}
        }
    }
}

/// Whether a request reads objects that can be written.
fn is_stale_read(request: &Request) -> bool {
    request.method == "GET" && is_collection(&request.path)
}
