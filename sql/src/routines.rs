//! What a statement runs besides itself: functions, operators and types by the names it gives them.
//!
//! All of them, those of PostgreSQL itself too: a target may have defined another of the same name. A catalog says which
//! they are and what stands behind them. Invariant: a name by which the text can run code is among these.

use std::collections::BTreeSet;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routines {
    /// Functions, procedures and aggregates, as written: one name, or a schema and a name.
    pub functions: BTreeSet<Vec<String>>,
    pub operators: BTreeSet<Vec<String>>,
    /// Types that values are cast to, other than those of PostgreSQL itself.
    pub types: BTreeSet<Vec<String>>,
}

impl Routines {
    pub(crate) fn absorb(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.operators.extend(other.operators);
        self.types.extend(other.types);
    }
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.operators.is_empty() && self.types.is_empty()
    }
}
