//! What a statement compares, orders, groups or counts by: whoever sees which rows come, and how many, learns of these
//! columns without seeing one of their values.
//!
//! WHERE, HAVING, JOIN, ORDER BY, GROUP BY, DISTINCT, windows, LIMIT, set operations that compare, IN and its like, CASE,
//! FILTER, and what decides how many rows a function returns. Invariant: a column that may decide which rows come, how
//! many or in which order is among the sites, or `wide` is set.

use crate::relations::TableName;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub sites: BTreeSet<Site>,
    /// More than the names say: whole rows, functions of unknown body.
    pub wide: bool,
    /// A NATURAL join compares whatever columns two of its sides have in common.
    pub natural: bool,
}

/// A column that is compared, by its bare name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// Its table, where the text says which; else it may be of any that the statement names.
    pub table: Option<TableName>,
    pub column: String,
}

impl Filters {
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty() && !self.wide && !self.natural
    }
}
