//! `api_key` blocks: keys to retire.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use keyless_state::{Address, Kind};

use super::fields::Fields;
use super::{Context, consumer, duration};
use crate::config::configuration::ApiKey;
use crate::config::section::Section;
use crate::limits;

const ID_PREFIX: &str = "apikey_";

pub(super) fn decode(context: &Context<'_>, address: &Address, section: &Section) -> Option<ApiKey> {
    let mut fields = Fields::of(context, section, address);
    let id = id(&mut fields);
    let rules = fields.references("replaced_by", Kind::FederationRule);
    fields.require("replaced_by", rules.is_some(), "`replaced_by = [federation_rule.NAME]`");
    let replaced_by: BTreeSet<Address> = rules.iter().flat_map(|given| given.value.iter().cloned()).collect();
    if let Some(given) = rules.as_ref().filter(|given| given.value.is_empty()) {
        let detail =
            "`replaced_by` is empty: without a rule that replaces the key, its workloads would lose access.";
        fields.refuse("No replacement", detail, given.span, "name the rules, such as [federation_rule.NAME]");
    }
    let why = "Usage is reported by the hour, so that less silence does not show that nobody uses the key; the \
               simulator's `skip_waits` lets no demonstration wait.";
    let quiet = duration::within(&mut fields, "quiet_period", &limits::QUIET_PERIOD, why);
    let quiet_period = quiet.unwrap_or(SignedDuration::from_secs(limits::QUIET_PERIOD_DEFAULT_SECONDS));
    let why = "Without it, the key is never archived.";
    let archive_after = duration::within(&mut fields, "archive_after", &limits::ARCHIVE_AFTER, why);
    let consumers = consumer::decode_all(&mut fields, &replaced_by);
    fields.finish(&["consumer"]);
    if !fields.is_sound() {
        return None;
    }
    Some(ApiKey {
        location: context.location(section.header),
        id: id?,
        replaced_by,
        quiet_period,
        archive_after,
        consumers: consumers?,
    })
}

fn id(fields: &mut Fields<'_>) -> Option<String> {
    let given = fields.text("id");
    fields.require("id", given.is_some(), "`id = \"apikey_…\"`, as the list of API keys shows it");
    let given = given?;
    let rest = given.value.strip_prefix(ID_PREFIX).unwrap_or_default();
    if rest.is_empty() || !rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        let detail =
            format!("The id of a key begins with `{ID_PREFIX}` and goes on with letters and digits.");
        fields.refuse("Invalid key id", detail, given.span, "copy it from the list of API keys");
        return None;
    }
    Some(given.value)
}
