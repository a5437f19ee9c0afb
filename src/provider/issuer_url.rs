//! Issuer URLs that users write themselves. They are compared byte for byte with `iss`, so a
//! slash too many refuses every token.

use super::arguments::Reader;

/// Reads an issuer URL, or says what is wrong with it.
pub(super) fn read<'a>(reader: &mut Reader<'a>, name: &str) -> Option<&'a str> {
    let url = reader.exact(name)?;
    match fault(url) {
        None => Some(url),
        Some((detail, hint)) => {
            reader.problem(name, format!("{url:?} {detail}"), hint);
            None
        }
    }
}

fn fault(url: &str) -> Option<(&'static str, String)> {
    let Some(rest) = url.strip_prefix("https://") else {
        return Some(no_https(url));
    };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if let Some(issuer) = url.strip_suffix("/.well-known/openid-configuration") {
        let detail = "is the address of a discovery document; `iss` never has that ending.";
        return Some((detail, format!("Write {issuer:?}.")));
    }
    if host.is_empty() || url.contains(['?', '#', ' ']) || host.contains('@') {
        let detail =
            "is no issuer: an issuer is https, a host and perhaps a path, without user, query or fragment.";
        return Some((detail, "Copy `iss` from a decoded token.".to_owned()));
    }
    if url.contains('{') || is_entra_for_all(host, path) {
        let detail = "stands for every tenant; no token carries it, and it would not tell tenants apart.";
        return Some((detail, "Write the issuer of one tenant, with its GUID.".to_owned()));
    }
    slash_fault(url, host)
}

fn no_https(url: &str) -> (&'static str, String) {
    let hint = match url {
        "kubernetes/serviceaccount" => {
            "Mount a projected service account token; Secret tokens of this issuer never expire and are not taken."
                .to_owned()
        }
        "accounts.google.com" => "Write \"https://accounts.google.com\".".to_owned(),
        _ => "Copy `iss` from a decoded token, with https://.".to_owned(),
    };
    ("does not begin with https://, which the API demands of an issuer.", hint)
}

fn is_entra_for_all(host: &str, path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    ["login.microsoftonline.com", "sts.windows.net"].contains(&host)
        && ["common", "organizations", "consumers"].contains(&first)
}

/// The platforms whose form is known: some always end in a slash, the others never do.
fn slash_fault(url: &str, host: &str) -> Option<(&'static str, String)> {
    let with = host.ends_with(".oic.prod-aks.azure.com") || host == "sts.windows.net";
    let without = ["token.actions.githubusercontent.com", "gitlab.com", "container.googleapis.com"];
    let without = without.contains(&host)
        || ["accounts.google.com", "login.microsoftonline.com", "agent.buildkite.com"].contains(&host)
        || ["app.terraform.io", "oidc.circleci.com"].contains(&host)
        || host.starts_with("oidc.eks.")
        || host.ends_with(".tokens.sts.global.api.aws")
        || host.ends_with(".okta.com");
    if with && !url.ends_with('/') {
        let detail =
            "lacks the final slash that `iss` has on this platform, so every token would be refused.";
        return Some((detail, format!("Write \"{url}/\".")));
    }
    if without && url.ends_with('/') {
        let detail =
            "ends in a slash that `iss` does not have on this platform, so every token would be refused.";
        return Some((detail, format!("Write {:?}.", url.trim_end_matches('/'))));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<&str>) {
        let found = fault(url).map(|(detail, hint)| format!("{detail} {hint}"));
        match expected {
            None => assert_eq!(found, None, "{url}"),
            Some(words) => {
                let found = found.unwrap_or_default();
                assert!(found.contains(words), "{url}: {found}");
            }
        }
    }

    #[test]
    fn issuer_urls_are_held_to_their_exact_form() {
        check("https://token.actions.githubusercontent.com", None);
        check("https://token.actions.githubusercontent.com/", Some("does not have"));
        check("https://oidc.eks.us-west-2.amazonaws.com/id/6FA4", None);
        check("https://oidc.eks.us-west-2.amazonaws.com/id/6FA4/", Some("6FA4\"."));
        check("https://eastus.oic.prod-aks.azure.com/t/g/", None);
        check("https://eastus.oic.prod-aks.azure.com/t/g", Some("t/g/\"."));
        check("https://sts.windows.net/t", Some("lacks the final slash"));
        check("https://oidc.acme.example/", None);
        check("https://kubernetes.default.svc.cluster.local", None);
        check("http://oidc.acme.example", Some("https://"));
        check("kubernetes/serviceaccount", Some("projected"));
        check("accounts.google.com", Some("Write \"https://accounts.google.com\""));
        check("https://", Some("no issuer"));
        check("https://a.example?x=1", Some("no issuer"));
        check("https://user@a.example", Some("no issuer"));
        check("https://a.example/.well-known/openid-configuration", Some("Write \"https://a.example\""));
        check("https://login.microsoftonline.com/common/v2.0", Some("every tenant"));
        check("https://login.microsoftonline.com/{tenantid}/v2.0", Some("every tenant"));
    }
}
