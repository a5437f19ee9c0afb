//! Digests.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use super::{Function, seen};
use crate::config::value::Value;

pub(super) const TABLE: &[Function] = &[
    seen("sha256", 1, 1, |a| Ok(Value::text(hex(&Sha256::digest(a.text(0)?.as_bytes()))))),
    seen("sha512", 1, 1, |a| Ok(Value::text(hex(&Sha512::digest(a.text(0)?.as_bytes()))))),
    seen("base64sha256", 1, 1, |a| Ok(Value::text(STANDARD.encode(Sha256::digest(a.text(0)?.as_bytes()))))),
    seen("base64sha512", 1, 1, |a| Ok(Value::text(STANDARD.encode(Sha512::digest(a.text(0)?.as_bytes()))))),
];

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}
