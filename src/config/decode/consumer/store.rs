//! Consumers that are entries of a secret store.

use super::{Fields, is_segment, optional, required};
use crate::config::{AwsSecret, AzureSecret, ConsumerDriver, GcpSecret, KubernetesObject, KubernetesSecret};

/// Days that AWS lets a deletion be cancelled in (documented); the longest is the default.
const RECOVERY_DAYS: std::ops::RangeInclusive<i64> = 7..=30;

/// Where vaults are, in the public cloud and the sovereign ones (documented). A credential for
/// vaults goes nowhere else.
const VAULT_DOMAINS: [&str; 3] = [".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net"];

pub(super) fn kubernetes_secret(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let namespace = required(fields, "namespace", "ml", is_kubernetes_name);
    let secret = optional(fields, "secret", "claude", is_kubernetes_name);
    let config_map = optional(fields, "config_map", "claude", is_kubernetes_name);
    let key = required(fields, "key", "ANTHROPIC_API_KEY", is_entry);
    let context = optional(fields, "context", "production", |text| !text.is_empty());
    let object = match (secret, config_map) {
        (Some(secret), None) => KubernetesObject::Secret(secret.value),
        (None, Some(config_map)) => KubernetesObject::ConfigMap(config_map.value),
        (_, config_map) => {
            if fields.is_sound() {
                let span = config_map.map_or(fields.section.header, |given| given.span);
                let detail = "An entry belongs to one Secret or to one ConfigMap.";
                fields.refuse("Which object", detail, span, "give exactly one of `secret` and `config_map`");
            }
            return None;
        }
    };
    Some(ConsumerDriver::KubernetesSecret(KubernetesSecret {
        namespace: namespace?.value,
        object,
        key: key?.value,
        context: context.map(|given| given.value),
    }))
}

pub(super) fn aws_secret(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let example = "prod/claude";
    let secret_id = required(fields, "secret_id", example, |text| (1..=2_048).contains(&text.len()));
    let region = optional(fields, "region", "eu-west-1", is_region);
    let days = fields.whole("recovery_window_days");
    if let Some(given) = &days
        && !RECOVERY_DAYS.contains(&given.value)
    {
        let detail = format!("`recovery_window_days` is {}, and AWS takes 7 to 30.", given.value);
        fields.refuse("Number out of range", detail, given.span, "leave it out for 30 days");
    }
    let days = days.map_or(*RECOVERY_DAYS.end(), |given| given.value);
    Some(ConsumerDriver::AwsSecret(AwsSecret {
        secret_id: secret_id?.value,
        region: region.map(|given| given.value),
        recovery_window_days: u8::try_from(days).ok()?,
    }))
}

pub(super) fn gcp_secret(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let project = required(fields, "project", "acme-prod", is_segment);
    let secret = required(fields, "secret", "claude-key", is_segment);
    let version = optional(fields, "version", "3", is_version_number);
    Some(ConsumerDriver::GcpSecret(GcpSecret {
        project: project?.value,
        secret: secret?.value,
        version: version.map(|given| given.value),
    }))
}

pub(super) fn azure_secret(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let vault = required(fields, "vault", "acme-vault", |text| vault_url(text).is_some());
    let secret = required(fields, "secret", "claude-key", is_azure_name);
    let version = optional(fields, "version", "0123456789abcdef0123456789abcdef", is_azure_name);
    Some(ConsumerDriver::AzureSecret(AzureSecret {
        vault_url: vault_url(&vault?.value)?,
        secret: secret?.value,
        version: version.map(|given| given.value),
    }))
}

/// A vault's URL from its name or URL; none when it leads to no vault.
fn vault_url(text: &str) -> Option<String> {
    if is_azure_name(text) {
        return Some(format!("https://{text}{}", VAULT_DOMAINS[0]));
    }
    let url = text.strip_suffix('/').unwrap_or(text);
    let host = url.strip_prefix("https://").unwrap_or_default();
    let in_cloud = VAULT_DOMAINS.iter().any(|domain| host.strip_suffix(domain).is_some_and(is_azure_name));
    let port = url.strip_prefix("http://127.0.0.1:").unwrap_or_default();
    (in_cloud || port.parse::<u16>().is_ok()).then(|| url.to_owned())
}

/// A number as Google writes it, so that it can be found in a list: no sign, no zero in front.
fn is_version_number(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number > 0 && number.to_string() == text)
}

fn is_azure_name(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_kubernetes_name(text: &str) -> bool {
    let taken = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    (1..=253).contains(&text.len()) && text.bytes().all(taken) && !text.starts_with('.')
}

/// An entry's name, short enough for the parked form to fit into Kubernetes' 253 characters too.
fn is_entry(text: &str) -> bool {
    let taken = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=200).contains(&text.len()) && text.bytes().all(taken)
}

fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{is_version_number, vault_url};

    #[test]
    fn a_version_is_written_as_in_the_list() {
        for (text, expected) in
            [("3", true), ("10", true), ("03", false), ("+3", false), ("0", false), ("latest", false)]
        {
            assert_eq!(is_version_number(text), expected, "{text}");
        }
    }

    #[test]
    fn a_vault_is_given_by_name_or_url() {
        for (given, expected) in [
            ("acme-vault", Some("https://acme-vault.vault.azure.net")),
            ("https://acme.vault.azure.net/", Some("https://acme.vault.azure.net")),
            ("https://acme.vault.azure.cn", Some("https://acme.vault.azure.cn")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://acme.vault.azure.net", None),
            ("https://acme.vault.azure.net.example.com", None),
            ("https://user@acme.vault.azure.net", None),
            ("https://a.b.vault.azure.net", None),
            ("", None),
        ] {
            assert_eq!(vault_url(given).as_deref(), expected, "{given}");
        }
    }
}
