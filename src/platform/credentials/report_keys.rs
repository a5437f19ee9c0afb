//! Keys for reports: each from a variable of its own, each sent to its own reports alone.
//!
//! By its prefix a key with the scope `read:analytics` or `read:compliance_activities` cannot be told
//! from a key that calls models, and may be one that is to be retired. So none is ever taken from
//! `ANTHROPIC_API_KEY`, and one that looks like a key of a lane is refused.

use super::environment::{self as variable, Environment};
use crate::resource::{ApiKeyObject, fits_hint};
use crate::secret::{CredentialClass, Secret};

/// What a key for reports is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportKeyKind {
    /// An Admin API key: both reports of use, and the Activity Feed where it carries that right.
    Admin,
    /// A key with `read:analytics`: the usage analytics.
    Analytics,
    /// A Compliance Access Key: the Activity Feed.
    Compliance,
}

impl ReportKeyKind {
    /// Every kind.
    pub const ALL: [ReportKeyKind; 3] =
        [ReportKeyKind::Admin, ReportKeyKind::Analytics, ReportKeyKind::Compliance];

    /// The variable that it is taken from.
    pub fn variable(self) -> &'static str {
        match self {
            ReportKeyKind::Admin => variable::ADMIN_API_KEY,
            ReportKeyKind::Analytics => variable::ANALYTICS_API_KEY,
            ReportKeyKind::Compliance => variable::COMPLIANCE_ACCESS_KEY,
        }
    }
}

/// The keys for reports that are at hand. They cannot be printed.
#[derive(Clone, Default)]
pub struct ReportKeys(Vec<(ReportKeyKind, Secret)>);

impl ReportKeys {
    /// Takes the keys of an environment; what is wrong with the others, in whole sentences.
    pub(super) fn of(environment: &Environment) -> (ReportKeys, Vec<String>) {
        let (mut keys, mut problems) = (ReportKeys::default(), Vec::new());
        for kind in ReportKeyKind::ALL {
            let Some(secret) = environment.given(kind.variable()).map(Secret::new) else { continue };
            match check(kind, &secret) {
                Ok(()) => keys = keys.with(kind, secret),
                Err(why) => problems.push(format!("{} is not used: it {why}.", kind.variable())),
            }
        }
        (keys, problems)
    }

    /// One more key; another of its kind is replaced.
    #[must_use]
    pub fn with(mut self, kind: ReportKeyKind, secret: Secret) -> ReportKeys {
        self.0.retain(|(known, _)| *known != kind);
        self.0.push((kind, secret));
        self
    }

    /// The keys with their kinds.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ReportKeyKind, &Secret)> {
        self.0.iter().map(|(kind, secret)| (*kind, secret))
    }

    /// Refuses a key that looks like one of these, which lanes retire: each report read with it would
    /// count as its use, and it would stop working with its lane.
    ///
    /// # Errors
    /// The variable and the id of the key, for people.
    pub fn check_against<'a>(&self, retired: impl Iterator<Item = &'a ApiKeyObject>) -> Result<(), String> {
        for key in retired {
            let Some(hint) = &key.partial_key_hint else { continue };
            if let Some((kind, _)) = self.iter().find(|(_, secret)| fits_hint(hint, secret.expose())) {
                return Err(format!(
                    "{} holds a key that looks like {} ({}, {hint}), which a lane retires. Reading reports with it would \
                     count as its use, and the lane could never be confirmed. Create another key for reports and set that.",
                    kind.variable(),
                    key.id,
                    key.name,
                ));
            }
        }
        Ok(())
    }
}

/// Refuses what cannot be a key of this kind, with the reason.
pub(crate) fn check(kind: ReportKeyKind, secret: &Secret) -> Result<(), &'static str> {
    match (secret.class(), kind) {
        (CredentialClass::OauthToken, _) => {
            Err("holds an OAuth token, which belongs into ANTHROPIC_AUTH_TOKEN or a profile")
        }
        (CredentialClass::ApiKey, ReportKeyKind::Admin) => Err(
            "holds an API key (sk-ant-api…); one with `read:analytics` belongs into ANTHROPIC_ANALYTICS_API_KEY, one with `read:compliance_activities` into ANTHROPIC_COMPLIANCE_ACCESS_KEY",
        ),
        (CredentialClass::Unknown, ReportKeyKind::Admin) => {
            Err("does not hold an Admin API key (sk-ant-admin…)")
        }
        _ if !super::class::is_sendable(secret) => {
            Err("holds a space, a line break or another character that no key has")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_takes_its_kind_of_key() {
        use ReportKeyKind::{Admin, Analytics, Compliance};
        let check = |kind, text: &str, expected: Result<(), &str>| match (
            check(kind, &Secret::new(text)),
            expected,
        ) {
            (Ok(()), Ok(())) => {}
            (Err(found), Err(words)) => assert!(found.contains(words), "{text}: {found}"),
            (found, _) => panic!("{text}: {found:?}"),
        };
        check(Admin, "sk-ant-admin01-x", Ok(()));
        check(Admin, "sk-ant-admin01-x y", Err("a space"));
        check(Admin, "sk-ant-api03-x", Err("ANTHROPIC_ANALYTICS_API_KEY"));
        check(Admin, "sk-ant-oat01-x", Err("an OAuth token"));
        check(Admin, "other", Err("does not hold"));
        for kind in [Analytics, Compliance] {
            check(kind, "sk-ant-api03-x", Ok(()));
            check(kind, "sk-ant-api01-compliance", Ok(()));
            check(kind, "sk-ant-admin01-x", Ok(()));
            check(kind, "something-new", Ok(()));
            check(kind, "", Err("a space"));
            check(kind, "two words", Err("a space"));
            check(kind, "sk-ant-oat01-x", Err("an OAuth token"));
        }
    }
}
