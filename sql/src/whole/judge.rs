//! The conditions that surely narrow.

use super::columns::{Named, Side, side};
use super::{Target, same, source, value};
use pg_query::NodeEnum as E;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{
    AExpr, AExprKind, BoolExpr, BoolExprType, BoolTestType, Node, NullTestType, SelectStmt, SubLink,
    SubLinkType,
};

pub(super) struct Judge<'a> {
    pub target: &'a Target,
    /// Whether a column without a row's name is taken for the target's: not inside another query.
    pub bare_is_target: bool,
}

/// A comparison as it is once NOT has been carried inwards.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    Equal,
    Unequal,
    Below,
    Above,
    Null,
    NotNull,
    True,
    False,
}

impl Judge<'_> {
    /// Whether `node` (or its negation, when not `positive`) surely keeps some rows of the target out.
    pub fn narrows(&self, node: &Node, positive: bool) -> bool {
        match &node.node {
            Some(E::BoolExpr(expr)) => self.connective(expr, positive),
            Some(E::AExpr(expr)) => self.comparison(expr, positive),
            Some(E::ColumnRef(_)) => self.involved(&side(Some(node))),
            Some(E::NullTest(test)) => {
                let arg = side(test.arg.as_deref());
                let is_null = (test.nulltesttype == NullTestType::IsNull as i32) == positive;
                let plain =
                    matches!(test.arg.as_deref().and_then(|a| a.node.as_ref()), Some(E::ColumnRef(_)));
                self.involved(&arg)
                    && !arg.doubtful
                    && (is_null || (plain && !arg.columns.iter().any(is_key)))
            }
            Some(E::BooleanTest(test)) => {
                let Some(arg) = test.arg.as_deref() else { return false };
                match BoolTestType::try_from(test.booltesttype) {
                    Ok(BoolTestType::IsTrue) => self.narrows(arg, positive),
                    Ok(BoolTestType::IsFalse) => self.narrows(arg, !positive),
                    Ok(BoolTestType::IsNotTrue) => plain_column(arg) && self.narrows(arg, !positive),
                    Ok(BoolTestType::IsNotFalse) => plain_column(arg) && self.narrows(arg, positive),
                    Ok(BoolTestType::IsUnknown) => {
                        positive && plain_column(arg) && self.involved(&side(Some(arg)))
                    }
                    Ok(BoolTestType::IsNotUnknown | BoolTestType::Undefined) | Err(_) => false,
                }
            }
            Some(E::SubLink(link)) => self.query(link, positive),
            Some(E::AConst(constant)) => match &constant.val {
                Some(Val::Boolval(value)) => value.boolval != positive,
                Some(_) => false,
                // NULL lets nothing through, nor does its negation.
                None => constant.isnull,
            },
            Some(E::CurrentOfExpr(_)) => positive,
            Some(E::TypeCast(cast)) => cast.arg.as_deref().is_some_and(|arg| self.narrows(arg, positive)),
            Some(E::CollateClause(collate)) => {
                collate.arg.as_deref().is_some_and(|arg| self.narrows(arg, positive))
            }
            Some(E::FuncCall(_) | E::AIndirection(_)) => {
                let side = side(Some(node));
                self.involved(&side) && !side.doubtful && !repeats(&side.columns)
            }
            Some(_) | None => false,
        }
    }

    fn connective(&self, expr: &BoolExpr, positive: bool) -> bool {
        let (any, all) = match (BoolExprType::try_from(expr.boolop), positive) {
            (Ok(BoolExprType::NotExpr), _) => {
                return expr.args.first().is_some_and(|arg| self.narrows(arg, !positive));
            }
            (Ok(BoolExprType::AndExpr), true) | (Ok(BoolExprType::OrExpr), false) => (true, false),
            (Ok(BoolExprType::OrExpr), true) | (Ok(BoolExprType::AndExpr), false) => (false, true),
            (Ok(BoolExprType::Undefined) | Err(_), _) => return false,
        };
        let mut args = expr.args.iter();
        if any {
            return args.any(|arg| self.narrows(arg, positive));
        }
        all && args.all(|arg| self.narrows(arg, positive)) && !self.complete_each_other(&expr.args, positive)
    }

    /// `x IS NULL OR x IS NOT NULL`, `x < 5 OR x >= 5`: each narrows, together they do not.
    fn complete_each_other(&self, args: &[Node], positive: bool) -> bool {
        let senses: Vec<(Vec<Named>, Sense, Option<f64>)> =
            args.iter().flat_map(|arg| senses(arg, positive)).collect();
        senses.iter().enumerate().any(|(at, (columns, sense, bound))| {
            senses.iter().skip(at + 1).any(|(others, other, limit)| {
                let shared = columns.iter().any(|a| others.iter().any(|b| self.alike(a, b)));
                shared && self.cover((*sense, *bound), (*other, *limit))
            })
        })
    }

    fn cover(&self, a: (Sense, Option<f64>), b: (Sense, Option<f64>)) -> bool {
        let (below, above) = match (a.0, b.0) {
            (Sense::Below, Sense::Above) => (a.1, b.1),
            (Sense::Above, Sense::Below) => (b.1, a.1),
            (Sense::Null, Sense::NotNull) | (Sense::NotNull, Sense::Null) => return true,
            (Sense::True, Sense::False) | (Sense::False, Sense::True) => return true,
            (Sense::Unequal, Sense::Equal | Sense::Unequal | Sense::Below | Sense::Above)
            | (Sense::Equal | Sense::Below | Sense::Above, Sense::Unequal) => return true,
            (Sense::NotNull, _) | (_, Sense::NotNull) => return true,
            (
                Sense::Equal
                | Sense::Below
                | Sense::Above
                | Sense::Null
                | Sense::Unequal
                | Sense::True
                | Sense::False,
                _,
            ) => return false,
        };
        match (below, above) {
            (Some(below), Some(above)) => below >= above,
            _ => true,
        }
    }

    fn comparison(&self, expr: &AExpr, positive: bool) -> bool {
        let (left, right) = (expr.lexpr.as_deref(), expr.rexpr.as_deref());
        let (l, r) = (side(left), side(right));
        let joined = l.columns.iter().any(|a| r.columns.iter().any(|b| self.alike(a, b)));
        let judged = (self.involved(&l) || self.involved(&r)) && !joined;
        if !judged || l.doubtful || r.doubtful || repeats(&l.columns) || repeats(&r.columns) {
            return false;
        }
        let Ok(kind) = AExprKind::try_from(expr.kind) else { return false };
        let operator = crate::walk::last_string(&expr.name).unwrap_or_default();
        if l.query || r.query {
            return self.with_query(kind, operator, left, right, positive);
        }
        match kind {
            AExprKind::AexprOp => {
                let flipped = self.involved(&r) && !self.involved(&l);
                let (column, value, far) = if flipped { (&r, left, right) } else { (&l, right, left) };
                let (Some(value), Some(place)) = (value, far) else { return false };
                bounded(direct(operator, positive, flipped), column, place, value)
            }
            AExprKind::AexprDistinct | AExprKind::AexprNotDistinct => {
                let equal = (kind == AExprKind::AexprNotDistinct) == positive;
                let (Some(place), Some(value)) = (left, right) else { return false };
                let null = matches!(&value.node, Some(E::AConst(constant)) if constant.isnull);
                equal || (bounded("<>", &l, place, value) && !(null && l.columns.iter().any(is_key)))
            }
            AExprKind::AexprIn => {
                let equal = (operator == "=") == positive;
                let (Some(place), Some(E::List(list))) = (left, right.and_then(|right| right.node.as_ref()))
                else {
                    return false;
                };
                equal || list.items.iter().any(|value| bounded("<>", &l, place, value))
            }
            AExprKind::AexprLike | AExprKind::AexprIlike | AExprKind::AexprSimilar => {
                !right.is_some_and(value::is_any_pattern)
            }
            AExprKind::AexprOpAny => operator == "=" && positive || operator == "<>" && !positive,
            AExprKind::AexprOpAll => operator == "<>" && positive && !right.is_some_and(is_empty_array),
            AExprKind::AexprBetween
            | AExprKind::AexprBetweenSym
            | AExprKind::AexprNotBetween
            | AExprKind::AexprNotBetweenSym => {
                let inside = matches!(kind, AExprKind::AexprBetween | AExprKind::AexprBetweenSym) == positive;
                between(left, right, inside)
            }
            AExprKind::AexprNullif | AExprKind::Undefined => false,
        }
    }

    /// A comparison with what a subquery gives back.
    fn with_query(
        &self,
        kind: AExprKind,
        operator: &str,
        left: Option<&Node>,
        right: Option<&Node>,
        positive: bool,
    ) -> bool {
        let equal = (operator == "=") == positive && matches!(operator, "=" | "<>");
        let link = [left, right].into_iter().flatten().find_map(|side| match &side.node {
            Some(E::SubLink(link)) => Some(link),
            _ => None,
        });
        let Some((link, select)) = link.and_then(|link| Some((link, subselect(link)?))) else { return false };
        let scalar = link.sub_link_type == SubLinkType::ExprSublink as i32;
        // One row at most, unless it is the row itself: a query that names the target's own row may answer with it.
        let own = mentions(select, &self.target.own);
        match kind {
            AExprKind::AexprOp => equal && scalar && !own,
            AExprKind::AexprOpAny => equal && !own && !self.gives_all(select),
            _ => false,
        }
    }

    fn query(&self, link: &SubLink, positive: bool) -> bool {
        let Some(select) = subselect(link) else { return false };
        match SubLinkType::try_from(link.sub_link_type) {
            Ok(SubLinkType::ExistsSublink) => self.exists(select, positive),
            Ok(SubLinkType::AnySublink) => {
                let tested = side(link.testexpr.as_deref());
                let equal =
                    link.oper_name.is_empty() || crate::walk::last_string(&link.oper_name) == Some("=");
                if !self.involved(&tested) || !equal || tested.doubtful || mentions(select, &self.target.own)
                {
                    return false;
                }
                match positive {
                    true => !self.gives_all(select),
                    false => surely_some(select) && !self.gives_all(select),
                }
            }
            Ok(SubLinkType::AllSublink) => {
                let tested = side(link.testexpr.as_deref());
                let unequal = crate::walk::last_string(&link.oper_name) == Some("<>");
                positive
                    && unequal
                    && self.involved(&tested)
                    && surely_some(select)
                    && !self.gives_all(select)
            }
            Ok(_) | Err(_) => false,
        }
    }

    fn gives_all(&self, select: &SelectStmt) -> bool {
        source::yields(select, &self.target.ctes).iter().any(|table| same(table, &self.target.table))
    }

    /// EXISTS narrows only by naming the target's row inside.
    fn exists(&self, select: &SelectStmt, positive: bool) -> bool {
        let Some(filter) = select.where_clause.as_deref() else { return false };
        let plain = select.larg.is_none()
            && select.group_clause.is_empty()
            && select.having_clause.is_none()
            && select.limit_count.is_none()
            && select.limit_offset.is_none()
            && select.with_clause.is_none()
            && !select.from_clause.is_empty()
            && !select.target_list.iter().any(calls);
        if !plain || (!positive && !surely_some(select)) {
            return false;
        }
        let own = &self.target.own;
        let inner = Target::new(&self.target.table, Some(own), &select.from_clause, &self.target.ctes);
        let mut hidden = std::collections::BTreeSet::new();
        for item in &select.from_clause {
            source::twins_in(item, &self.target.table, &self.target.ctes, &mut hidden);
        }
        if hidden.contains(own) || mentions_row(&select.from_clause, own) {
            return false;
        }
        Judge { target: &inner, bare_is_target: false }.narrows(filter, true)
    }

    fn involved(&self, side: &Side) -> bool {
        side.columns.iter().any(|column| match &column.row {
            Some(row) => *row == self.target.own,
            None => self.bare_is_target,
        })
    }

    /// Whether two columns may be one and the same of the target.
    fn alike(&self, a: &Named, b: &Named) -> bool {
        let home = |named: &Named| match &named.row {
            None => true,
            Some(row) => *row == self.target.own || self.target.twins.contains(row),
        };
        a.column == b.column && ((home(a) && home(b)) || a.row == b.row)
    }
}

/// The operator as it reads with the column on the left and NOT carried in.
fn direct(operator: &str, positive: bool, flipped: bool) -> &str {
    let operator = match (operator, flipped) {
        ("<", true) => ">",
        (">", true) => "<",
        ("<=", true) => ">=",
        (">=", true) => "<=",
        (other, _) => other,
    };
    match (operator, positive) {
        (other, true) => other,
        ("=", false) => "<>",
        ("<>" | "!=", false) => "=",
        ("<", false) => ">=",
        (">", false) => "<=",
        ("<=", false) => ">",
        (">=", false) => "<",
        ("~" | "~*", false) => "!~",
        ("!~" | "!~*", false) => "~",
        (_, false) => "?",
    }
}

fn bounded(operator: &str, column: &Side, place: &Node, value: &Node) -> bool {
    let counts_up = !plain_column(place) || column.columns.iter().any(is_key);
    match operator {
        "=" | "@>" | "<@" | "&&" | "?" | "?|" | "?&" | "@@" => true,
        "<>" | "!=" => !(counts_up && (value::is_floor(value, true) || value::is_ceiling(value))),
        ">" | ">=" => !value::is_floor(value, counts_up),
        "<" | "<=" => !value::is_ceiling(value),
        "~" | "~*" => !value::is_any_pattern(value),
        "!~" | "!~*" => true,
        _ => false,
    }
}

fn between(place: Option<&Node>, bounds: Option<&Node>, inside: bool) -> bool {
    let (Some(place), Some(E::List(list))) = (place, bounds.and_then(|bounds| bounds.node.as_ref())) else {
        return false;
    };
    let [low, high] = list.items.as_slice() else { return false };
    let counts_up = !plain_column(place) || side(Some(place)).columns.iter().any(is_key);
    if inside {
        return !(value::is_floor(low, counts_up) && value::is_ceiling(high));
    }
    match (value::number(low), value::number(high)) {
        (Some(low), Some(high)) => low < high && !(counts_up && high <= 0.0),
        _ => true,
    }
}

/// A name by which keys go: never null, counted from one.
fn is_key(named: &Named) -> bool {
    let name = named.column.as_str();
    matches!(name, "id" | "ctid" | "tableoid" | "xmin" | "xmax" | "cmin" | "cmax" | "oid" | "uuid" | "pk")
        || name.ends_with("_id")
        || name.ends_with("id") && name.len() <= 4
}

fn plain_column(node: &Node) -> bool {
    match &node.node {
        Some(E::ColumnRef(_)) => true,
        Some(E::TypeCast(cast)) => cast.arg.as_deref().is_some_and(plain_column),
        _ => false,
    }
}

fn repeats(columns: &[Named]) -> bool {
    columns
        .iter()
        .enumerate()
        .any(|(at, one)| columns.iter().skip(at + 1).any(|other| one.column == other.column))
}

fn is_empty_array(node: &Node) -> bool {
    match &node.node {
        Some(E::AArrayExpr(array)) => array.elements.is_empty(),
        Some(E::TypeCast(cast)) => cast.arg.as_deref().is_some_and(is_empty_array),
        _ => value::is_any_pattern(node),
    }
}

/// What a condition says of its columns, for finding others that say the opposite.
fn senses(node: &Node, positive: bool) -> Vec<(Vec<Named>, Sense, Option<f64>)> {
    let one = |node: Option<&Node>, sense, bound| vec![(side(node).columns, sense, bound)];
    match &node.node {
        Some(E::ColumnRef(_)) => one(Some(node), if positive { Sense::True } else { Sense::False }, None),
        Some(E::BooleanTest(test)) => {
            let mut all = one(test.arg.as_deref(), Sense::True, None);
            all.extend(one(test.arg.as_deref(), Sense::False, None));
            all
        }
        Some(E::NullTest(test)) => {
            let null = (test.nulltesttype == NullTestType::IsNull as i32) == positive;
            one(test.arg.as_deref(), if null { Sense::Null } else { Sense::NotNull }, None)
        }
        Some(E::BoolExpr(expr)) => {
            let positive = positive != (expr.boolop == BoolExprType::NotExpr as i32);
            expr.args.iter().flat_map(|arg| senses(arg, positive)).collect()
        }
        Some(E::AExpr(expr)) => {
            let operator = crate::walk::last_string(&expr.name).unwrap_or_default();
            let flipped = side(expr.lexpr.as_deref()).columns.is_empty();
            let (place, value) = match flipped {
                true => (expr.rexpr.as_deref(), expr.lexpr.as_deref()),
                false => (expr.lexpr.as_deref(), expr.rexpr.as_deref()),
            };
            let bound = value.and_then(value::number);
            let sense = match (AExprKind::try_from(expr.kind), direct(operator, positive, flipped)) {
                (Ok(AExprKind::AexprOp), "<" | "<=") => Sense::Below,
                (Ok(AExprKind::AexprOp), ">" | ">=") => Sense::Above,
                (Ok(AExprKind::AexprOp), "=" | "~") => Sense::Equal,
                (Ok(AExprKind::AexprNotDistinct), _) if positive => Sense::Equal,
                (Ok(AExprKind::AexprDistinct), _) if !positive => Sense::Equal,
                (Ok(AExprKind::AexprIn | AExprKind::AexprOpAny), "=") => Sense::Equal,
                (Ok(AExprKind::AexprLike | AExprKind::AexprIlike), "~~" | "~~*") if positive => Sense::Equal,
                (Ok(AExprKind::AexprBetween), _) if positive => Sense::Equal,
                _ => Sense::Unequal,
            };
            one(place, sense, bound)
        }
        _ => Vec::new(),
    }
}

fn subselect(link: &SubLink) -> Option<&SelectStmt> {
    match link.subselect.as_deref()?.node.as_ref()? {
        E::SelectStmt(select) => Some(select),
        _ => None,
    }
}

/// Rows surely come out for some input: it reads a table, and nothing constant stops it.
fn surely_some(select: &SelectStmt) -> bool {
    let constant = |node: &Node| {
        let side = side(Some(node));
        !side.doubtful && side.columns.is_empty() && !side.query
    };
    let stopped = select.where_clause.as_deref().is_some_and(|filter| match &filter.node {
        Some(E::BoolExpr(expr)) => expr.args.iter().any(constant),
        Some(_) => constant(filter),
        None => false,
    });
    !select.from_clause.is_empty()
        && !stopped
        && select.limit_count.is_none()
        && select.having_clause.is_none()
}

fn calls(target: &Node) -> bool {
    match &target.node {
        Some(E::ResTarget(target)) => {
            matches!(target.val.as_deref().and_then(|value| value.node.as_ref()), Some(E::FuncCall(_)))
        }
        _ => true,
    }
}

fn mentions_row(items: &[Node], name: &str) -> bool {
    items.iter().any(|item| match &item.node {
        Some(E::RangeVar(range)) => match &range.alias {
            Some(alias) => alias.aliasname == name,
            None => range.relname == name,
        },
        Some(E::RangeSubselect(sub)) => sub.alias.as_ref().is_some_and(|alias| alias.aliasname == name),
        Some(E::JoinExpr(join)) => {
            let sides = [join.larg.as_deref(), join.rarg.as_deref()];
            sides.into_iter().flatten().any(|side| mentions_row(std::slice::from_ref(side), name))
        }
        Some(_) | None => false,
    })
}

/// Whether a query gives back columns of the outer row itself: `id IN (SELECT t.id)` is always so.
fn mentions(select: &SelectStmt, own: &str) -> bool {
    select.target_list.iter().any(|target| match &target.node {
        Some(E::ResTarget(target)) => {
            let value = side(target.val.as_deref());
            let outer = |column: &Named| match &column.row {
                Some(row) => row == own && !mentions_row(&select.from_clause, own),
                None => select.from_clause.is_empty(),
            };
            value.columns.iter().any(outer)
        }
        _ => true,
    })
}
