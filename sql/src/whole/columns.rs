//! The columns an expression names, and whether it is of a sort that can be judged at all.

use pg_query::NodeEnum as E;
use pg_query::protobuf::Node;

/// A column and the name of the row it is taken from, if one was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub row: Option<String>,
    pub column: String,
}

/// What one side of a comparison is made of.
#[derive(Default)]
pub(super) struct Side {
    pub columns: Vec<Named>,
    /// Holds a subquery.
    pub query: bool,
    /// Of a sort whose value need not depend on its columns: CASE, GREATEST, multiplication by nought.
    pub doubtful: bool,
}

pub(super) fn side(node: Option<&Node>) -> Side {
    let mut side = Side::default();
    if let Some(node) = node {
        side.add(node);
    }
    side
}

impl Side {
    fn add(&mut self, node: &Node) {
        match &node.node {
            Some(E::ColumnRef(column)) => {
                let names = crate::walk::strings(&column.fields);
                match names.as_slice() {
                    [.., row, column] => {
                        self.columns.push(Named { row: Some(row.clone()), column: column.clone() });
                    }
                    [column] => self.columns.push(Named { row: None, column: column.clone() }),
                    [] => self.doubtful = true,
                }
            }
            Some(E::AConst(_) | E::ParamRef(_) | E::SqlvalueFunction(_)) => {}
            Some(E::AExpr(expr)) => {
                let sides = [expr.lexpr.as_deref(), expr.rexpr.as_deref()];
                // `id * 0`, `id % 1`, `id & 0`: a constant in disguise.
                let shift =
                    matches!(crate::walk::last_string(&expr.name), Some("+" | "-" | "||" | "->" | "->>"));
                let flat = |side: &Node| super::value::number(side).is_some_and(|value| value.abs() <= 1.0);
                if !shift && sides.iter().flatten().any(|side| flat(side)) {
                    self.doubtful = true;
                }
                self.add_all(sides.into_iter().flatten());
            }
            Some(E::FuncCall(call)) => {
                if call.args.iter().any(|arg| super::value::number(arg) == Some(0.0)) {
                    self.doubtful = true;
                }
                self.add_all(&call.args);
            }
            Some(E::CoalesceExpr(expr)) => self.add_all(&expr.args),
            Some(E::TypeCast(cast)) => self.add_all(cast.arg.as_deref()),
            Some(E::CollateClause(collate)) => self.add_all(collate.arg.as_deref()),
            Some(E::AIndirection(step)) => self.add_all(step.arg.as_deref()),
            Some(E::RowExpr(row)) => self.add_all(&row.args),
            Some(E::AArrayExpr(array)) => self.add_all(&array.elements),
            Some(E::List(list)) => self.add_all(&list.items),
            Some(E::NamedArgExpr(named)) => self.add_all(named.arg.as_deref()),
            Some(E::SubLink(_)) => self.query = true,
            Some(_) | None => self.doubtful = true,
        }
    }

    fn add_all<'a>(&mut self, nodes: impl IntoIterator<Item = &'a Node>) {
        for node in nodes {
            self.add(node);
        }
    }
}
