//! The shared files of AWS tools: the profile that this machine uses.

use std::collections::BTreeMap;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::super::environment::read_credential_file;
use super::{CallError, Environment};

const OPERATION: &str = "read the AWS profile";

/// The settings of one profile, from both files.
#[derive(Default)]
pub(super) struct Profile {
    pub(super) name: String,
    settings: BTreeMap<String, Zeroizing<String>>,
}

impl Profile {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|value| value.as_str())
    }
}

/// Reads the profile. What is in the credentials file goes before what is in the other.
pub(super) fn read(environment: &Environment) -> Result<Profile, CallError> {
    let named = environment.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
    let name = named.clone().unwrap_or_else(|| "default".to_owned());
    let file = |variable: &str, usual: &str| -> Option<PathBuf> {
        environment.text(variable).map(PathBuf::from).or_else(|| environment.in_home(usual))
    };
    let config = file("AWS_CONFIG_FILE", ".aws/config");
    let shared = file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    let mut profile = Profile { name: name.clone(), settings: BTreeMap::new() };
    let mut found = false;
    for path in [config, shared].into_iter().flatten() {
        if let Some(text) = read_credential_file(OPERATION, &path)? {
            found |= section(&text, &name, &mut profile.settings);
        }
    }
    if named.is_some() && !found {
        let message = format!("no profile `{name}` is in the shared files");
        return Err(CallError::here(OPERATION, message, "Correct or unset AWS_PROFILE."));
    }
    Ok(profile)
}

/// Takes the settings of a profile over; tells whether its section is there.
fn section(text: &str, name: &str, settings: &mut BTreeMap<String, Zeroizing<String>>) -> bool {
    let mut inside = false;
    let mut found = false;
    for line in text.lines() {
        if let Some(header) = line.trim().strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default().trim();
            let header = header.strip_prefix("profile").map_or(header, str::trim_start);
            inside = header == name;
            found |= inside;
            continue;
        }
        // Indented lines belong to a nested setting, such as `s3 =`.
        let nested = line.starts_with([' ', '\t']);
        if inside
            && !nested
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            // A comment within a line begins with a space.
            let value = value.split(" #").next().unwrap_or_default();
            let value = Zeroizing::new(value.split(" ;").next().unwrap_or_default().trim().to_owned());
            settings.insert(key.trim().to_ascii_lowercase(), value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_from_either_form() {
        let text = "[default]\nregion = us-east-1\n[profile ops]\nregion=eu-west-1 # near\ns3 =\n  region = x\n\
                    [opsx]\nregion = no\n; region = no\n";
        for (name, expected) in [("default", Some("us-east-1")), ("ops", Some("eu-west-1")), ("none", None)] {
            let mut settings = BTreeMap::new();
            assert_eq!(section(text, name, &mut settings), expected.is_some(), "{name}");
            assert_eq!(settings.get("region").map(|value| value.as_str()), expected, "{name}");
        }
    }
}
