//! What no public source settles: each is a switch with a documented default.

mod choice;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use choice::Choice;
pub(super) use choice::{
    AdminKeyStatus, Allowance, CarveOutStatus, Demand, Insistence, JtiMemory, KeyFate, Number, Permission,
    PollingResume, TenantPinStatus, TokenFate, UpdateTime, Visibility, WorkspaceFallback,
};

/// Declares the switches: a field, its type with a default, and the name that users type.
macro_rules! switches {
    ($($(#[$doc:meta])* $field:ident: $kind:ty = $name:literal,)+) => {
        /// How the simulated API behaves where the real one is not documented.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
        pub struct Assumptions {
            $($(#[$doc])* pub(super) $field: $kind,)+
            /// What was set, be it to the default.
            chosen: BTreeSet<&'static str>,
        }

        impl Assumptions {
            /// The names of all switches.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            fn put(&mut self, name: &str, value: &str) -> Result<(), AssumptionError> {
                match name {
                    $($name => {
                        self.$field = <$kind>::read(value).ok_or_else(|| {
                            AssumptionError(format!("{name} is {}, not `{value}`", <$kind>::possible()))
                        })?;
                        self.chosen.insert($name);
                    })+
                    _ => {
                        let known = Assumptions::NAMES.join(", ");
                        return Err(AssumptionError(format!(
                            "there is no assumption `{name}`; there are {known}"
                        )));
                    }
                }
                Ok(())
            }

            /// Every switch and how it stands.
            pub(super) fn all(&self) -> BTreeMap<&'static str, String> {
                BTreeMap::from([$(($name, self.$field.word())),+])
            }
        }
    };
}

switches! {
    /// The status that an Admin API key meets on federation endpoints (B01).
    admin_key_status: AdminKeyStatus = "admin-key-status",
    /// A personal or service account key of the whole organization on federation endpoints (B01).
    organization_key_federation: Permission = "organization-key-federation",
    /// An archived object's name for a new object (B04).
    name_reuse: Permission = "name-reuse",
    /// What resuming the polling of an issuer does to the time of its pause (B07).
    polling_resume: PollingResume = "polling-resume",
    /// A `claims` map without an entry as the only matcher (B13).
    empty_claims: Permission = "empty-claims",
    /// The status of a rule on a shared issuer without a tenant pin (B15).
    tenant_pin_status: TenantPinStatus = "tenant-pin-status",
    /// The status of what is the Console's (B16, B17, B18).
    carve_out_status: CarveOutStatus = "carve-out-status",
    /// A rule of both scopes for workspaces (B16).
    several_scopes: Allowance = "several-scopes",
    /// A new rule with a workspace that applies to all of them too (B11).
    workspace_with_all: Allowance = "workspace-with-all",
    /// Removing the last workspace of a rule (B24).
    remove_last_workspace: Permission = "remove-last-workspace",
    /// Taking a key out of the archive (B30).
    archived_key_reactivation: Permission = "archived-key-reactivation",
    /// Archiving a workspace that a rule or a membership names (B31).
    referenced_workspace_archive: Allowance = "referenced-workspace-archive",
    /// How long a key works on after it was set inactive (B29).
    key_disable_delay_seconds: Number<0, 86_400> = "key-disable-delay-seconds",
    /// The keys of a service account after its archive.
    archived_account_keys: KeyFate = "archived-account-keys",
    /// Minted tokens after the archive of their service account (B37).
    archived_account_tokens: TokenFate = "archived-account-tokens",
    /// Minted tokens after their account left their workspace (B37).
    removed_member_tokens: TokenFate = "removed-member-tokens",
    /// For whom a `jti` is remembered (B34).
    jti_memory: JtiMemory = "jti-memory",
    /// An exchange without a workspace through a rule that covers several (B36).
    workspace_fallback: WorkspaceFallback = "workspace-fallback",
    /// Private members of keys in an inline key set (B05).
    private_jwk: Allowance = "private-jwk",
    /// `updated_at` after an update that changed nothing.
    unchanged_update: UpdateTime = "unchanged-update",
    /// The `anthropic-version` header.
    version_header: Insistence = "version-header",
    /// Whether the usage report insists on an Admin API key.
    usage_admin_key: Demand = "usage-admin-key",
    /// How far usage lags (B38).
    usage_delay_seconds: Number<300, 86_400> = "usage-delay-seconds",
    /// Usage analytics for OAuth tokens.
    analytics_oauth: Permission = "analytics-oauth",
    /// The Activity Feed for Admin API keys.
    feed_admin_key: Allowance = "feed-admin-key",
    /// The Activity Feed for OAuth tokens.
    feed_oauth: Permission = "feed-oauth",
    /// How far the Activity Feed lags.
    feed_delay_seconds: Number<60, 86_400> = "feed-delay-seconds",
    /// The creation of issuers, rules and service accounts in the Activity Feed.
    creation_activities: Visibility = "creation-activities",
    /// How many reads after a write may still see what was before it (B41).
    stale_reads: Number<0, 1_000> = "stale-reads",
}

impl Assumptions {
    /// Sets one switch from `name=value`. Fails with a sentence that says what is possible.
    pub fn set(&mut self, text: &str) -> Result<(), AssumptionError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| AssumptionError(format!("`{text}` is not of the form name=value")))?;
        self.put(name.trim(), value.trim())
    }

    /// Takes over what was set in another one; the rest stays.
    pub(super) fn take(&mut self, other: &Assumptions) {
        for (name, value) in other.all() {
            if other.chosen.contains(name) {
                self.put(name, &value).expect("a value that was read before can be read again");
            }
        }
    }
}

impl FromStr for Assumptions {
    type Err = AssumptionError;

    /// Reads `name=value` pairs that are separated by commas; what is not named keeps its default.
    fn from_str(text: &str) -> Result<Assumptions, AssumptionError> {
        let mut assumptions = Assumptions::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            assumptions.set(pair)?;
        }
        Ok(assumptions)
    }
}

impl TryFrom<BTreeMap<String, String>> for Assumptions {
    type Error = AssumptionError;

    /// Reads what was set; every wrong entry is told.
    fn try_from(given: BTreeMap<String, String>) -> Result<Assumptions, AssumptionError> {
        let mut assumptions = Assumptions::default();
        let put = |(name, value): (&String, &String)| assumptions.put(name, value).err();
        let problems: Vec<String> = given.iter().filter_map(put).map(|problem| problem.0).collect();
        if problems.is_empty() { Ok(assumptions) } else { Err(AssumptionError(problems.join("; "))) }
    }
}

impl From<Assumptions> for BTreeMap<String, String> {
    fn from(assumptions: Assumptions) -> BTreeMap<String, String> {
        let chosen = &assumptions.chosen;
        let all = assumptions.all().into_iter().filter(|(name, _)| chosen.contains(name));
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A switch that does not exist, or a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumptionError(String);

impl fmt::Display for AssumptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AssumptionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_read_by_name() {
        let read: Assumptions =
            "name-reuse=allowed, carve-out-status=400,usage-delay-seconds=0".parse().unwrap();
        assert_eq!(read.name_reuse, Permission::Allowed);
        assert_eq!(read.carve_out_status, CarveOutStatus::Invalid);
        assert_eq!(read.usage_delay_seconds, Number(0));
        assert_eq!(read.polling_resume, PollingResume::Clears);
        assert_eq!("".parse::<Assumptions>().unwrap(), Assumptions::default());
    }

    #[test]
    fn what_was_set_survives_the_file_and_wins() {
        let saved: Assumptions = "name-reuse=allowed,stale-reads=2".parse().unwrap();
        let text = serde_json::to_string(&saved).unwrap();
        assert_eq!(text, r#"{"name-reuse":"allowed","stale-reads":"2"}"#);
        let mut read: Assumptions = serde_json::from_str(&text).unwrap();
        assert_eq!(read, saved);
        read.take(&"name-reuse=refused".parse().unwrap());
        assert_eq!((read.name_reuse, read.stale_reads), (Permission::Refused, Number(2)));
    }

    #[test]
    fn every_named_switch_exists() {
        for name in Assumptions::NAMES {
            let error = Assumptions::default().set(&format!("{name}=nonsense")).unwrap_err();
            assert!(!error.to_string().contains("no assumption"), "{error}");
        }
        let known: Vec<&str> = Assumptions::default().all().into_keys().collect();
        assert_eq!(known.len(), Assumptions::NAMES.len());
    }

    #[test]
    fn wrong_switches_say_what_is_possible() {
        let check = |text: &str, expected: &str| {
            let error = Assumptions::default().set(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check("name-reuse", "`name-reuse` is not of the form name=value");
        check("name-reuse=maybe", "name-reuse is refused or allowed, not `maybe`");
        check("usage-delay-seconds=-1", "usage-delay-seconds is a number from 0 to 86400, not `-1`");
        check("nonsense=1", "there is no assumption `nonsense`; there are admin-key-status, ");
        let both = serde_json::from_str::<Assumptions>(r#"{"a":"1","name-reuse":"x"}"#).unwrap_err();
        assert!(both.to_string().contains("`a`") && both.to_string().contains("not `x`"), "{both}");
    }
}
