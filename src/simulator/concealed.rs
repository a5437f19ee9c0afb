//! A fake credential inside the simulated organization.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key, token or private key of the simulated organization. It is written to the simulator's own
/// file, which is a toy's data, but it never prints.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Concealed(String);

impl Concealed {
    /// Takes a text over.
    pub(super) fn new(text: impl Into<String>) -> Concealed {
        Concealed(text.into())
    }

    /// Shows the text to whoever needs it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// First and last characters, as the API shows them.
    pub(super) fn hint(&self) -> String {
        let text = &self.0;
        match (text.get(..16), text.get(text.len().saturating_sub(4)..)) {
            (Some(start), Some(end)) if text.len() > 40 => format!("{start}...{end}"),
            _ => String::from("..."),
        }
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(concealed)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_print_and_its_hint_is_short() {
        let key = Concealed::new(format!("sk-ant-api03-{}AA", "x".repeat(93)));
        assert_eq!(format!("{key:?}"), "(concealed)");
        assert_eq!(key.hint(), "sk-ant-api03-xxx...xxAA");
        assert_eq!(Concealed::new("short").hint(), "...");
    }
}
