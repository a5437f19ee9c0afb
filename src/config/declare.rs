//! Collects what the files declare, and reports what is declared twice or not known at all.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use keyless_state::{Address, Kind};

use super::name::{self, Mention, Name, Resolved};
use super::nearest;
use super::scan;
use super::schema;
use super::syntax::{Attribute, Block, Body, Word};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// What the files declare.
#[derive(Default)]
pub(super) struct Declarations<'t> {
    /// The `keyless` block.
    pub(super) settings: Option<&'t Block>,
    /// `variable` blocks.
    pub(super) variables: BTreeMap<String, &'t Block>,
    /// Entries of the `locals` blocks.
    pub(super) locals: BTreeMap<String, &'t Attribute>,
    /// `output` blocks.
    pub(super) outputs: BTreeMap<String, &'t Block>,
    /// Everything with an address.
    pub(super) objects: BTreeMap<Address, &'t Block>,
    /// Whether a file could not be read as a whole, so that a declaration may be missing from here.
    pub(super) broken: bool,
}

/// Collects the declarations of all files.
pub(super) fn collect<'t>(
    files: impl Iterator<Item = &'t Body>,
    found: &mut Diagnostics,
) -> Declarations<'t> {
    let mut all = Declarations::default();
    for body in files {
        all.broken |= body.broken;
        for attribute in &body.attributes {
            found.push(
                Diagnostic::error("Argument outside of a block")
                    .detail(format!(
                        "`{}` stands outside of any block, where only blocks may stand.",
                        attribute.name.text
                    ))
                    .label(attribute.name.span, "")
                    .hint("move it into a block; values of your own go into `locals { … }`"),
            );
        }
        for block in &body.blocks {
            all.take(block, found);
        }
    }
    all
}

impl<'t> Declarations<'t> {
    fn take(&mut self, block: &'t Block, found: &mut Diagnostics) {
        if block.keyword.text == "locals" {
            self.take_locals(block, found);
            return;
        }
        duplicate_arguments(&block.body, found);
        match &*block.keyword.text {
            "keyless" => {
                if labels(block, &[], found).is_some() {
                    match self.settings {
                        Some(first) => duplicate("keyless", block.header, first.header, found),
                        None => self.settings = Some(block),
                    }
                }
            }
            "variable" => {
                if let Some([name]) = labels(block, &["NAME"], found) {
                    let header = |block: &&'t Block| block.header;
                    enter(&mut self.variables, name.text.clone(), block, header, "variable", found);
                }
            }
            "output" => {
                if let Some([name]) = labels(block, &["NAME"], found) {
                    let header = |block: &&'t Block| block.header;
                    enter(&mut self.outputs, name.text.clone(), block, header, "output", found);
                }
            }
            "provider" => {
                if let Some([kind, name]) = labels(block, &["KIND", "NAME"], found) {
                    self.take_object(Address::provider(&kind.text, &name.text), block, found);
                }
            }
            "data" => self.take_data(block, found),
            "service_account" => self.take_plain(Kind::ServiceAccount, block, found),
            "federation_rule" => self.take_plain(Kind::FederationRule, block, found),
            "api_key" => self.take_plain(Kind::ApiKey, block, found),
            other => found.push(unknown_block(other, block)),
        }
    }

    fn take_plain(&mut self, kind: Kind, block: &'t Block, found: &mut Diagnostics) {
        if let Some([name]) = labels(block, &["NAME"], found) {
            self.take_object(Address::new(kind, &name.text), block, found);
        }
    }

    fn take_data(&mut self, block: &'t Block, found: &mut Diagnostics) {
        let Some([kind, name]) = labels(block, &["KIND", "NAME"], found) else { return };
        if kind.text != "workspace" {
            let known = ["service_account", "federation_issuer", "federation_rule", "api_key"];
            let diagnostic = if known.contains(&&*kind.text) {
                Diagnostic::error("Not available in this version")
                    .detail(format!("This version cannot look up `{}` objects yet.", kind.text))
            } else {
                Diagnostic::error("Unknown data kind")
                    .detail(format!("There is no data kind `{}`.", kind.text))
            };
            found.push(diagnostic.label(kind.span, "").hint(nearest::suggest(
                &kind.text,
                "there is",
                ["workspace"],
            )));
        }
        // It is declared all the same, so that references to it are no second problem.
        self.take_object(Address::data(&kind.text, &name.text), block, found);
    }

    fn take_object(&mut self, address: Address, block: &'t Block, found: &mut Diagnostics) {
        let what = address.to_string();
        enter(&mut self.objects, address, block, |block| block.header, &what, found);
    }

    fn take_locals(&mut self, block: &'t Block, found: &mut Diagnostics) {
        labels::<0>(block, &[], found);
        for inner in &block.body.blocks {
            found.push(
                Diagnostic::error("Unexpected block")
                    .detail(format!(
                        "A `locals` block holds arguments only, so `{}` cannot be a block.",
                        inner.keyword.text
                    ))
                    .label(inner.header, "")
                    .hint(format!("write `{} = {{ … }}`", inner.keyword.text)),
            );
        }
        for attribute in &block.body.attributes {
            let what = format!("local.{}", attribute.name.text);
            let span = |attribute: &&'t Attribute| attribute.name.span;
            enter(&mut self.locals, attribute.name.text.clone(), attribute, span, &what, found);
        }
    }

    /// Whether a name is declared.
    pub(super) fn has(&self, name: &Name) -> bool {
        match name {
            Name::Variable(name) => self.variables.contains_key(name),
            Name::Local(name) => self.locals.contains_key(name),
            Name::Object(address) => self.objects.contains_key(address),
        }
    }

    /// Where a name is declared.
    pub(super) fn span(&self, name: &Name) -> Option<Span> {
        match name {
            Name::Variable(name) => self.variables.get(name).map(|block| block.header),
            Name::Local(name) => self.locals.get(name).map(|attribute| attribute.name.span),
            Name::Object(address) => self.objects.get(address).map(|block| block.header),
        }
    }

    /// Reports what an expression mentions and nobody declares.
    pub(super) fn check_mentions(&self, mentions: &[Mention<'_>], found: &mut Diagnostics) {
        for mention in mentions {
            match &mention.resolved {
                Resolved::Path => {}
                Resolved::Name(name, _) => {
                    // Where part of a file could not be read, the declaration may be in there.
                    if !self.has(name) && !self.broken {
                        found.push(self.undeclared(name, mention.span));
                    }
                }
                Resolved::Incomplete(example) => found.push(
                    Diagnostic::error("Incomplete reference")
                        .detail(format!("`{}` alone names nothing.", mention.root))
                        .label(mention.span, "")
                        .hint(format!("write {example}")),
                ),
                Resolved::Unknown => found.push(
                    Diagnostic::error("Unknown name")
                        .detail(format!(
                            "`{}` is neither a kind of reference nor a name of this expression.",
                            mention.root
                        ))
                        .label(mention.span, "")
                        .hint(format!(
                            "{}; a text needs quotes",
                            nearest::suggest(
                                &mention.root,
                                "references begin with",
                                name::ROOTS.iter().copied()
                            )
                        )),
                ),
            }
        }
    }

    fn undeclared(&self, name: &Name, span: Span) -> Diagnostic {
        let word = name.to_string();
        let candidates: Vec<String> = match name {
            Name::Variable(_) => self.variables.keys().map(|name| format!("var.{name}")).collect(),
            Name::Local(_) => self.locals.keys().map(|name| format!("local.{name}")).collect(),
            Name::Object(wanted) => self
                .objects
                .keys()
                .filter(|address| address.kind() == wanted.kind())
                .map(Address::to_string)
                .collect(),
        };
        Diagnostic::error("Reference to something undeclared")
            .detail(format!("No file of this configuration declares {word}."))
            .label(span, "")
            .hint(nearest::suggest(&word, "declared", candidates.iter().map(String::as_str)))
    }
}

/// The labels, if there are as many as there should be and each is a name.
fn labels<'t, const COUNT: usize>(
    block: &'t Block,
    names: &[&str; COUNT],
    found: &mut Diagnostics,
) -> Option<&'t [Word; COUNT]> {
    let keyword = &block.keyword.text;
    let shape: String = names.iter().map(|name| format!(" \"{name}\"")).collect();
    let Ok(labels) = <&[Word; COUNT]>::try_from(&block.labels[..]) else {
        found.push(
            Diagnostic::error("Wrong number of labels")
                .detail(format!(
                    "The block `{keyword}` takes {COUNT} labels, but here are {}.",
                    block.labels.len()
                ))
                .label(block.header, "")
                .hint(format!("write `{keyword}{shape} {{ … }}`")),
        );
        return None;
    };
    for label in labels {
        if !scan::is_name(&label.text) {
            found.push(
                Diagnostic::error("Invalid name")
                    .detail("A name begins with a letter or `_` and goes on with letters, digits, `_` and `-`.")
                    .label(label.span, "")
                    .hint("choose another name; what the API sees is set with `name = \"…\"` inside of the block"),
            );
            return None;
        }
    }
    Some(labels)
}

fn enter<Key: Ord, Item: Copy>(
    map: &mut BTreeMap<Key, Item>,
    key: Key,
    item: Item,
    span: impl Fn(&Item) -> Span,
    what: &str,
    found: &mut Diagnostics,
) {
    match map.entry(key) {
        Entry::Vacant(place) => {
            place.insert(item);
        }
        Entry::Occupied(first) => duplicate(what, span(&item), span(first.get()), found),
    }
}

fn duplicate(what: &str, again: Span, first: Span, found: &mut Diagnostics) {
    found.push(
        Diagnostic::error("Declared twice")
            .detail(format!("The same `{what}` is declared in two places, and only one of them could count."))
            .label(again, "declared again here")
            .label(first, "first declared here")
            .hint("remove one of the two, or give one another name"),
    );
}

/// Reports arguments that a body has twice, inner blocks included.
fn duplicate_arguments(body: &Body, found: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for attribute in &body.attributes {
        match seen.entry(&attribute.name.text) {
            Entry::Vacant(place) => {
                place.insert(attribute.name.span);
            }
            Entry::Occupied(first) => found.push(
                Diagnostic::error("Argument given twice")
                    .detail(format!(
                        "`{}` is given twice, and only one of the two could count.",
                        attribute.name.text
                    ))
                    .label(attribute.name.span, "given again here")
                    .label(*first.get(), "first given here")
                    .hint("remove one of the two"),
            ),
        }
    }
    for block in &body.blocks {
        duplicate_arguments(&block.body, found);
    }
}

fn unknown_block(word: &str, block: &Block) -> Diagnostic {
    if schema::LATER_BLOCKS.contains(&word) {
        return Diagnostic::error("Not available in this version")
            .detail(format!("This version does not know `{word}` blocks."))
            .label(block.header, "")
            .hint(format!("remove it; there is: {}", schema::TOP_LEVEL.join(", ")));
    }
    Diagnostic::error("Unknown block")
        .detail(format!("There is no block `{word}`."))
        .label(block.keyword.span, "")
        .hint(nearest::suggest(word, "there is", schema::TOP_LEVEL.iter().copied()))
}
