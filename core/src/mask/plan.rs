//! Which columns of a result are masked and how. Made once for each result shape, applied to every row.

use crate::ids::{Epoch, RuleId};
use crate::mask::detect::{Classes, Hint};
use crate::mask::forms::Form;
use crate::mask::token::Narrow;
use std::sync::Arc;

/// How a cell of a column may be rewritten. The connector knows its types; the gate only knows these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellShape {
    /// The bytes are text: any form can be written, and sensitive values are looked for inside.
    Text,
    /// Text behind a fixed number of bytes that stay as they are (a version byte), within JSON: a mask is written as
    /// a JSON string, and values are looked for inside.
    Json { prefix: u8 },
    /// A typed value. Every form but null writes this valid value of the type; without one the cell becomes null.
    /// `scan` says that its bytes are text all the same and values are looked for inside.
    Typed { redacted: Option<Arc<[u8]>>, scan: bool },
}

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
}
