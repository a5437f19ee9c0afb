//! A workspace: where tokens and keys work. Looked up, never changed.

use jiff::Timestamp;

/// A workspace as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceObject {
    /// `wrkspc_…`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Whether it is the organization's default workspace, in which every service account is an
    /// implicit member.
    pub is_default: bool,
    /// When it was archived, if it was.
    pub archived_at: Option<Timestamp>,
}
