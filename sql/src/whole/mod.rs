//! Whether a filter may leave a write to all of its table.
//!
//! Not a prover: `judge` recognises the conditions that surely narrow and calls everything else whole; `columns` says
//! whose columns an expression names; `source` says which tables a subquery may give back entirely. Invariant: what
//! lets every row through, in any way known here, is never said to narrow.

mod columns;
mod judge;
mod source;
mod value;

pub(crate) use source::{Yields, node_yields};

use crate::relations::TableName;
use judge::Judge;
use pg_query::NodeEnum as E;
use pg_query::protobuf::{AExprKind, BoolExprType, Node};
use std::collections::BTreeSet;

/// The table written to, and the names by which its rows are spoken of.
pub(crate) struct Target {
    table: TableName,
    /// Its own name or alias.
    own: String,
    /// Other names for rows that may be all of the same table: a self-join, a subquery over it.
    twins: BTreeSet<String>,
    /// What common table expressions in sight may give back entirely.
    ctes: Yields,
}

impl Target {
    pub(crate) fn new(table: &TableName, alias: Option<&str>, others: &[Node], ctes: &Yields) -> Self {
        let own = alias.unwrap_or(&table.name).to_owned();
        let mut twins = BTreeSet::new();
        for item in others {
            source::twins_in(item, table, ctes, &mut twins);
        }
        twins.remove(&own);
        Self { table: table.clone(), own, twins, ctes: ctes.clone() }
    }
}

/// Whether `filter` surely keeps some rows out, and whether another literal might have said otherwise.
pub(crate) fn narrows(filter: &Node, target: &Target) -> (bool, bool) {
    let narrows = Judge { target, bare_is_target: true }.narrows(filter, true);
    (narrows, !is_indifferent(filter))
}

/// `column = literal`, and such joined by AND: the same whatever the literal is.
fn is_indifferent(filter: &Node) -> bool {
    match &filter.node {
        Some(E::BoolExpr(expr)) => {
            expr.boolop == BoolExprType::AndExpr as i32 && expr.args.iter().all(is_indifferent)
        }
        Some(E::AExpr(expr)) => {
            let column = expr.lexpr.as_deref().and_then(|side| side.node.as_ref());
            let value = expr.rexpr.as_deref().and_then(|side| side.node.as_ref());
            expr.kind == AExprKind::AexprOp as i32
                && crate::walk::last_string(&expr.name) == Some("=")
                && matches!(column, Some(E::ColumnRef(_)))
                && matches!(value, Some(E::AConst(_) | E::ParamRef(_)))
        }
        Some(_) | None => false,
    }
}

/// Whether the rows that an INSERT takes in may be all of the table's own.
pub(crate) fn feeds_itself(source: Option<&Node>, target: &TableName, ctes: &Yields) -> bool {
    source.is_none_or(|source| source::node_yields(source, ctes).iter().any(|table| same(table, target)))
}

/// Whether two names may mean one table.
fn same(a: &TableName, b: &TableName) -> bool {
    a.name == b.name && (a.schema.is_none() || b.schema.is_none() || a.schema == b.schema)
}
