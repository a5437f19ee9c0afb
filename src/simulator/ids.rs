//! Ids, keys and tokens that are the same again for the same seed and the same calls.
//!
//! The id of a named object follows from the seed, its kind, its name and how many objects had that
//! name when they were made. It does not depend on the order in which other objects are made, so a
//! seed can name the id of a rule that is yet to be created.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The id of the object `name` of a kind, such as `fdrl_01…`, when `earlier` had that name before.
pub(super) fn object(seed: u64, prefix: &str, name: &str, earlier: usize) -> String {
    tagged(
        prefix,
        &digest(&[
            b"object",
            &seed.to_be_bytes(),
            prefix.as_bytes(),
            name.as_bytes(),
            &(earlier as u64).to_be_bytes(),
        ]),
    )
}

/// The first id of the object `name` of a kind that is not taken.
pub(super) fn free(seed: u64, prefix: &str, name: &str, is_taken: impl Fn(&String) -> bool) -> String {
    let mut ids = (0..).map(|earlier| object(seed, prefix, name, earlier));
    ids.find(|id| !is_taken(id)).expect("a name has more ids than there are objects")
}

/// The id of the `number`-th thing of a kind that has no name.
pub(super) fn numbered(seed: u64, prefix: &str, number: u64) -> String {
    tagged(prefix, &digest(&[b"numbered", &seed.to_be_bytes(), prefix.as_bytes(), &number.to_be_bytes()]))
}

/// A request id: unique over all starts of one simulated organization.
pub(super) fn request(seed: u64, start: u64, number: u64) -> String {
    tagged("req", &digest(&[b"request", &seed.to_be_bytes(), &start.to_be_bytes(), &number.to_be_bytes()]))
}

/// A number below 100 that follows from a seed and the `number`-th throw of a die.
pub(super) fn chance(seed: u64, die: u64, number: u64) -> u64 {
    throw(b"chance", seed, die, number) % 100
}

/// A number up to `most` that follows likewise, and not from the chance.
pub(super) fn jitter(seed: u64, die: u64, number: u64, most: u64) -> u64 {
    throw(b"jitter", seed, die, number) % (most + 1)
}

fn throw(purpose: &[u8], seed: u64, die: u64, number: u64) -> u64 {
    let digest = digest(&[purpose, &seed.to_be_bytes(), &die.to_be_bytes(), &number.to_be_bytes()]);
    digest[..4].iter().fold(0, |sum, byte| sum * 256 + u64::from(*byte))
}

/// A secret in the documented shape: the prefix, 93 characters, `AA`.
pub(super) fn secret(seed: u64, prefix: &str, purpose: &str) -> String {
    let mut bytes = Vec::new();
    for block in 0u8..3 {
        bytes.extend(digest(&[
            b"secret",
            &seed.to_be_bytes(),
            prefix.as_bytes(),
            purpose.as_bytes(),
            &[block],
        ]));
    }
    let text = URL_SAFE_NO_PAD.encode(&bytes);
    format!("{prefix}{}AA", &text[..93])
}

/// Whether a text is an id of this kind, such as `fdrl_` and letters and digits.
pub(super) fn is_well_formed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).is_some_and(|tail| {
        !tail.is_empty() && tail.len() <= 64 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Whether a text is a UUID in its usual hyphenated form.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, letter)| match at {
            8 | 13 | 18 | 23 => letter == '-',
            _ => letter.is_ascii_hexdigit(),
        })
}

fn tagged(prefix: &str, digest: &[u8; 32]) -> String {
    let tail: String =
        digest[..22].iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % 58])).collect();
    format!("{prefix}_01{tail}")
}

/// SHA-256 over parts, each led by its length, so that parts cannot run into each other.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_repeat_for_the_same_seed_and_differ_otherwise() {
        let id = object(1, "fdrl", "release", 0);
        assert_eq!(id, object(1, "fdrl", "release", 0));
        assert_eq!(id.len(), "fdrl_01".len() + 22);
        assert!(is_well_formed(&id, "fdrl"));
        for other in
            [object(2, "fdrl", "release", 0), object(1, "fdrl", "release", 1), object(1, "fdrl", "r", 0)]
        {
            assert_ne!(id, other);
        }
        assert_ne!(request(1, 1, 1), request(1, 2, 1));
        assert_ne!(numbered(1, "jti", 1), numbered(1, "jti", 2));
    }

    #[test]
    fn secrets_have_the_documented_shape() {
        let key = secret(7, "sk-ant-api03-", "apikey_1");
        assert_eq!(key.len(), 108);
        assert!(key.ends_with("AA"));
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_ne!(key, secret(7, "sk-ant-api03-", "apikey_2"));
    }

    #[test]
    fn well_formed_ids_and_uuids() {
        let cases = [("fdrl_1", true), ("fdrl_", false), ("fdis_1", false), ("fdrl_a-b", false), ("", false)];
        for (text, expected) in cases {
            assert_eq!(is_well_formed(text, "fdrl"), expected, "{text}");
        }
        assert!(is_uuid("0a1b2c3d-0000-4000-8000-00000000000F"));
        assert!(!is_uuid("0a1b2c3d-0000-4000-8000-00000000000"));
        assert!(!is_uuid("0a1b2c3d00000-4000-8000-00000000000f"));
    }
}
