//! The argument `jwks` of a provider: where its public keys come from.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::fields::Fields;
use crate::config::convert;
use crate::config::nearest;
use crate::config::value::Value;
use crate::diagnostic::{Diagnostic, Span};
use crate::limits;
use crate::resource::Jwks;

const KEYS: [&str; 5] = ["type", "discovery_base", "url", "ca_cert_pem", "keys"];

/// Members of a JWK that only private and symmetric keys have.
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

pub(super) fn decode(fields: &mut Fields<'_>) -> Option<Jwks> {
    let given = fields.object("jwks")?;
    let entries = given.value.as_entries()?;
    let before = fields.is_sound();
    for name in entries.keys().filter(|name| !KEYS.contains(&name.as_str())) {
        let hint = nearest::suggest(name, "there is", KEYS);
        fields.refuse("Unknown argument", format!("`jwks` has no attribute `{name}`."), given.span, hint);
    }
    let mut reader = Reader { fields, entries, span: given.span };
    let jwks = reader.read();
    if before && !fields.is_sound() { None } else { jwks }
}

struct Reader<'r, 'f> {
    fields: &'r mut Fields<'f>,
    entries: &'r BTreeMap<String, Value>,
    span: Span,
}

impl Reader<'_, '_> {
    fn read(&mut self) -> Option<Jwks> {
        let kind = match self.text("type") {
            Some(kind) => kind,
            None if self.has("url") => "explicit_url".to_owned(),
            None if self.has("keys") => "inline".to_owned(),
            None => "discovery".to_owned(),
        };
        match &*kind {
            "discovery" => {
                self.only(&kind, &["discovery_base", "ca_cert_pem"]);
                let discovery_base = self.text("discovery_base");
                Some(Jwks::Discovery { discovery_base, ca_cert_pem: self.certificate() })
            }
            "explicit_url" => {
                self.only(&kind, &["url", "ca_cert_pem"]);
                let url = self.text("url");
                if url.is_none() {
                    self.refuse(
                        "`jwks` of type `explicit_url` needs the attribute `url`.",
                        "add `url = \"https://…\"`",
                    );
                }
                Some(Jwks::ExplicitUrl { url: url?, ca_cert_pem: self.certificate() })
            }
            "inline" => {
                self.only(&kind, &["keys"]);
                Some(Jwks::Inline { keys: self.keys()? })
            }
            other => {
                let detail = format!("`jwks` has no type `{other}`.");
                self.refuse(
                    &detail,
                    &nearest::suggest(other, "there is", ["discovery", "explicit_url", "inline"]),
                );
                None
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|value| !value.is_null())
    }

    fn refuse(&mut self, detail: &str, hint: &str) {
        self.fields.refuse("Invalid key source", detail, self.span, hint);
    }

    fn only(&mut self, kind: &str, allowed: &[&str]) {
        for name in KEYS.iter().filter(|name| **name != "type") {
            if self.has(name) && !allowed.contains(name) {
                let detail = format!("`jwks` of type `{kind}` has no attribute `{name}`.");
                self.refuse(&detail, "remove it, or choose another type");
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.entries.get(name).filter(|value| !value.is_null())?;
        match convert::to_text(value) {
            Ok(text) if text.as_text().is_some_and(|text| text.trim().is_empty()) => {
                self.refuse(&format!("`jwks.{name}` is an empty string."), "write a text, or leave it out");
                None
            }
            Ok(text) => text.as_text().map(str::to_owned),
            Err(detail) => {
                self.refuse(&format!("`jwks.{name}`: {detail}"), "write a string");
                None
            }
        }
    }

    fn certificate(&mut self) -> Option<String> {
        let text = self.text("ca_cert_pem")?;
        let length = text.chars().count();
        if length > limits::CA_CERT_CHARS_MAX {
            let most = limits::CA_CERT_CHARS_MAX;
            let detail =
                format!("`jwks.ca_cert_pem` has {length} characters, and the API takes {most} at most.");
            self.refuse(&detail, "give the certificate of the private CA alone, without its chain");
        }
        Some(text)
    }

    fn keys(&mut self) -> Option<Vec<Json>> {
        let keys = self.entries.get("keys");
        if keys.and_then(Value::inexact_in_json).is_some() {
            let detail =
                "A number in `jwks.keys` is too long for JSON, whose readers would lose digits of it.";
            self.refuse(detail, "copy the keys as they are; the numbers of a key are strings in base64url");
            return None;
        }
        let keys = keys.and_then(Value::to_json);
        let Some(Json::Array(keys)) =
            keys.filter(|keys| keys.as_array().is_some_and(|keys| !keys.is_empty()))
        else {
            self.refuse(
                "`jwks` of type `inline` needs `keys`, a list of at least one key.",
                "add `keys = [{ … }]`",
            );
            return None;
        };
        for key in &keys {
            let Json::Object(members) = key else {
                self.refuse(
                    "A key in `jwks.keys` is an object such as { kty = \"RSA\", … }.",
                    "write each key as an object",
                );
                return None;
            };
            if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
                let span = self.fields.name_span("jwks");
                self.fields.report(
                    Diagnostic::error("Secret in a file")
                        .detail("A key in `jwks.keys` is a private or symmetric key. With it anybody can sign tokens that pass.")
                        .label(span, "")
                        .hint("give the public key: only kty, kid, alg, use and n, e or crv, x, y; treat the private one as leaked")
                        .redacted(),
                );
                return None;
            }
        }
        Some(keys)
    }
}
