//! Applies a plan to rows and free text. Fails closed: what cannot be rewritten becomes null or is redacted.

use crate::event::{Cell, Edit, Row};
use crate::mask::detect::{self, Class, Classes, Found};
use crate::mask::forms::{Form, MaskKey, REDACTED};
use crate::mask::plan::{CellShape, ColumnPlan, Plan, PlannedColumn};

/// Scratch space of one session, reused for every row.
#[derive(Debug)]
pub(crate) struct Masker {
    key: MaskKey,
    found: Vec<Found>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) new: Vec<u8>,
}

impl Masker {
    pub(crate) fn new(key: MaskKey) -> Self {
        Self { key, found: Vec::new(), edits: Vec::new(), new: Vec::new() }
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
                (None, Some(_)) => Edit::Keep,
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
            ColumnPlan::Masked { form, .. } => self.mask_cell(*form, &column.shape, value),
            ColumnPlan::Detect => self.detect_cell(plan, &column.shape, value),
        }
    }

    fn mask_cell(&mut self, form: Form, shape: &CellShape, value: &[u8]) -> Edit {
        let start = self.new.len();
        match (form, shape) {
            (Form::Null, _) | (_, CellShape::Typed { redacted: None, .. }) => return Edit::Null,
            (_, CellShape::Typed { redacted: Some(fixed), .. }) => self.new.extend_from_slice(fixed),
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
                    Form::Null | Form::Redact | Form::Partial { .. } => {
                        self.new.extend_from_slice(REDACTED.as_bytes())
                    }
                }
                self.new.push(b'"');
            }
        }
        replaced(start, self.new.len())
    }

    fn detect_cell(&mut self, plan: &Plan, shape: &CellShape, value: &[u8]) -> Edit {
        let prefix = match shape {
            CellShape::Text | CellShape::Typed { scan: true, .. } => 0,
            CellShape::Json { prefix } => usize::from(*prefix),
            CellShape::Typed { scan: false, .. } => return Edit::Keep,
        };
        let text = value.get(prefix..).unwrap_or_default();
        let wanted = plan.classes.iter().fold(Classes::NONE, |all, (classes, _, _)| all.union(*classes));
        self.found.clear();
        detect::scan(text, wanted, &mut self.found);
        if self.found.is_empty() {
            return Edit::Keep;
        }
        match shape {
            CellShape::Typed { redacted: None, .. } => return Edit::Null,
            CellShape::Typed { redacted: Some(fixed), .. } => {
                let start = self.new.len();
                self.new.extend_from_slice(fixed);
                return replaced(start, self.new.len());
            }
            CellShape::Text | CellShape::Json { .. } => {}
        }
        let start = self.new.len();
        self.new.extend_from_slice(value.get(..prefix).unwrap_or_default());
        let mut from = 0;
        for found in &self.found {
            self.new.extend_from_slice(text.get(from..found.start).unwrap_or_default());
            let form = form_of(plan, found.class);
            let inside = text.get(found.start..found.end).unwrap_or_default();
            if !form.write(inside, &self.key, &mut self.new) {
                // A whole cell can be null; a value inside a longer text cannot.
                if matches!(shape, CellShape::Text) && found.start == 0 && found.end == text.len() {
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
        if self.new.capacity() > KEEP {
            self.new = Vec::new();
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
