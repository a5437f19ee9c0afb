//! `service_account` blocks.

use std::collections::BTreeMap;

use keyless_state::Address;

use super::fields::Fields;
use super::{Context, api_name, workspace};
use crate::config::configuration::{ServiceAccount, WorkspaceRef};
use crate::config::nearest;
use crate::config::section::Section;
use crate::diagnostic::{Diagnostic, Span};
use crate::resource::OrganizationRole;

const WORKSPACE_ROLES: [&str; 4] =
    ["workspace_user", "workspace_developer", "workspace_restricted_developer", "workspace_admin"];

pub(super) fn decode(context: &Context<'_>, address: &Address, section: &Section) -> Option<ServiceAccount> {
    let mut fields = Fields::of(context, section, address);
    let is_named = fields.section.argument("name").is_some();
    let name = api_name::name(&mut fields, address);
    let description = api_name::description(&mut fields);
    let organization_role = organization_role(&mut fields, address);
    let mut memberships: BTreeMap<WorkspaceRef, (String, Span)> = BTreeMap::new();
    for inner in fields.sections("membership") {
        let Some((workspace, role)) = membership(&mut fields, inner) else {
            fields.spoil();
            continue;
        };
        if let Some((_, first)) = memberships.get(&workspace) {
            let diagnostic = Diagnostic::error("Declared twice")
                .detail("The account is made a member of the same workspace twice, and it can have one role there.")
                .label(inner.header, "declared again here")
                .label(*first, "first declared here")
                .hint("remove one of the two");
            fields.report(diagnostic);
            continue;
        }
        memberships.insert(workspace, (role, inner.header));
    }
    fields.finish(&["membership"]);
    if !fields.is_sound() {
        return None;
    }
    Some(ServiceAccount {
        location: context.location(section.header),
        name: name?,
        is_named,
        description,
        organization_role,
        memberships: memberships.into_iter().map(|(workspace, (role, _))| (workspace, role)).collect(),
    })
}

fn organization_role(fields: &mut Fields<'_>, address: &Address) -> OrganizationRole {
    let Some(given) = fields.text("organization_role") else { return OrganizationRole::Developer };
    match &*given.value {
        "developer" => {}
        "admin" => fields.context.report(
            Diagnostic::warning("Admin service account")
                .address(address)
                .detail("Only the credential of a person may give the role `admin`, so an apply with any other credential is refused.")
                .label(given.span, "")
                .hint("write \"developer\" unless the workload administers the organization"),
        ),
        other => {
            let detail = format!("There is no organization role `{other}` for service accounts.");
            let hint = nearest::suggest(other, "there is", ["developer", "admin"]);
            fields.refuse("Unknown role", detail, given.span, hint);
        }
    }
    OrganizationRole::from_word(&given.value)
}

fn membership(fields: &mut Fields<'_>, section: &Section) -> Option<(WorkspaceRef, String)> {
    let mut inner = fields.inner(section);
    let workspace = inner.value("workspace", workspace::reference);
    inner.require("workspace", workspace.is_some(), "`workspace = data.workspace.NAME`");
    let role = inner.text("role");
    inner.require("role", role.is_some(), "`role = \"workspace_developer\"`");
    let role = role.filter(|given| {
        let known = WORKSPACE_ROLES.contains(&&*given.value);
        if given.value == "workspace_billing" {
            let detail = "A service account can never hold the role `workspace_billing`: the API refuses it.";
            inner.refuse(
                "Unknown role",
                detail,
                given.span,
                format!("choose one of {}", WORKSPACE_ROLES.join(", ")),
            );
        } else if !known {
            let detail = format!("There is no workspace role `{}`.", given.value);
            let hint = nearest::suggest(&given.value, "there is", WORKSPACE_ROLES);
            inner.refuse("Unknown role", detail, given.span, hint);
        }
        known
    });
    inner.finish(&[]);
    if !inner.is_sound() {
        return None;
    }
    Some((workspace?.value, role?.value))
}
