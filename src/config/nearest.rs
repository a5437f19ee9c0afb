//! The known word that a misspelt one most likely means.

/// The candidate nearest to `word`, if it is near enough to be a slip of the fingers.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let bound = (length / 3).max(1);
    let mut candidates: Vec<(usize, &str)> = candidates
        .into_iter()
        // Words of other lengths need not be compared letter by letter.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= bound)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .collect();
    candidates.sort_unstable();
    candidates.first().map(|(_, candidate)| *candidate)
}

/// How many letters must be added, removed or replaced, ignoring case; a swap of neighbours
/// counts as one.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let width = right.len() + 1;
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..width).collect();
    for row in 1..=left.len() {
        let mut line = vec![row; width];
        for column in 1..width {
            let same = left[row - 1] == right[column - 1];
            let mut best = (above[column - 1] + usize::from(!same)).min(above[column] + 1);
            best = best.min(line[column - 1] + 1);
            if row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1]
            {
                best = best.min(before[column - 2] + 1);
            }
            line[column] = best;
        }
        before = std::mem::replace(&mut above, line);
    }
    above[width - 1]
}

/// `did you mean X? ` where a candidate is near, and the list of all in any case.
pub(super) fn suggest<'a>(
    word: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let mut all: Vec<&str> = candidates.clone().into_iter().collect();
    all.sort_unstable();
    all.dedup();
    let list = if all.is_empty() { "none".to_owned() } else { shorten(&all) };
    match nearest(word, candidates) {
        Some(near) => format!("did you mean `{near}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}

/// A list for people; beyond 40 words a longer one helps nobody.
fn shorten(words: &[&str]) -> String {
    const SHOWN_MAX: usize = 40;
    let shown = words[..words.len().min(SHOWN_MAX)].join(", ");
    match words.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["name", "description", "provider", "service_account"];
        for (word, expected) in [
            ("nmae", Some("name")),
            ("descripton", Some("description")),
            ("Provider", Some("provider")),
            ("serviceaccount", Some("service_account")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word:?}");
        }
    }
}
