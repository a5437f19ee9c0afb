//! Whether an object is still as a run believes it to be.

use std::collections::BTreeSet;

use keyless_state::Kind;
use serde_json::json;

use super::stakes::Stake;
use crate::plan::{self, Attributes};
use crate::resource::{IssuerObject, KeyStatus, Observed, Provenance, RuleObject, ServiceAccountObject};

/// What became of an object that a step rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It was archived.
    Archived,
    /// These of its attributes are others.
    Changed(BTreeSet<String>),
    /// The key has another status.
    Status(KeyStatus),
    /// It cannot be read, or not understood.
    Unreadable(String),
    /// It is not shown.
    Missing,
    /// It was not known when this was planned, so that nothing is known of what became of it.
    Unknown,
}

impl Moved {
    /// What is told of it, with what to do.
    pub fn told(&self, stake: &Stake) -> String {
        let name = stake.name();
        let what = match self {
            Moved::Archived => format!("{name} was archived since this was planned"),
            Moved::Changed(attributes) => {
                let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
                format!("{name} was changed since this was planned: {}", attributes.join(", "))
            }
            Moved::Status(status) => format!("{name} is `{}` since this was planned", status.word()),
            Moved::Unreadable(why) => {
                format!("{name} cannot be read, and what cannot be read does not count as unchanged: {why}")
            }
            Moved::Missing => {
                format!("{name} is not shown any more, although the API archives and never deletes")
            }
            Moved::Unknown => format!("{name} was not seen when this was planned"),
        };
        let what = what.trim_end_matches('.');
        format!(
            "{what}. Nothing was taken away. Plan again: `keyless plan` shows how everything stands now, and what is to be done about it."
        )
    }
}

/// Holds what was read of an object against what is believed of it; none when nothing of it moved that
/// matters. Names and descriptions do not matter.
pub fn moved(stake: &Stake, believed: &Observed, seen: &Observed) -> Option<Moved> {
    let id = &stake.id;
    if let Some(object) = seen.unreadable.get(id) {
        return Some(Moved::Unreadable(object.why.clone()));
    }
    match stake.kind {
        Kind::Provider => {
            let (believed, seen) = (believed.issuers.get(id), seen.issuers.get(id));
            object(believed, seen, |it| &it.provenance, issuers_differ)
        }
        Kind::ServiceAccount => {
            let (believed, seen) = (believed.service_accounts.get(id), seen.service_accounts.get(id));
            object(believed, seen, |it| &it.provenance, accounts_differ)
        }
        Kind::FederationRule => {
            let (believed, seen) = (believed.rules.get(id), seen.rules.get(id));
            object(believed, seen, |it| &it.provenance, rules_differ)
        }
        Kind::ApiKey => match (believed.api_keys.get(id), seen.api_keys.get(id)) {
            (_, None) => Some(Moved::Missing),
            (None, Some(_)) => Some(Moved::Unknown),
            (Some(before), Some(now)) => {
                (before.status != now.status).then(|| Moved::Status(now.status.clone()))
            }
        },
        // The default workspace is not in every list.
        Kind::Data => match (believed.workspaces.get(id), seen.workspaces.get(id)) {
            (None, None) => None,
            (Some(_), None) => Some(Moved::Missing),
            (before, Some(now)) => {
                let was_archived = before.is_some_and(|before| before.archived_at.is_some());
                (now.archived_at.is_some() && !was_archived).then_some(Moved::Archived)
            }
        },
    }
}

fn object<T>(
    believed: Option<&T>,
    seen: Option<&T>,
    provenance: fn(&T) -> &Provenance,
    differ: fn(&T, &T) -> BTreeSet<String>,
) -> Option<Moved> {
    let Some(seen) = seen else { return Some(Moved::Missing) };
    let Some(believed) = believed else { return Some(Moved::Unknown) };
    let archived = |object: &T| provenance(object).archived_at.is_some();
    if archived(seen) && !archived(believed) {
        return Some(Moved::Archived);
    }
    let attributes = differ(believed, seen);
    (!attributes.is_empty()).then_some(Moved::Changed(attributes))
}

fn issuers_differ(a: &IssuerObject, b: &IssuerObject) -> BTreeSet<String> {
    let mut names = names_of_others(&plan::issuer(&a.arguments), &plan::issuer(&b.arguments));
    // The API may show the same keys in another form.
    if a.arguments.jwks.is_equivalent(&b.arguments.jwks) {
        names.remove("jwks");
    }
    names
}

fn accounts_differ(a: &ServiceAccountObject, b: &ServiceAccountObject) -> BTreeSet<String> {
    let attributes = |it: &ServiceAccountObject| plan::service_account(&it.arguments, &it.memberships);
    names_of_others(&attributes(a), &attributes(b))
}

fn rules_differ(a: &RuleObject, b: &RuleObject) -> BTreeSet<String> {
    let attributes = |it: &RuleObject| {
        let mut attributes = plan::rule(&it.arguments);
        attributes.insert("target_type".to_owned(), json!(it.target_type));
        attributes
    };
    names_of_others(&attributes(a), &attributes(b))
}

/// Names of the attributes that differ, of those that say whom a rule lets in, as whom and where.
fn names_of_others(a: &Attributes, b: &Attributes) -> BTreeSet<String> {
    let names = a.keys().chain(b.keys()).filter(|name| !["name", "description"].contains(&name.as_str()));
    names.filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

/// Takes what was read of an object into what is believed.
pub fn believe(stake: &Stake, believed: &mut Observed, seen: &Observed) {
    fn take<T: Clone>(
        id: &str,
        into: &mut std::collections::BTreeMap<String, T>,
        from: &std::collections::BTreeMap<String, T>,
    ) {
        if let Some(object) = from.get(id) {
            into.insert(id.to_owned(), object.clone());
        }
    }
    let id = stake.id.as_str();
    match stake.kind {
        Kind::Provider => take(id, &mut believed.issuers, &seen.issuers),
        Kind::ServiceAccount => take(id, &mut believed.service_accounts, &seen.service_accounts),
        Kind::FederationRule => take(id, &mut believed.rules, &seen.rules),
        Kind::ApiKey => take(id, &mut believed.api_keys, &seen.api_keys),
        // Which one is the default cannot be told from one workspace alone.
        Kind::Data => {
            if let (Some(known), Some(now)) = (believed.workspaces.get_mut(id), seen.workspaces.get(id)) {
                known.archived_at = now.archived_at;
            }
        }
    }
}

#[cfg(test)]
mod tests;
