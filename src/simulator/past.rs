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
struct Kept {
    world: Box<World>,
    reads: u64,
}

/// What is there before a write, and how many reads are to see that.
pub(super) struct Before {
    /// None while earlier writes do not show either: what was there before them stays.
    world: Option<Box<World>>,
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
    pub(super) fn before(&self, world: &World, request: &Request, reads: u64) -> Option<Before> {
        let assumed = u64::try_from(world.assumptions.stale_reads.0).unwrap_or(0);
        let reads = reads.max(assumed);
        let is_write = request.method != "GET" && !request.is_control();
        // Copying everything for each of many writes would make them quadratic.
        let is_kept = self.kept.as_ref().is_some_and(|kept| kept.reads > 0);
        let copy = || (!is_kept).then(|| Box::new(world.clone()));
        (is_write && reads > 0).then(|| Before { world: copy(), reads })
    }

    /// Keeps what was there before a write that was made.
    pub(super) fn keep(&mut self, before: Option<Before>) {
        let Some(Before { world, reads }) = before else { return };
        match (world, &mut self.kept) {
            (Some(world), kept) => *kept = Some(Kept { world, reads }),
            (None, Some(kept)) => kept.reads = reads,
            (None, None) => {}
        }
    }
}

/// Whether a request reads objects that can be written.
fn is_stale_read(request: &Request) -> bool {
    request.method == "GET" && is_collection(&request.path)
}
