//! The documented limits of the API, spelled anew: a constant that client and simulator shared would
//! let one misreading cancel itself.

use std::ops::RangeInclusive;

/// Longest object name, in characters.
pub(super) const NAME_CHARS_MAX: usize = 255;
/// Longest description, in characters.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Longest subject prefix or audience, in characters.
pub(super) const MATCHER_CHARS_MAX: usize = 1_024;
/// Longest condition, in characters.
pub(super) const CONDITION_CHARS_MAX: usize = 4_096;
/// Life of a minted token, in seconds: a minute to a day.
pub(super) const TOKEN_LIFETIME_SECONDS: RangeInclusive<i64> = 60..=86_400;
/// Longest permitted life of an identity token, in seconds: up to 49 hours.
pub(super) const JWT_LIFETIME_SECONDS: RangeInclusive<i64> = 1..=176_400;
/// Largest identity token, in bytes.
pub(super) const IDENTITY_TOKEN_BYTES_MAX: usize = 16_384;
/// Largest dotenv file that a simulated workload loads, in bytes; a bound of the simulator's own.
pub(super) const DOTENV_BYTES_MAX: u64 = 1_048_576;
