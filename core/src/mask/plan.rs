//! Which columns of a result are masked and how. Made once for each result shape, applied to every row.

use crate::ids::{Epoch, RuleId};
use crate::mask::detect::{Class, Classes, Hint};
use crate::mask::forms::Form;
use crate::mask::token::Narrow;
use std::fmt;
use std::sync::Arc;

/// How a cell of a column may be rewritten. The connector knows its types; the gate only knows these.
#[derive(Clone, Debug)]
pub enum CellShape {
    /// The bytes are text: any form can be written, and sensitive values are looked for inside.
    Text,
    /// Text behind a fixed number of bytes that stay as they are (a version byte), within JSON: a mask is written as
    /// a JSON string, and values are looked for inside.
    Json { prefix: u8 },
    /// A typed value. Every form but null writes this valid value of the type; without one the cell becomes null.
    Typed { redacted: Option<Arc<[u8]>>, holds: Holds },
    /// Made of cells, each of which is looked at and masked in its own shape.
    Parts(Arc<dyn Parts>),
}

/// What a typed value may say to a person.
#[derive(Clone, Debug)]
pub enum Holds {
    /// Nothing that is looked for: a truth value, a time of day, a place on a plane.
    Nothing,
    /// Text, however the type is called, perhaps spelt in a way of its own.
    Text(Option<Spelling>),
    /// A word out of a short list that was written down with the type: what a column's name promises is none of them.
    Label,
    /// A number. A `long` one has the digits of a card; a shorter one is something only under a name that says so.
    Number { long: bool, spelling: Option<Spelling> },
    /// Of this kind, whatever its value: the type says so.
    Always(Class),
    /// A day, which is somebody's birthday under a name that says so.
    Day,
    /// Nobody can read it. Masked as soon as values of any kind are.
    Unreadable,
}

/// Appends a value as a person would read it. `None`: it is no value of its type.
#[derive(Clone, Copy)]
pub struct Spelling(pub fn(&[u8], &mut Vec<u8>) -> Option<()>);

impl fmt::Debug for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spelling")
    }
}

/// A cell made of cells: an array, a row, a map, a document.
pub trait Parts: fmt::Debug + Send + Sync {
    /// Whether it is so for any part that such a cell may have, by its shape and what its own name says.
    fn any(&self, is_so: &mut dyn FnMut(&CellShape, Option<Hint>) -> bool) -> bool;
    /// Where all of it is masked: whether how many parts there are, and which are null, may show. Otherwise it is null.
    fn keeps_structure(&self) -> bool {
        true
    }
    /// Appends the cell with what becomes of each part that is not null. False: nothing changed, and nobody reads what
    /// was appended.
    fn rewrite(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable>;
}

/// Says of a part, by its shape, what its own name says and its value, what becomes of it; a new value is put in place of
/// what the last argument holds.
pub type EachPart<'a> = dyn FnMut(&CellShape, Option<Hint>, &[u8], &mut Vec<u8>) -> PartEdit + 'a;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartEdit {
    Keep,
    Null,
    Replace,
}

/// The cell is not what its type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value is not spelt as its type is")]
pub struct Unreadable;

/// Where the values of an output column come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnRef<'a> {
    pub schema: &'a str,
    pub table: &'a str,
    pub column: &'a str,
}

#[derive(Clone, Debug)]
pub enum Origin<'a> {
    /// The column itself, unchanged.
    Column(ColumnRef<'a>),
    /// Computed from at most these columns. None at all is a constant.
    Derived(Vec<ColumnRef<'a>>),
    /// Nobody knows. Masked.
    Unknown,
}

/// One output column, as the connector understands it.
#[derive(Clone, Debug)]
pub struct ColumnInfo<'a> {
    pub name: &'a str,
    pub origin: Origin<'a>,
    pub shape: CellShape,
    /// A type whose values can have tokens without being text.
    pub narrow: Option<Narrow>,
    /// The cells are not text.
    pub binary: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnPlan {
    /// Forwarded as it is.
    Clear,
    /// Sensitive values are looked for in each cell.
    Detect,
    /// Every cell is masked.
    Masked { form: Form, rule: RuleId },
}

#[derive(Clone, Debug)]
pub(crate) struct PlannedColumn {
    pub(crate) name: String,
    pub(crate) plan: ColumnPlan,
    pub(crate) shape: CellShape,
    pub(crate) narrow: Option<(Narrow, bool)>,
    /// What the column's name says about its values.
    pub(crate) hint: Hint,
}

/// Made by [`crate::Gate::plan`] only.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) columns: Vec<PlannedColumn>,
    pub(crate) binary: Vec<bool>,
    pub(crate) epoch: Epoch,
    pub(crate) classes: Arc<[(Classes, Form, RuleId)]>,
    /// All of these classes together.
    pub(crate) wanted: Classes,
    pub(crate) empty: bool,
}

impl CellShape {
    /// Whether a value of these kinds may stand in such a cell, whose name says this.
    pub(crate) fn may_hold(&self, wanted: Classes, hint: Hint) -> bool {
        match self {
            CellShape::Text | CellShape::Json { .. } => !wanted.is_empty(),
            CellShape::Typed { holds, .. } => holds.may_hold(wanted, hint),
            CellShape::Parts(parts) => {
                parts.any(&mut |shape, own| shape.may_hold(wanted, own.unwrap_or(hint)))
            }
        }
    }
    /// Whether no one can read any part of it.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self, CellShape::Typed { holds: Holds::Unreadable, .. })
    }
}

impl Holds {
    fn may_hold(&self, wanted: Classes, hint: Hint) -> bool {
        let named = |kinds: Classes| {
            hint.class().is_some_and(|class| wanted.contains(class) && kinds.contains(class))
        };
        match self {
            Holds::Nothing => false,
            Holds::Text(_) | Holds::Label | Holds::Unreadable => !wanted.is_empty(),
            Holds::Number { long, .. } => {
                (*long && wanted.meets(hint.rules_out(Classes::OF_DIGITS))) || named(Classes::IN_NUMBERS)
            }
            Holds::Always(class) => wanted.contains(*class),
            Holds::Day => named(Classes::of(Class::BirthDate)),
        }
    }
}

impl Plan {
    /// No cell of this result can change: its rows need not be read.
    pub fn is_empty(&self) -> bool {
        self.empty
    }
    /// The rules under which it was made. A plan of another epoch is refused by the gate.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
    pub fn width(&self) -> usize {
        self.columns.len()
    }
    pub fn column(&self, index: usize) -> Option<&ColumnPlan> {
        self.columns.get(index).map(|column| &column.plan)
    }
    /// Any column is masked by its origin.
    pub fn masks_columns(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.plan, ColumnPlan::Masked { .. }))
    }
    /// Values are looked for in a column that nobody can read: all of it is masked.
    pub fn hides_unread(&self) -> bool {
        self.columns.iter().any(|column| column.plan == ColumnPlan::Detect && column.shape.is_unreadable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::detect::hint;

    #[test]
    fn an_ordinary_number_is_not_even_read() {
        let holds = |long| Holds::Number { long, spelling: None };
        let shape = |holds| CellShape::Typed { redacted: None, holds };
        let may = |holds, name| shape(holds).may_hold(Classes::all(), hint(name));
        assert!(!may(holds(false), "id") && !may(holds(false), "phone_count") && may(holds(false), "ssn"));
        assert!(may(holds(true), "total") && !may(holds(true), "tracking_number"));
        assert!(!may(Holds::Day, "created_at") && may(Holds::Day, "dob") && !may(Holds::Nothing, "dob"));
        let some = Classes::of(Class::Email);
        assert!(
            !shape(holds(true)).may_hold(some, Hint::NONE)
                && !shape(holds(false)).may_hold(some, hint("ssn"))
        );
        assert!(!shape(Holds::Always(Class::Ip)).may_hold(some, Hint::NONE));
        assert!(!CellShape::Text.may_hold(Classes::NONE, hint("email")));
    }
}
