//! What no public source settles: each is a switch with a documented default.

use std::fmt;
use std::str::FromStr;

/// Declares an enum of words with a default, its first.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_word:literal, $($(#[$other_doc:meta])* $other:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$other_doc])* $other,)+
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<$name, String> {
                match word {
                    $first_word => Ok($name::$first),
                    $($word => Ok($name::$other),)+
                    _ => Err([$first_word, $($word),+].join(" or ")),
                }
            }
        }
    };
}

choice! {
    /// Whether something is refused or allowed.
    Permission {
        /// It is refused.
        Refused = "refused",
        /// It is allowed.
        Allowed = "allowed",
    }
}

choice! {
    /// The HTTP status of an operation that can be done in the Console only.
    CarveOutStatus {
        /// 403 `permission_error`.
        Forbidden = "403",
        /// 400 `invalid_request_error`.
        Invalid = "400",
    }
}

choice! {
    /// The HTTP status that an Admin API key meets on a federation endpoint.
    AdminKeyStatus {
        /// 401 `authentication_error`.
        Unauthenticated = "401",
        /// 403 `permission_error`.
        Forbidden = "403",
    }
}

choice! {
    /// The HTTP status of a rule on a shared issuer that pins no tenant.
    TenantPinStatus {
        /// 400 `invalid_request_error`.
        Invalid = "400",
        /// 403 `permission_error`.
        Forbidden = "403",
    }
}

choice! {
    /// What resuming the fetching of an issuer's keys does to the time at which it was paused.
    PollingResume {
        /// The time becomes null.
        Clears = "clears",
        /// The time stays.
        Keeps = "keeps",
    }
}

choice! {
    /// Whether a header or a credential is insisted on.
    Insistence {
        /// It must be there.
        Required = "required",
        /// It may be left out.
        Optional = "optional",
    }
}

choice! {
    /// What an exchange without a workspace does when the rule covers several.
    WorkspaceFallback {
        /// The default workspace is used if the rule covers it.
        Default = "default",
        /// The exchange is denied.
        Denied = "denied",
    }
}

/// How the simulated API behaves where the real one is not documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumptions {
    /// `name-reuse`: an archived object's name for a new object (B04).
    pub name_reuse: Permission,
    /// `remove-last-workspace`: removing the last workspace of a rule (B24).
    pub remove_last_workspace: Permission,
    /// `archived-key-reactivation`: taking a key out of the archive (B30).
    pub archived_key_reactivation: Permission,
    /// `carve-out-status` (B16, B17, B18).
    pub carve_out_status: CarveOutStatus,
    /// `admin-key-status` (B01).
    pub admin_key_status: AdminKeyStatus,
    /// `tenant-pin-status` (B15).
    pub tenant_pin_status: TenantPinStatus,
    /// `polling-resume` (B07).
    pub polling_resume: PollingResume,
    /// `version-header`: the `anthropic-version` header.
    pub version_header: Insistence,
    /// `workspace-fallback`: sources contradict each other.
    pub workspace_fallback: WorkspaceFallback,
    /// `usage-admin-key`: whether the usage report insists on an Admin API key.
    pub usage_admin_key: Insistence,
    /// `usage-delay-seconds`: how far the usage report lags, 0 to 86400 (B38).
    pub usage_delay_seconds: i64,
}

impl Default for Assumptions {
    fn default() -> Assumptions {
        Assumptions {
            name_reuse: Permission::Refused,
            remove_last_workspace: Permission::Refused,
            archived_key_reactivation: Permission::Refused,
            carve_out_status: CarveOutStatus::Forbidden,
            admin_key_status: AdminKeyStatus::Unauthenticated,
            tenant_pin_status: TenantPinStatus::Invalid,
            polling_resume: PollingResume::Clears,
            version_header: Insistence::Required,
            workspace_fallback: WorkspaceFallback::Default,
            usage_admin_key: Insistence::Optional,
            usage_delay_seconds: 300,
        }
    }
}

/// The names of all switches.
const NAMES: &str = "name-reuse, remove-last-workspace, archived-key-reactivation, carve-out-status, \
    admin-key-status, tenant-pin-status, polling-resume, version-header, workspace-fallback, usage-admin-key, \
    usage-delay-seconds";

impl Assumptions {
    /// Sets one switch from `name=value`. Fails with a sentence that says what is possible.
    pub fn set(&mut self, text: &str) -> Result<(), AssumptionError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| AssumptionError(format!("`{text}` is not of the form name=value")))?;
        let (name, value) = (name.trim(), value.trim());
        let wanted = |possible: String| AssumptionError(format!("{name} is {possible}, not `{value}`"));
        match name {
            "name-reuse" => self.name_reuse = value.parse().map_err(wanted)?,
            "remove-last-workspace" => self.remove_last_workspace = value.parse().map_err(wanted)?,
            "archived-key-reactivation" => self.archived_key_reactivation = value.parse().map_err(wanted)?,
            "carve-out-status" => self.carve_out_status = value.parse().map_err(wanted)?,
            "admin-key-status" => self.admin_key_status = value.parse().map_err(wanted)?,
            "tenant-pin-status" => self.tenant_pin_status = value.parse().map_err(wanted)?,
            "polling-resume" => self.polling_resume = value.parse().map_err(wanted)?,
            "version-header" => self.version_header = value.parse().map_err(wanted)?,
            "workspace-fallback" => self.workspace_fallback = value.parse().map_err(wanted)?,
            "usage-admin-key" => self.usage_admin_key = value.parse().map_err(wanted)?,
            "usage-delay-seconds" => {
                self.usage_delay_seconds = value
                    .parse()
                    .ok()
                    .filter(|seconds| (0..=86_400).contains(seconds))
                    .ok_or_else(|| wanted(String::from("a number from 0 to 86400")))?;
            }
            _ => return Err(AssumptionError(format!("there is no assumption `{name}`; there are {NAMES}"))),
        }
        Ok(())
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
        assert_eq!(read.usage_delay_seconds, 0);
        assert_eq!(read.polling_resume, PollingResume::Clears);
        assert_eq!("".parse::<Assumptions>().unwrap(), Assumptions::default());
    }

    #[test]
    fn every_named_switch_exists() {
        for name in NAMES.split(", ") {
            let error = Assumptions::default().set(&format!("{}=nonsense", name.trim())).unwrap_err();
            assert!(!error.to_string().contains("no assumption"), "{error}");
        }
    }

    #[test]
    fn wrong_switches_say_what_is_possible() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Assumptions::default().set(text).unwrap_err().to_string(), expected);
        };
        check("name-reuse", "`name-reuse` is not of the form name=value");
        check("name-reuse=maybe", "name-reuse is refused or allowed, not `maybe`");
        check("usage-delay-seconds=-1", "usage-delay-seconds is a number from 0 to 86400, not `-1`");
    }
}
