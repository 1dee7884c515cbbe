//! What a statement puts where: each value that it writes, with the columns it may come from.
//!
//! A connector compares both ends, so that what is masked in one place is not written to another where it is not.
//! Invariant: whatever may reach a stored value is in the [`Uses`] of an assignment to its column, or the table written
//! to has no assignment at all and the whole statement stands for it.

use crate::outputs::Uses;
use crate::relations::TableName;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub into: Destination,
    pub uses: Uses,
    /// The value is one of the columns of `uses`, or a given one, and nothing is computed from it.
    pub unchanged: bool,
    pub given: Given,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Column {
        table: TableName,
        column: Place,
    },
    /// A setting, a channel, a lock, a file: nothing masks what stands there.
    Elsewhere,
}

/// Which column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Named(String),
    /// By its place among those of `SELECT *`, from zero.
    At(usize),
    Any,
}

/// What the caller wrote into the value: parameters by their numbers, and the literals that may be a mask's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub masks: Vec<String>,
    pub parameters: Vec<usize>,
}

impl Given {
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty() && self.parameters.is_empty()
    }
}

impl Assignment {
    pub fn table(&self) -> Option<&TableName> {
        match &self.into {
            Destination::Column { table, .. } => Some(table),
            Destination::Elsewhere => None,
        }
    }
}
