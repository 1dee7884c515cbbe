//! Whether a statement would write a mask over the value that it stands for.
//!
//! A caller that was shown stars and writes the row back as it saw it would destroy what is behind them. What a mask's
//! own text looks like is the rules' affair; here it is found which column each given value goes to.

use super::copied::columns_at;
use crate::catalog::Snapshot;
use sallyport_core::Gate;
use sallyport_core::mask::forms::{self, Form};
use sallyport_core::mask::plan::ColumnRef;
use sallyport_sql::{Assignment, Destination, Statement};

/// The column to which the statement's own text writes a mask.
pub fn literal(
    gate: &mut Gate,
    statement: &Statement,
    snapshot: &Snapshot,
    mut put_back: Vec<Stored>,
) -> Option<String> {
    for assignment in &statement.assigns {
        for text in &assignment.given.masks {
            let known = put_back.iter().position(|stored| stored.is(assignment, text));
            if known.map(|at| put_back.swap_remove(at)).is_none()
                && let Some(column) = into(gate, assignment, snapshot, text.as_bytes())
            {
                return Some(column);
            }
        }
    }
    None
}

/// A token of the statement's text that goes into its column as what it stands for.
pub struct Stored {
    pub into: Destination,
    pub text: String,
}

impl Stored {
    fn is(&self, assignment: &Assignment, text: &str) -> bool {
        self.into == assignment.into && self.text == text
    }
}

/// The column to which a parameter writes one. `values` says what is given for each, counted from zero; those
/// that are put back, counted from one, are no masks when they arrive.
pub fn parameter<'v>(
    gate: &mut Gate,
    statement: &Statement,
    snapshot: &Snapshot,
    values: &dyn Fn(usize) -> Vec<&'v [u8]>,
    is_put_back: &dyn Fn(usize) -> bool,
) -> Option<String> {
    for assignment in &statement.assigns {
        for number in assignment.given.parameters.iter().filter(|number| !is_put_back(**number)) {
            for value in number.checked_sub(1).map(values).into_iter().flatten() {
                if forms::may_be_mask(value)
                    && let Some(column) = into(gate, assignment, snapshot, value)
                {
                    return Some(column);
                }
            }
        }
    }
    None
}

fn into(gate: &mut Gate, assignment: &Assignment, snapshot: &Snapshot, text: &[u8]) -> Option<String> {
    let Destination::Column { table, column } = &assignment.into else { return None };
    for (_, relation) in snapshot.named(table.schema.as_deref(), &table.name) {
        for column in columns_at(relation, column) {
            let at = ColumnRef { schema: &relation.schema, table: &relation.name, column };
            if gate.mask_of(&at).is_some_and(|(form, _)| form.wrote(text)) {
                return Some(format!("{}.{}.{}", at.schema, at.table, at.column));
            }
        }
    }
    (gate.masks_values() && forms::holds_mask(text)).then(|| table.to_string())
}

/// The forms in which these columns of a table are masked; of all where none is named.
pub fn forms_of(
    gate: &mut Gate,
    snapshot: &Snapshot,
    table: &sallyport_sql::TableName,
    names: &[String],
) -> Vec<Form> {
    let mut forms = Vec::new();
    for (_, relation) in snapshot.named(table.schema.as_deref(), &table.name) {
        let columns = relation.visible().filter(|(_, name, _)| names.is_empty() || names.contains(name));
        for (_, column, _) in columns {
            let at = ColumnRef { schema: &relation.schema, table: &relation.name, column };
            forms.extend(gate.mask_of(&at).map(|(form, _)| form));
        }
    }
    forms
}
