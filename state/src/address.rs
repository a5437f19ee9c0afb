//! The stable name of one declared thing, and of one consumer inside a lane.
//!
//! An address is the key of everything that is recorded. Its text form is what users read in
//! plans and type on the command line, so parsing and printing are each other's inverse.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What kind of block an [`Address`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `provider KIND NAME`: an identity provider, one federation issuer of the API.
    Provider,
    /// `service_account NAME`.
    ServiceAccount,
    /// `federation_rule NAME`.
    FederationRule,
    /// `api_key NAME`: the key to retire, and so the name of its lane.
    ApiKey,
    /// `data KIND NAME`: something that is looked up, never changed.
    Data,
}

impl Kind {
    /// The word that stands for the kind in HCL and in an address.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Provider => "provider",
            Kind::ServiceAccount => "service_account",
            Kind::FederationRule => "federation_rule",
            Kind::ApiKey => "api_key",
            Kind::Data => "data",
        }
    }

    /// Tells whether the address has a label between the kind and the name, as in
    /// `provider.github_actions.github`.
    pub fn is_labelled(self) -> bool {
        matches!(self, Kind::Provider | Kind::Data)
    }

    fn from_word(word: &str) -> Option<Kind> {
        [Kind::Provider, Kind::ServiceAccount, Kind::FederationRule, Kind::ApiKey, Kind::Data]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// The stable name of one declared thing, such as `federation_rule.release`, or of an object that was
/// recorded for it before, such as `federation_rule.release.deposed-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    kind: Kind,
    label: Option<String>,
    name: String,
    /// Counted from 1; none for the present object.
    deposed: Option<NonZeroU32>,
}

/// What stands before the number in the address of a deposed object.
const DEPOSED: &str = "deposed-";

impl Address {
    /// Names a thing whose kind has no label: a service account, a rule or a key.
    ///
    /// # Panics
    /// If the kind needs a label; that is an error in the caller, never in user input.
    pub fn new(kind: Kind, name: impl Into<String>) -> Address {
        assert!(!kind.is_labelled(), "an address of kind {} needs a label", kind.word());
        Address { kind, label: None, name: name.into(), deposed: None }
    }

    /// Names an identity provider: `provider.KIND.NAME`.
    pub fn provider(label: impl Into<String>, name: impl Into<String>) -> Address {
        Address { kind: Kind::Provider, label: Some(label.into()), name: name.into(), deposed: None }
    }

    /// Names a looked-up thing: `data.KIND.NAME`.
    pub fn data(label: impl Into<String>, name: impl Into<String>) -> Address {
        Address { kind: Kind::Data, label: Some(label.into()), name: name.into(), deposed: None }
    }

    /// The kind of the block.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The first label of a `provider` or `data` block, such as `github_actions`.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The name the user gave the block.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it names an object that its block had before, and that stays as long as workloads live off
    /// it.
    pub fn is_deposed(&self) -> bool {
        self.deposed.is_some()
    }

    /// The address of the block itself.
    pub fn present(&self) -> Address {
        Address { deposed: None, ..self.clone() }
    }

    /// The address of an object that the block had before.
    ///
    /// # Panics
    /// If the number is 0: they count from 1.
    pub fn deposed(&self, number: u32) -> Address {
        let number = NonZeroU32::new(number).expect("numbers of deposed objects count from 1");
        Address { deposed: Some(number), ..self.clone() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{}.{label}.{}", self.kind.word(), self.name)?,
            None => write!(f, "{}.{}", self.kind.word(), self.name)?,
        }
        match self.deposed {
            Some(number) => write!(f, ".{DEPOSED}{number}"),
            None => Ok(()),
        }
    }
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an address; addresses look like federation_rule.release or provider.github_actions.github"
)]
pub struct AddressError {
    text: String,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let error = || AddressError { text: text.to_owned() };
        let parts: Vec<&str> = text.split('.').collect();
        let kind = Kind::from_word(parts[0]).ok_or_else(error)?;
        let of_block = 1 + usize::from(kind.is_labelled());
        let (names, rest) = parts[1..].split_at_checked(of_block).ok_or_else(error)?;
        let deposed = match rest {
            [] => None,
            [part] => Some(deposed_number(part).ok_or_else(error)?),
            _ => return Err(error()),
        };
        if !names.iter().all(|name| is_name(name)) {
            return Err(error());
        }
        let label = kind.is_labelled().then(|| names[0].to_owned());
        Ok(Address { kind, label, name: names[names.len() - 1].to_owned(), deposed })
    }
}

/// The number of a deposed object, written as it is printed.
fn deposed_number(part: &str) -> Option<NonZeroU32> {
    let digits = part.strip_prefix(DEPOSED)?;
    let number: NonZeroU32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// The name of one consumer inside its lane, such as `dotenv.laptop`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConsumerId {
    /// The consumer's kind, such as `dotenv`.
    pub kind: String,
    /// The name the user gave the consumer.
    pub name: String,
}

impl fmt::Display for ConsumerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)
    }
}

impl FromStr for ConsumerId {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<ConsumerId, AddressError> {
        match text.split_once('.') {
            Some((kind, name)) if is_name(kind) && is_name(name) => {
                Ok(ConsumerId { kind: kind.to_owned(), name: name.to_owned() })
            }
            _ => Err(AddressError { text: text.to_owned() }),
        }
    }
}

/// HCL identifiers: a letter or underscore, then letters, digits, underscores and hyphens.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

macro_rules! serialize_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

serialize_as_text!(Address);
serialize_as_text!(ConsumerId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_they_parse() {
        for text in [
            "provider.github_actions.github",
            "service_account.release",
            "federation_rule.ci-main",
            "api_key.ci_legacy",
            "data.workspace.prod",
            "federation_rule.ci.deposed-1",
            "federation_rule.deposed-1",
            "provider.github_actions.github.deposed-12",
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "api_key", "api_key.", "api_key.a.b", "provider.x", "rule.x", "api_key.1a", "api_key.a b"]
        {
            assert!(text.parse::<Address>().is_err(), "{text:?} was accepted");
        }
        for number in ["deposed-0", "deposed-01", "deposed-+1", "deposed-", "deposed-1.deposed-2"] {
            let text = format!("federation_rule.ci.{number}");
            assert!(text.parse::<Address>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_deposed_object_belongs_to_a_block() {
        let block = Address::new(Kind::FederationRule, "ci");
        let deposed = block.deposed(2);
        assert_eq!(deposed.to_string(), "federation_rule.ci.deposed-2");
        assert!(deposed.is_deposed() && !block.is_deposed());
        assert_eq!((deposed.present(), deposed.deposed(3).present()), (block.clone(), block));
    }

    #[test]
    fn consumers_print_as_they_parse() {
        let id: ConsumerId = "dotenv.laptop".parse().expect("a consumer");
        assert_eq!(id.to_string(), "dotenv.laptop");
        assert!("dotenv".parse::<ConsumerId>().is_err());
        assert!("dotenv.a.b".parse::<ConsumerId>().is_err());
    }
}
