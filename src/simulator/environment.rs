//! Environment files and the choice of a credential, as the newest Python SDK makes it.

use std::collections::BTreeMap;

use super::concealed::Concealed;

/// A variable's value and where it is set.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) value: Concealed,
    /// The file, as the seed names it.
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
}

impl Setting {
    /// File and line, for people.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// The variables of a workload.
#[derive(Default)]
pub(super) struct Environment {
    effective: BTreeMap<String, Setting>,
    /// Every line that sets a static credential, whether it takes effect or not.
    pub(super) static_credentials: Vec<(String, Setting)>,
}

/// Which credential the client sends.
#[derive(Debug)]
pub(super) enum Choice {
    ApiKey(Setting),
    AuthToken(Setting),
    Federation(Box<Federation>),
    Nothing,
}

/// The federation variables.
#[derive(Debug)]
pub(super) struct Federation {
    pub(super) rule: Setting,
    pub(super) organization: Setting,
    pub(super) token_file: Setting,
    pub(super) service_account: Option<Setting>,
    pub(super) workspace: Option<Setting>,
}

const API_KEY: &str = "ANTHROPIC_API_KEY";
const AUTH_TOKEN: &str = "ANTHROPIC_AUTH_TOKEN";

impl Environment {
    /// Takes one more file in. As most loaders do it, a later file does not override an earlier
    /// one; within a file the last line counts.
    pub(super) fn load(&mut self, file: &str, text: &str) {
        let mut here = BTreeMap::new();
        for (line, text) in logical_lines(text) {
            let Some((name, value)) = parse_line(&text) else { continue };
            let setting = Setting { value: Concealed::new(value), file: file.to_owned(), line };
            if name == API_KEY || name == AUTH_TOKEN {
                self.static_credentials.push((name.clone(), setting.clone()));
            }
            here.insert(name, setting);
        }
        for (name, setting) in here {
            self.effective.entry(name).or_insert(setting);
        }
    }

    /// The credential that wins: key, then bearer token, then federation; empty is unset.
    pub(super) fn choose(&self) -> Choice {
        if let Some(setting) = self.get(API_KEY) {
            return Choice::ApiKey(setting);
        }
        if let Some(setting) = self.get(AUTH_TOKEN) {
            return Choice::AuthToken(setting);
        }
        self.federation().map_or(Choice::Nothing, |federation| Choice::Federation(Box::new(federation)))
    }

    /// The federation variables, where they are complete, whoever wins.
    pub(super) fn federation(&self) -> Option<Federation> {
        Some(Federation {
            rule: self.get("ANTHROPIC_FEDERATION_RULE_ID")?,
            organization: self.get("ANTHROPIC_ORGANIZATION_ID")?,
            token_file: self.get("ANTHROPIC_IDENTITY_TOKEN_FILE")?,
            service_account: self.get("ANTHROPIC_SERVICE_ACCOUNT_ID"),
            workspace: self.get("ANTHROPIC_WORKSPACE_ID"),
        })
    }

    fn get(&self, name: &str) -> Option<Setting> {
        self.effective.get(name).filter(|setting| !setting.value.expose().is_empty()).cloned()
    }
}

/// The lines with their numbers from 1, where one that opens a quote goes on to the one that closes it.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut logical = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let closed = (at..lines.len()).find(|end| !is_open(&lines[at..=*end].join("\n")));
        // A quote that nothing closes is one of the line alone.
        let end = closed.unwrap_or(at);
        logical.push((at + 1, lines[at..=end].join("\n")));
        at = end + 1;
    }
    logical
}

/// Whether a value opens a quote and does not close it.
fn is_open(line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else { return false };
    let value = value.trim_start();
    let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''));
    let Some(quote) = quote.filter(|_| !name.trim_start().starts_with('#')) else { return false };
    let mut letters = value[1..].chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quote == '"' => drop(letters.next()),
            _ if letter == quote => return false,
            _ => {}
        }
    }
    true
}

/// Reads `NAME=value`, with `export`, quotes and comments; none for any other line.
fn parse_line(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_name = !name.is_empty()
        && !name.starts_with(|letter: char| letter.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| (name.to_owned(), parse_value(value.trim())))
}

fn parse_value(text: &str) -> String {
    if let Some(rest) = text.strip_prefix('\'') {
        return rest.split('\'').next().unwrap_or_default().to_owned();
    }
    if let Some(rest) = text.strip_prefix('"') {
        return parse_double_quoted(rest);
    }
    let comment = [text.find(" #"), text.find("\t#"), text.starts_with('#').then_some(0)];
    let end = comment.into_iter().flatten().min().unwrap_or(text.len());
    text[..end].trim_end().to_owned()
}

/// Reads up to the closing quote; a backslash takes the next character as it is, `\n` is a break.
fn parse_double_quoted(text: &str) -> String {
    let mut value = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => match letters.next() {
                Some('n') => value.push('\n'),
                Some(other) => value.push(other),
                None => break,
            },
            other => value.push(other),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_loaders_read_them() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let found = parse_line(line);
            assert_eq!(
                found.as_ref().map(|(name, value)| (name.as_str(), value.as_str())),
                expected,
                "{line}"
            );
        };
        check("A=1", Some(("A", "1")));
        check("  export A = 1 ", Some(("A", "1")));
        check("exportA=1", Some(("exportA", "1")));
        check("A='x y' # c", Some(("A", "x y")));
        check("A=\"x \\\"y\\\"\"", Some(("A", "x \"y\"")));
        check("A=x # comment", Some(("A", "x")));
        check("A=x#y", Some(("A", "x#y")));
        check("A=# comment", Some(("A", "")));
        check("A=", Some(("A", "")));
        check("# A=1", None);
        check("1A=1", None);
        check("A", None);
        check("", None);
    }

    #[test]
    fn a_quoted_value_goes_over_lines() {
        let read = |text: &str| {
            let lines = logical_lines(text).into_iter();
            lines.filter_map(|(at, text)| Some((at, parse_line(&text)?))).collect::<Vec<_>>()
        };
        let set = |at, name: &str, value: &str| (at, (name.to_owned(), value.to_owned()));
        assert_eq!(read("\u{feff}A=\"x\nB=y\n\"\nC='z\n'\n"), [set(1, "A", "x\nB=y\n"), set(4, "C", "z\n")]);
        assert_eq!(
            read("# A=\"\nB=1\nC=\"open\nD=2\n"),
            [set(2, "B", "1"), set(3, "C", "open"), set(4, "D", "2")]
        );
    }

    fn environment(files: &[&str]) -> Environment {
        let mut environment = Environment::default();
        for (at, text) in files.iter().enumerate() {
            environment.load(&format!("{at}.env"), text);
        }
        environment
    }

    #[test]
    fn the_first_match_wins() {
        const FEDERATION: &str = "ANTHROPIC_FEDERATION_RULE_ID=fdrl_1\nANTHROPIC_ORGANIZATION_ID=o\nANTHROPIC_IDENTITY_TOKEN_FILE=t\n";
        let check = |files: &[&str], expected: &str| {
            let found = match environment(files).choose() {
                Choice::ApiKey(setting) => format!("key {}", setting.place()),
                Choice::AuthToken(setting) => format!("token {}", setting.place()),
                Choice::Federation(federation) => format!("federation {}", federation.rule.place()),
                Choice::Nothing => String::from("nothing"),
            };
            assert_eq!(found, expected, "{files:?}");
        };
        check(&[FEDERATION], "federation 0.env:1");
        check(&[FEDERATION, "ANTHROPIC_API_KEY=k"], "key 1.env:1");
        check(&[FEDERATION, "ANTHROPIC_API_KEY="], "federation 0.env:1");
        check(&["ANTHROPIC_API_KEY=", "ANTHROPIC_API_KEY=k", FEDERATION], "federation 2.env:1");
        check(&["\nANTHROPIC_API_KEY=a\nANTHROPIC_API_KEY=b", "ANTHROPIC_API_KEY=k"], "key 0.env:3");
        check(&[FEDERATION, "ANTHROPIC_AUTH_TOKEN=t"], "token 1.env:1");
        check(&["ANTHROPIC_AUTH_TOKEN=t\nANTHROPIC_API_KEY=k"], "key 0.env:2");
        check(&["ANTHROPIC_FEDERATION_RULE_ID=fdrl_1\nANTHROPIC_ORGANIZATION_ID=o"], "nothing");
        check(&[], "nothing");
    }

    #[test]
    fn every_line_with_a_static_credential_is_noted() {
        let environment =
            environment(&["ANTHROPIC_API_KEY=\nexport ANTHROPIC_AUTH_TOKEN=t", "ANTHROPIC_API_KEY=k"]);
        let places: Vec<String> = environment
            .static_credentials
            .iter()
            .map(|(name, setting)| format!("{name} {}", setting.place()))
            .collect();
        let expected =
            ["ANTHROPIC_API_KEY 0.env:1", "ANTHROPIC_AUTH_TOKEN 0.env:2", "ANTHROPIC_API_KEY 1.env:1"];
        assert_eq!(places, expected);
    }
}
