//! Templates: text with holes and directives.

use super::{Fault, Frame, Outcome, Scope, check_weight, refuse_null};
use crate::config::convert;
use crate::config::syntax::{Expression, Part};
use crate::config::value::{Data, Value};
use crate::diagnostic::Span;

/// What a template has come to so far.
#[derive(Default)]
struct Text {
    text: String,
    sensitive: bool,
    unknown: bool,
}

impl Scope<'_> {
    pub(super) fn template(&self, parts: &[Part], span: Span, frame: Option<&Frame<'_>>) -> Outcome {
        let mut text = Text::default();
        self.parts(parts, &mut text, span, frame)?;
        let value = if text.unknown { Value::unknown() } else { Value::text(text.text) };
        Ok(value.marked(text.sensitive))
    }

    fn parts(
        &self,
        parts: &[Part],
        text: &mut Text,
        span: Span,
        frame: Option<&Frame<'_>>,
    ) -> Result<(), Fault> {
        for part in parts {
            match part {
                Part::Literal(literal) => text.text += literal,
                Part::Hole(hole) => self.hole(hole, text, frame)?,
                Part::If { condition, yes, no } => {
                    let truth = self.truth(condition, frame)?;
                    text.sensitive |= truth.is_sensitive();
                    match truth.data() {
                        Data::Bool(true) => self.parts(yes, text, span, frame)?,
                        Data::Bool(false) => self.parts(no, text, span, frame)?,
                        _ => text.unknown = true,
                    }
                }
                Part::For { names, collection, body } => {
                    let source = self.expression(collection, frame)?;
                    text.sensitive |= source.is_sensitive();
                    if source.is_unknown() {
                        text.unknown = true;
                        continue;
                    }
                    self.each(&source, names, collection.span, frame, &mut |frame| {
                        self.parts(body, text, span, Some(frame))
                    })?;
                }
            }
            check_weight(text.text.len() as u64, span)?;
        }
        Ok(())
    }

    fn hole(&self, hole: &Expression, text: &mut Text, frame: Option<&Frame<'_>>) -> Result<(), Fault> {
        let value = self.expression(hole, frame)?;
        text.sensitive |= value.has_secrets();
        let shown = convert::to_text(&value).map_err(|detail| {
            Fault::new("Invalid template value", detail, hole.span)
                .with_hint("convert it with jsonencode(…) or join(\", \", …), or name one of its parts")
        })?;
        refuse_null(&shown, hole.span)?;
        match shown.as_text() {
            Some(shown) => text.text += shown,
            None => text.unknown = true,
        }
        Ok(())
    }
}
