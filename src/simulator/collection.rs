//! Objects of one kind: by id, by name, and in the order in which they were made.
//!
//! A create looks for its name and a list wants the newest first; looking through everything for that
//! would make many of them quadratic.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::organization::{Issuer, Provenance, Rule, ServiceAccount};

/// What a collection has to know of an object.
pub(super) trait Object {
    fn name(&self) -> &str;
    fn set_name(&mut self, name: String);
    /// When it was made, counted.
    fn sequence(&self) -> u64;
    fn provenance(&self) -> &Provenance;
}

/// Objects by id. It reads like a map; writing keeps names and order.
#[derive(Clone)]
pub(super) struct Collection<T> {
    by_id: BTreeMap<String, T>,
    /// Archived objects keep their names, so that several can have the same.
    ids_by_name: BTreeMap<String, BTreeSet<String>>,
    /// Oldest first.
    ids_by_sequence: BTreeSet<(u64, String)>,
}

impl<T: Object> Collection<T> {
    /// Puts an object in, or another one in its place, which it gives.
    pub(super) fn insert(&mut self, id: String, object: T) -> Option<T> {
        if let Some(before) = self.by_id.get(&id) {
            let (name, sequence) = (before.name().to_owned(), before.sequence());
            self.forget_name(&name, &id);
            self.ids_by_sequence.remove(&(sequence, id.clone()));
        }
        self.ids_by_name.entry(object.name().to_owned()).or_default().insert(id.clone());
        self.ids_by_sequence.insert((object.sequence(), id.clone()));
        self.by_id.insert(id, object)
    }

    /// An object to be changed in all but its name.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.by_id.get_mut(id)
    }

    /// Gives an object another name.
    pub(super) fn rename(&mut self, id: &str, name: String) {
        let Some(object) = self.by_id.get_mut(id) else { return };
        let before = object.name().to_owned();
        object.set_name(name.clone());
        self.forget_name(&before, id);
        self.ids_by_name.entry(name).or_default().insert(id.to_owned());
    }

    /// The objects of this name, archived ones too.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = (&String, &T)> {
        let ids = self.ids_by_name.get(name).into_iter().flatten();
        ids.filter_map(|id| self.by_id.get_key_value(id))
    }

    /// The object with this id or else this name.
    pub(super) fn find(&self, id_or_name: &str) -> Option<(&String, &T)> {
        self.by_id.get_key_value(id_or_name).or_else(|| self.named(id_or_name).next())
    }

    /// The newest objects first, all of them or those older than one.
    pub(super) fn newest_first(&self, before: Option<(&String, &T)>) -> impl Iterator<Item = (&String, &T)> {
        let ids = match before {
            None => self.ids_by_sequence.range(..),
            Some((id, object)) => self.ids_by_sequence.range(..(object.sequence(), id.clone())),
        };
        ids.rev().filter_map(|(_, id)| self.by_id.get_key_value(id))
    }

    fn forget_name(&mut self, name: &str, id: &str) {
        if let Some(ids) = self.ids_by_name.get_mut(name) {
            ids.remove(id);
            if ids.is_empty() {
                self.ids_by_name.remove(name);
            }
        }
    }
}

impl<T> Default for Collection<T> {
    fn default() -> Collection<T> {
        Collection { by_id: BTreeMap::new(), ids_by_name: BTreeMap::new(), ids_by_sequence: BTreeSet::new() }
    }
}

impl<T> Deref for Collection<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &BTreeMap<String, T> {
        &self.by_id
    }
}

impl<T: Serialize> Serialize for Collection<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl<'de, T: Object + Deserialize<'de>> Deserialize<'de> for Collection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Collection<T>, D::Error> {
        let mut collection = Collection::default();
        for (id, object) in BTreeMap::deserialize(deserializer)? {
            collection.insert(id, object);
        }
        Ok(collection)
    }
}

/// The fields of a kind of objects that a collection has to know.
macro_rules! object {
    ($kind:ty) => {
        impl Object for $kind {
            fn name(&self) -> &str {
                &self.name
            }

            fn set_name(&mut self, name: String) {
                self.name = name;
            }

            fn sequence(&self) -> u64 {
                self.sequence
            }

            fn provenance(&self) -> &Provenance {
                &self.provenance
            }
        }
    };
}

object!(Issuer);
object!(Rule);
object!(ServiceAccount);

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, sequence: u64) -> ServiceAccount {
        ServiceAccount {
            sequence,
            name: name.to_owned(),
            description: None,
            organization_role: "developer".to_owned(),
            provenance: Provenance::new(jiff::Timestamp::UNIX_EPOCH, None),
        }
    }

    fn ids<'a>(found: impl Iterator<Item = (&'a String, &'a ServiceAccount)>) -> Vec<&'a str> {
        found.map(|(id, _)| id.as_str()).collect()
    }

    #[test]
    fn names_and_order_follow_every_write() {
        let mut accounts = Collection::default();
        for (id, name, sequence) in [("c", "one", 1), ("a", "two", 2), ("b", "one", 3)] {
            assert!(accounts.insert(id.to_owned(), account(name, sequence)).is_none());
        }
        assert_eq!(ids(accounts.named("one")), ["b", "c"]);
        assert_eq!(ids(accounts.newest_first(None)), ["b", "a", "c"]);
        assert_eq!(ids(accounts.newest_first(accounts.find("two"))), ["c"]);
        accounts.rename("c", "two".to_owned());
        assert_eq!((ids(accounts.named("one")), ids(accounts.named("two"))), (vec!["b"], vec!["a", "c"]));
        assert!(accounts.insert("b".to_owned(), account("three", 0)).is_some());
        assert_eq!((ids(accounts.named("one")), ids(accounts.named("three"))), (vec![], vec!["b"]));
        assert_eq!(ids(accounts.newest_first(None)), ["a", "c", "b"]);

        let saved = serde_json::to_value(&accounts).unwrap();
        let loaded: Collection<ServiceAccount> = serde_json::from_value(saved).unwrap();
        assert_eq!(ids(loaded.named("two")), ["a", "c"]);
        assert_eq!(ids(loaded.newest_first(None)), ["a", "c", "b"]);
    }
}
