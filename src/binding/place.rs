//! What tells a consumer whatever it is called: its kind, its place and what holds the key there.

use keyless_state::ConsumerId;

use crate::config::{ConsumerDriver, SettingsEntry, plain_path};

/// Kind, place and variable of a consumer in one line. Two with the same line are the same consumer.
///
/// A place that only a person knows is told by the consumer's name, since its instructions are words.
pub fn place(id: &ConsumerId, driver: &ConsumerDriver) -> String {
    let detail = match driver {
        ConsumerDriver::Dotenv { path, variable, .. } => format!("{} {variable}", plain_path(path).display()),
        ConsumerDriver::ClaudeCodeSettings(settings) => {
            let entry = match &settings.entry {
                SettingsEntry::Variable(variable) => variable,
                SettingsEntry::Helper => "apiKeyHelper",
            };
            format!("{} {entry}", plain_path(&settings.path).display())
        }
        ConsumerDriver::KubernetesSecret(secret) => {
            format!(
                "{}{}",
                secret.context.as_ref().map_or(String::new(), |it| format!("{it} ")),
                driver.place()
            )
        }
        ConsumerDriver::AwsSecret(secret) => {
            format!(
                "{}{}",
                secret.region.as_ref().map_or(String::new(), |it| format!("{it} ")),
                driver.place()
            )
        }
        ConsumerDriver::Manual { .. } => id.name.clone(),
        ConsumerDriver::GithubSecret(_)
        | ConsumerDriver::GitlabVariable(_)
        | ConsumerDriver::GcpSecret(_)
        | ConsumerDriver::AzureSecret(_)
        | ConsumerDriver::Command { .. } => driver.place(),
    };
    format!("{} {detail}", id.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_place_however_it_is_written() {
        let place_of = |path: &str, variable: &str| {
            let driver = ConsumerDriver::Dotenv {
                path: path.into(),
                format: crate::env_file::Format::Dotenv,
                variable: variable.to_owned(),
                identity_token_file: None,
            };
            place(&"dotenv.app".parse().unwrap(), &driver)
        };
        for path in ["app/.env", "./app/.env", "app/x/../.env", "app//.env"] {
            assert_eq!(place_of(path, "KEY"), "dotenv app/.env KEY");
        }
        assert_eq!(place_of("../a/../.env", "KEY"), "dotenv ../.env KEY");
        assert_ne!(place_of("app/.env", "KEY"), place_of("app/.env", "OTHER"));
    }
}
