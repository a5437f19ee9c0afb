//! Finds a variable in a file, or says in which line the file cannot be judged.

use std::collections::BTreeSet;
use std::ops::Range;

use keyless_state::credential_text;

use super::fault::EnvFileFault;
use super::format::Format;
use super::statement::{Kind, Sets, Statement, line_end, line_of};
use super::{dotenv, ours, shell, systemd};

/// The variables that win over federation with every client, be they empty for some.
const SHADOWS: [&str; 2] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

/// A file as the program reads it that it is for.
pub(crate) struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) format: Format,
    pub(super) statements: Vec<Statement>,
}

/// A statement that sets a variable.
pub(crate) struct Setting<'a> {
    text: &'a str,
    /// Where it stands: whole lines.
    pub(super) range: Range<usize>,
    pub(super) sets: &'a Sets,
}

impl Setting<'_> {
    /// What the variable is set to; none where that is computed, or readers see it differently.
    pub(crate) fn literal(&self) -> Option<&str> {
        self.sets.literal.as_ref().map(|text| text.as_str())
    }

    /// Its first line, from 1.
    pub(crate) fn line(&self) -> usize {
        line_of(self.text, self.range.start)
    }
}

impl<'a> Reading<'a> {
    /// Reads a text.
    pub(crate) fn of(text: &'a str, format: Format) -> Reading<'a> {
        let statements = match format {
            Format::Dotenv => dotenv::read(text),
            Format::Shell | Format::Direnv => shell::read(text),
            Format::Systemd => systemd::read(text),
        };
        debug_assert_eq!(statements.last().map_or(0, |last| last.range.end), text.len());
        Reading { text, format, statements }
    }

    /// All that sets, or exports, a variable.
    pub(crate) fn settings_of(&self, variable: &str) -> Vec<Setting<'_>> {
        self.settings().filter(|setting| setting.sets.name == variable).collect()
    }

    /// All that is set.
    pub(super) fn settings(&self) -> impl Iterator<Item = Setting<'_>> {
        self.statements.iter().filter_map(|statement| match &statement.kind {
            Kind::Sets(sets) => Some(Setting { text: self.text, range: statement.range.clone(), sets }),
            _ => None,
        })
    }

    /// Tells whether a variable is set, be it to nothing: for some clients an empty value still wins.
    ///
    /// # Errors
    /// If it is not found, and something is there of which it cannot be told whether it sets it.
    pub(crate) fn holds(&self, variable: &str, beside: &BTreeSet<String>) -> Result<bool, EnvFileFault> {
        if self.settings_of(variable).iter().any(|setting| setting.sets.has_value) {
            return Ok(true);
        }
        self.doubt(variable, beside).map_or(Ok(false), Err)
    }

    /// Why the file cannot be cleared of a variable by taking out the statements that set it; none
    /// where it can. `beside` are the variables of others whose keys are in the same file.
    pub(crate) fn doubt(&self, variable: &str, beside: &BTreeSet<String>) -> Option<EnvFileFault> {
        let settings = self.settings_of(variable);
        if let Some(first) = settings.first()
            && !settings.iter().any(|setting| setting.sets.has_value)
        {
            return Some(self.not_understood(first.range.start, variable));
        }
        self.statements.iter().find_map(|statement| self.doubt_about(statement, variable, beside))
    }

    fn doubt_about(
        &self,
        statement: &Statement,
        variable: &str,
        beside: &BTreeSet<String>,
    ) -> Option<EnvFileFault> {
        let line = |at: usize| line_of(self.text, at);
        let doubt = match &statement.kind {
            Kind::Sets(sets) if sets.name == variable => {
                let line = line(statement.range.start);
                let fault = EnvFileFault::SeveralLines { line, variable: variable.to_owned() };
                return (!sets.is_agreed).then_some(fault);
            }
            Kind::Nothing => None,
            Kind::Sets(sets) => self.mention_in_value(sets, variable),
            Kind::Other { open } => {
                let mention = self.mentions(&statement.range, variable).next();
                let begins = line(statement.range.start);
                mention.map(|at| match line(at) {
                    line if *open && line > begins => {
                        EnvFileFault::Behind { line, begins, variable: variable.to_owned() }
                    }
                    _ => self.not_understood(at, variable),
                })
            }
        };
        let is_declared = matches!(&statement.kind, Kind::Sets(sets) if beside.contains(&sets.name));
        doubt.or_else(|| {
            let keys = credential_text::service_keys(&self.text[statement.range.clone()]);
            let mut starts = keys.map(|range| range.start);
            let key = starts.find(|at| !self.is_put_out_of_use(statement.range.start + at));
            let found = key.filter(|_| !is_declared);
            found.map(|at| EnvFileFault::LooksLikeKey { line: line(statement.range.start + at) })
        })
    }

    /// What the value of another variable has to do with this one.
    fn mention_in_value(&self, sets: &Sets, variable: &str) -> Option<EnvFileFault> {
        let value = &self.text[sets.value.clone()];
        let at = self.mentions(&sets.value, variable).next()?;
        let before = &self.text[sets.value.start..at];
        if before.ends_with('$') || before.trim_end_matches(['!', '#']).ends_with("${") {
            let line = line_of(self.text, at);
            return Some(EnvFileFault::RefersTo { line, variable: variable.to_owned() });
        }
        let is_computed = value.contains(['$', '`']);
        let behind = self.text[at + variable.len()..sets.value.end].trim_start_matches([' ', '\t', '+']);
        // Where blanks end no value, a shell that sources the file would see a variable of its own.
        let is_bare = self.format == Format::Dotenv && !value.starts_with(['"', '\'']);
        let is_assigned = is_bare && behind.starts_with(['=', ':']);
        (is_computed || is_assigned).then(|| self.not_understood(at, variable))
    }

    /// Where a name stands in a part of the text, but for what keyless put out of use.
    fn mentions<'b>(&'b self, range: &Range<usize>, name: &'b str) -> impl Iterator<Item = usize> + 'b {
        let start = range.start;
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let found = self.text[range.clone()].match_indices(name).map(move |(at, _)| start + at);
        found.filter(move |at| {
            let (before, behind) = (&self.text[..*at], &self.text[*at + name.len()..]);
            !before.ends_with(is_part) && !behind.starts_with(is_part) && !self.is_put_out_of_use(*at)
        })
    }

    fn is_put_out_of_use(&self, at: usize) -> bool {
        let start = self.text[..at].rfind('\n').map_or(0, |found| found + 1);
        ours::is_put_out_of_use(&self.text[start..])
    }

    fn not_understood(&self, at: usize, variable: &str) -> EnvFileFault {
        EnvFileFault::NotUnderstood {
            line: line_of(self.text, at),
            variable: variable.to_owned(),
            format: self.format.name(),
        }
    }

    /// The line of another static credential that wins over federation.
    pub(crate) fn shadow(&self, variable: &str, beside: &BTreeSet<String>) -> Option<EnvFileFault> {
        let others = SHADOWS.iter().filter(|name| **name != variable && !beside.contains(**name));
        // A script that takes it away does what is wanted.
        let is_set = |name: &str, at: &usize| {
            let line = &self.text[*at..line_end(self.text, *at)];
            !self.format.wants_export() || !self.text[..*at].ends_with("unset ") || line.trim() != name
        };
        let named = |name: &'static str| {
            let at = self.first_named(name).filter(|at| is_set(name, at))?;
            Some((at, name))
        };
        others.filter_map(|name| named(name)).min().map(|(at, name)| EnvFileFault::WinsOverFederation {
            line: line_of(self.text, at),
            variable: name.to_owned(),
        })
    }

    /// Whether a variable is set, or may be.
    pub(super) fn first_named(&self, variable: &str) -> Option<usize> {
        self.statements.iter().find_map(|statement| match &statement.kind {
            Kind::Nothing => None,
            Kind::Sets(sets) => (sets.name == variable).then_some(statement.range.start),
            Kind::Other { .. } => self.mentions(&statement.range, variable).next(),
        })
    }

    /// Where a script may end before its end.
    pub(super) fn first_leaving(&self) -> Option<usize> {
        let others = self.statements.iter().filter(|it| matches!(it.kind, Kind::Other { .. }));
        let leaves = |range: &Range<usize>| {
            ["return", "exit", "exec"].iter().any(|word| self.mentions(range, word).next().is_some())
        };
        others.map(|it| &it.range).find(|range| leaves(range)).map(|range| range.start)
    }

    /// Where something begins behind which nothing can be written.
    pub(super) fn open_at(&self) -> Option<usize> {
        let last = self.statements.iter().rfind(|statement| statement.kind != Kind::Nothing)?;
        // Node's own loader takes a line that it does not know together with the next that it does.
        let is_unknown = self.format == Format::Dotenv;
        let is_open = matches!(last.kind, Kind::Other { open } if open || is_unknown);
        is_open.then_some(last.range.start)
    }
}
