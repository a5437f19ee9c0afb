//! Build services.

use super::Level::{Context, Group, Tenant, Workload};
use super::Opening::{Everything, Opaque, Phases, Runs, Steps, Tenant as TenantWide, Triggers};
use super::{IdentityClaim, Part, TokenProfile, id, name};

const OWNER: Part = Part::name("owner name", Tenant, Some('/'), Everything, "OWNER", "mallory").id_follows();
const REPOSITORY: Part =
    Part::name("repository name", Workload, Some(':'), TenantWide, "REPOSITORY", "any-repository")
        .id_follows();

/// GitHub Actions. Repository administrators can choose other shapes of `sub`.
pub(in crate::provider) static GITHUB: TokenProfile = TokenProfile {
    title: "GitHub Actions",
    templates: &[
        &[
            Part::Text("repo:"),
            OWNER,
            Part::Text("/"),
            REPOSITORY,
            Part::Text(":ref:refs/heads/"),
            Part::name("branch name", Context, None, Runs, "main", "any-branch").nested(Runs),
        ],
        &[
            Part::Text("repo:"),
            OWNER,
            Part::Text("/"),
            REPOSITORY,
            Part::Text(":ref:refs/tags/"),
            Part::name("tag name", Context, None, Runs, "TAG", "any-tag").nested(Runs),
        ],
        &[
            Part::Text("repo:"),
            OWNER,
            Part::Text("/"),
            REPOSITORY,
            Part::Text(":environment:"),
            Part::name("environment name", Context, None, Runs, "production", "any-environment"),
        ],
        &[Part::Text("repo:"), OWNER, Part::Text("/"), REPOSITORY, Part::Text(":pull_request")],
        &[
            Part::Text("repo:"),
            OWNER,
            Part::Text("/"),
            REPOSITORY,
            Part::Text(":ref:refs/"),
            Part::name("reference", Context, None, Runs, "heads/main", "heads/any-branch")
                .nested(Runs)
                .not(&["heads/", "tags/"]),
        ],
        &[
            Part::Text("repo:"),
            OWNER,
            Part::Text("/"),
            REPOSITORY,
            Part::Text(":"),
            Part::name("run", Context, None, Runs, "ref:refs/heads/main", "pull_request")
                .nested(Runs)
                .not(&["ref:", "environment:"]),
        ],
        &[Part::Text("repo:"), OWNER, Part::Text("/"), REPOSITORY],
    ],
    exhaustive: false,
    stable_subject: true,
    identity_claims: &[
        id(&["repository_id"], &[Tenant, Group, Workload]),
        id(&["repository_owner_id"], &[Tenant]),
        id(&["enterprise_id"], &[Tenant]),
        name(&["repository"], &[Tenant, Group, Workload]),
        name(&["repository_owner"], &[Tenant]),
        name(&["enterprise"], &[Tenant]),
        // The entry workflow names its repository and its ref.
        name(&["workflow_ref"], &[Workload, Context]),
        name(&["job_workflow_ref"], &[Workload]),
        name(&["ref"], &[Context]),
        name(&["environment"], &[Context]),
    ],
    other_claims: &[
        (
            "event_name",
            &["push", "pull_request", "issue_comment", "workflow_dispatch", "pull_request_target"],
        ),
        ("ref_type", &["branch", "tag"]),
        ("ref_protected", &["true", "false"]),
        ("runner_environment", &["github-hosted", "self-hosted"]),
        ("repository_visibility", &["public", "private", "internal"]),
        ("workflow", &["ci", "release", "anything"]),
        ("actor", &["mallory", "octocat"]),
        ("head_ref", &["", "evil"]),
        ("base_ref", &["", "main"]),
    ],
    stranger: "repo:mallory/app:ref:refs/heads/main",
    tenant_pin: r#"claims = { repository_owner_id = "OWNER_ID" }"#,
    workload_pin: r#"claims = { repository_id = "REPOSITORY_ID" }"#,
};

/// GitLab CI/CD. A project can choose other shapes of `sub`.
pub(in crate::provider) static GITLAB: TokenProfile = TokenProfile {
    title: "GitLab CI/CD",
    templates: &[
        &[
            Part::Text("project_path:"),
            Part::name("group name", Tenant, Some('/'), Everything, "GROUP", "mallory"),
            Part::Text("/"),
            Part::name("project path", Workload, Some(':'), TenantWide, "PROJECT", "any-project")
                .nested(TenantWide),
            Part::Text(":ref_type:"),
            Part::name("ref type", Context, Some(':'), Runs, "branch", "tag").inside(Runs),
            Part::Text(":ref:"),
            Part::name("ref name", Context, None, Runs, "main", "any-ref").nested(Runs),
        ],
        &[
            Part::Text("project_id:"),
            Part::name("project id", Workload, Some(':'), Everything, "PROJECT_ID", "1000001").inside(Opaque),
            Part::Text(":ref_type:"),
            Part::name("ref type", Context, Some(':'), Runs, "branch", "tag").inside(Runs),
            Part::Text(":ref:"),
            Part::name("ref name", Context, None, Runs, "main", "any-ref").nested(Runs),
        ],
        &[
            Part::Text("project_id:"),
            Part::name("project id", Workload, Some(':'), Everything, "PROJECT_ID", "1000001").inside(Opaque),
        ],
    ],
    exhaustive: false,
    stable_subject: true,
    identity_claims: &[
        id(&["project_id"], &[Tenant, Group, Workload]),
        id(&["namespace_id"], &[Tenant]),
        id(&["job_project_id"], &[Tenant, Group, Workload]),
        id(&["job_namespace_id"], &[Tenant]),
        name(&["project_path"], &[Tenant, Group, Workload]),
        name(&["namespace_path"], &[Tenant]),
        name(&["ci_config_ref_uri"], &[Context]),
        name(&["ref"], &[Context]),
        name(&["ref_path"], &[Context]),
        name(&["environment"], &[Context]),
    ],
    other_claims: &[
        ("pipeline_source", &["push", "merge_request_event", "web", "schedule"]),
        ("ref_type", &["branch", "tag"]),
        ("ref_protected", &["true", "false"]),
        ("runner_environment", &["gitlab-hosted", "self-hosted"]),
        ("user_login", &["mallory", "someone"]),
        ("user_email", &["mallory@example.org", "someone@example.com"]),
    ],
    stranger: "project_path:mallory/app:ref_type:branch:ref:main",
    tenant_pin: r#"claims = { namespace_id = "NAMESPACE_ID" }"#,
    workload_pin: r#"claims = { project_id = "PROJECT_ID" }"#,
};

/// Buildkite. The agent can ask for an id as `sub`.
pub(in crate::provider) static BUILDKITE: TokenProfile = TokenProfile {
    title: "Buildkite",
    templates: &[
        &[
            Part::Text("organization:"),
            Part::name("organization slug", Tenant, Some(':'), Everything, "ORGANIZATION", "mallory"),
            Part::Text(":pipeline:"),
            Part::name("pipeline slug", Workload, Some(':'), TenantWide, "PIPELINE", "any-pipeline"),
            Part::Text(":ref:"),
            Part::name("ref", Context, Some(':'), Runs, "refs/heads/main", "refs/heads/any-branch")
                .nested(Runs),
            Part::Text(":commit:"),
            Part::name("commit", Context, Some(':'), Steps, "COMMIT", "0000000").inside(Steps),
            Part::Text(":step:"),
            Part::name("step", Context, None, Steps, "STEP", "any-step").inside(Steps),
        ],
        &[Part::name(
            "id",
            Workload,
            None,
            Everything,
            "PIPELINE_ID",
            "00000000-0000-4000-8000-000000000000",
        )
        .inside(Opaque)
        .not(&["organization:"])],
    ],
    exhaustive: false,
    stable_subject: false,
    identity_claims: &[
        id(&["organization_id"], &[Tenant]),
        id(&["pipeline_id"], &[Tenant, Group, Workload]),
        id(&["cluster_id"], &[Tenant]),
        id(&["queue_id"], &[Tenant]),
        name(&["organization_slug"], &[Tenant]),
        name(&["pipeline_slug"], &[Workload]),
        name(&["build_branch"], &[Context]),
        name(&["build_tag"], &[Context]),
    ],
    other_claims: &[
        ("step_key", &["test", "deploy"]),
        ("build_source", &["webhook", "api", "ui"]),
        ("build_commit", &["0000000", "fffffff"]),
        ("runner_environment", &["buildkite-hosted", "self-hosted"]),
    ],
    stranger: "organization:mallory:pipeline:app:ref:refs/heads/main:commit:0000000:step:deploy",
    tenant_pin: r#"claims = { organization_id = "ORGANIZATION_ID" }"#,
    workload_pin: r#"claims = { pipeline_id = "PIPELINE_ID" }"#,
};

const CIRCLE_CLAIMS: &[IdentityClaim] = &[
    id(&["oidc.circleci.com/org-id"], &[Tenant]),
    id(&["oidc.circleci.com/project-id"], &[Tenant, Group, Workload]),
    id(&["oidc.circleci.com/pipeline-definition-id"], &[Tenant, Group, Workload]),
    name(&["oidc.circleci.com/vcs-origin"], &[Workload]),
    name(&["oidc.circleci.com/vcs-ref"], &[Context]),
];

/// CircleCI. The person who started the run stands in the middle of `sub`.
pub(in crate::provider) static CIRCLECI: TokenProfile = TokenProfile {
    title: "CircleCI",
    templates: &[&[
        Part::Text("org/"),
        Part::name("organization id", Tenant, Some('/'), Everything, "ORG_ID", "00000000-9999")
            .inside(Opaque),
        Part::Text("/project/"),
        Part::name("project id", Workload, Some('/'), TenantWide, "PROJECT_ID", "any-project").inside(Opaque),
        Part::Text("/user/"),
        Part::name("user id and source", Context, None, Triggers, "USER_ID", "any-user").inside(Triggers),
    ]],
    exhaustive: true,
    stable_subject: false,
    identity_claims: CIRCLE_CLAIMS,
    other_claims: &[],
    stranger: "org/00000000-9999-4999-8999-999999999999/project/any-project/user/any-user",
    tenant_pin: r#"claims = { "oidc.circleci.com/org-id" = "ORG_ID" }"#,
    workload_pin: r#"claims = { "oidc.circleci.com/project-id" = "PROJECT_ID" }"#,
};

/// HCP Terraform and Terraform Enterprise.
pub(in crate::provider) static TERRAFORM: TokenProfile = TokenProfile {
    title: "HCP Terraform",
    templates: &[&[
        Part::Text("organization:"),
        Part::name("organization name", Tenant, Some(':'), Everything, "ORGANIZATION", "mallory"),
        Part::Text(":project:"),
        Part::name("project name", Group, Some(':'), TenantWide, "PROJECT", "any-project"),
        Part::Text(":workspace:"),
        Part::name("workspace name", Workload, Some(':'), TenantWide, "WORKSPACE", "any-workspace"),
        Part::Text(":run_phase:"),
        Part::name("run phase", Context, Some(':'), Phases, "apply", "plan").inside(Phases),
    ]],
    exhaustive: true,
    stable_subject: true,
    identity_claims: &[
        id(&["terraform_organization_id"], &[Tenant]),
        id(&["terraform_project_id"], &[Tenant, Group]),
        id(&["terraform_workspace_id"], &[Tenant, Group, Workload]),
        name(&["terraform_full_workspace"], &[Tenant, Group, Workload]),
        name(&["terraform_organization_name"], &[Tenant]),
        name(&["terraform_project_name"], &[Group]),
        name(&["terraform_workspace_name"], &[Workload]),
        name(&["terraform_run_phase"], &[Context]),
    ],
    other_claims: &[],
    stranger: "organization:mallory:project:app:workspace:app:run_phase:apply",
    tenant_pin: r#"claims = { terraform_organization_id = "ORGANIZATION_ID" }"#,
    workload_pin: r#"claims = { terraform_workspace_id = "WORKSPACE_ID" }"#,
};
