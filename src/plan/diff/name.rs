//! The name that a block's object has at the API.
//!
//! Names are unique in an organization, and whether an archived object still has its own is not known. So
//! a block whose name an archived object has gets that name with a number, and keeps it.

/// The name for a new object, or the one that a recorded object keeps. `recorded` is the name that the
/// recorded object has now; `archived` tells whether an archived object of the kind has a name.
pub(super) fn name_at_api(wanted: &str, recorded: Option<&str>, archived: impl Fn(&str) -> bool) -> String {
    if !archived(wanted) || recorded == Some(wanted) {
        return wanted.to_owned();
    }
    let numbered = |number: u32| format!("{wanted}-{number}");
    let is_numbered = |name: &&str| {
        name.strip_prefix(wanted)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|number| number.parse::<u32>().is_ok_and(|number| numbered(number) == **name))
    };
    match recorded.filter(is_numbered) {
        Some(kept) => kept.to_owned(),
        None => {
            (2..).map(numbered).find(|name| !archived(name)).expect("there are fewer objects than numbers")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, recorded: Option<&str>, archived: &[&str], expected: &str) {
        assert_eq!(name_at_api(wanted, recorded, |name| archived.contains(&name)), expected);
    }

    #[test]
    fn a_name_that_an_archived_object_has_gets_a_number() {
        check("ci", None, &[], "ci");
        check("ci", None, &["other"], "ci");
        check("ci", None, &["ci"], "ci-2");
        check("ci", None, &["ci", "ci-2", "ci-3"], "ci-4");
        check("ci", None, &["ci-2"], "ci");
    }

    #[test]
    fn a_recorded_object_keeps_the_name_it_got() {
        check("ci", Some("ci-2"), &["ci"], "ci-2");
        check("ci", Some("ci-7"), &["ci", "ci-2"], "ci-7");
        // One that was recorded before another of its name was archived.
        check("ci", Some("ci"), &["ci"], "ci");
        // The archived one is gone for good, so that the name is free.
        check("ci", Some("ci-2"), &[], "ci");
        check("ci", Some("ci-02"), &["ci"], "ci-2");
        check("release", Some("ci"), &["release"], "release-2");
    }
}
