//! Secrets in files: finds them, reports them, and keeps them out of every other message.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap, Span};

/// The documented beginnings of credentials, and the line that begins a private key.
const BEGINNINGS: [&str; 3] = ["sk-ant-api", "sk-ant-admin", "sk-ant-oat"];

/// Where credentials stand in a text.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("sk-ant-") {
        let Some(beginning) = BEGINNINGS.iter().find(|word| text[start..].starts_with(**word)) else {
            continue;
        };
        let body = &text[start + beginning.len()..];
        let length = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        found.push(start..start + beginning.len() + length.unwrap_or(body.len()));
    }
    for (start, _) in text.match_indices("PRIVATE KEY-----") {
        let line = text[..start].rfind("-----BEGIN").filter(|begin| !text[*begin..start].contains('\n'));
        let Some(begin) = line else { continue };
        let behind = &text[start..];
        let end = behind.find("-----END").unwrap_or(behind.len());
        found.push(begin..start + end);
    }
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

/// Reports the credentials in a file. In a comment the bare beginning may be talked about.
pub(super) fn check_file(
    sources: &SourceMap,
    file: FileId,
    comments: &[Range<usize>],
    found: &mut Diagnostics,
) {
    const KEY_CHARS_MIN: usize = 24;
    for range in find(&sources.file(file).text) {
        let in_comment = comments.iter().any(|comment| comment.contains(&range.start));
        if in_comment && range.len() < KEY_CHARS_MIN {
            continue;
        }
        // The place without its bytes, so that nobody can draw them.
        let span = Span { file, start: range.start as u32, end: range.start as u32 };
        found.push(
            Diagnostic::error("Secret in a file")
                .detail(
                    "A credential stands here in plain text. Everybody who can read the file, or the history \
                     of its repository, can use it.",
                )
                .label(span, "")
                .hint(
                    "remove it and treat it as leaked. A key is named by its id `apikey_…`, which is no secret; \
                     commands that need a credential read it from the environment",
                )
                .redacted(),
        );
    }
}

/// Whether the text at this place holds a credential, which [`check_file`] has reported then.
pub(super) fn is_reported(sources: &SourceMap, span: Span) -> bool {
    let text = sources.file(span.file).text.get(span.start as usize..span.end as usize);
    text.is_some_and(|text| !find(text).is_empty())
}

/// Forbids drawing lines with secrets, and takes secrets out of the words of every message.
pub(super) fn redact(sources: &SourceMap, found: &mut Diagnostics) {
    let mut lines: Vec<(FileId, u32)> = Vec::new();
    for (id, file) in sources.files() {
        for range in find(&file.text) {
            let (first, _) = file.line_column(range.start as u32);
            let (last, _) = file.line_column(range.end as u32);
            lines.extend((first..=last).map(|line| (id, line)));
        }
    }
    lines.sort_unstable();
    found.for_each_mut(|diagnostic| {
        for label in &mut diagnostic.labels {
            let file = sources.file(label.span.file);
            let (first, _) = file.line_column(label.span.start);
            let (last, _) = file.line_column(label.span.end);
            let at = lines.partition_point(|line| *line < (label.span.file, first));
            diagnostic.redact |= lines.get(at).is_some_and(|line| *line <= (label.span.file, last));
            mask(&mut label.text);
        }
        mask(&mut diagnostic.summary);
        mask(&mut diagnostic.detail);
        if let Some(hint) = &mut diagnostic.hint {
            mask(hint);
        }
    });
}

/// Takes credentials out of a text.
pub(super) fn mask(text: &mut String) {
    for range in find(text).into_iter().rev() {
        text.replace_range(range, "(secret)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_and_ids_are_not() {
        for (text, expected) in [
            ("x = \"sk-ant-api03-abc_D\"", [(5, 23)].to_vec()),
            ("sk-ant-admin01-x sk-ant-oat01-y", [(0, 16), (17, 31)].to_vec()),
            ("sk-ant-sid apikey_01 sk-ant", vec![]),
        ] {
            let found: Vec<(usize, usize)> =
                find(text).iter().map(|range| (range.start, range.end)).collect();
            assert_eq!(found, expected, "{text}");
        }
        let pem = "a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(find(pem).len(), 1);
        assert!(find("-----BEGIN CERTIFICATE-----\nMHc\n-----END CERTIFICATE-----\n").is_empty());
        assert!(find("-----BEGIN PUBLIC KEY-----").is_empty());
    }

    #[test]
    fn words_lose_their_secrets() {
        let mut text = "given \"sk-ant-api03-canary\" and sk-ant-oat01-canary.".to_owned();
        mask(&mut text);
        assert_eq!(text, "given \"(secret)\" and (secret).");
    }
}
