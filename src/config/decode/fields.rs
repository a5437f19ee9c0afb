//! Reads the arguments of one block, each with its type, and reports what does not fit.

use keyless_state::{Address, Kind};

use super::Context;
use crate::config::convert;
use crate::config::nearest;
use crate::config::schema;
use crate::config::section::{Argument, Section};
use crate::config::value::{Data, Value};
use crate::diagnostic::{Diagnostic, Span};

/// A value with its place.
#[derive(Clone, Debug)]
pub(in crate::config) struct Given<T> {
    pub(in crate::config) value: T,
    /// Where the value stands.
    pub(in crate::config) span: Span,
}

/// The arguments of one block.
pub(in crate::config) struct Fields<'f> {
    pub(super) context: &'f Context<'f>,
    pub(super) section: &'f Section,
    address: Option<&'f Address>,
    /// The block for people, such as `federation_rule.release` or `its block match`.
    what: String,
    known: Vec<&'static str>,
    faulty: bool,
}

impl<'f> Fields<'f> {
    pub(in crate::config) fn new(
        context: &'f Context<'f>,
        section: &'f Section,
        address: Option<&'f Address>,
        what: impl Into<String>,
    ) -> Fields<'f> {
        Fields { context, section, address, what: what.into(), known: Vec::new(), faulty: false }
    }

    /// The arguments of a block with an address.
    pub(super) fn of(context: &'f Context<'f>, section: &'f Section, address: &'f Address) -> Fields<'f> {
        Fields::new(context, section, Some(address), address.to_string())
    }

    /// The arguments of a block inside of another one.
    pub(super) fn inner(&self, section: &'f Section) -> Fields<'f> {
        let what = format!("the block `{}` of {}", section.keyword.text, self.what);
        Fields::new(self.context, section, self.address, what)
    }

    /// Reports a problem with this block.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.faulty = true;
        self.context.report(match self.address {
            Some(address) => diagnostic.address(address),
            None => diagnostic,
        });
    }

    /// Reports that a value does not fit.
    pub(super) fn refuse(
        &mut self,
        summary: &str,
        detail: impl Into<String>,
        span: Span,
        hint: impl Into<String>,
    ) {
        self.report(Diagnostic::error(summary).detail(detail).label(span, "").hint(hint));
    }

    /// Notes that a block inside of this one had a problem, which has been reported there.
    pub(super) fn spoil(&mut self) {
        self.faulty = true;
    }

    /// Whether nothing of this block had a problem.
    pub(super) fn is_sound(&self) -> bool {
        !self.faulty && !self.section.broken && self.section.arguments.iter().all(|a| a.value.is_some())
    }

    /// The argument, unless it is left out, null, or its problem has been reported.
    fn argument(&mut self, name: &'static str) -> Option<(&'f Argument, &'f Value)> {
        self.known.push(name);
        let argument = self.section.argument(name)?;
        let value = argument.value.as_ref()?;
        (!value.is_null()).then_some((argument, value))
    }

    /// The argument as it is, for places where anything goes.
    pub(in crate::config) fn any(&mut self, name: &'static str) -> Option<Given<Value>> {
        self.known.push(name);
        let argument = self.section.argument(name)?;
        Some(Given { value: argument.value.clone()?, span: argument.span })
    }

    /// The argument as a value that may go into plans and states: known, and not sensitive.
    fn plain(&mut self, name: &'static str) -> Option<(&'f Argument, &'f Value)> {
        let (argument, value) = self.argument(name)?;
        if value.as_reference().is_some() {
            return Some((argument, value));
        }
        if value.has_secrets() {
            self.refuse(
                "Sensitive value in an argument",
                format!("`{name}` would be shown in plans and kept in the state, but its value is marked sensitive."),
                argument.span,
                "use a value that is no secret, or allow it on purpose with nonsensitive(…)",
            );
            return None;
        }
        if value.has_unknowns() {
            self.refuse(
                "Value not known before apply",
                format!("`{name}` must be known while planning, but its value is known only after an apply."),
                argument.span,
                "write the value out, or refer to the block itself instead of to its id",
            );
            return None;
        }
        Some((argument, value))
    }

    /// An argument that `convert` turns into what is wanted, or says in a sentence why not.
    fn converted<T>(
        &mut self,
        name: &'static str,
        convert: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<Given<T>> {
        let (argument, value) = self.plain(name)?;
        match convert(value) {
            Ok(value) => Some(Given { value, span: argument.span }),
            Err(detail) => {
                self.report(
                    Diagnostic::error("Wrong type")
                        .detail(format!("`{name}`: {detail}"))
                        .label(argument.span, ""),
                );
                None
            }
        }
    }

    /// A string that says something. An empty one is neither a value nor clearly the wish to have
    /// none: the API would take it for nothing, and each plan would want to write it again.
    pub(in crate::config) fn text(&mut self, name: &'static str) -> Option<Given<String>> {
        let given = self.prose(name)?;
        if !given.value.trim().is_empty() {
            return Some(given);
        }
        self.refuse_empty(name, given.span);
        None
    }

    /// A string that may as well be empty, such as a description.
    pub(in crate::config) fn prose(&mut self, name: &'static str) -> Option<Given<String>> {
        self.converted(name, text)
    }

    /// A path of a file; whether there is such a file is not the language's to say.
    pub(super) fn file(&mut self, name: &'static str) -> Option<Given<String>> {
        let given = self.text(name)?;
        let last = given.value.rsplit('/').next().unwrap_or_default();
        let detail = if given.value.contains(char::is_control) {
            format!("`{name}` has a control character in it, such as a line break.")
        } else if matches!(last, "" | "." | "..") {
            format!("`{name}` is {:?}, which is a directory; a file is wanted.", given.value)
        } else {
            return Some(given);
        };
        self.refuse("Invalid path", detail, given.span, "write the path of a file, such as \"app/.env\"");
        None
    }

    /// Reports a string that says nothing.
    pub(super) fn refuse_empty(&mut self, name: &str, span: Span) {
        self.refuse(
            "Empty text",
            format!("`{name}` is an empty or blank string, which is not the same as leaving it out."),
            span,
            "write a text, or leave the argument out; null counts as left out, as in `var.x != \"\" ? var.x : null`",
        );
    }

    /// True or false.
    pub(in crate::config) fn bool(&mut self, name: &'static str) -> Option<Given<bool>> {
        self.converted(name, |value| match convert::to_bool(value)?.data() {
            Data::Bool(truth) => Ok(*truth),
            _ => Err(convert::expected("true or false", value)),
        })
    }

    /// A whole number.
    pub(super) fn whole(&mut self, name: &'static str) -> Option<Given<i64>> {
        self.converted(name, |value| match convert::to_number(value)?.data() {
            Data::Number(number) => number
                .to_whole()
                .and_then(|whole| i64::try_from(whole).ok())
                .ok_or_else(|| convert::expected("a whole number", value)),
            _ => Err(convert::expected("a whole number", value)),
        })
    }

    /// A list of strings.
    pub(super) fn texts(&mut self, name: &'static str) -> Option<Given<Vec<String>>> {
        self.converted(name, |value| {
            let items = value.as_items().ok_or_else(|| convert::expected("a list of strings", value))?;
            items.iter().map(text).collect()
        })
    }

    /// An object, as its entries.
    pub(super) fn object(&mut self, name: &'static str) -> Option<Given<Value>> {
        self.converted(name, |value| match value.data() {
            Data::Object(_) => Ok(value.clone()),
            _ => Err(convert::expected("an object", value)),
        })
    }

    /// A number, a string, a bool or a list, as a provider kind wants it.
    pub(super) fn given(&mut self, name: &'static str) -> Option<Given<Value>> {
        self.converted(name, |value| Ok(value.clone()))
    }

    /// A declared thing of one kind.
    pub(super) fn reference(&mut self, name: &'static str, kind: Kind) -> Option<Given<Address>> {
        self.converted(name, |value| address(value, kind))
    }

    /// A list of declared things of one kind.
    pub(super) fn references(&mut self, name: &'static str, kind: Kind) -> Option<Given<Vec<Address>>> {
        self.converted(name, |value| {
            let items = value
                .as_items()
                .ok_or_else(|| convert::expected(&format!("a list such as [{}.NAME]", kind.word()), value))?;
            items.iter().map(|item| address(item, kind)).collect()
        })
    }

    /// A list of anything, each converted by itself.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        convert: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<Given<Vec<T>>> {
        self.converted(name, |value| {
            let items = value.as_items().ok_or_else(|| convert::expected("a list", value))?;
            items.iter().map(convert).collect()
        })
    }

    /// A value that `convert` understands.
    pub(super) fn value<T>(
        &mut self,
        name: &'static str,
        convert: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<Given<T>> {
        self.converted(name, convert)
    }

    /// Where the value of an argument stands; the header of the block where it is left out.
    pub(super) fn span(&self, name: &str) -> Span {
        self.section.argument(name).map_or(self.section.header, |argument| argument.span)
    }

    /// Where the name of an argument stands; the header of the block where it is left out.
    pub(super) fn name_span(&self, name: &str) -> Span {
        self.section.argument(name).map_or(self.section.header, |argument| argument.name.span)
    }

    /// Reports an argument that must be there and is left out. One whose value has a problem of
    /// its own is no second problem.
    pub(in crate::config) fn require(&mut self, name: &'static str, is_there: bool, example: &str) {
        let given = self
            .section
            .argument(name)
            .is_some_and(|argument| argument.value.as_ref().is_none_or(|value| !value.is_null()));
        if is_there || given || self.section.broken {
            return;
        }
        self.refuse(
            "Missing argument",
            format!("{} needs the argument `{name}`.", capital(&self.what)),
            self.section.header,
            format!("add {example}"),
        );
    }

    /// The blocks with this keyword.
    pub(super) fn sections(&self, keyword: &'static str) -> impl Iterator<Item = &'f Section> + use<'f> {
        let section = self.section;
        section.sections.iter().filter(move |inner| inner.keyword.text == keyword)
    }

    /// The one block with this keyword, if there is any; a second one is a problem.
    pub(super) fn section(&mut self, keyword: &'static str) -> Option<&'f Section> {
        let mut sections = self.sections(keyword);
        let first = sections.next()?;
        for again in sections {
            self.report(
                Diagnostic::error("Block given twice")
                    .detail(format!(
                        "{} may have one block `{keyword}`, and this is another one.",
                        capital(&self.what)
                    ))
                    .label(again.header, "given again here")
                    .label(first.header, "first given here")
                    .hint("remove one of the two"),
            );
        }
        Some(first)
    }

    /// Declares arguments that are read elsewhere.
    pub(super) fn allow(&mut self, names: impl IntoIterator<Item = &'static str>) {
        self.known.extend(names);
    }

    /// Reports every argument and block that has no meaning here.
    pub(in crate::config) fn finish(&mut self, blocks: &[&'static str]) {
        for argument in &self.section.arguments {
            let name = &*argument.name.text;
            if !self.known.contains(&name) {
                self.unknown("argument", name, argument.name.span, blocks);
            }
        }
        for section in &self.section.sections {
            let name = &*section.keyword.text;
            if !blocks.contains(&name) {
                self.unknown("block", name, section.header, blocks);
            } else if !section.labels.is_empty() && !["platform", "backend", "consumer"].contains(&name) {
                self.refuse(
                    "Wrong number of labels",
                    format!("The block `{name}` takes no labels."),
                    section.header,
                    format!("write `{name} {{ … }}`"),
                );
            }
        }
    }

    fn unknown(&mut self, what: &str, name: &str, span: Span, blocks: &[&'static str]) {
        if schema::LATER_ARGUMENTS.contains(&name) {
            let detail = format!("This version does not know `{name}` yet.");
            self.refuse("Not available in this version", detail, span, "remove it");
            return;
        }
        let holder = capital(&self.what);
        let (hint, summary) = match what {
            "argument" if blocks.contains(&name) => {
                (format!("write `{name} {{ … }}`: it is a block"), "Unknown argument")
            }
            "argument" => {
                (nearest::suggest(name, "there is", self.known.iter().copied()), "Unknown argument")
            }
            _ if self.known.contains(&name) => {
                (format!("write `{name} = …`: it is an argument"), "Unknown block")
            }
            _ => (nearest::suggest(name, "there is", blocks.iter().copied()), "Unknown block"),
        };
        self.refuse(summary, format!("{holder} has no {what} `{name}`."), span, hint);
    }
}

fn text(value: &Value) -> Result<String, String> {
    match convert::to_text(value)?.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => Err(convert::expected("a string", value)),
    }
}

fn address(value: &Value, kind: Kind) -> Result<Address, String> {
    match value.as_reference() {
        Some(reference) if reference.address.kind() == kind => Ok(reference.address.clone()),
        _ if kind.is_labelled() => {
            Err(convert::expected(&format!("a reference such as {}.KIND.NAME", kind.word()), value))
        }
        _ => Err(convert::expected(&format!("a reference such as {}.NAME", kind.word()), value)),
    }
}

/// A sentence begins with a capital, but an address keeps its spelling.
fn capital(what: &str) -> String {
    match what.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => what.to_owned(),
    }
}
