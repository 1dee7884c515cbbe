//! What a connector must know of the rules before there is a result.

use super::Gate;
use crate::effect::{Action, Object};
use crate::ids::RuleId;
use crate::judge::{Guard, Reason, Sensitive, Sight};
use crate::mask::detect::Class;
use crate::mask::forms::Form;
use crate::mask::plan::ColumnRef;
use crate::mask::token::{Meant, Scope, Sort};

impl Gate {
    /// Whether values of any kind are masked for this caller wherever they stand.
    pub fn masks_values(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Whether values of this kind are.
    pub fn masks_kind(&self, kind: Class) -> bool {
        self.wanted.contains(kind)
    }

    /// Whether rules forbid this caller to filter by anything at all.
    pub fn guard(&mut self) -> Guard {
        self.judge.guard()
    }

    /// Why this caller may not filter by the column, if so.
    pub fn forbids_filter(&mut self, origin: &ColumnRef<'_>) -> Option<Reason> {
        let now = self.clock.now();
        let ColumnRef { schema, table, column } = *origin;
        self.judge.filter(now, &Sensitive::Column { schema, table, column })
    }

    /// What a value of the caller's stands for, where it is given for a column that this rule masks by tokens of this
    /// scope. `binary`: the value is in the type's binary format.
    pub fn meant(&self, scope: Scope, rule: &RuleId, sort: Sort, (given, binary): (&[u8], bool)) -> Meant {
        self.masker.tokens.meant(scope, rule, sort, (given, binary))
    }

    /// Whether the rules in force could let this caller do such a thing to anything besides these objects.
    pub fn could_permit(&mut self, action: Action, besides: &[Object]) -> bool {
        self.judge.could_permit(action, besides)
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
