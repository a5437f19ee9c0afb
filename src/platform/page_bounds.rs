//! How far a list is followed: a server that never ends one, or sends the same again, must neither
//! fill the memory nor keep a run for good.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::limits;

/// What was read of one list so far.
#[derive(Default)]
pub(super) struct Walk {
    pages: usize,
    /// Pages without an object since the last one with any.
    empty: usize,
    bytes: usize,
    cursors: HashSet<String>,
    /// Digests of the pages' objects.
    contents: HashSet<u64>,
}

impl Walk {
    /// Takes note of a page and of where the list goes on; refuses what can only be the server's fault.
    pub(super) fn take(&mut self, objects: &[Value], bytes: usize, next: Option<&str>) -> Result<(), String> {
        self.pages += 1;
        self.bytes += bytes;
        self.empty = if objects.is_empty() { self.empty + 1 } else { 0 };
        if next.is_some_and(|cursor| !self.cursors.insert(cursor.to_owned())) {
            return Err("the list leads back to a page that was read already".to_owned());
        }
        if !objects.is_empty() && !self.contents.insert(digest(objects)) {
            return Err("the list gives the objects of an earlier page again".to_owned());
        }
        if self.bytes > limits::LIST_BYTES_MAX {
            let most = limits::LIST_BYTES_MAX / (1024 * 1024);
            return Err(format!("the list has more than {most} MiB, the most that is read of one"));
        }
        match next {
            Some(_) if self.empty >= limits::EMPTY_PAGES_MAX => {
                Err(format!("the list goes on and on with empty pages, {} in a row", self.empty))
            }
            Some(_) if self.pages >= limits::PAGES_MAX => {
                Err(format!("the list did not end after {} pages", limits::PAGES_MAX))
            }
            _ => Ok(()),
        }
    }
}

fn digest(objects: &[Value]) -> u64 {
    let mut digest = DefaultHasher::new();
    objects.hash(&mut digest);
    digest.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Follows a list of such pages until it is refused; gives the number of pages and why.
    fn follow(page: impl Fn(usize) -> (Value, usize, String)) -> (usize, String) {
        let mut walk = Walk::default();
        for number in 1.. {
            let (objects, bytes, cursor) = page(number);
            if let Err(why) = walk.take(objects.as_array().unwrap(), bytes, Some(&cursor)) {
                return (number, why);
            }
        }
        unreachable!()
    }

    #[test]
    fn no_list_is_followed_without_end() {
        let new = |number: usize| json!([{ "id": number }]);
        let cursor = |number: usize| format!("c{number}");
        let check = |(pages, why): (usize, String), expected: usize, words: &str| {
            assert!(pages == expected && why.contains(words), "{pages}: {why}");
        };
        check(
            follow(|number| (new(number), 9, cursor(number))),
            limits::PAGES_MAX,
            "did not end after 10000",
        );
        check(follow(|number| (json!([]), 9, cursor(number))), limits::EMPTY_PAGES_MAX, "empty pages, 100");
        check(follow(|number| (new(number), 9, cursor(number % 3))), 4, "leads back");
        check(follow(|number| (new(number % 3), 9, cursor(number))), 4, "of an earlier page again");
        let full = limits::RESPONSE_BYTES_MAX;
        check(follow(|number| (new(number), full, cursor(number))), 17, "more than 256 MiB");
    }

    #[test]
    fn some_empty_pages_are_passed_over() {
        let pages = |number: usize| match number % 50 {
            0 => json!([{ "id": number }]),
            _ => json!([]),
        };
        let (read, why) = follow(|number| (pages(number), 9, format!("c{number}")));
        assert_eq!((read, &*why), (limits::PAGES_MAX, "the list did not end after 10000 pages"));
    }
}
