//! What a workload would lose by an operation.

use std::fmt;

use keyless_state::Address;

/// What a workload would lose by an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// A thing that it stands on, which would be archived.
    Archived(Address),
    /// The account as which it acts.
    Account,
    /// A scope.
    Scope(String),
    /// Its workspace, which the rule would leave.
    RuleWorkspace,
    /// Its workspace, which its account would leave.
    AccountWorkspace,
    /// A rule that asks for the audience of its tokens.
    Audience,
    /// A match that may let it in or not: as whom it shows itself is not known.
    UnknownIdentity,
    /// A match that lets it in, with why the other one does not.
    Denied(String),
    /// The URL of its issuer.
    IssuerUrl,
    /// The second use of a token.
    SecondUse,
    /// The life that its tokens may have.
    TokenLife,
    /// Keys that may have signed its tokens.
    SigningKeys,
    /// Not known what: the rule as it is cannot be seen.
    UnseenRule,
    /// Not known what: the issuer as it is cannot be seen.
    UnseenIssuer,
}

impl Loss {
    /// Whether it can be shown of a successor that the workload does without this: by a trial exchange, and by
    /// as whom the workload showed itself.
    pub(super) fn is_provable(&self) -> bool {
        match self {
            Loss::Account
            | Loss::RuleWorkspace
            | Loss::UnknownIdentity
            | Loss::Denied(_)
            | Loss::IssuerUrl => true,
            Loss::Archived(_)
            | Loss::AccountWorkspace
            | Loss::Scope(_)
            | Loss::Audience
            | Loss::SecondUse
            | Loss::TokenLife
            | Loss::SigningKeys
            | Loss::UnseenRule
            | Loss::UnseenIssuer => false,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::Archived(address) => return write!(f, "{address} would be archived"),
            Loss::Scope(scope) => return write!(f, "it would lose the scope {scope}"),
            Loss::Denied(why) => return write!(f, "the rule would not let it in any more: {why}"),
            Loss::Account => "it would become another service account than its settings name",
            Loss::RuleWorkspace => "the rule would leave its workspace",
            Loss::AccountWorkspace => "its service account would leave its workspace",
            Loss::Audience => "the rule would ask its tokens for another audience",
            Loss::UnknownIdentity => "the rule would let in others, and as whom it shows itself is not known",
            Loss::IssuerUrl => "its tokens come from the issuer's present URL",
            Loss::SecondUse => "a token that it uses twice would be refused",
            Loss::TokenLife => "its tokens may live longer than the issuer would permit",
            Loss::SigningKeys => "its tokens may be signed with keys that would not be known any more",
            Loss::UnseenRule => "the rule as it is cannot be seen",
            Loss::UnseenIssuer => "the issuer as it is cannot be seen",
        })
    }
}
