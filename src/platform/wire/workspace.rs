//! The organization and its workspaces on the wire.

use jiff::Timestamp;
use serde::Deserialize;

use super::Wire;
use crate::resource::{Organization, WorkspaceObject};

#[derive(Deserialize)]
pub(crate) struct WorkspaceWire {
    id: String,
    name: String,
    #[serde(default)]
    archived_at: Option<Timestamp>,
}

impl Wire for WorkspaceWire {
    type Object = WorkspaceObject;
    const NOUN: &'static str = "workspace";

    /// Which workspace is the default one cannot be told from one workspace alone.
    fn into_object(self) -> Result<WorkspaceObject, String> {
        Ok(WorkspaceObject { id: self.id, name: self.name, is_default: false, archived_at: self.archived_at })
    }
}

#[derive(Deserialize)]
pub(crate) struct OrganizationWire {
    id: String,
    name: String,
}

impl Wire for OrganizationWire {
    type Object = Organization;
    const NOUN: &'static str = "organization";

    fn into_object(self) -> Result<Organization, String> {
        Ok(Organization { id: self.id, name: self.name })
    }
}
