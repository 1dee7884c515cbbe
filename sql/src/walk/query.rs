//! SELECT in all its forms, and where its columns come from.

use super::filters::{self, Column};
use super::tables::Plainness;
use super::{Walk, table_name};
use crate::analysis::ChangeKind;
use crate::outputs::{Output, Outputs, Uses};
use pg_query::NodeEnum;
use pg_query::protobuf::{IntoClause, Node, SelectStmt, SetOperation};
use sallyport_core::Action;
use std::collections::BTreeMap;

/// Whether a select's own columns are the statement's result, or feed something else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Top,
    Within,
}

impl Walk {
    /// A statement inside another: a subquery, a common table expression.
    pub(super) fn nested(&mut self, node: Option<&Node>) {
        match node.and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::SelectStmt(select)) => {
                self.select(select, Place::Within);
            }
            Some(NodeEnum::InsertStmt(insert)) => {
                self.insert(insert);
            }
            Some(NodeEnum::UpdateStmt(update)) => {
                self.update(update);
            }
            Some(NodeEnum::DeleteStmt(delete)) => {
                self.delete(delete);
            }
            Some(NodeEnum::MergeStmt(merge)) => {
                self.merge(merge);
            }
            Some(_) | None => self.unknown(),
        }
    }

    pub(super) fn select(&mut self, select: &SelectStmt, place: Place) -> Outputs {
        let SelectStmt {
            distinct_clause: _,
            into_clause,
            target_list,
            from_clause,
            where_clause,
            group_clause: _,
            group_distinct: _,
            having_clause,
            window_clause,
            values_lists,
            sort_clause: _,
            limit_offset,
            limit_count,
            limit_option: _,
            locking_clause,
            with_clause,
            op: _,
            all: _,
            larg,
            rarg,
        } = select;
        self.enter_with(with_clause.as_ref());
        self.rows.push(BTreeMap::new());
        let arms = match (larg, rarg) {
            (None, None) => None,
            (left, right) => Some(self.set_operation(select, left.as_deref(), right.as_deref(), place)),
        };
        let of_arms = self.columns.take();
        let plainness = self.sources(from_clause);
        let list = self.targets(target_list, place);
        let rows = self.value_rows(values_lists);
        let columns = match (&arms, &rows) {
            (Some(_), _) => of_arms,
            (None, Some(rows)) => filters::values(rows),
            (None, None) => Some(named(target_list, &list)),
        };
        for clause in [where_clause, having_clause, limit_offset, limit_count] {
            self.filter_one(clause.as_deref());
        }
        self.exprs(window_clause);
        self.compared_rows(select, columns.as_deref());
        if !locking_clause.is_empty() {
            self.lock_tables(from_clause);
        }
        if let Some(into) = into_clause {
            self.new_table(into);
        }
        self.rows.pop();
        self.columns = columns;
        // A name in a subquery may be that of a common table expression's column.
        let plainness = if self.has_ctes() { Plainness::Mixed } else { plainness };
        self.leave_with();
        match (arms, rows) {
            (Some(outputs), _) => outputs,
            (None, Some(rows)) => rows,
            (None, None) => Outputs::List(self.settle(list, plainness)),
        }
    }

    /// DISTINCT, GROUP BY, ORDER BY, and set operations that leave out what is there twice.
    fn compared_rows(&mut self, select: &SelectStmt, columns: Option<&[Column]>) {
        let SelectStmt { distinct_clause, group_clause, sort_clause, op, all, .. } = select;
        let union_all = *all && *op == SetOperation::SetopUnion as i32;
        let compares = *op > SetOperation::SetopNone as i32 && !union_all;
        // A plain DISTINCT is a list of one entry that says nothing.
        let plain_distinct = distinct_clause.iter().any(|node| node.node.is_none());
        match columns {
            Some(columns) if compares || plain_distinct => self.filter_by_all(columns),
            None if compares || plain_distinct || !sort_clause.is_empty() => {
                self.filter_by(&Uses { wide: true, ..Uses::default() });
            }
            Some(_) | None => {}
        }
        for clause in [distinct_clause, group_clause, sort_clause] {
            self.filter_by_keys(clause, columns.unwrap_or_default());
        }
    }

    fn set_operation(
        &mut self,
        select: &SelectStmt,
        left: Option<&SelectStmt>,
        right: Option<&SelectStmt>,
        place: Place,
    ) -> Outputs {
        if !matches!(
            SetOperation::try_from(select.op),
            Ok(SetOperation::SetopUnion | SetOperation::SetopIntersect | SetOperation::SetopExcept)
        ) {
            self.unknown();
        }
        let stars = std::mem::replace(&mut self.inner_star, false);
        let left = left.map_or(Outputs::Unknown, |arm| self.select(arm, place));
        let columns = self.columns.take();
        let right = right.map_or(Outputs::Unknown, |arm| self.select(arm, place));
        self.columns = filters::matched(columns, self.columns.take());
        let joined = both(left, right);
        // Columns are matched by place: the name outside need not be the name inside.
        if joined == Outputs::Unknown || self.inner_star {
            self.uses.wide = true;
        }
        self.inner_star |= stars;
        joined
    }

    /// The entries of a select list or RETURNING.
    pub(super) fn targets(&mut self, targets: &[Node], place: Place) -> Vec<Output> {
        targets.iter().map(|target| self.target(target, place)).collect()
    }

    fn target(&mut self, target: &Node, place: Place) -> Output {
        let Some(NodeEnum::ResTarget(target)) = &target.node else {
            self.unknown();
            return Output::Derived(Uses { wide: true, ..Uses::default() });
        };
        self.exprs(&target.indirection);
        let value = target.val.as_deref();
        if let Some(NodeEnum::ColumnRef(column)) = value.and_then(|node| node.node.as_ref()) {
            match column.fields.last().and_then(|field| field.node.as_ref()) {
                Some(NodeEnum::AStar(_)) => {
                    self.inner_star |= place == Place::Within;
                    return Output::Star(Uses::default());
                }
                Some(NodeEnum::String(name)) => {
                    let uses = self.uses_of(|walk| walk.column(column));
                    return Output::Direct { column: name.sval.clone(), uses };
                }
                _ => {}
            }
        }
        Output::Derived(self.uses_of(|walk| walk.opt(value)))
    }

    /// VALUES: as many columns as its first row, each from every row.
    fn value_rows(&mut self, rows: &[Node]) -> Option<Outputs> {
        let mut columns: Vec<Uses> = Vec::new();
        for row in rows {
            let Some(NodeEnum::List(list)) = &row.node else {
                self.unknown();
                continue;
            };
            for (place, value) in list.items.iter().enumerate() {
                let uses = self.uses_of(|walk| walk.expr(value));
                match columns.get_mut(place) {
                    Some(column) => column.absorb(&uses),
                    None => columns.push(uses),
                }
            }
        }
        (!rows.is_empty()).then(|| Outputs::List(columns.into_iter().map(Output::Derived).collect()))
    }

    /// Over anything but tables, a name may stand for an expression below: then every name of the statement counts.
    pub(super) fn settle(&self, mut list: Vec<Output>, plainness: Plainness) -> Vec<Output> {
        for output in &mut list {
            match output {
                Output::Star(uses) => {
                    uses.absorb(&self.uses);
                    uses.wide |= self.inner_star;
                }
                Output::Direct { uses, .. } | Output::Derived(uses) => {
                    if plainness == Plainness::Mixed && !uses.is_constant() {
                        uses.absorb(&self.uses);
                    }
                    uses.wide |= self.uses.wide && !uses.is_constant();
                }
            }
        }
        list
    }

    pub(super) fn new_table(&mut self, into: &IntoClause) {
        let Some(rel) = &into.rel else {
            self.unknown();
            return;
        };
        let table = table_name(rel);
        let temporary = rel.relpersistence == "t";
        self.changed(ChangeKind::Relation, &table, temporary);
        self.write(Action::Create, table, false);
        self.exprs(&into.options);
    }
}

/// The entries of a select list under the names they have outside.
pub(super) fn named(targets: &[Node], list: &[Output]) -> Vec<Column> {
    let columns = targets.iter().zip(list).map(|(target, output)| Column {
        name: filters::name_of_target(target),
        uses: output.uses().clone(),
        star: matches!(output, Output::Star(_)),
    });
    columns.collect()
}

/// Two arms of a set operation, matched by place.
fn both(left: Outputs, right: Outputs) -> Outputs {
    let (Outputs::List(left), Outputs::List(right)) = (left, right) else { return Outputs::Unknown };
    let known = |list: &[Output]| !list.iter().any(|output| matches!(output, Output::Star(_)));
    if left.len() != right.len() || !known(&left) || !known(&right) {
        return Outputs::Unknown;
    }
    let uses = |output: Output| match output {
        Output::Star(uses) | Output::Direct { uses, .. } | Output::Derived(uses) => uses,
    };
    let joined = left.into_iter().zip(right).map(|(left, right)| {
        let mut all = uses(left);
        all.absorb(&uses(right));
        Output::Derived(all)
    });
    Outputs::List(joined.collect())
}
