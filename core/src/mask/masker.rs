//! Applies a plan to rows and free text. Fails closed: what cannot be rewritten becomes null or is redacted.

use crate::event::{Cell, Edit, Row};
use crate::ids::RuleId;
use crate::mask::detect::{self, Class, Classes, Found, Hint};
use crate::mask::forms::{Form, MaskKey, REDACTED};
use crate::mask::json;
use crate::mask::plan::{
    CellShape, ColumnPlan, Holds, PartEdit, Parts, Plan, PlannedColumn, Spelling, Unreadable,
};
use crate::mask::token::{Scope, Tokens};
use std::sync::Arc;

/// Scratch space of one session, reused for every row.
#[derive(Debug)]
pub(crate) struct Masker {
    key: MaskKey,
    pub(crate) tokens: Tokens,
    found: Vec<Found>,
    /// A value as a person would read it, and one that is put together anew.
    text: Vec<u8>,
    whole: Vec<u8>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) new: Vec<u8>,
}

impl Masker {
    pub(crate) fn new(key: MaskKey, tokens: Tokens) -> Self {
        Self {
            key,
            tokens,
            found: Vec::new(),
            text: Vec::new(),
            whole: Vec::new(),
            edits: Vec::new(),
            new: Vec::new(),
        }
    }

    /// Fills `edits` and `new` for this row and says how many cells change. A row that is wider than its plan has
    /// cells nobody judged: they become null.
    pub(crate) fn row(&mut self, plan: &Plan, row: &Row<'_>) -> u64 {
        self.edits.clear();
        self.new.clear();
        let mut changed = 0;
        for index in 0..row.cells.len() {
            let edit = match (row.get(index), plan.columns.get(index)) {
                (_, None) => Edit::Null,
                (None, Some(_)) if row.cells.get(index).is_some_and(|cell| cell.is_null()) => Edit::Keep,
                // A range outside the message: nobody knows what it would show.
                (None, Some(_)) => Edit::Null,
                (Some(value), Some(column)) => self.cell(plan, column, value),
            };
            if edit != Edit::Keep {
                changed += 1;
            }
            self.edits.push(edit);
        }
        changed
    }

    fn cell(&mut self, plan: &Plan, column: &PlannedColumn, value: &[u8]) -> Edit {
        match &column.plan {
            ColumnPlan::Clear => Edit::Keep,
            ColumnPlan::Masked { form: Form::Token { scope }, rule } => {
                self.token_cell(*scope, rule, column, value)
            }
            ColumnPlan::Masked { form, .. } => self.mask_cell(*form, &column.shape, value),
            ColumnPlan::Detect => self.detect_cell(plan, &column.shape, column.hint, value),
        }
    }

    fn mask_cell(&mut self, form: Form, shape: &CellShape, value: &[u8]) -> Edit {
        let start = self.new.len();
        match (form, shape) {
            (Form::Null, _) | (_, CellShape::Typed { redacted: None, .. }) => return Edit::Null,
            (_, CellShape::Typed { redacted: Some(fixed), .. }) => self.new.extend_from_slice(fixed),
            (_, CellShape::Parts(parts)) if !parts.keeps_structure() => return Edit::Null,
            (_, CellShape::Parts(parts)) => {
                let masked = self.parts(parts.as_ref(), value, |masker, shape, _, part| {
                    masker.mask_cell(form, shape, part)
                });
                // Of a whole without parts nothing is known but that.
                return masked.unwrap_or(Edit::Null);
            }
            (_, CellShape::Text) => {
                if !form.write(value, &self.key, &mut self.new) {
                    return Edit::Null;
                }
            }
            (_, CellShape::Json { prefix }) => {
                let prefix = usize::from(*prefix);
                self.new.extend_from_slice(value.get(..prefix).unwrap_or_default());
                self.new.push(b'"');
                // Hashing keeps JSON valid; the other forms could leave half a token, so they redact.
                match form {
                    Form::Hash => {
                        _ = form.write(value.get(prefix..).unwrap_or_default(), &self.key, &mut self.new)
                    }
                    Form::Null | Form::Redact | Form::Token { .. } | Form::Partial { .. } => {
                        self.new.extend_from_slice(REDACTED.as_bytes())
                    }
                }
                self.new.push(b'"');
            }
        }
        replaced(start, self.new.len())
    }

    /// A token where the shape has one, else what shows nothing.
    fn token_cell(&mut self, scope: Scope, rule: &RuleId, column: &PlannedColumn, value: &[u8]) -> Edit {
        let start = self.new.len();
        let written = match (&column.shape, column.narrow) {
            (CellShape::Text, _) => self.tokens.write_text(scope, rule, value, &mut self.new),
            (CellShape::Typed { .. }, Some(sort)) => {
                self.tokens.write_narrow(scope, rule, sort, value, &mut self.new)
            }
            (CellShape::Json { .. } | CellShape::Typed { .. } | CellShape::Parts(_), _) => false,
        };
        if written {
            return replaced(start, self.new.len());
        }
        self.new.truncate(start);
        self.mask_cell(Form::Redact, &column.shape, value)
    }

    fn detect_cell(&mut self, plan: &Plan, shape: &CellShape, hint: Hint, value: &[u8]) -> Edit {
        match shape {
            CellShape::Text => {
                self.found.clear();
                detect::scan_named(value, plan.wanted, hint, &mut self.found);
                if self.found.is_empty() { Edit::Keep } else { self.write_text(plan, value) }
            }
            CellShape::Typed { redacted, holds } => match self.reads(plan.wanted, holds, hint, value) {
                None => Edit::Keep,
                Some(class) => {
                    self.stand_in(class.map_or(Form::Redact, |class| form_of(plan, class)), redacted)
                }
            },
            CellShape::Json { prefix } => self.document(plan, usize::from(*prefix), hint, value),
            CellShape::Parts(parts) => {
                let edit = self.parts(parts.as_ref(), value, |masker, shape, own, part| {
                    masker.detect_cell(plan, shape, own.unwrap_or(hint), part)
                });
                // Nobody knows what it holds.
                edit.unwrap_or(Edit::Null)
            }
        }
    }

    /// What a typed value shows that must not be seen: the kind, or none where nobody can tell.
    fn reads(&mut self, wanted: Classes, holds: &Holds, hint: Hint, value: &[u8]) -> Option<Option<Class>> {
        self.found.clear();
        match holds {
            Holds::Nothing => None,
            Holds::Unreadable => Some(None),
            Holds::Always(class) => wanted.contains(*class).then_some(Some(*class)),
            Holds::Day => {
                hint.class().filter(|class| *class == Class::BirthDate && wanted.contains(*class)).map(Some)
            }
            Holds::Label => {
                detect::scan(value, wanted, &mut self.found);
                self.found.first().map(|one| Some(one.class))
            }
            Holds::Text(spelling) => self.spelt(*spelling, value, |masker, text| {
                detect::scan_named(text, wanted, hint, &mut masker.found);
                masker.found.first().map(|one| one.class)
            }),
            Holds::Number { long, spelling } => self.spelt(*spelling, value, |masker, text| {
                let wanted =
                    if *long { wanted } else { wanted.both(hint.class().map_or(Classes::NONE, Classes::of)) };
                detect::read_number(text, wanted, hint, &mut masker.found)
            }),
        }
    }

    /// Reads the value as a person would; one that cannot be read shows nobody knows what.
    fn spelt(
        &mut self,
        spelling: Option<Spelling>,
        value: &[u8],
        read: impl FnOnce(&mut Self, &[u8]) -> Option<Class>,
    ) -> Option<Option<Class>> {
        let Some(Spelling(spell)) = spelling else { return read(self, value).map(Some) };
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let found = match spell(value, &mut text) {
            Some(()) => read(self, &text).map(Some),
            None => Some(None),
        };
        self.text = text;
        found
    }

    fn stand_in(&mut self, form: Form, redacted: &Option<Arc<[u8]>>) -> Edit {
        match (form, redacted) {
            (Form::Null, _) | (_, None) => Edit::Null,
            (_, Some(fixed)) => {
                let start = self.new.len();
                self.new.extend_from_slice(fixed);
                replaced(start, self.new.len())
            }
        }
    }

    fn document(&mut self, plan: &Plan, prefix: usize, hint: Hint, value: &[u8]) -> Edit {
        let start = self.new.len();
        let (prefix, document) = value.split_at(prefix.min(value.len()));
        self.new.extend_from_slice(prefix);
        let mut rewriting = json::Rewriting {
            wanted: plan.wanted,
            hint,
            form_of: &|class| form_of(plan, class),
            key: &self.key,
            found: &mut self.found,
        };
        if json::rewrite(document, &mut rewriting, &mut self.new) {
            return replaced(start, self.new.len());
        }
        self.new.truncate(start);
        Edit::Keep
    }

    /// The cell with each of its parts as `edit` leaves it.
    fn parts(
        &mut self,
        parts: &dyn Parts,
        value: &[u8],
        mut edit: impl FnMut(&mut Self, &CellShape, Option<Hint>, &[u8]) -> Edit,
    ) -> Result<Edit, Unreadable> {
        let mut whole = std::mem::take(&mut self.whole);
        whole.clear();
        let changed = parts.rewrite(
            value,
            &mut |shape, own, part, new| {
                let start = self.new.len();
                let edit = edit(self, shape, own, part);
                if let Edit::Replace(cell) = edit {
                    new.clear();
                    new.extend_from_slice(cell.of(&self.new).unwrap_or_default());
                }
                self.new.truncate(start);
                match edit {
                    Edit::Keep => PartEdit::Keep,
                    Edit::Null => PartEdit::Null,
                    Edit::Replace(_) => PartEdit::Replace,
                }
            },
            &mut whole,
        );
        let start = self.new.len();
        let edit = changed.map(|changed| {
            if !changed {
                return Edit::Keep;
            }
            self.new.extend_from_slice(&whole);
            replaced(start, self.new.len())
        });
        self.whole = whole;
        edit
    }

    /// The text with each found value in its form.
    fn write_text(&mut self, plan: &Plan, text: &[u8]) -> Edit {
        let start = self.new.len();
        let mut from = 0;
        for found in &self.found {
            self.new.extend_from_slice(text.get(from..found.start).unwrap_or_default());
            let inside = text.get(found.start..found.end).unwrap_or_default();
            if !form_of(plan, found.class).write(inside, &self.key, &mut self.new) {
                // A whole cell can be null; a value inside a longer text cannot.
                if found.start == 0 && found.end == text.len() {
                    self.new.truncate(start);
                    return Edit::Null;
                }
                self.new.extend_from_slice(REDACTED.as_bytes());
            }
            from = found.end;
        }
        self.new.extend_from_slice(text.get(from..).unwrap_or_default());
        replaced(start, self.new.len())
    }

    /// Free text with every found value redacted.
    pub(crate) fn words(&mut self, text: &str, wanted: Classes) -> Option<String> {
        self.found.clear();
        detect::scan(text.as_bytes(), wanted, &mut self.found);
        if self.found.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(text.len());
        let mut from = 0;
        for found in &self.found {
            out.extend_from_slice(text.as_bytes().get(from..found.start).unwrap_or_default());
            out.extend_from_slice(REDACTED.as_bytes());
            from = found.end;
        }
        out.extend_from_slice(text.as_bytes().get(from..).unwrap_or_default());
        Some(String::from_utf8_lossy(&out).into_owned())
    }

    /// Gives memory back that an unusual row needed.
    pub(crate) fn shrink(&mut self) {
        const KEEP: usize = 1024;
        for room in [&mut self.new, &mut self.text, &mut self.whole] {
            if room.capacity() > KEEP {
                *room = Vec::new();
            }
        }
        if self.edits.capacity() > KEEP {
            self.edits = Vec::new();
        }
        if self.found.capacity() > KEEP {
            self.found = Vec::new();
        }
    }
}

fn form_of(plan: &Plan, class: Class) -> Form {
    plan.classes
        .iter()
        .find(|(classes, _, _)| classes.contains(class))
        .map_or(Form::Redact, |(_, form, _)| *form)
}

fn replaced(start: usize, end: usize) -> Edit {
    match (u32::try_from(start), u32::try_from(end - start)) {
        (Ok(start), Ok(len)) => Edit::Replace(Cell::new(start, len)),
        _ => Edit::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Epoch;

    fn masker() -> Masker {
        let key = MaskKey::new([7; 32]);
        let tokens = Tokens::keyed(&key, &["s"], &["t"]);
        Masker::new(key, tokens)
    }

    fn plan(shape: CellShape, form: Form) -> Plan {
        let column = PlannedColumn {
            name: "c".into(),
            plan: ColumnPlan::Detect,
            shape,
            narrow: None,
            hint: detect::hint("c"),
        };
        Plan {
            columns: vec![column],
            binary: vec![false],
            epoch: Epoch(1),
            classes: Arc::new([(Classes::all(), form, RuleId::new("r"))]),
            wanted: Classes::all(),
            empty: false,
        }
    }

    fn masked(shape: CellShape, form: Form, value: &str) -> Option<String> {
        let mut masker = masker();
        let length = u32::try_from(value.len()).unwrap();
        let row = Row { bytes: value.as_bytes(), cells: &[Cell::new(0, length)] };
        masker.row(&plan(shape, form), &row);
        match masker.edits[0] {
            Edit::Keep => Some(value.to_owned()),
            Edit::Null => None,
            Edit::Replace(cell) => Some(String::from_utf8(cell.of(&masker.new).unwrap().to_vec()).unwrap()),
        }
    }

    fn json(form: Form, value: &str) -> String {
        let out = masked(CellShape::Json { prefix: 0 }, form, value).unwrap();
        serde_json::from_str::<serde_json::Value>(&out).expect("still JSON");
        out
    }

    #[test]
    fn json_stays_json() {
        let partial = Form::Partial { keep: 4 };
        assert_eq!(json(partial, r#"{"n":4111111111111111}"#), r#"{"n":"************1111"}"#);
        assert_eq!(json(partial, "4111111111111111"), r#""************1111""#);
        assert_eq!(json(Form::Null, r#"[4111111111111111, 1]"#), "[null, 1]");
        assert_eq!(json(Form::Null, r#"{"ann@example.com":true}"#), r#"{"[redacted]":true}"#);
        assert_eq!(
            json(Form::Redact, r#"{"m":"\n ann\u0040example.com \"q\""}"#),
            r#"{"m":"\n [redacted] \"q\""}"#
        );
        assert_eq!(
            json(partial, r#"{"ssn":[219456789],"x":219456789}"#),
            r#"{"ssn":["*****6789"],"x":219456789}"#
        );
        assert_eq!(json(Form::Redact, r#"{"a" : "clean", "b":1.5e3}"#), r#"{"a" : "clean", "b":1.5e3}"#);
        let key = "wJalrXUtnFEMI\\/K7MDENG\\/bPxRfiCYEXAMPLEKEY";
        assert_eq!(
            json(Form::Redact, &format!(r#"{{"SecretAccessKey":"{key}"}}"#)),
            r#"{"SecretAccessKey":"[redacted]"}"#
        );
        assert_eq!(json(Form::Redact, r#"{"ann@example.com": oops!"#), r#""[redacted]""#);
    }

    #[test]
    fn a_version_byte_stays() {
        let out = masked(CellShape::Json { prefix: 1 }, Form::Redact, "\u{1}\"ann@example.com\"");
        assert_eq!(out.as_deref(), Some("\u{1}\"[redacted]\""));
    }

    #[test]
    fn text_and_typed_cells() {
        let mail = "ann@example.com";
        assert_eq!(masked(CellShape::Text, Form::Null, mail), None);
        assert_eq!(
            masked(CellShape::Text, Form::Null, "to ann@example.com").as_deref(),
            Some("to [redacted]")
        );
        let typed = |redacted: Option<Arc<[u8]>>, holds| CellShape::Typed { redacted, holds };
        assert_eq!(masked(typed(None, Holds::Text(None)), Form::Redact, mail), None);
        assert_eq!(
            masked(typed(Some(Arc::from(&b"{}"[..])), Holds::Text(None)), Form::Redact, mail).as_deref(),
            Some("{}")
        );
        assert_eq!(masked(typed(None, Holds::Nothing), Form::Redact, mail).as_deref(), Some(mail));
        assert_eq!(masked(typed(None, Holds::Unreadable), Form::Redact, "x"), None);
        let zero = |holds| typed(Some(Arc::from(&b"0"[..])), holds);
        let number = |long| zero(Holds::Number { long, spelling: None });
        assert_eq!(masked(number(true), Form::Redact, "4111111111111111").as_deref(), Some("0"));
        assert_eq!(masked(number(true), Form::Null, "4111111111111111"), None);
        assert_eq!(
            masked(number(false), Form::Redact, "4111111111111111").as_deref(),
            Some("4111111111111111")
        );
        assert_eq!(masked(zero(Holds::Always(Class::Ip)), Form::Redact, "::1").as_deref(), Some("0"));
        let odd = Holds::Text(Some(Spelling(|_, _| None)));
        assert_eq!(masked(zero(odd), Form::Redact, "what nobody can read").as_deref(), Some("0"));
    }

    #[test]
    fn only_a_column_gets_tokens() {
        let form = Form::Token { scope: Scope::Session };
        let found = masked(CellShape::Text, form, "to ann@example.com");
        assert_eq!(found.as_deref(), Some("to [redacted]"), "whoever chose the text would learn its token");
        let mut masker = masker();
        let mut plan = plan(CellShape::Text, form);
        plan.columns[0].plan = ColumnPlan::Masked { form, rule: RuleId::new("r") };
        masker.row(&plan, &Row { bytes: b"Ann", cells: &[Cell::new(0, 3)] });
        assert!(masker.new.starts_with(b"tok_"));
        plan.columns[0].shape = CellShape::Json { prefix: 0 };
        masker.row(&plan, &Row { bytes: b"{}", cells: &[Cell::new(0, 2)] });
        assert_eq!(masker.new, b"\"[redacted]\"");
        plan.columns[0].shape =
            CellShape::Typed { redacted: Some(Arc::from(&b"0"[..])), holds: Holds::Nothing };
        masker.row(&plan, &Row { bytes: b"77", cells: &[Cell::new(0, 2)] });
        assert_eq!(masker.new, b"0");
        plan.columns[0].narrow = Some((crate::mask::token::Narrow::Four, false));
        masker.row(&plan, &Row { bytes: b"77", cells: &[Cell::new(0, 2)] });
        assert!(masker.new.starts_with(b"2") && masker.new.len() == 10);
    }

    #[test]
    fn cells_that_nobody_judged_become_null() {
        let mut masker = masker();
        let cells = [Cell::NULL, Cell::new(0, 1)];
        masker.row(&plan(CellShape::Text, Form::Redact), &Row { bytes: b"ab", cells: &cells });
        assert_eq!(masker.edits, [Edit::Keep, Edit::Null]);
        masker.row(&plan(CellShape::Text, Form::Redact), &Row { bytes: b"ab", cells: &[Cell::new(1, 9)] });
        assert_eq!(masker.edits, [Edit::Null]);
    }
}
