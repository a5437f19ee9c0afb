//! Clouds, clusters and identity services.

use super::Level::{Context, Group, Tenant, Workload};
use super::Opening::{Everything, Namespace, Opaque, Path, Tenant as TenantWide, TrustDomain};
use super::{Part, TokenProfile, id, name};

/// Service accounts of a Kubernetes cluster; the cluster is the tenant.
pub(in crate::provider) static KUBERNETES: TokenProfile = TokenProfile {
    title: "Kubernetes",
    templates: &[&[
        Part::Text("system:serviceaccount:"),
        Part::name("namespace", Group, Some(':'), TenantWide, "NAMESPACE", "any-namespace"),
        Part::Text(":"),
        Part::name("service account name", Workload, Some(':'), Namespace, "SERVICE_ACCOUNT", "default"),
    ]],
    exhaustive: true,
    stable_subject: true,
    identity_claims: &[
        name(&["kubernetes.io", "namespace"], &[Group]),
        name(&["kubernetes.io", "serviceaccount", "name"], &[Workload]),
        id(&["kubernetes.io", "serviceaccount", "uid"], &[Group, Workload]),
        id(&["kubernetes.io", "pod", "uid"], &[Group, Workload, Context]),
    ],
    other_claims: &[],
    stranger: "system:serviceaccount:default:default",
    tenant_pin: "an issuer URL that only this cluster has",
    workload_pin: r#"subject = "system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT""#,
};

const STS: &str = "https://sts.amazonaws.com/";

/// AWS outbound federation. The issuer belongs to one account.
pub(in crate::provider) static AWS: TokenProfile = TokenProfile {
    title: "AWS STS",
    templates: &[
        &[Part::Text("arn:aws:iam::"), ACCOUNT, Part::Text(":role/"), ROLE],
        &[Part::Text("arn:aws:iam::"), ACCOUNT, Part::Text(":user/"), USER],
        &[Part::Text("arn:aws:iam::"), ACCOUNT, Part::Text(":root")],
        &[Part::Text("arn:aws-cn:iam::"), ACCOUNT, Part::Text(":role/"), ROLE],
        &[Part::Text("arn:aws-cn:iam::"), ACCOUNT, Part::Text(":user/"), USER],
        &[Part::Text("arn:aws-cn:iam::"), ACCOUNT, Part::Text(":root")],
        &[Part::Text("arn:aws-us-gov:iam::"), ACCOUNT, Part::Text(":role/"), ROLE],
        &[Part::Text("arn:aws-us-gov:iam::"), ACCOUNT, Part::Text(":user/"), USER],
        &[Part::Text("arn:aws-us-gov:iam::"), ACCOUNT, Part::Text(":root")],
    ],
    exhaustive: true,
    stable_subject: true,
    identity_claims: &[
        id(&[STS, "aws_account"], &[Tenant]),
        id(&[STS, "org_id"], &[Tenant]),
        name(&[STS, "principal_id"], &[Tenant, Group, Workload]),
        name(&[STS, "lambda_source_function_arn"], &[Tenant, Group, Workload]),
    ],
    other_claims: &[],
    stranger: "arn:aws:iam::123456789012:role/any-role",
    tenant_pin: r#"condition = "claims[\"https://sts.amazonaws.com/\"].aws_account == \"ACCOUNT_ID\"""#,
    workload_pin: r#"subject = "arn:aws:iam::ACCOUNT_ID:role/ROLE""#,
};

const ACCOUNT: Part =
    Part::name("account id", Tenant, Some(':'), Everything, "ACCOUNT_ID", "210987654321").inside(Opaque);
const ROLE: Part = Part::name("role name", Workload, None, TenantWide, "ROLE", "any-role").nested(Path);
const USER: Part = Part::name("user name", Workload, None, TenantWide, "USER", "any-user").nested(Path);

/// Google service accounts. All of Google shares the issuer.
pub(in crate::provider) static GOOGLE: TokenProfile = TokenProfile {
    title: "Google",
    templates: &[&[Part::name(
        "unique id",
        Workload,
        None,
        Everything,
        "UNIQUE_ID",
        "100000000000000000000",
    )
    .inside(Opaque)]],
    exhaustive: false,
    stable_subject: true,
    identity_claims: &[
        id(&["sub"], &[Tenant, Group, Workload, Context]),
        id(&["azp"], &[Tenant, Group, Workload, Context]),
        name(&["email"], &[Tenant, Group, Workload, Context]),
        name(&["google", "compute_engine", "project_id"], &[Tenant]),
        id(&["google", "compute_engine", "instance_id"], &[Tenant, Group, Workload, Context]),
        name(&["hd"], &[Tenant]),
    ],
    other_claims: &[],
    stranger: "100000000000000000000",
    tenant_pin: r#"claims = { sub = "UNIQUE_ID_OF_THE_SERVICE_ACCOUNT" }"#,
    workload_pin: r#"claims = { sub = "UNIQUE_ID_OF_THE_SERVICE_ACCOUNT" }"#,
};

/// Microsoft Entra ID, one tenant.
pub(in crate::provider) static ENTRA: TokenProfile = TokenProfile {
    title: "Microsoft Entra ID",
    templates: &[&[Part::name(
        "object id",
        Workload,
        None,
        Everything,
        "OBJECT_ID",
        "00000000-0000-4000-8000-000000000000",
    )
    .inside(Opaque)]],
    exhaustive: false,
    stable_subject: true,
    identity_claims: &[
        id(&["oid"], &[Tenant, Group, Workload, Context]),
        id(&["azp"], &[Tenant, Group, Workload]),
        id(&["appid"], &[Tenant, Group, Workload]),
        id(&["tid"], &[Tenant]),
    ],
    other_claims: &[("idtyp", &["app", "user"]), ("preferred_username", &["a@example.com", "b@example.com"])],
    stranger: "00000000-9999-4999-8999-999999999999",
    tenant_pin: r#"claims = { tid = "TENANT_ID" }"#,
    workload_pin: r#"claims = { oid = "OBJECT_ID" }"#,
};

/// An Okta authorization server.
pub(in crate::provider) static OKTA: TokenProfile = TokenProfile {
    title: "Okta",
    templates: &[&[Part::name("client id", Workload, None, Everything, "CLIENT_ID", "0oaany00000000000000")
        .inside(Opaque)]],
    exhaustive: false,
    stable_subject: true,
    identity_claims: &[
        id(&["cid"], &[Tenant, Group, Workload, Context]),
        id(&["uid"], &[Tenant, Group, Workload, Context]),
    ],
    other_claims: &[],
    stranger: "someone@example.com",
    tenant_pin: "an authorization server of your own",
    workload_pin: r#"subject = "CLIENT_ID""#,
};

/// SPIFFE identities.
pub(in crate::provider) static SPIFFE: TokenProfile = TokenProfile {
    title: "SPIFFE",
    templates: &[&[
        Part::Text("spiffe://"),
        Part::name("trust domain", Tenant, Some('/'), Everything, "TRUST_DOMAIN", "evil.example")
            .inside(TrustDomain),
        Part::Text("/"),
        Part::name("path", Workload, None, TenantWide, "PATH", "any/workload").nested(Namespace),
    ]],
    exhaustive: true,
    stable_subject: true,
    identity_claims: &[],
    other_claims: &[],
    stranger: "spiffe://evil.example/any/workload",
    tenant_pin: r#"subject = "spiffe://TRUST_DOMAIN/PATH""#,
    workload_pin: r#"subject = "spiffe://TRUST_DOMAIN/PATH""#,
};

/// An issuer that nothing is known of.
pub(in crate::provider) static UNKNOWN: TokenProfile = TokenProfile {
    title: "this issuer",
    templates: &[],
    exhaustive: false,
    stable_subject: true,
    identity_claims: &[],
    other_claims: &[],
    stranger: "anybody-else",
    tenant_pin: "the whole subject of one workload",
    workload_pin: "the whole subject of one workload",
};
