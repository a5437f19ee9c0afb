//! The values that switches can have.

/// A value that is told by one word.
pub(in crate::simulator) trait Choice: Sized {
    /// Reads the word; none when it is not one of the possible ones.
    fn read(word: &str) -> Option<Self>;

    /// The word.
    fn word(&self) -> String;

    /// What is possible, such as `refused or allowed`.
    fn possible() -> String;
}

/// Declares an enum of words with a default, its first.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_word:literal, $($(#[$other_doc:meta])* $other:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(in crate::simulator) enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$other_doc])* $other,)+
        }

        impl Choice for $name {
            fn read(word: &str) -> Option<$name> {
                match word {
                    $first_word => Some($name::$first),
                    $($word => Some($name::$other),)+
                    _ => None,
                }
            }

            fn word(&self) -> String {
                let word = match self {
                    $name::$first => $first_word,
                    $($name::$other => $word,)+
                };
                word.to_owned()
            }

            fn possible() -> String {
                [$first_word, $($word),+].join(" or ")
            }
        }
    };
}

choice! {
    /// Whether something is refused or allowed, refused by default.
    Permission {
        /// It is refused.
        Refused = "refused",
        /// It is allowed.
        Allowed = "allowed",
    }
}

choice! {
    /// Whether something is allowed or refused, allowed by default.
    Allowance {
        /// It is allowed.
        Allowed = "allowed",
        /// It is refused.
        Refused = "refused",
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
    /// Whether an update that changes nothing moves `updated_at`.
    UpdateTime {
        /// It moves.
        Moves = "moves",
        /// It stays.
        Keeps = "keeps",
    }
}

choice! {
    /// Whether a header is insisted on, by default it is.
    Insistence {
        /// It must be there.
        Required = "required",
        /// It may be left out.
        Optional = "optional",
    }
}

choice! {
    /// Whether a credential is insisted on, by default it is not.
    Demand {
        /// Others are accepted too.
        Optional = "optional",
        /// No other is accepted.
        Required = "required",
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

choice! {
    /// What becomes of the static keys of a service account when it is archived.
    KeyFate {
        /// They stop working.
        Stop = "stop",
        /// They go on working.
        Work = "work",
    }
}

choice! {
    /// What becomes of minted tokens when what they stand on is taken away.
    TokenFate {
        /// They live until they end by themselves.
        Live = "live",
        /// They end at once.
        End = "end",
    }
}

choice! {
    /// For whom a `jti` is remembered.
    JtiMemory {
        /// For the issuer it came through.
        Issuer = "issuer",
        /// For all issuers of the organization.
        Organization = "organization",
    }
}

choice! {
    /// Whether something shows.
    Visibility {
        /// It does not show.
        Hidden = "hidden",
        /// It shows.
        Shown = "shown",
    }
}

/// A number from 0 to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Number<const DEFAULT: i64, const MAX: i64>(pub(in crate::simulator) i64);

impl<const DEFAULT: i64, const MAX: i64> Default for Number<DEFAULT, MAX> {
    fn default() -> Self {
        Number(DEFAULT)
    }
}

impl<const DEFAULT: i64, const MAX: i64> Choice for Number<DEFAULT, MAX> {
    fn read(word: &str) -> Option<Self> {
        word.parse().ok().filter(|number| (0..=MAX).contains(number)).map(Number)
    }

    fn word(&self) -> String {
        self.0.to_string()
    }

    fn possible() -> String {
        format!("a number from 0 to {MAX}")
    }
}
