//! What no rule has to say: a statement that would take a mask off, or write one over the value behind it, is refused
//! whatever the rules permit.
//!
//! A text is looked at once for each edition of the rules and the catalog; after that it costs a comparison. Values that
//! are bound are looked at each time, where a statement writes them.

use super::Serving;
use crate::catalog::Snapshot;
use crate::columns;
use crate::reading::Meaning;
use sallyport_core::{Denial, Fault};
use sallyport_sql::{Statement, StatementKind};
use std::sync::Arc;

impl Serving {
    /// Why the statement may not run, if so. It is in the record then.
    pub(super) fn guard(&mut self, meaning: &Meaning) -> Result<Option<Denial>, Fault> {
        let now = (self.gate.epoch(), self.snapshot.version());
        if meaning.has_passed(now.0, now.1) {
            return Ok(None);
        }
        let Some(statement) = meaning.inner_or_own() else { return Ok(None) };
        let denial = self.copies(statement).or_else(|| self.says_masks(statement));
        match denial {
            Some(denial) if denial.fatal => Err(denial.into()),
            Some(denial) => Ok(Some(denial)),
            None => {
                meaning.pass(now.0, now.1);
                Ok(None)
            }
        }
    }

    /// The same for the values that a Bind or an EXECUTE gives to its parameters, counted from zero.
    pub(super) fn guard_values<'v>(
        &mut self,
        meaning: &Meaning,
        values: &dyn Fn(usize) -> Vec<&'v [u8]>,
    ) -> Result<Option<Denial>, Fault> {
        let Some(statement) = meaning.inner_or_own().filter(|statement| !statement.assigns.is_empty()) else {
            return Ok(None);
        };
        let snapshot = Arc::clone(&self.snapshot);
        if !self.masks(&snapshot) {
            return Ok(None);
        }
        let column = columns::written_back::parameter(&mut self.gate, statement, &snapshot, values);
        match column.map(|column| self.refuse_mask(&column)) {
            Some(denial) if denial.fatal => Err(denial.into()),
            denial => Ok(denial),
        }
    }

    /// What an EXECUTE says in its own text, for the statement that it runs.
    pub(super) fn guard_arguments(
        &mut self,
        runs: &Meaning,
        execute: Option<&Statement>,
    ) -> Result<Option<Denial>, Fault> {
        let Some(execute) = execute else { return Ok(None) };
        let said = |at: usize| {
            let given = execute.assigns.get(at).map(|argument| argument.given.masks.as_slice());
            given.unwrap_or_default().iter().map(String::as_bytes).collect()
        };
        self.guard_values(runs, &said)
    }

    /// Whether anything at all is masked for this caller.
    pub(super) fn masks(&mut self, snapshot: &Snapshot) -> bool {
        self.gate.masks_values() || self.plans.is_strict(&mut self.gate, snapshot)
    }

    /// A statement that holds a mask's text as a value to be written.
    fn says_masks(&mut self, statement: &Statement) -> Option<Denial> {
        if statement.assigns.iter().all(|assignment| assignment.given.masks.is_empty()) {
            return None;
        }
        let snapshot = Arc::clone(&self.snapshot);
        if !self.masks(&snapshot) {
            return None;
        }
        let column = columns::written_back::literal(&mut self.gate, statement, &snapshot)?;
        Some(self.refuse_mask(&column))
    }

    pub(super) fn refuse_mask(&mut self, column: &str) -> Denial {
        let words = format!(
            "A value for {column} is a mask, not what it stands for: writing it would destroy the true value. \
             Leave it out, or write a new one."
        );
        self.gate.refuse("a mask that would be written back", "mask-written-back", &words)
    }

    /// A statement that would put masked values where nothing masks them.
    fn copies(&mut self, statement: &Statement) -> Option<Denial> {
        if statement.relations.writes.is_empty()
            && statement.creates.is_empty()
            && statement.assigns.is_empty()
            && !matches!(statement.kind, StatementKind::CopyServer(_))
        {
            return None;
        }
        let snapshot = Arc::clone(&self.snapshot);
        if !self.plans.is_strict(&mut self.gate, &snapshot) {
            return None;
        }
        let column = columns::copied(&mut self.gate, statement, &snapshot)?;
        let what =
            if column.is_empty() { "masked values".to_owned() } else { format!("masked values of {column}") };
        let words = format!("This would copy {what} to where they are not masked.");
        Some(self.gate.refuse("a statement that copies masked values", "masked-copy", &words))
    }
}
