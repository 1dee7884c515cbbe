//! What a connector must know of the rules before there is a result.

use super::Gate;
use crate::ids::RuleId;
use crate::judge::{Sensitive, Sight};
use crate::mask::forms::Form;
use crate::mask::plan::ColumnRef;

impl Gate {
    /// Whether values of any kind are masked for this caller wherever they stand.
    pub fn masks_values(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// How this caller would see the column, where it would not see its value.
    pub fn mask_of(&mut self, origin: &ColumnRef<'_>) -> Option<(Form, RuleId)> {
        let now = self.clock.now();
        let ColumnRef { schema, table, column } = *origin;
        match self.judge.see(now, &Sensitive::Column { schema, table, column }) {
            Sight::Clear => None,
            Sight::Masked { form, rule } => Some((form, rule)),
        }
    }
}
