//! Streams and color: data on standard output, all else on standard error.

use std::io::{BufRead, IsTerminal, Write};

use crate::diagnostic::{Diagnostic, SourceMap};
use crate::render;
use crate::render::style::{BOLD, RED, paint};

/// Where a command speaks.
pub(super) struct Ui;

impl Ui {
    /// Decides about color: `-no-color` wins, then the environment (`NO_COLOR`, `CLICOLOR_FORCE`),
    /// then whether a terminal listens.
    pub(super) fn new(no_color: bool) -> Ui {
        if no_color {
            anstream::ColorChoice::Never.write_global();
        }
        Ui
    }

    /// Data, on standard output. A reader that has gone away is no error of ours.
    pub(super) fn data(&self, text: &str) {
        let mut out = anstream::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// Everything else, on standard error.
    pub(super) fn tell(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// A failure in whole sentences.
    pub(super) fn error(&self, text: &str) {
        self.tell(&format!("{}{} {text}", paint(RED.bold(), "error"), paint(BOLD, ":")));
    }

    /// Diagnostics with their source lines.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        for diagnostic in diagnostics {
            self.tell(&render::diagnostic::diagnostic(diagnostic, sources));
        }
    }

    /// Asks for the word `yes`, as Terraform does. Without a terminal or with `-input=false`
    /// nobody can answer, which counts as no.
    pub(super) fn approves(&self, question: &str, input: bool) -> Result<bool, String> {
        if !input || !std::io::stdin().is_terminal() {
            return Err("nobody can be asked for approval here; use -auto-approve, or save the plan with `plan -out` and apply that file".to_owned());
        }
        self.tell(&format!("\n{}\n  Only 'yes' will be accepted to approve.\n", paint(BOLD, question)));
        let _ = write!(anstream::stderr().lock(), "  {} ", paint(BOLD, "Enter a value:"));
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
        Ok(line.trim() == "yes")
    }
}
