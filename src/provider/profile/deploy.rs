//! Platforms that run what was built, and Bitbucket, whose subjects are ids as well.

use super::Level::{Context, Group, Tenant, Workload};
use super::Opening::{Accepted, Environments, Everything, Opaque, Runs, Tenant as TenantWide};
use super::{Part, TokenProfile, id, name};

/// Vercel.
pub(in crate::provider) static VERCEL: TokenProfile = TokenProfile {
    title: "Vercel",
    templates: &[&[
        Part::Text("owner:"),
        Part::name("team name", Tenant, Some(':'), Everything, "TEAM", "mallory"),
        Part::Text(":project:"),
        Part::name("project name", Workload, Some(':'), TenantWide, "PROJECT", "any-project"),
        Part::Text(":environment:"),
        Part::name("environment name", Context, Some(':'), Environments, "production", "preview"),
    ]],
    exhaustive: true,
    stable_subject: true,
    identity_claims: &[
        id(&["owner_id"], &[Tenant]),
        id(&["project_id"], &[Tenant, Group, Workload]),
        name(&["owner"], &[Tenant]),
        name(&["project"], &[Workload]),
        name(&["environment"], &[Context]),
    ],
    other_claims: &[],
    stranger: "owner:mallory:project:app:environment:production",
    tenant_pin: r#"claims = { owner_id = "TEAM_ID" }"#,
    workload_pin: r#"claims = { project_id = "PROJECT_ID" }"#,
};

/// Fly.io. The machine's name stands in `sub`, so that an open end is usual.
pub(in crate::provider) static FLY: TokenProfile = TokenProfile {
    title: "Fly.io",
    templates: &[&[
        Part::name("organization slug", Tenant, Some(':'), Everything, "ORGANIZATION", "mallory"),
        Part::Text(":"),
        Part::name("app name", Workload, Some(':'), TenantWide, "APP", "any-app"),
        Part::Text(":"),
        Part::name("machine name", Context, Some(':'), Accepted, "MACHINE", "any-machine").inside(Accepted),
    ]],
    exhaustive: true,
    stable_subject: false,
    identity_claims: &[
        id(&["org_id"], &[Tenant]),
        id(&["app_id"], &[Tenant, Group, Workload]),
        name(&["org_name"], &[Tenant]),
        name(&["app_name"], &[Workload]),
        name(&["machine_name"], &[Context]),
        name(&["image_digest"], &[Context]),
    ],
    other_claims: &[("region", &["sea", "ams"])],
    stranger: "mallory:app:worker-1",
    tenant_pin: r#"claims = { org_id = "ORG_ID" }"#,
    workload_pin: r#"claims = { app_id = "APP_ID" }"#,
};

/// Bitbucket Pipelines. The step's id ends `sub`, so that it changes with each run.
pub(in crate::provider) static BITBUCKET: TokenProfile = TokenProfile {
    title: "Bitbucket Pipelines",
    templates: &[&[
        Part::Text("{"),
        Part::name("repository id", Workload, Some('}'), TenantWide, "REPOSITORY_UUID", "00000000-9999")
            .inside(Opaque),
        Part::Text("}:{"),
        Part::name("environment or step id", Context, None, Runs, "UUID}", "any-step}").inside(Opaque),
    ]],
    exhaustive: true,
    stable_subject: false,
    identity_claims: &[
        id(&["workspaceUuid"], &[Tenant]),
        id(&["repositoryUuid"], &[Tenant, Group, Workload]),
        id(&["deploymentEnvironmentUuid"], &[Tenant, Group, Workload, Context]),
        name(&["branchName"], &[Context]),
    ],
    other_claims: &[],
    stranger: "{00000000-9999-4999-8999-999999999999}:{00000000-1111-4111-8111-111111111111}",
    tenant_pin: r#"claims = { workspaceUuid = "{WORKSPACE_UUID}" }"#,
    workload_pin: r#"claims = { repositoryUuid = "{REPOSITORY_UUID}" }"#,
};
