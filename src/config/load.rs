//! The way from files to a configuration: parse, declare, order, evaluate, decode, check.

use std::collections::{BTreeMap, BTreeSet};

use keyless_state::Address;

use super::check;
use super::configuration::Configuration;
use super::declare::{self, Declarations};
use super::decode::{self, Context};
use super::eval::Scope;
use super::input::Inputs;
use super::leak;
use super::lint;
use super::name::{self, Name};
use super::output;
use super::parse::{self, Parsed};
use super::section::{Section, known_or_report};
use super::syntax::Body;
use super::variable;
use super::write_down::write_down;
use super::written::Written;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap};
use crate::lint::{Finding, LintedRule};
use crate::provider::{self, ProviderKind};
use crate::topology;

/// The ending of the files that hold a configuration; other files of a source map are left alone.
pub const FILE_ENDING: &str = ".keyless.hcl";

/// Reads a configuration from the `*.keyless.hcl` files of a source map and reports every problem
/// of it at once.
///
/// There is no configuration if anything in it could not be read or does not fit together. The
/// findings of the trust lints are problems too, but the configuration is there all the same.
/// The outcome is a function of the arguments alone, so calling again with more known attributes
/// gives the outputs that were not known before.
pub fn load(sources: &SourceMap, inputs: &Inputs<'_>) -> (Option<Configuration>, Diagnostics) {
    load_with(sources, inputs, Tables { kinds: provider::kinds(), check_rule: crate::lint::check_rule })
}

/// What the configuration does not know by itself; tests bring their own.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    /// The kinds of identity providers.
    pub(super) kinds: &'static [ProviderKind],
    /// The trust lints.
    pub(super) check_rule: fn(LintedRule<'_>) -> Vec<Finding>,
}

/// The same with other tables.
pub(super) fn load_with(
    sources: &SourceMap,
    inputs: &Inputs<'_>,
    tables: Tables,
) -> (Option<Configuration>, Diagnostics) {
    let kinds = tables.kinds;
    let mut found = Diagnostics::default();
    let mut files: Vec<Parsed> = Vec::new();
    for (file, _) in sources.files().filter(|(_, source)| source.name.ends_with(FILE_ENDING)) {
        let parsed = parse::parse_file(sources, file, &mut found);
        leak::check_file(sources, file, &mut found);
        files.push(parsed);
    }
    let declarations = declare::collect(files.iter().map(|file| &file.body), &mut found);
    let evaluated = Evaluation { declarations: &declarations, inputs, kinds, found: &mut found }.run();
    let context = Context { sources, kinds, found: std::cell::RefCell::default() };
    let mut decoded = decode::decode(&context, evaluated.settings.as_ref(), &evaluated.objects);
    decoded.configuration.outputs = output::decode(&context, &evaluated.outputs);
    decoded.configuration.written = evaluated.written;
    found.extend(context.found.into_inner());
    let header = |address: &Address| declarations.objects.get(address).map(|block| block.header);
    check::check(&decoded.configuration, inputs.known, &header, &mut found);
    let sound = !found.has_errors();
    lint::check(&decoded, tables.check_rule, &mut found);
    leak::redact(sources, &mut found);
    (sound.then_some(decoded.configuration), found)
}

/// All blocks with values in place of expressions.
struct Evaluated {
    settings: Option<Section>,
    objects: BTreeMap<Address, Section>,
    outputs: BTreeMap<String, Section>,
    written: Written,
}

struct Evaluation<'e> {
    declarations: &'e Declarations<'e>,
    inputs: &'e Inputs<'e>,
    kinds: &'static [ProviderKind],
    found: &'e mut Diagnostics,
}

impl Evaluation<'_> {
    fn run(mut self) -> Evaluated {
        let declarations = self.declarations;
        let dependencies = self.dependencies();
        let ordered = topology::order(&dependencies);
        let mut scope = Scope::new(self.inputs.read_file);
        variable::assign(declarations, self.inputs, &mut scope, self.found);
        for cycle in &ordered.cycles {
            self.report_cycle(cycle);
            // They have no value, and whatever needs them stays silent.
            scope.values.extend(cycle.iter().map(|name| (name.clone(), None)));
        }
        let mut objects = BTreeMap::new();
        for name in ordered.sorted.into_iter().chain(ordered.cycles.into_iter().flatten()) {
            match &name {
                Name::Variable(_) => {}
                Name::Local(local) => {
                    if scope.values.contains_key(&name) {
                        continue;
                    }
                    let attribute = declarations.locals[local];
                    let value = known_or_report(scope.evaluate(&attribute.value), self.found);
                    scope.values.insert(name, value);
                }
                Name::Object(address) => {
                    let section = Section::evaluate(declarations.objects[address], &scope, self.found);
                    if !scope.values.contains_key(&name) {
                        let known = self.inputs.known.get(address);
                        let kind =
                            address.label().and_then(|label| self.kinds.iter().find(|k| k.name == label));
                        let reference = section.reference(address, known, kind);
                        scope.values.insert(name.clone(), Some(reference));
                    }
                    objects.insert(address.clone(), section);
                }
            }
        }
        variable::validate(declarations, self.inputs, &scope, self.found);
        let settings = declarations.settings.map(|block| Section::evaluate(block, &scope, self.found));
        let outputs = declarations
            .outputs
            .iter()
            .map(|(name, block)| (name.clone(), Section::evaluate(block, &scope, self.found)))
            .collect();
        let written = write_down(declarations, &scope.values);
        Evaluated { settings, objects, outputs, written }
    }

    /// What each name needs. On the way, what is mentioned and not declared is reported.
    fn dependencies(&mut self) -> BTreeMap<Name, BTreeSet<Name>> {
        let declarations = self.declarations;
        let mut dependencies = BTreeMap::new();
        for name in declarations.variables.keys() {
            dependencies.insert(Name::Variable(name.clone()), BTreeSet::new());
        }
        for (name, attribute) in &declarations.locals {
            declarations.check_mentions(&name::mentions(&attribute.value), self.found);
            dependencies.insert(Name::Local(name.clone()), name::needs(&attribute.value));
        }
        for (address, block) in &declarations.objects {
            let mut needs = BTreeSet::new();
            self.walk(&block.body, &mut needs);
            dependencies.insert(Name::Object(address.clone()), needs);
        }
        let others = declarations.settings.into_iter().chain(declarations.outputs.values().copied());
        for block in others {
            self.walk(&block.body, &mut BTreeSet::new());
        }
        for block in declarations.variables.values() {
            for validation in &block.body.blocks {
                self.walk(&validation.body, &mut BTreeSet::new());
            }
        }
        dependencies
    }

    fn walk(&mut self, body: &Body, needs: &mut BTreeSet<Name>) {
        for attribute in &body.attributes {
            self.declarations.check_mentions(&name::mentions(&attribute.value), self.found);
            needs.extend(name::needs(&attribute.value));
        }
        for block in &body.blocks {
            self.walk(&block.body, needs);
        }
    }

    fn report_cycle(&mut self, cycle: &[Name]) {
        let words: Vec<String> = cycle.iter().chain(cycle.first()).map(Name::to_string).collect();
        let mut diagnostic = Diagnostic::error("References in a circle")
            .detail(format!("{}: none of them can be worked out before the others.", words.join(" -> ")))
            .hint("break the circle by writing one of the values out");
        for name in cycle {
            if let Some(span) = self.declarations.span(name) {
                diagnostic = diagnostic.label(span, "");
            }
        }
        self.found.push(diagnostic);
    }
}
