//! Streams and color: data on standard output, all else on standard error.

use std::io::{BufRead, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use super::exit::Exit;
use crate::diagnostic::{Diagnostic, SourceMap};
use crate::render;
use crate::render::inert;
use crate::render::style::{BOLD, RED, paint};

/// Where a command speaks.
#[derive(Default)]
pub(super) struct Ui {
    /// Why data did not get through, where somebody would miss it.
    lost: OnceLock<String>,
}

impl Ui {
    /// Decides about color: `-no-color` wins, then the environment (`NO_COLOR`, `CLICOLOR_FORCE`),
    /// then whether a terminal listens.
    pub(super) fn new(no_color: bool) -> Ui {
        if no_color {
            anstream::ColorChoice::Never.write_global();
        }
        Ui::default()
    }

    /// Data for people, on standard output. What does not get through is kept for [`Ui::exit`].
    pub(super) fn data(&self, text: &str) {
        self.out(anstream::stdout().lock(), &inert::styled(text));
    }

    /// A JSON document, on standard output, with a line end.
    pub(super) fn json(&self, document: impl std::fmt::Display) {
        self.out(anstream::stdout().lock(), &inert::json(&format!("{document}\n")));
    }

    /// A bare value for another program, to which nothing is done unless a terminal reads it.
    pub(super) fn raw(&self, text: &str) {
        if std::io::stdout().is_terminal() {
            return self.data(text);
        }
        self.out(std::io::stdout().lock(), text);
    }

    fn out(&self, mut out: impl Write, text: &str) {
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.keep(&error);
        }
    }

    fn keep(&self, error: &std::io::Error) {
        if is_missed(error) {
            let _ = self.lost.set(error.to_string());
        }
    }

    /// How the program ends: not well, when data that it was asked for did not get through.
    pub(super) fn exit(&self, exit: Exit) -> Exit {
        let Some(why) = self.lost.get() else { return exit };
        self.error(&format!(
            "standard output could not be written, so that what was to be printed is lost or cut short: {why}. \
             Make room or write elsewhere, and run the command again"
        ));
        match exit {
            Exit::Done | Exit::Changes | Exit::Error => Exit::Error,
            Exit::Interrupted => Exit::Interrupted,
        }
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
    /// `otherwise` is how it is approved where nobody can be asked.
    pub(super) fn approves(&self, question: &str, otherwise: &str, input: bool) -> Result<bool, String> {
        if !input || !std::io::stdin().is_terminal() {
            return Err(format!("nobody can be asked for approval here; use -auto-approve{otherwise}"));
        }
        if self.lost.get().is_some() {
            return Err("what is to be approved could not be shown".to_owned());
        }
        self.tell(&format!("\n{}\n  Only 'yes' will be accepted to approve.\n", paint(BOLD, question)));
        let ask = inert::styled(&paint(BOLD, "Enter a value:"));
        let _ = write!(anstream::stderr().lock(), "  {ask} ");
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
        Ok(line.trim() == "yes")
    }
}

/// Tells whether output that failed so is missed: not by a reader that has gone away, as `head` does.
pub(super) fn is_missed(error: &std::io::Error) -> bool {
    error.kind() != ErrorKind::BrokenPipe
}

/// Tells on standard error, for those who have no [`Ui`].
pub(super) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", inert::styled(text));
}

/// Standard error for logs, a whole entry at each write.
pub(super) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // A log that is lost is no reason to stop: the subscriber would panic on an error.
        let _ = std::io::stderr().write_all(inert::text(&String::from_utf8_lossy(bytes)).as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missed_fails_a_command() {
        for (kind, exit, expected) in [
            (ErrorKind::BrokenPipe, Exit::Changes, Exit::Changes),
            (ErrorKind::StorageFull, Exit::Done, Exit::Error),
            (ErrorKind::StorageFull, Exit::Changes, Exit::Error),
            (ErrorKind::Other, Exit::Interrupted, Exit::Interrupted),
        ] {
            let ui = Ui::default();
            ui.keep(&kind.into());
            assert_eq!(ui.exit(exit), expected, "{kind}");
        }
    }
}
