//! Which tables a query may give back entirely: `id IN (SELECT id FROM t)` keeps no row of `t` out.

use super::{Target, narrows, same};
use crate::relations::TableName;
use crate::walk::table_name;
use pg_query::NodeEnum as E;
use pg_query::protobuf::{Node, SelectStmt, SetOperation, WithClause};
use std::collections::{BTreeMap, BTreeSet};

/// Common table expressions in sight, and the tables each may give back entirely.
pub(crate) type Yields = BTreeMap<String, BTreeSet<TableName>>;

pub(crate) fn node_yields(node: &Node, ctes: &Yields) -> BTreeSet<TableName> {
    match &node.node {
        Some(E::SelectStmt(select)) => yields(select, ctes),
        // What a write returns: the rows it wrote, as many as they may be.
        Some(E::UpdateStmt(write)) => write.relation.iter().map(table_name).collect(),
        Some(E::DeleteStmt(write)) => write.relation.iter().map(table_name).collect(),
        Some(E::InsertStmt(write)) => write.relation.iter().map(table_name).collect(),
        Some(E::MergeStmt(write)) => write.relation.iter().map(table_name).collect(),
        Some(_) | None => BTreeSet::new(),
    }
}

pub(super) fn yields(select: &SelectStmt, ctes: &Yields) -> BTreeSet<TableName> {
    let ctes = &within(select.with_clause.as_ref(), ctes);
    if let (Some(left), Some(right)) = (&select.larg, &select.rarg) {
        let (left, right) = (yields(left, ctes), yields(right, ctes));
        return match SetOperation::try_from(select.op) {
            Ok(SetOperation::SetopIntersect) => left.intersection(&right).cloned().collect(),
            Ok(SetOperation::SetopExcept) => left,
            Ok(SetOperation::SetopUnion | SetOperation::SetopNone | SetOperation::Undefined) | Err(_) => {
                left.union(&right).cloned().collect()
            }
        };
    }
    if !select.group_clause.is_empty() || select.limit_count.as_deref().is_some_and(is_small) {
        return BTreeSet::new();
    }
    let mut found = BTreeSet::new();
    for (at, item) in select.from_clause.iter().enumerate() {
        for table in item_yields(item, ctes) {
            let mut names = BTreeSet::new();
            twins_in(item, &table, ctes, &mut names);
            let others: Vec<Node> = select
                .from_clause
                .iter()
                .enumerate()
                .filter(|(n, _)| *n != at)
                .map(|(_, n)| n.clone())
                .collect();
            let narrowed = select.where_clause.as_deref().is_some_and(|filter| {
                names.iter().all(|name| narrows(filter, &Target::new(&table, Some(name), &others, ctes)).0)
            });
            if !narrowed {
                found.insert(table);
            }
        }
    }
    found
}

/// A limit that is a small number or not known; one that is absent, NULL or huge limits nothing.
fn is_small(limit: &Node) -> bool {
    match &limit.node {
        Some(E::ParamRef(_)) => false,
        _ => super::value::number(limit).is_some_and(|count| count <= 1e6),
    }
}

fn within(with: Option<&WithClause>, outer: &Yields) -> Yields {
    let mut all = outer.clone();
    for cte in with.iter().flat_map(|with| &with.ctes) {
        if let Some(E::CommonTableExpr(cte)) = &cte.node {
            let tables = cte.ctequery.as_deref().map(|query| node_yields(query, &all)).unwrap_or_default();
            all.insert(cte.ctename.clone(), tables);
        }
    }
    all
}

fn item_yields(item: &Node, ctes: &Yields) -> BTreeSet<TableName> {
    match &item.node {
        Some(E::RangeVar(range)) => match ctes.get(&range.relname).filter(|_| range.schemaname.is_empty()) {
            Some(tables) => tables.clone(),
            None => [table_name(range)].into(),
        },
        Some(E::RangeSubselect(sub)) => {
            sub.subquery.as_deref().map(|query| node_yields(query, ctes)).unwrap_or_default()
        }
        Some(E::JoinExpr(join)) => {
            let sides = [join.larg.as_deref(), join.rarg.as_deref()];
            sides.into_iter().flatten().flat_map(|side| item_yields(side, ctes)).collect()
        }
        // A sample of a hundred per cent is everything.
        Some(E::RangeTableSample(sample)) => {
            sample.relation.as_deref().map(|item| item_yields(item, ctes)).unwrap_or_default()
        }
        Some(_) | None => BTreeSet::new(),
    }
}

/// The names in a FROM item under which all rows of `table` may be seen.
pub(super) fn twins_in(item: &Node, table: &TableName, ctes: &Yields, names: &mut BTreeSet<String>) {
    if let Some(E::JoinExpr(join)) = &item.node {
        for side in [join.larg.as_deref(), join.rarg.as_deref()].into_iter().flatten() {
            twins_in(side, table, ctes, names);
        }
    }
    if !item_yields(item, ctes).iter().any(|found| same(found, table)) {
        return;
    }
    let alias = match &item.node {
        Some(E::RangeVar(range)) => Some(match &range.alias {
            Some(alias) => alias.aliasname.clone(),
            None => range.relname.clone(),
        }),
        Some(E::RangeSubselect(sub)) => sub.alias.as_ref().map(|alias| alias.aliasname.clone()),
        Some(E::JoinExpr(join)) => join.alias.as_ref().map(|alias| alias.aliasname.clone()),
        Some(E::RangeTableSample(sample)) => {
            if let Some(relation) = sample.relation.as_deref() {
                twins_in(relation, table, ctes, names);
            }
            None
        }
        Some(_) | None => None,
    };
    names.extend(alias);
}
