//! Streams and color: data on standard output, all else on standard error.

use std::io::{BufRead, IsTerminal, Write};

use crate::diagnostic::{Diagnostic, SourceMap};
use crate::render;
use crate::render::inert;
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

    /// Data for people, on standard output.
    pub(super) fn data(&self, text: &str) {
        out(&inert::styled(text));
    }

    /// A JSON document, on standard output, with a line end.
    pub(super) fn json(&self, document: impl std::fmt::Display) {
        out(&inert::json(&format!("{document}\n")));
    }

    /// A bare value for another program, to which nothing is done unless a terminal reads it.
    pub(super) fn raw(&self, text: &str) {
        if std::io::stdout().is_terminal() {
            return self.data(text);
        }
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// Everything else, on standard error.
    pub(super) fn tell(&self, text: &str) {
        tell(text);
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
        let ask = inert::styled(&paint(BOLD, "Enter a value:"));
        let _ = write!(anstream::stderr().lock(), "  {ask} ");
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
        Ok(line.trim() == "yes")
    }
}

/// A reader that has gone away is no error of ours.
fn out(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Tells on standard error, for those who have no [`Ui`].
pub(super) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", inert::styled(text));
}

/// Standard error for logs, a whole entry at each write.
pub(super) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write_all(inert::text(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
