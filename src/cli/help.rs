//! Help and usage errors, in the form in which flags are documented: with one dash.

use std::sync::LazyLock;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use regex::Regex;

use super::ui::Ui;
use crate::render::style::marked;

/// Commands of Terraform that are called otherwise here, or are not needed.
const ELSEWHERE: [(&str, &str); 7] = [
    ("state", "'keyless show' shows the recorded state"),
    ("refresh", "'keyless apply -refresh-only' records what others changed"),
    ("init", "there is nothing to initialize; 'keyless plan' works at once"),
    ("import", "objects that exist as they are declared are taken under care by 'keyless apply'"),
    ("taint", "nothing is made anew in place; 'keyless rollback' returns to a checkpoint"),
    ("force-unlock", "the lock goes with the process that holds it; end that one"),
    ("workspace", "workspaces are those of the organization, declared with 'data \"workspace\"'"),
];

/// Prints what was asked for on standard output, and what is wrong on standard error.
pub(super) fn print(mut error: clap::Error, ui: &Ui) {
    point_elsewhere(&mut error);
    match error.kind() {
        // Nothing from outside is in it, so its styles are our own.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = one_dash(&marked(&error.render().ansi().to_string()));
            ui.data(&format!("{}\n", text.trim_end()));
        }
        _ => ui.tell(one_dash(&error.render().to_string()).trim_end()),
    }
}

/// Puts what is true in place of what is spelled alike.
fn point_elsewhere(error: &mut clap::Error) {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return };
    let Some((_, tip)) = ELSEWHERE.iter().find(|(name, _)| name == typed) else { return };
    error.remove(ContextKind::SuggestedSubcommand);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(*tip)]));
}

/// `--flag` becomes `-flag`. Both can be typed; Terraform's users and the documentation know one.
fn one_dash(text: &str) -> String {
    static TWO: LazyLock<Regex> = LazyLock::new(|| {
        // Before a flag stands no part of a word, or the end of a style.
        Regex::new(r"(?m)(^|[^\w-]|\[[0-9;]*m)--([a-z])").expect("a sound pattern")
    });
    static LISTED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^( {2}.*?)--([a-z].*?)( {2,})").expect("a sound pattern"));
    // What is said of a listed flag stays in its column.
    let listed = LISTED.replace_all(text, "$1-$2$3 ");
    TWO.replace_all(&listed, "$1-$2").into_owned()
}

#[cfg(test)]
mod tests {
    use super::one_dash;

    #[test]
    fn flags_have_one_dash() {
        let check = |given: &str, expected: &str| assert_eq!(one_dash(given), expected);
        check("  -h, --help  Print [--to <NAME>]", "  -h, -help   Print [-to <NAME>]");
        check("      --by <N>  Who\n                says", "      -by <N>   Who\n                says");
        check("--json\n--raw", "-json\n-raw");
        check("x[1m--json", "x[1m-json");
        check("use '-- --foo' or a--b", "use '-- -foo' or a--b");
    }
}
