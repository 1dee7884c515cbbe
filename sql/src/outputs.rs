//! Where each output column may come from, as far as syntax alone can say.
//!
//! Not lineage: the target's RowDescription names the true origin of plain columns, and a connector joins both.
//! Invariant: whatever may reach an output column is in its [`Uses`], or `wide` is set.

use std::collections::BTreeSet;

/// Column names (bare, folded) whose values may be in an output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    pub columns: BTreeSet<String>,
    /// More than the names say: a whole row, a renamed column list, a function that could return anything.
    pub wide: bool,
}

impl Uses {
    pub(crate) fn of(column: &str) -> Self {
        Self { columns: [column.to_owned()].into(), wide: false }
    }
    pub fn is_constant(&self) -> bool {
        self.columns.is_empty() && !self.wide
    }
    pub(crate) fn absorb(&mut self, other: &Uses) {
        self.columns.extend(other.columns.iter().cloned());
        self.wide |= other.wide;
    }
}

/// One entry of a result's column list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `*` or `t.*`: any number of columns. Where RowDescription names an origin, that is enough; else these.
    Star(Uses),
    /// A plain column reference. Where RowDescription names an origin, that is enough; else these.
    Direct { column: String, uses: Uses },
    /// An expression: these, and RowDescription's origin as well where it names one.
    Derived(Uses),
}

impl Output {
    pub fn uses(&self) -> &Uses {
        let (Output::Star(uses) | Output::Direct { uses, .. } | Output::Derived(uses)) = self;
        uses
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// It returns no rows.
    #[default]
    None,
    List(Vec<Output>),
    /// It may return rows of any number of columns, each of which may hold any of the statement's `all_columns`
    /// (anything at all where the statement is `wide`).
    Unknown,
}
