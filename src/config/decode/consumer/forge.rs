//! Consumers that live where code is hosted: secrets of GitHub and variables of GitLab.

use super::{Fields, is_path, is_segment, is_variable, optional, required};
use crate::config::{ConsumerDriver, GithubOwner, GithubSecret, GitlabOwner, GitlabVariable};

const ACKNOWLEDGE: &str = "acknowledge_irreversible";

/// The separate stores of GitHub, as its own command line calls them.
const GITHUB_APPS: [&str; 3] = ["actions", "dependabot", "codespaces"];

/// A secret of GitHub: it cannot be parked, so the block has to say that this is known.
pub(super) fn github_secret(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let repository =
        optional(fields, "repository", "acme/app", |text| is_path(text) && text.matches('/').count() == 1);
    let organization = optional(fields, "organization", "acme", is_segment);
    let environment = optional(fields, "environment", "production", |text| !text.trim().is_empty());
    let name = required(fields, "name", "ANTHROPIC_API_KEY", is_variable);
    let app = optional(fields, "app", "actions", |text| GITHUB_APPS.contains(&text));
    let app = app.map_or_else(|| GITHUB_APPS[0].to_owned(), |given| given.value);
    acknowledged(
        fields,
        "A secret of GitHub can be written and never read, so it cannot be parked: taking the key out deletes \
         the secret, and no rollback can bring it back. To return, somebody has to set it anew from a copy of \
         the key.",
    );
    let owner = match (repository, organization, environment) {
        (Some(repository), None, None) => GithubOwner::Repository(repository.value),
        (Some(repository), None, Some(environment)) if app == "actions" => {
            GithubOwner::Environment { repository: repository.value, environment: environment.value }
        }
        (Some(_), None, Some(environment)) => {
            let detail = format!("Only Actions has secrets of environments, and `app` is `{app}`.");
            fields.refuse("Conflicting arguments", detail, environment.span, "leave one of the two out");
            return None;
        }
        (None, Some(organization), None) => GithubOwner::Organization(organization.value),
        (_, organization, _) => {
            let span = organization.map_or(fields.section.header, |given| given.span);
            one_owner(fields, "A secret belongs to one repository or to one organization.", span);
            return None;
        }
    };
    Some(ConsumerDriver::GithubSecret(GithubSecret { owner, app, name: name?.value }))
}

/// A CI/CD variable of GitLab: parked under another scope unless the block wants it deleted.
pub(super) fn gitlab_variable(fields: &mut Fields<'_>) -> Option<ConsumerDriver> {
    let project = optional(fields, "project", "acme/app", is_full_path);
    let group = optional(fields, "group", "acme", |text| is_path(text) && !is_number(text));
    let key = required(fields, "key", "ANTHROPIC_API_KEY", is_variable);
    let scope = optional(fields, "environment_scope", "production", is_scope);
    let park = fields.bool("park").is_none_or(|given| given.value);
    if park {
        fields.allow([ACKNOWLEDGE]);
    } else {
        acknowledged(
            fields,
            "With `park = false` the variable is deleted without reading its value, and no rollback can bring it \
             back. To return, somebody has to set it anew from a copy of the key.",
        );
    }
    let owner = match (project, group) {
        (Some(project), None) => GitlabOwner::Project(project.value),
        (None, Some(group)) => GitlabOwner::Group(group.value),
        (_, group) => {
            let span = group.map_or(fields.section.header, |given| given.span);
            one_owner(fields, "A variable belongs to one project or to one group.", span);
            return None;
        }
    };
    let environment_scope = scope.map_or_else(|| "*".to_owned(), |given| given.value);
    Some(ConsumerDriver::GitlabVariable(GitlabVariable { owner, key: key?.value, environment_scope, park }))
}

/// Reports once that the owner is missing or given twice; an owner whose value has a problem of
/// its own is no second problem.
fn one_owner(fields: &mut Fields<'_>, detail: &str, span: crate::diagnostic::Span) {
    if fields.is_sound() {
        fields.refuse("Which owner", detail, span, "give exactly one of the two, with its own arguments");
    }
}

fn acknowledged(fields: &mut Fields<'_>, why: &str) {
    if fields.bool(ACKNOWLEDGE).is_some_and(|given| given.value) {
        return;
    }
    let span = fields.name_span(ACKNOWLEDGE);
    let hint = format!(
        "keep a copy of the key until the lane is done and write `{ACKNOWLEDGE} = true`, or use \
         `consumer \"manual\"` and take the key out by hand"
    );
    fields.refuse("Removal cannot be undone", why, span, hint);
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A project's path. A number would do for some calls, but not for the one that never shows values.
fn is_full_path(text: &str) -> bool {
    is_path(text) && text.contains('/')
}

/// What GitLab takes as a scope, short enough for the parked form to fit as well.
fn is_scope(text: &str) -> bool {
    let taken = |c: char| c.is_ascii_alphanumeric() || " -_/${}.*".contains(c);
    (1..=200).contains(&text.len()) && text.chars().all(taken)
}
