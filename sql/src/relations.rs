//! Which tables a statement names, for reading and for writing.

use std::collections::BTreeSet;
use std::fmt;

/// A table as the text names it, folded by the grammar; without a schema where none was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    pub schema: Option<String>,
    pub name: String,
}

impl TableName {
    pub fn path(&self) -> Vec<String> {
        self.schema.iter().chain([&self.name]).cloned().collect()
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Tables, views and their like; never the names of common table expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    pub reads: BTreeSet<TableName>,
    pub writes: BTreeSet<TableName>,
}
