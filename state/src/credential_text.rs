//! What looks like a credential in a text. Nothing that is recorded may hold one.

use std::ops::Range;

use serde_json::Value;

/// How every key and token of the service begins.
const BEGINNING: &str = "sk-ant-";

/// A bare beginning may be talked about, as in `sk-ant-api03`; a key is longer than that.
const BODY_CHARS_MIN: usize = 12;

/// Where keys and tokens of the service stand in a text.
pub fn service_keys(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(BEGINNING).filter_map(|(start, _)| {
        let body = &text[start + BEGINNING.len()..];
        let is_body = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let length = body.find(|c: char| !is_body(c)).unwrap_or(body.len());
        (length >= BODY_CHARS_MIN).then_some(start..start + BEGINNING.len() + length)
    })
}

/// Where private keys stand in a text, each from the line that begins it.
fn private_keys(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("PRIVATE KEY-----").filter_map(|(start, _)| {
        let begin = text[..start].rfind("-----BEGIN").filter(|begin| !text[*begin..start].contains('\n'))?;
        let behind = &text[start..];
        Some(begin..start + behind.find("-----END").unwrap_or(behind.len()))
    })
}

/// Where credentials of either kind stand in a text, in order and apart from each other.
pub fn find(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = service_keys(text).chain(private_keys(text)).collect();
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, before| {
        let overlap = next.start < before.end;
        if overlap {
            before.end = before.end.max(next.end);
        }
        overlap
    });
    found
}

/// Whether a credential stands in a text.
pub fn is_in(text: &str) -> bool {
    service_keys(text).next().is_some() || private_keys(text).next().is_some()
}

/// Takes credentials out of a text.
pub fn mask(text: &mut String) {
    for range in find(text).into_iter().rev() {
        text.replace_range(range, "(secret)");
    }
}

/// The path to the first credential in a document, such as `steps.0.arguments.description`. The path itself
/// never holds one.
pub fn place_in(document: &Value) -> Option<String> {
    let mut path = Vec::new();
    search(document, &mut path).then(|| {
        let mut place = path.join(".");
        mask(&mut place);
        if place.is_empty() { "the document itself".to_owned() } else { place }
    })
}

/// Leaves the path where it found one.
fn search(value: &Value, path: &mut Vec<String>) -> bool {
    let mut inside = |step: String, value: Option<&Value>| {
        let is_key = is_in(&step);
        path.push(step);
        let found = is_key || value.is_some_and(|value| search(value, path));
        if !found {
            path.pop();
        }
        found
    };
    match value {
        Value::String(text) => is_in(text),
        Value::Array(items) => items.iter().enumerate().any(|(at, item)| inside(at.to_string(), Some(item))),
        Value::Object(entries) => entries.iter().any(|(name, item)| inside(name.clone(), Some(item))),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_are_found_and_ids_are_not() {
        for (text, expected) in [
            ("x = \"sk-ant-api03-abcdef_D\"", [(5, 26)].to_vec()),
            ("sk-ant-admin01-xyzxyz sk-ant-oat01-yzyzyzyz", [(0, 21), (22, 43)].to_vec()),
            ("sk-ant-sid01-xxxxxxx", [(0, 20)].to_vec()),
            ("sk-ant-api03-R2D...igAA apikey_01 sk-ant", vec![]),
        ] {
            let found: Vec<(usize, usize)> =
                find(text).iter().map(|range| (range.start, range.end)).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(is_in(text), !expected.is_empty(), "{text}");
        }
        let pem = "a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(find(pem).len(), 1);
        assert!(is_in(pem));
        assert!(find("-----BEGIN CERTIFICATE-----\nMHc\n-----END CERTIFICATE-----\n").is_empty());
        assert!(find("-----BEGIN PUBLIC KEY-----").is_empty());
    }

    #[test]
    fn words_lose_their_secrets() {
        let mut text = "given \"sk-ant-api03-canary\" and sk-ant-oat01-canary.".to_owned();
        mask(&mut text);
        assert_eq!(text, "given \"(secret)\" and (secret).");
    }

    #[test]
    fn the_place_is_told_and_the_text_is_not() {
        let key = ["sk-ant-", "api03-canaryCANARY"].concat();
        let place = |document: Value| place_in(&document);
        assert_eq!(place(json!({"a": [1, {"b": format!("x{key}")}]})), Some("a.1.b".to_owned()));
        assert_eq!(place(json!({"a": {key.as_str(): 1}})), Some("a.(secret)".to_owned()));
        assert_eq!(place(json!(key)), Some("the document itself".to_owned()));
        assert_eq!(place(json!({"a": ["sk-ant-", null]})), None);
    }
}
