//! What effects do not say: a statement that would take a mask off, write one over the value behind it, or choose rows
//! by a column that rules forbid to filter by, is refused before the rules judge its effects.
//!
//! A text is looked at once for each edition of the rules and the catalog; after that it costs a comparison. Values that
//! are bound are looked at each time, where a statement writes them.

use super::Serving;
use super::bound::PutBack;
use crate::catalog::Snapshot;
use crate::columns;
use crate::reading::Meaning;
use sallyport_core::{Denial, Guard, Reason};
use sallyport_sql::{Statement, StatementKind};
use std::sync::Arc;

impl Serving {
    /// Why the statement may not run, if so.
    pub(super) fn guard(&mut self, meaning: &Meaning) -> Option<Reason> {
        let lifted = if self.opinion.reads_only() { meaning.inner_or_own() } else { None };
        if let Some(reason) = lifted.and_then(|statement| self.ends_reading(statement)) {
            return Some(reason);
        }
        let now = (self.gate.epoch(), self.snapshot.version());
        if meaning.has_passed(now.0, now.1) {
            return None;
        }
        let statement = meaning.inner_or_own()?;
        // What it holds inside is planned or kept under a name: nothing is put back there.
        let is_own = meaning.statement().is_some_and(|own| std::ptr::eq(own, statement));
        let guard = self.gate.guard();
        let foreign = if is_own { self.lifts(statement).err() } else { None };
        let reason = foreign
            .or_else(|| self.filters((statement, is_own), guard))
            .or_else(|| self.copies(statement))
            .or_else(|| self.says_masks((statement, is_own)));
        if reason.is_none() && guard != Guard::Timed {
            meaning.pass(now.0, now.1);
        }
        reason
    }

    /// The same for the values that a Bind or an EXECUTE gives to its parameters, counted from zero.
    pub(super) fn guard_values<'v>(
        &mut self,
        meaning: &Meaning,
        values: &dyn Fn(usize) -> Vec<&'v [u8]>,
        put: &PutBack,
    ) -> Option<Reason> {
        let statement = meaning.inner_or_own()?;
        let filtered = self.filters_by_values(statement, put);
        if filtered.is_some() || statement.assigns.is_empty() {
            return filtered;
        }
        let snapshot = Arc::clone(&self.snapshot);
        if !self.masks(&snapshot) {
            return None;
        }
        let column =
            columns::written_back::parameter(&mut self.gate, statement, &snapshot, values, &|number| {
                put.contains_key(&number)
            })?;
        Some(mask_written_back(&column))
    }

    /// What an EXECUTE says in its own text, for the statement that it runs.
    pub(super) fn guard_arguments(&mut self, runs: &Meaning, execute: Option<&Statement>) -> Option<Reason> {
        let execute = execute?;
        let said = |at: usize| {
            let given = execute.assigns.get(at).map(|argument| argument.given.masks.as_slice());
            given.unwrap_or_default().iter().map(String::as_bytes).collect()
        };
        self.guard_values(runs, &said, &PutBack::new())
    }

    /// Whether anything at all is masked for this caller.
    pub(super) fn masks(&mut self, snapshot: &Snapshot) -> bool {
        self.gate.masks_values() || self.plans.is_strict(&mut self.gate, snapshot)
    }

    /// A statement that chooses, joins, orders or groups rows by what it may not.
    fn filters(&mut self, (statement, is_own): (&Statement, bool), guard: Guard) -> Option<Reason> {
        if guard == Guard::None || statement.filters.is_empty() {
            return None;
        }
        let without_tokens = (is_own && !statement.pairs.is_empty()).then(|| self.filters_of(statement));
        let filters = without_tokens.as_ref().unwrap_or(&statement.filters);
        let snapshot = Arc::clone(&self.snapshot);
        columns::filtered(&mut self.gate, statement, filters, &snapshot, self.stale_inside)
    }

    /// A statement that would put masked values where nothing masks them.
    fn copies(&mut self, statement: &Statement) -> Option<Reason> {
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
        Some(of_house("masked-copy", format!("This would copy {what} to where they are not masked.")))
    }

    /// A statement that holds a mask's text as a value to be written.
    fn says_masks(&mut self, (statement, is_own): (&Statement, bool)) -> Option<Reason> {
        if statement.assigns.iter().all(|assignment| assignment.given.masks.is_empty()) {
            return None;
        }
        let snapshot = Arc::clone(&self.snapshot);
        if !self.masks(&snapshot) {
            return None;
        }
        let put_back = if is_own { self.stored(statement) } else { Vec::new() };
        let column = columns::written_back::literal(&mut self.gate, statement, &snapshot, put_back)?;
        Some(mask_written_back(&column))
    }
}

pub(super) fn mask_written_back(column: &str) -> Reason {
    let words = format!(
        "A value for {column} is a mask, not what it stands for: writing it would destroy the true value. Leave it \
         out, or write a new one."
    );
    of_house("mask-written-back", words)
}

pub(super) fn of_house(rule: &str, words: String) -> Reason {
    Denial::of_house(rule, words).reason
}
