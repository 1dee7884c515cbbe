//! Which value goes into which column.

use super::tables::Plainness;
use super::{Walk, given, strings};
use crate::assigns::{Assignment, Destination, Given, Place};
use crate::outputs::{Output, Outputs, Uses};
use crate::relations::TableName;
use pg_query::NodeEnum;
use pg_query::protobuf::{Node, SelectStmt};

impl Walk {
    pub(super) fn assigns(
        &mut self,
        table: &TableName,
        column: Place,
        uses: Uses,
        unchanged: bool,
        given: Given,
    ) {
        let into = Destination::Column { table: table.clone(), column };
        self.assigns.push(Assignment { into, unchanged: unchanged && !uses.wide, uses, given });
    }

    /// What an EXECUTE gives for each parameter, in their order: the statement that it runs says where they go.
    pub(super) fn arguments(&mut self, values: &[Node]) {
        for value in values {
            let mut given = Given::default();
            given::in_value(value, &mut given);
            let (into, uses) = (Destination::Elsewhere, Uses::default());
            self.assigns.push(Assignment { into, uses, unchanged: true, given });
        }
    }

    /// What a function does with its arguments beyond returning them.
    pub(super) fn puts_elsewhere(&mut self, uses: &Uses) {
        if !uses.is_constant() {
            let (into, given) = (Destination::Elsewhere, Given::default());
            self.assigns.push(Assignment { into, uses: uses.clone(), unchanged: false, given });
        }
    }

    /// A name may stand for an expression below: of a common table expression, or of what is not a table in FROM. Then
    /// every name of the statement so far counts.
    pub(super) fn with_all_behind(&self, mut uses: Uses, plainness: Plainness) -> Uses {
        if !uses.is_constant() && (plainness == Plainness::Mixed || self.has_ctes()) {
            uses.absorb(&self.uses);
            uses.wide |= self.inner_star;
        }
        // A renamed column list: the names no longer say what is read.
        uses.wide |= self.uses.wide && !uses.is_constant();
        uses
    }

    pub(super) fn has_ctes(&self) -> bool {
        self.ctes.iter().any(|scope| !scope.is_empty())
    }

    /// `SET a = …, (b, c) = …`, of an UPDATE, an ON CONFLICT or a MERGE.
    pub(super) fn set_columns(&mut self, table: &TableName, targets: &[Node], plainness: Plainness) -> Uses {
        let mut all = Uses::default();
        for target in targets {
            let Some(NodeEnum::ResTarget(target)) = &target.node else {
                self.unknown();
                continue;
            };
            self.subscripts(&target.indirection);
            let Some(value) = target.val.as_deref() else { continue };
            let uses = self.uses_of(|walk| walk.assigned_value(value));
            let plain = plainness == Plainness::Plain && !self.has_ctes() && target.indirection.is_empty();
            let mut given = Given::default();
            given::in_value(value, &mut given);
            all.absorb(&uses);
            let uses = self.excluded_uses(table, value).unwrap_or(uses);
            let column = Place::Named(target.name.clone());
            if target.indirection.is_empty() {
                self.stored_pair(table, column.clone(), value);
            }
            self.pending.push((table.clone(), column, uses, plain && is_unchanged(value), given));
        }
        self.settle_columns(plainness);
        self.with_all_behind(all, plainness)
    }

    /// Only when every value of the list was visited is it known what a name may stand for.
    fn settle_columns(&mut self, plainness: Plainness) {
        for (table, column, uses, unchanged, given) in std::mem::take(&mut self.pending) {
            let uses = self.with_all_behind(uses, plainness);
            self.assigns(&table, column, uses, unchanged, given);
        }
    }

    /// Of a row that is assigned to several columns each takes its own part.
    fn assigned_value(&mut self, value: &Node) {
        if let Some(NodeEnum::MultiAssignRef(assign)) = &value.node
            && let Some(NodeEnum::RowExpr(row)) =
                assign.source.as_deref().and_then(|source| source.node.as_ref())
            && let Some(part) =
                usize::try_from(assign.colno).ok().and_then(|at| row.args.get(at.checked_sub(1)?))
        {
            return self.expr(part);
        }
        self.expr(value);
    }

    /// `excluded.a` is what the INSERT before it gave for `a`.
    fn excluded_uses(&self, table: &TableName, value: &Node) -> Option<Uses> {
        let Some(NodeEnum::ColumnRef(column)) = &value.node else { return None };
        let [row, name] = strings(&column.fields).try_into().ok()?;
        if row != "excluded" {
            return None;
        }
        let known = self.assigns.iter().rev().find(|known| {
            known.into == Destination::Column { table: table.clone(), column: Place::Named(name.clone()) }
        })?;
        let mut uses = known.uses.clone();
        // What was given may be a token, and then what it stands for goes on from here.
        if self.stores_pair(table, &name) {
            uses.absorb(&Uses::of(&name));
        }
        Some(uses)
    }

    /// The columns of an INSERT's source, one after the other, into those it names or else all in their order.
    pub(super) fn inserted(
        &mut self,
        table: &TableName,
        columns: &[Node],
        source: (Option<&SelectStmt>, Outputs),
        taint: &Uses,
    ) {
        let names: Vec<String> = columns.iter().filter_map(target_name).collect();
        let (select, outputs) = source;
        let plain = select.is_some_and(is_plain) && !self.has_ctes();
        let place = |at: usize| match names.is_empty() {
            true => Place::At(at),
            false => names.get(at).map_or(Place::Any, |name| Place::Named(name.clone())),
        };
        if let Some(select) = select {
            self.stored_rows(table, select, place);
        }
        let list = match outputs {
            Outputs::List(list) => list,
            Outputs::None => Vec::new(),
            Outputs::Unknown => vec![Output::Star(taint.clone())],
        };
        let mut stretched = false;
        for (at, output) in list.into_iter().enumerate() {
            let mut given = Given::default();
            if let Some(select) = select {
                given::in_column(select, at, &mut given);
            }
            stretched |= matches!(output, Output::Star(_));
            let column = if stretched { Place::Any } else { place(at) };
            let (uses, direct) = match output {
                Output::Star(mut uses) => {
                    uses.wide = true;
                    (uses, false)
                }
                Output::Direct { uses, .. } => (uses, true),
                Output::Derived(uses) => (uses, false),
            };
            let uses = self.with_all_behind(uses, Plainness::Plain);
            self.assigns(table, column, uses, direct && plain, given);
        }
    }

    /// The values that MERGE inserts.
    pub(super) fn merge_values(
        &mut self,
        table: &TableName,
        columns: &[Node],
        values: &[Node],
        plainness: Plainness,
    ) -> Uses {
        let names: Vec<String> = columns.iter().filter_map(target_name).collect();
        let mut all = Uses::default();
        for (at, value) in values.iter().enumerate() {
            let uses = self.uses_of(|walk| walk.expr(value));
            all.absorb(&uses);
            let mut given = Given::default();
            given::in_value(value, &mut given);
            let column = match names.is_empty() {
                true => Place::At(at),
                false => names.get(at).map_or(Place::Any, |name| Place::Named(name.clone())),
            };
            self.stored_pair(table, column.clone(), value);
            let uses = self.with_all_behind(uses, plainness);
            self.assigns(table, column, uses, false, given);
        }
        all
    }
}

fn target_name(target: &Node) -> Option<String> {
    match &target.node {
        Some(NodeEnum::ResTarget(target)) => Some(target.name.clone()),
        _ => None,
    }
}

/// The value is a column's own, a given one, or the first of several that is there.
fn is_unchanged(value: &Node) -> bool {
    match &value.node {
        Some(
            NodeEnum::ColumnRef(_) | NodeEnum::AConst(_) | NodeEnum::ParamRef(_) | NodeEnum::SetToDefault(_),
        ) => true,
        Some(NodeEnum::CoalesceExpr(expr)) => expr.args.iter().all(is_unchanged),
        _ => false,
    }
}

/// Nothing but tables in its FROM, whose columns keep their names.
fn is_plain(select: &SelectStmt) -> bool {
    let table = |item: &Node| {
        matches!(&item.node, Some(NodeEnum::RangeVar(range))
            if range.alias.as_ref().is_none_or(|alias| alias.colnames.is_empty()))
    };
    select.with_clause.is_none() && select.larg.is_none() && select.from_clause.iter().all(table)
}
