//! Makes a server's text fit to be shown: short, on one line, free of secrets.

/// Longest text that is kept of an answer, in characters.
const KEPT_CHARS_MAX: usize = 600;

/// Longest run of a token's characters that is still taken for an ordinary word.
const WORD_CHARS_MAX: usize = 80;

/// Cuts a text to a sensible length and blots out what looks like a key or a signed token.
pub(crate) fn scrub(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        shown.push_str(if is_secret(word) { "(secret)" } else { word });
        let mut chars = tail.chars();
        if let Some(c) = chars.next() {
            shown.push(if c.is_control() { ' ' } else { c });
        }
        rest = chars.as_str();
    }
    match shown.char_indices().nth(KEPT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &shown[..at]),
        None => shown,
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Keys start `sk-ant-`, and every JSON Web Token starts with an encoded brace and quote.
fn is_secret(word: &str) -> bool {
    word.contains("sk-ant-") || (word.contains("eyJ") && word.len() > 24) || word.len() > WORD_CHARS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(scrub(text), expected);
    }

    #[test]
    fn secrets_are_blotted_out() {
        check("bad key sk-ant-api03-abc_DEF-1!", "bad key (secret)!");
        check("token=\"sk-ant-oat01-x\"", "token=\"(secret)\"");
        check("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln here", "got (secret) here");
        check(&format!("odd {}", "a".repeat(81)), "odd (secret)");
        check("workspace_id: wrkspc_01 is not live", "workspace_id: wrkspc_01 is not live");
    }

    #[test]
    fn text_stays_on_one_line_and_short() {
        check("a\r\nb\x1b[31m", "a  b [31m");
        let long = scrub(&"é ".repeat(2_000));
        assert_eq!(long.chars().count(), KEPT_CHARS_MAX + 1);
    }
}
