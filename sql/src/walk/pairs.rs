//! Finds what stands directly against a column.

use super::{Walk, strings};
use crate::assigns::Place;
use crate::pairs::{Pair, Said, Way};
use crate::relations::TableName;
use pg_query::NodeEnum as E;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{AExpr, AExprKind, ColumnRef, Node, SelectStmt, TypeName};
use sallyport_core::mask::token;
use std::collections::BTreeSet;

/// Types to which a value may be cast and still be the value. None of them shortens it.
const KEEPS: [&str; 5] = ["text", "varchar", "uuid", "int4", "int8"];

impl Walk {
    /// A comparison for being the same of a column with what the caller wrote. The number of the pair, if it is one.
    pub(super) fn compared_pair(&mut self, expr: &AExpr) -> Option<usize> {
        let (column, said) = sides(expr)?;
        if !said.iter().any(is_worth_keeping) {
            return None;
        }
        let (tables, name) = self.column_in_sight(column)?;
        self.pair(Way::Compared, tables, Place::Named(name), said);
        Some(self.pairs.len() - 1)
    }

    /// A value that goes into a column as it stands.
    pub(super) fn stored_pair(&mut self, table: &TableName, column: Place, value: &Node) {
        let said: Vec<Said> = one(value, false).into_iter().collect();
        if said.iter().any(is_worth_keeping) {
            self.pair(Way::Stored, vec![table.clone()], column, said);
        }
    }

    /// The rows of a plain VALUES: nothing chooses among them or puts them in order.
    pub(super) fn stored_rows(
        &mut self,
        table: &TableName,
        select: &SelectStmt,
        place: impl Fn(usize) -> Place,
    ) {
        let plain = select.with_clause.is_none()
            && select.sort_clause.is_empty()
            && select.limit_count.is_none()
            && select.limit_offset.is_none()
            && select.larg.is_none();
        if !plain {
            return;
        }
        for row in &select.values_lists {
            let Some(E::List(row)) = &row.node else { continue };
            for (at, value) in row.items.iter().enumerate() {
                self.stored_pair(table, place(at), value);
            }
        }
    }

    /// Whether what the caller wrote goes into this column as it stands.
    pub(super) fn stores_pair(&self, table: &TableName, column: &str) -> bool {
        self.pairs.iter().any(|pair| {
            let here = matches!(&pair.column, Place::Named(name) if name == column);
            pair.way == Way::Stored && here && pair.tables.contains(table)
        })
    }

    fn pair(&mut self, way: Way, tables: Vec<TableName>, column: Place, said: Vec<Said>) {
        // Where a number stands is part of what was found out.
        self.literal_sensitive = true;
        self.pairs.push(Pair { way, tables, column, said, sites: BTreeSet::new() });
    }

    /// The tables of which one has the column; nothing where the name could be that of anything else.
    fn column_in_sight(&self, column: &ColumnRef) -> Option<(Vec<TableName>, String)> {
        let names = strings(&column.fields);
        if names.len() != column.fields.len() {
            return None;
        }
        let (name, qualifiers) = names.split_last()?;
        let tables = match qualifiers {
            [] => self.rows.last()?.values().cloned().collect::<Option<Vec<TableName>>>()?,
            [row] => vec![self.table_of_row(row)?],
            [schema, table] => vec![TableName { schema: Some(schema.clone()), name: table.clone() }],
            _ => return None,
        };
        (!tables.is_empty()).then(|| (tables, name.clone()))
    }
}

/// A parameter may turn out to be a token, and so may a text that looks like one.
fn is_worth_keeping(said: &Said) -> bool {
    match said {
        Said::Literal { text, .. } => token::may_be_token(text.as_bytes()),
        Said::Parameter { .. } => true,
    }
}

fn sides(expr: &AExpr) -> Option<(&ColumnRef, Vec<Said>)> {
    let [name] = strings(&expr.name).try_into().ok()?;
    if name != "=" && name != "<>" {
        return None;
    }
    let (left, right) = (expr.lexpr.as_deref()?, expr.rexpr.as_deref()?);
    match AExprKind::try_from(expr.kind) {
        Ok(AExprKind::AexprOp | AExprKind::AexprDistinct | AExprKind::AexprNotDistinct) => {
            match (column(left), column(right)) {
                (Some(found), None) => Some((found, vec![one(right, false)?])),
                (None, Some(found)) => Some((found, vec![one(left, false)?])),
                _ => None,
            }
        }
        Ok(AExprKind::AexprIn) => match &right.node {
            Some(E::List(list)) => Some((column(left)?, all(&list.items)?)),
            _ => None,
        },
        Ok(AExprKind::AexprOpAny | AExprKind::AexprOpAll) => Some((column(left)?, listed(right)?)),
        _ => None,
    }
}

fn column(node: &Node) -> Option<&ColumnRef> {
    match &node.node {
        Some(E::ColumnRef(column)) => Some(column),
        _ => None,
    }
}

fn all(nodes: &[Node]) -> Option<Vec<Said>> {
    nodes.iter().map(|node| one(node, false)).collect()
}

fn listed(node: &Node) -> Option<Vec<Said>> {
    match &node.node {
        Some(E::AArrayExpr(array)) => all(&array.elements),
        Some(E::ParamRef(_)) => Some(vec![one(node, true)?]),
        Some(E::TypeCast(cast)) => {
            let name = cast.type_name.as_ref()?;
            (keeps(name) && name.array_bounds.len() == 1).then(|| listed(cast.arg.as_deref()?)).flatten()
        }
        _ => None,
    }
}

fn one(node: &Node, list: bool) -> Option<Said> {
    match &node.node {
        Some(E::AConst(constant)) => {
            let text = match &constant.val {
                Some(Val::Sval(text)) => text.sval.clone(),
                Some(Val::Ival(number)) => number.ival.to_string(),
                Some(Val::Fval(number)) => number.fval.clone(),
                Some(Val::Boolval(_) | Val::Bsval(_)) | None => return None,
            };
            Some(Said::Literal { at: usize::try_from(constant.location).ok()?, text })
        }
        Some(E::ParamRef(parameter)) => Some(Said::Parameter {
            at: usize::try_from(parameter.location).ok()?,
            number: usize::try_from(parameter.number).ok()?,
            list,
        }),
        Some(E::TypeCast(cast)) => {
            let name = cast.type_name.as_ref()?;
            // `text 'x'` has no place, and takes no parameter.
            let plain = cast.location >= 0 && name.array_bounds.is_empty();
            (plain && keeps(name)).then(|| one(cast.arg.as_deref()?, list)).flatten()
        }
        _ => None,
    }
}

fn keeps(name: &TypeName) -> bool {
    let known = match strings(&name.names).as_slice() {
        [name] => KEEPS.contains(&name.as_str()),
        [schema, name] => schema == "pg_catalog" && KEEPS.contains(&name.as_str()),
        _ => false,
    };
    known && name.typmods.is_empty() && !name.setof && !name.pct_type
}
