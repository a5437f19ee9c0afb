//! Which platform an issuer URL belongs to, and whether strangers share it.

use super::TokenProfile;
use super::{
    AWS, BITBUCKET, BUILDKITE, CIRCLECI, ENTRA, FLY, GITHUB, GITLAB, GOOGLE, KUBERNETES, OKTA, SPIFFE,
    TERRAFORM, UNKNOWN, VERCEL,
};

/// The profile of an issuer's tokens. Where the URL tells nothing, the subject of a rule may.
pub fn infer(issuer_url: &str, subject: Option<&str>) -> &'static TokenProfile {
    let (host, path) = host_and_path(issuer_url);
    let host = host.as_str();
    match host {
        "token.actions.githubusercontent.com" => &GITHUB,
        "gitlab.com" => &GITLAB,
        "agent.buildkite.com" => &BUILDKITE,
        "oidc.circleci.com" => &CIRCLECI,
        "app.terraform.io" => &TERRAFORM,
        "accounts.google.com" => &GOOGLE,
        "login.microsoftonline.com" | "sts.windows.net" => &ENTRA,
        "oidc.vercel.com" => &VERCEL,
        "oidc.fly.io" => &FLY,
        "api.bitbucket.org" => &BITBUCKET,
        "container.googleapis.com" | "kubernetes.default.svc" | "kubernetes.default.svc.cluster.local" => {
            &KUBERNETES
        }
        _ if host.starts_with("token.actions.") && host.ends_with(".ghe.com") => &GITHUB,
        _ if path == "/_services/token" => &GITHUB,
        _ if host.starts_with("gitlab.") => &GITLAB,
        _ if host.starts_with("oidc.eks.") || host.starts_with("oidc-eks.") => &KUBERNETES,
        _ if host.ends_with(".oic.prod-aks.azure.com") => &KUBERNETES,
        _ if host.ends_with(".tokens.sts.global.api.aws") => &AWS,
        _ if host.ends_with(".okta.com") || host.ends_with(".oktapreview.com") => &OKTA,
        _ => match subject {
            Some(subject) if subject.starts_with("spiffe:") => &SPIFFE,
            Some(subject) if subject.starts_with("system:serviceaccount") => &KUBERNETES,
            _ => &UNKNOWN,
        },
    }
}

/// Tells whether workloads of other tenants get tokens of the same issuer.
pub fn is_shared(issuer_url: &str) -> bool {
    let (host, path) = host_and_path(issuer_url);
    match host.as_str() {
        "gitlab.com" | "agent.buildkite.com" | "app.terraform.io" | "accounts.google.com" => true,
        // With an enterprise's slug in the path the issuer still has every organization of it.
        "token.actions.githubusercontent.com" => true,
        "oidc.circleci.com" | "oidc.vercel.com" => path.is_empty(),
        "oidc.codefresh.io" | "vstoken.dev.azure.com" => true,
        "api.pulumi.com" => path == "/oidc",
        host => host == "scalr.io" || host.ends_with(".scalr.io"),
    }
}

/// The host in small letters, and the path without a final slash.
fn host_and_path(url: &str) -> (String, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once(':').map_or(
        authority,
        |(host, port)| {
            if port == "443" { host } else { authority }
        },
    );
    (host.to_ascii_lowercase(), path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, title: &str, shared: bool) {
        assert_eq!((infer(url, None).title, is_shared(url)), (title, shared), "{url}");
    }

    #[test]
    fn platforms_are_known_by_their_issuer() {
        check("https://token.actions.githubusercontent.com", "GitHub Actions", true);
        check("https://token.actions.githubusercontent.com/acme-ent", "GitHub Actions", true);
        check("https://token.actions.acme.ghe.com", "GitHub Actions", false);
        check("https://github.acme.example/_services/token", "GitHub Actions", false);
        check("https://token.actions.githubusercontent.com.evil.example", "this issuer", false);
        check("https://gitlab.com", "GitLab CI/CD", true);
        check("https://gitlab.acme.example", "GitLab CI/CD", false);
        check("https://agent.buildkite.com", "Buildkite", true);
        check("https://oidc.circleci.com/org/b3a1", "CircleCI", false);
        check("https://oidc.circleci.com", "CircleCI", true);
        check("https://oidc.circleci.com/", "CircleCI", true);
        check("https://app.terraform.io", "HCP Terraform", true);
        check("https://accounts.google.com", "Google", true);
        check("https://oidc.eks.us-west-2.amazonaws.com/id/6FA4", "Kubernetes", false);
        check("https://container.googleapis.com/v1/projects/p/locations/l/clusters/c", "Kubernetes", false);
        check("https://eastus.oic.prod-aks.azure.com/t/g/", "Kubernetes", false);
        check("https://kubernetes.default.svc.cluster.local", "Kubernetes", false);
        check("https://3f1c.tokens.sts.global.api.aws", "AWS STS", false);
        check("https://login.microsoftonline.com/t/v2.0", "Microsoft Entra ID", false);
        check("https://sts.windows.net/t/", "Microsoft Entra ID", false);
        check("https://acme.okta.com/oauth2/aus1", "Okta", false);
        check("https://oidc.vercel.com/acme", "Vercel", false);
        check("https://oidc.vercel.com", "Vercel", true);
        check("https://oidc.fly.io/acme", "Fly.io", false);
        check(
            "https://api.bitbucket.org/2.0/workspaces/a/pipelines-config/identity/oidc",
            "Bitbucket Pipelines",
            false,
        );
        check("https://oidc.codefresh.io", "this issuer", true);
        check("https://api.pulumi.com/oidc", "this issuer", true);
        check("https://acme.scalr.io", "this issuer", true);
        check("https://vstoken.dev.azure.com/7d1f", "this issuer", true);
        check("https://oidc.acme.example", "this issuer", false);
        check("", "this issuer", false);
    }

    #[test]
    fn subjects_help_where_the_url_does_not() {
        let title = |subject| infer("https://oidc.acme.example", Some(subject)).title;
        assert_eq!(title("spiffe://acme.example/x"), "SPIFFE");
        assert_eq!(title("system:serviceaccount:a:b"), "Kubernetes");
        assert_eq!(title("repo:a/b"), "this issuer");
    }
}
