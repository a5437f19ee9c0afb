//! Signed identity tokens: who signed one, for whom, and until when.
//!
//! Nothing here asks for the time or opens a connection: keys and clock are given.

mod key_set;
mod refusal;
mod signature;
mod verify;

pub use key_set::{IssuerKeys, KeySetError};
pub use refusal::TokenRefusal;
pub use verify::{
    Expected, UnverifiedToken, VerifiedToken, is_single_use, peek_unverified, verify, verify_signature,
};

/// Chooses the cryptography behind signature checks. Calling it again changes nothing; without
/// it, another crate's features could leave the choice open, and the first check would panic.
pub fn install_crypto() {
    // The only error is that a provider is installed already.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
