//! Which objects a run has looked at again, when, and what had become of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::moved::Moved;
use super::stakes::Stake;
use crate::limits;

/// The looks of one run. Time is given.
#[derive(Debug, Default)]
pub struct Looks {
    /// When an object was last seen as a whole, by its id.
    seen: BTreeMap<String, Instant>,
    /// When this run last wrote something of an object.
    written: BTreeMap<String, Instant>,
    /// What had moved. That stays so for the rest of the run, since it is planned for how it was before.
    moved: BTreeMap<String, Moved>,
}

impl Looks {
    /// Those of the objects at which nobody looked lately.
    pub fn lacking(&self, stakes: &BTreeSet<Stake>, now: Instant) -> BTreeSet<Stake> {
        let is_known = |stake: &&Stake| {
            let at = self.seen.get(&stake.id);
            at.is_some_and(|at| now.duration_since(*at) < limits::LOOK_COUNTS)
        };
        stakes.iter().filter(|stake| !is_known(stake)).cloned().collect()
    }

    /// Notes a look that began at `at`; what could not be read was not looked at.
    pub fn note(&mut self, stake: &Stake, moved: Option<Moved>, at: Instant) {
        let is_read = |moved: Option<&Moved>| !matches!(moved, Some(Moved::Unreadable(_) | Moved::Missing));
        match is_read(moved.as_ref()) {
            true => drop(self.seen.insert(stake.id.clone(), at)),
            false => drop(self.seen.remove(&stake.id)),
        }
        if !is_read(self.moved.get(&stake.id)) {
            self.moved.remove(&stake.id);
        }
        if let Some(moved) = moved {
            self.moved.entry(stake.id.clone()).or_insert(moved);
        }
    }

    /// Notes the answer of a write, which shows the object as it is.
    pub fn answered(&mut self, id: &str, at: Instant) {
        self.seen.insert(id.to_owned(), at);
        self.written.insert(id.to_owned(), at);
    }

    /// Notes that a part of an object was written, with an answer that does not show the object.
    pub fn linked(&mut self, id: &str, at: Instant) {
        self.written.insert(id.to_owned(), at);
    }

    /// Whether a read of it may still show how it was before this run wrote it.
    pub fn may_lag(&self, id: &str, now: Instant) -> bool {
        self.written.get(id).is_some_and(|at| now.duration_since(*at) < limits::FRESH)
    }

    /// The first of the objects that moved, and how.
    pub fn first_moved<'a>(&'a self, stakes: &'a BTreeSet<Stake>) -> Option<(&'a Stake, &'a Moved)> {
        stakes.iter().find_map(|stake| Some((stake, self.moved.get(&stake.id)?)))
    }

    /// Forgets when it was looked: the simulated clock was moved.
    pub fn outdate(&mut self) {
        self.seen.clear();
        self.written.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyless_state::Kind;

    use super::*;

    fn stake(id: &str) -> Stake {
        Stake { kind: Kind::Data, id: id.to_owned(), address: None }
    }

    fn lacking(looks: &Looks, now: Instant) -> Vec<String> {
        let stakes = BTreeSet::from([stake("a"), stake("b")]);
        looks.lacking(&stakes, now).into_iter().map(|stake| stake.id).collect()
    }

    #[test]
    fn a_look_counts_for_a_while() {
        let start = Instant::now();
        let mut looks = Looks::default();
        assert_eq!(lacking(&looks, start), ["a", "b"]);
        looks.note(&stake("a"), None, start);
        assert_eq!(lacking(&looks, start), ["b"]);
        looks.answered("b", start + Duration::from_secs(1));
        assert!(lacking(&looks, start + Duration::from_secs(29)).is_empty());
        assert_eq!(lacking(&looks, start + Duration::from_secs(30)), ["a"]);
        looks.outdate();
        assert_eq!(lacking(&looks, start), ["a", "b"]);
    }

    #[test]
    fn what_moved_stays_so_and_what_was_not_read_is_read_again() {
        let start = Instant::now();
        let mut looks = Looks::default();
        looks.note(&stake("a"), Some(Moved::Archived), start);
        looks.note(&stake("a"), None, start);
        let stakes = BTreeSet::from([stake("a")]);
        assert_eq!(looks.first_moved(&stakes), Some((&stake("a"), &Moved::Archived)));
        looks.note(&stake("b"), Some(Moved::Unreadable("odd".to_owned())), start);
        assert_eq!(lacking(&looks, start), ["b"]);
        let stakes = BTreeSet::from([stake("b")]);
        assert!(looks.first_moved(&stakes).is_some());
        looks.note(&stake("b"), None, start);
        assert!(looks.first_moved(&stakes).is_none());
    }

    #[test]
    fn a_part_that_was_written_shows_nothing_of_the_whole() {
        let start = Instant::now();
        let mut looks = Looks::default();
        looks.linked("a", start);
        assert_eq!(lacking(&looks, start), ["a", "b"]);
        assert!(looks.may_lag("a", start) && !looks.may_lag("a", start + limits::FRESH));
        assert!(!looks.may_lag("b", start));
    }
}
