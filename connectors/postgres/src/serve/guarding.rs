//! What no rule has to say: a statement that would take a mask off is refused, whatever the rules permit.
//!
//! Looked at once for each statement, edition of the rules and catalog; after that it costs a comparison.

use super::Serving;
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
        let denial = self.copies(statement);
        match denial {
            Some(denial) if denial.fatal => Err(denial.into()),
            Some(denial) => Ok(Some(denial)),
            None => {
                meaning.pass(now.0, now.1);
                Ok(None)
            }
        }
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
