//! Help and usage errors, in the form in which flags are documented: with one dash.

use std::sync::LazyLock;

use clap::error::ErrorKind;
use regex::Regex;

use super::ui::{self, Ui};
use crate::render::style::marked;

/// Prints what was asked for on standard output, and what is wrong on standard error.
pub(super) fn print(error: &clap::Error) {
    match error.kind() {
        // Nothing from outside is in it, so its styles are our own.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Ui::new(false).data(&one_dash(&marked(&error.render().ansi().to_string())));
        }
        _ => ui::tell(one_dash(&error.render().to_string()).trim_end()),
    }
}

/// `--flag` becomes `-flag`. Both can be typed; Terraform's users and the documentation know one.
fn one_dash(text: &str) -> String {
    static TWO: LazyLock<Regex> = LazyLock::new(|| {
        // Before a flag stands no part of a word, or the end of a style.
        Regex::new(r"(?m)(^|[^\w-]|\[[0-9;]*m)--([a-z])").expect("a sound pattern")
    });
    TWO.replace_all(text, "$1-$2").into_owned()
}

#[cfg(test)]
mod tests {
    use super::one_dash;

    #[test]
    fn flags_have_one_dash() {
        let check = |given: &str, expected: &str| assert_eq!(one_dash(given), expected);
        check("  -h, --help  Print [--to <NAME>]", "  -h, -help  Print [-to <NAME>]");
        check("--json\n--raw", "-json\n-raw");
        check("x[1m--json", "x[1m-json");
        check("use '-- --foo' or a--b", "use '-- -foo' or a--b");
    }
}
