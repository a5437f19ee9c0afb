//! Which client, in which version.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A program or library that calls the Claude API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// `anthropic` on PyPI.
    Python,
    /// `@anthropic-ai/sdk` on npm.
    Typescript,
    /// `github.com/anthropics/anthropic-sdk-go`.
    Go,
    /// The `ant` command line.
    Ant,
    /// Claude Code, without a person at the keyboard (`-p`).
    ClaudeCode,
}

impl Product {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Product; 5] =
        [Product::Python, Product::Typescript, Product::Go, Product::Ant, Product::ClaudeCode];

    /// The name that is typed.
    pub fn name(self) -> &'static str {
        match self {
            Product::Python => "python",
            Product::Typescript => "typescript",
            Product::Go => "go",
            Product::Ant => "ant",
            Product::ClaudeCode => "claude-code",
        }
    }

    /// The name that is shown.
    pub fn title(self) -> &'static str {
        match self {
            Product::Python => "Python SDK",
            Product::Typescript => "TypeScript SDK",
            Product::Go => "Go SDK",
            Product::Ant => "ant",
            Product::ClaudeCode => "Claude Code",
        }
    }

    /// The newest version whose behavior was examined.
    pub fn latest(self) -> Version {
        match self {
            Product::Python => Version(2, 14, 0),
            Product::Typescript => Version(1, 14, 0),
            Product::Go => Version(1, 60, 0),
            Product::Ant => Version(1, 20, 0),
            Product::ClaudeCode => Version(2, 1, 330),
        }
    }

    /// The last version of each older behavior, newest first.
    pub fn older(self) -> &'static [Version] {
        match self {
            Product::Python => &[Version(1, 17, 0), Version(0, 125, 0), Version(0, 121, 0)],
            Product::Typescript => &[Version(0, 137, 0)],
            Product::Go | Product::Ant | Product::ClaudeCode => &[],
        }
    }
}

/// Major, minor and patch number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A client in one version. Written `python@1.17.0`; without a version the newest examined is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Client {
    /// The program or library.
    pub product: Product,
    /// Its version.
    pub version: Version,
}

impl Client {
    /// The newest examined version of a product.
    pub fn latest(product: Product) -> Client {
        Client { product, version: product.latest() }
    }
}

impl From<Product> for Client {
    fn from(product: Product) -> Client {
        Client::latest(product)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.product.title(), self.version)
    }
}

impl FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Client, String> {
        let (name, version) =
            text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        let product = Product::ALL.into_iter().find(|product| product.name() == name).ok_or_else(|| {
            let names = Product::ALL.map(Product::name).join(", ");
            format!("{name:?} is no client that is known; use one of {names}, with or without @VERSION")
        })?;
        let Some(version) = version else { return Ok(Client::latest(product)) };
        let mut numbers = version.split('.').map(str::parse::<u32>);
        let mut number = |missing| match numbers.next() {
            Some(Ok(number)) => Some(number),
            Some(Err(_)) => None,
            None => missing,
        };
        let read = (|| Some(Version(number(None)?, number(Some(0))?, number(Some(0))?)))();
        let version = read.filter(|_| version.split('.').count() <= 3).ok_or_else(|| {
            format!("{version:?} is no version; write it as numbers, such as {name}@{}", product.latest())
        })?;
        Ok(Client { product, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_read_from_what_is_typed() {
        let check = |text: &str, expected: Option<&str>| {
            let read = text.parse::<Client>().ok().map(|client| client.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("python", Some("Python SDK 2.14.0"));
        check("python@0.121.0", Some("Python SDK 0.121.0"));
        check("typescript@1", Some("TypeScript SDK 1.0.0"));
        check("claude-code@2.1", Some("Claude Code 2.1.0"));
        check("ruby", None);
        check("go@one", None);
        check("go@1.2.3.4", None);
        check("go@", None);
    }
}
