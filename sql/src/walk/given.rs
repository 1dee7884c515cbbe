//! What the caller wrote into a value by hand: literals and parameters, through whatever is computed from them.

use crate::assigns::Given;
use pg_query::NodeEnum as E;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{Node, SelectStmt};
use sallyport_core::mask::forms;

/// What stands in the column at `place` of a select or of VALUES, in every arm and row of it.
pub(super) fn in_column(select: &SelectStmt, place: usize, given: &mut Given) {
    for arm in [&select.larg, &select.rarg].into_iter().flatten() {
        in_column(arm, place, given);
    }
    for row in &select.values_lists {
        if let Some(E::List(list)) = &row.node
            && let Some(value) = list.items.get(place)
        {
            in_value(value, given);
        }
    }
    if let Some(target) = select.target_list.get(place) {
        in_value(target, given);
    }
}

pub(super) fn in_value(node: &Node, given: &mut Given) {
    let Some(node) = &node.node else { return };
    let one =
        |node: Option<&Node>, given: &mut Given| node.into_iter().for_each(|node| in_value(node, given));
    match node {
        E::AConst(constant) => {
            if let Some(Val::Sval(text)) = &constant.val
                && forms::may_be_mask(text.sval.as_bytes())
            {
                given.masks.push(text.sval.clone());
            }
        }
        E::ParamRef(parameter) => given.parameters.extend(usize::try_from(parameter.number)),
        E::TypeCast(cast) => one(cast.arg.as_deref(), given),
        E::CollateClause(collate) => one(collate.arg.as_deref(), given),
        E::ResTarget(target) => one(target.val.as_deref(), given),
        E::AExpr(expr) => {
            one(expr.lexpr.as_deref(), given);
            one(expr.rexpr.as_deref(), given);
        }
        E::FuncCall(call) => in_values(&call.args, given),
        E::CoalesceExpr(expr) => in_values(&expr.args, given),
        E::MinMaxExpr(expr) => in_values(&expr.args, given),
        E::AArrayExpr(array) => in_values(&array.elements, given),
        E::RowExpr(row) => in_values(&row.args, given),
        E::List(list) => in_values(&list.items, given),
        E::NamedArgExpr(named) => one(named.arg.as_deref(), given),
        E::CaseExpr(case) => {
            in_values(&case.args, given);
            one(case.defresult.as_deref(), given);
        }
        E::CaseWhen(when) => one(when.result.as_deref(), given),
        E::SubLink(link) => one(link.subselect.as_deref(), given),
        E::SelectStmt(select) => {
            let width = select.target_list.len().max(1);
            (0..width).for_each(|place| in_column(select, place, given));
        }
        E::MultiAssignRef(assign) => {
            let place = usize::try_from(assign.colno).unwrap_or(1).saturating_sub(1);
            match assign.source.as_deref().and_then(|source| source.node.as_ref()) {
                Some(E::RowExpr(row)) => one(row.args.get(place), given),
                Some(E::SubLink(link)) => one(link.subselect.as_deref(), given),
                _ => one(assign.source.as_deref(), given),
            }
        }
        _ => {}
    }
}

fn in_values(nodes: &[Node], given: &mut Given) {
    nodes.iter().for_each(|node| in_value(node, given));
}
