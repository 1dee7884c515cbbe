//! Whether a filter may leave a write to all of its table.
//!
//! Not a prover: it recognises the conditions that surely narrow, and calls everything else whole. Invariant: a filter
//! that lets every row through is never said to narrow.

use crate::relations::TableName;
use pg_query::NodeEnum as E;
use pg_query::protobuf::Node;

pub(crate) struct Target;

impl Target {
    pub(crate) fn new(_table: &TableName, _alias: Option<&str>, _others: &[Node]) -> Self {
        Self
    }
}

pub(crate) fn narrows(filter: &Node, _target: &Target) -> (bool, bool) {
    let Some(E::AExpr(expr)) = &filter.node else { return (false, false) };
    let plain =
        |side: Option<&Node>| matches!(side.and_then(|side| side.node.as_ref()), Some(E::ColumnRef(_)));
    let value = |side: Option<&Node>| {
        matches!(side.and_then(|side| side.node.as_ref()), Some(E::AConst(_) | E::ParamRef(_)))
    };
    let (left, right) = (expr.lexpr.as_deref(), expr.rexpr.as_deref());
    let equals = expr.kind == 1 && crate::walk::last_string(&expr.name) == Some("=");
    (equals && plain(left) && value(right), false)
}

/// Whether the rows inserted may be all of the table's own.
pub(crate) fn feeds_itself(_source: Option<&Node>, _target: &TableName) -> bool {
    true
}
