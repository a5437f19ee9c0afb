//! Who stands behind the engine's credential.

/// Who stands behind the engine's credential, as far as its source tells.
///
/// The API lets people do what it refuses to workloads, such as giving a service account the role
/// `admin`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// A member who logged in.
    Person,
    /// A service account: the token came from an exchange.
    Workload,
    /// A bare token, which does not tell.
    #[default]
    Unknown,
}
