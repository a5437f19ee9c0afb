//! The name that a block's object has at the API.
//!
//! Names are unique in an organization, and whether an archived object still has its own is not known; one
//! that a block had before keeps it. So a block whose name such an object has gets that name with a number.

use std::collections::BTreeSet;

/// Longest name that the API takes, in characters.
const NAME_CHARS_MAX: usize = 255;

/// Who has which names of a kind.
pub(super) struct Names<'a> {
    /// Those of objects that are archived, or that a block had before.
    gone: BTreeSet<&'a str>,
    /// Those of live objects.
    live: BTreeSet<&'a str>,
    /// Those of blocks.
    blocks: BTreeSet<&'a str>,
}

/// A name with a number, within what the API takes.
fn numbered(wanted: &str, number: u32) -> String {
    let number = format!("-{number}");
    let kept: String = wanted.chars().take(NAME_CHARS_MAX - number.len()).collect();
    format!("{kept}{number}")
}

/// Tells whether a name is what a block's object got for the block's name.
pub(in crate::plan) fn is_numbered(name: &str, wanted: &str) -> bool {
    let number = name.rsplit_once('-').and_then(|(_, number)| number.parse::<u32>().ok());
    number.is_some_and(|number| number >= 2 && numbered(wanted, number) == name)
}

impl<'a> Names<'a> {
    /// The names of objects, each with whether it is archived or deposed, and those that blocks ask for.
    pub(super) fn new(
        objects: impl Iterator<Item = (&'a String, bool)>,
        blocks: impl Iterator<Item = &'a String>,
    ) -> Names<'a> {
        let (gone, live): (Vec<_>, Vec<_>) = objects.partition(|(_, is_gone)| *is_gone);
        let names = |objects: Vec<(&'a String, bool)>| objects.into_iter().map(|(name, _)| name.as_str());
        Names {
            gone: names(gone).collect(),
            live: names(live).collect(),
            blocks: blocks.map(String::as_str).collect(),
        }
    }

    /// The name for a new object, or the one that a recorded object keeps. `recorded` is the name that the
    /// recorded object has now.
    pub(super) fn at_api(&self, wanted: &str, recorded: Option<&str>) -> String {
        let kept = recorded.filter(|name| is_numbered(name, wanted));
        // Another live object may be taken under care by a block that has none.
        let is_taken = self.gone.contains(wanted) || (kept.is_some() && self.live.contains(wanted));
        if !is_taken || recorded == Some(wanted) {
            return wanted.to_owned();
        }
        if let Some(kept) = kept {
            return kept.to_owned();
        }
        let all = [&self.gone, &self.live, &self.blocks];
        let is_free = |name: &String| !all.iter().any(|names| names.contains(name.as_str()));
        let mut all = (2..).map(|number| numbered(wanted, number));
        all.find(is_free).expect("there are fewer objects than numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, recorded: Option<&str>, archived: &[&str], others: &[&str], expected: &str) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (archived, others) = (owned(archived), owned(others));
        let names = Names::new(archived.iter().map(|name| (name, true)), others.iter());
        assert_eq!(names.at_api(wanted, recorded), expected);
        let live = others.iter().map(|name| (name, false));
        let names = Names::new(archived.iter().map(|name| (name, true)).chain(live), [].iter());
        assert_eq!(names.at_api(wanted, recorded), expected, "live objects");
    }

    #[test]
    fn a_name_that_an_archived_object_has_gets_a_number() {
        check("ci", None, &[], &[], "ci");
        check("ci", None, &["other"], &[], "ci");
        check("ci", None, &["ci"], &[], "ci-2");
        check("ci", None, &["ci", "ci-2", "ci-3"], &[], "ci-4");
        check("ci", None, &["ci-2"], &[], "ci");
        // A live one of the block's own name may be taken under care, one of a made-up name may not.
        check("ci", None, &[], &["ci"], "ci");
        check("ci", None, &["ci"], &["ci-2", "ci-4"], "ci-3");
    }

    #[test]
    fn a_recorded_object_keeps_the_name_it_got() {
        check("ci", Some("ci-2"), &["ci"], &["ci-2"], "ci-2");
        check("ci", Some("ci-7"), &["ci", "ci-2"], &[], "ci-7");
        // One that was recorded before another of its name was archived.
        check("ci", Some("ci"), &["ci"], &[], "ci");
        // The archived one is gone for good, so that the name is free.
        check("ci", Some("ci-2"), &[], &[], "ci");
        let live = [("ci".to_owned(), false), ("ci-2".to_owned(), false)];
        let names = Names::new(live.iter().map(|(name, archived)| (name, *archived)), [].iter());
        assert_eq!(names.at_api("ci", Some("ci-2")), "ci-2", "another live object has it");
        check("ci", Some("ci-02"), &["ci"], &[], "ci-2");
        check("release", Some("ci"), &["release"], &[], "release-2");
    }

    #[test]
    fn a_long_name_is_cut() {
        let long = "ü".repeat(NAME_CHARS_MAX);
        let cut = format!("{}-2", "ü".repeat(NAME_CHARS_MAX - 2));
        check(&long, None, &[&long], &[], &cut);
        check(&long, Some(&cut), &[&long], &[], &cut);
    }
}
