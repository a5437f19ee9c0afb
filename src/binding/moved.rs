//! Consumers whose blocks are called otherwise, or name another place, by now.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::{Binding, ConsumerId, ConsumerRenames, State};

use super::place;
use crate::config::{ApiKey, Configuration, Consumer};

/// New names of consumers that are told by their place. No binding loses its name to another one.
pub fn renamed_consumers(configuration: &Configuration, state: &State) -> ConsumerRenames {
    let mut renames = ConsumerRenames::new();
    let mut of_key: BTreeMap<&str, Vec<&Binding>> = BTreeMap::new();
    for binding in state.bindings.values() {
        of_key.entry(&binding.key_id).or_default().push(binding);
    }
    for (lane, key) in &configuration.api_keys {
        let bound = of_key.get(key.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        for (from, to) in renamed(key, bound) {
            renames.insert((lane.clone(), from.clone()), to.clone());
        }
    }
    renames
}

fn renamed<'a>(key: &'a ApiKey, bound: &[&'a Binding]) -> BTreeMap<&'a ConsumerId, &'a ConsumerId> {
    let mut at: BTreeMap<String, Vec<&ConsumerId>> = BTreeMap::new();
    for (id, consumer) in &key.consumers {
        at.entry(place(id, &consumer.driver)).or_default().push(id);
    }
    let mut moves: BTreeMap<&ConsumerId, &ConsumerId> = BTreeMap::new();
    for binding in bound {
        let Some([to]) = binding.place.as_ref().and_then(|place| at.get(place)).map(Vec::as_slice) else {
            continue;
        };
        if **to != binding.consumer {
            moves.insert(&binding.consumer, to);
        }
    }
    loop {
        let staying: BTreeSet<&ConsumerId> =
            bound.iter().map(|it| &it.consumer).filter(|id| !moves.contains_key(id)).collect();
        let before = moves.len();
        moves.retain(|_, to| !staying.contains(to));
        if moves.len() == before {
            return moves;
        }
    }
}

/// The place that is recorded for a consumer whose block names another one; none where they agree.
pub fn displaced<'a>(id: &ConsumerId, consumer: &Consumer, binding: Option<&'a Binding>) -> Option<&'a str> {
    let recorded = binding.filter(|it| it.ended.is_none())?.place.as_deref()?;
    (recorded != place(id, &consumer.driver)).then_some(recorded)
}

/// Tells whether two places may be one file, before and after somebody moved it: they hold the key in the
/// same variable.
pub(super) fn may_be_moved(from: &str, to: &str) -> bool {
    let ends = |place: &str| {
        let kind = place.split(' ').next().unwrap_or_default().to_owned();
        (kind, place.rsplit(' ').next().unwrap_or_default().to_owned())
    };
    ends(from) == ends(to)
}

#[cfg(test)]
mod tests {
    use keyless_state::Grant;

    use super::*;
    use crate::config::ConsumerDriver;
    use crate::sample::{KEY, RULE, address, configuration, consumer_id, hour, with_driver};

    fn consumer(path: &str) -> Consumer {
        let variable = "ANTHROPIC_API_KEY".to_owned();
        with_driver(
            RULE,
            ConsumerDriver::Dotenv {
                path: path.into(),
                format: crate::env_file::Format::Dotenv,
                variable,
                identity_token_file: None,
            },
        )
    }

    /// Declared consumers with their files, recorded ones with theirs, and who is called otherwise.
    #[track_caller]
    fn check(declared: &[(&str, &str)], recorded: &[(&str, &str)], expected: &[(&str, &str)]) {
        let mut configuration = configuration();
        let key = configuration.api_keys.get_mut(&address(KEY)).unwrap();
        key.consumers = declared.iter().map(|(id, path)| (consumer_id(id), consumer(path))).collect();
        let mut state = State::default();
        for (id, path) in recorded {
            let mut binding = Binding::new("apikey_1", &address(KEY), &consumer_id(id), Grant::Key, hour(0));
            binding.place = Some(place(&consumer_id(id), &consumer(path).driver));
            state.apply(&binding.put());
        }
        let found = renamed_consumers(&configuration, &state);
        let told: Vec<(String, String)> =
            found.iter().map(|((_, from), to)| (from.to_string(), to.to_string())).collect();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        assert_eq!(told, expected);
        let renamed = state.consumers_renamed(&found);
        assert_eq!(renamed.bindings.len(), recorded.len());
        for (from, to) in &expected {
            let binding = renamed.binding("apikey_1", &consumer_id(to)).unwrap();
            assert_eq!(binding.marker, format!("{KEY}/{from}"), "our lines bear what they bore");
        }
    }

    #[test]
    fn a_consumer_is_told_by_its_place() {
        check(&[("dotenv.a", "x")], &[("dotenv.a", "x")], &[]);
        check(&[("dotenv.b", "./x")], &[("dotenv.a", "x")], &[("dotenv.a", "dotenv.b")]);
        check(&[("dotenv.b", "y")], &[("dotenv.a", "x")], &[]);
        let swapped = [("dotenv.a", "y"), ("dotenv.b", "x")];
        check(
            &swapped,
            &[("dotenv.a", "x"), ("dotenv.b", "y")],
            &[("dotenv.a", "dotenv.b"), ("dotenv.b", "dotenv.a")],
        );
        // The name is taken by a consumer whose own place is not declared any more.
        check(&[("dotenv.b", "x")], &[("dotenv.a", "x"), ("dotenv.b", "y")], &[]);
        check(&[("dotenv.b", "x"), ("dotenv.c", "x")], &[("dotenv.a", "x")], &[]);
    }

    #[test]
    fn a_block_of_another_place_is_seen() {
        let id = consumer_id("dotenv.a");
        let mut binding = Binding::new("apikey_1", &address(KEY), &id, Grant::Key, hour(0));
        assert_eq!(displaced(&id, &consumer("x"), Some(&binding)), None, "its place is not known");
        binding.place = Some("dotenv x ANTHROPIC_API_KEY".to_owned());
        assert_eq!(displaced(&id, &consumer("x"), Some(&binding)), None);
        assert_eq!(displaced(&id, &consumer("y"), Some(&binding)), binding.place.as_deref());
        assert_eq!(displaced(&id, &consumer("y"), None), None);
        assert!(may_be_moved("dotenv x KEY", "dotenv a b/x KEY"));
        assert!(!may_be_moved("dotenv x KEY", "dotenv x OTHER"));
    }
}
