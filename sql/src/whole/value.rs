//! Literals at the ends of the range: comparing with one of these may keep nothing out.

use pg_query::NodeEnum as E;
use pg_query::protobuf::Node;

/// Beyond this a bound is taken for no bound.
const FAR: f64 = 1e8;

pub(super) fn number(node: &Node) -> Option<f64> {
    match &node.node {
        Some(E::AExpr(minus)) if minus.lexpr.is_none() => {
            let value = number(minus.rexpr.as_deref()?)?;
            Some(if crate::walk::last_string(&minus.name) == Some("-") { -value } else { value })
        }
        Some(E::AConst(_) | E::TypeCast(_)) => crate::walk::constant(node)?.trim().parse().ok(),
        _ => None,
    }
}

/// A lower bound that everything may be above: nought for keys and lengths, the far past, the empty text.
pub(super) fn is_floor(node: &Node, counts_up: bool) -> bool {
    if let Some(value) = number(node) {
        return value <= -FAR || (counts_up && value <= 0.0);
    }
    let Some(text) = crate::walk::constant(node) else { return false };
    text.trim().is_empty() || text.contains("infinity") || year(&text).is_some_and(|year| year <= 1970)
}

/// An upper bound that everything may be below.
pub(super) fn is_ceiling(node: &Node) -> bool {
    if let Some(value) = number(node) {
        return value >= FAR;
    }
    let Some(text) = crate::walk::constant(node) else { return false };
    text.contains("infinity")
        || year(&text).is_some_and(|year| year >= 2100)
        || text.to_lowercase().starts_with("zz")
        || text.starts_with('~')
        || text.chars().next().is_some_and(|first| !first.is_ascii())
}

fn year(text: &str) -> Option<u32> {
    let (year, _) = text.trim().split_once('-')?;
    if year.len() < 4 { None } else { year.parse().ok() }
}

/// A pattern that everything matches.
pub(super) fn is_any_pattern(node: &Node) -> bool {
    crate::walk::constant(node).is_some_and(|pattern| !pattern.chars().any(char::is_alphanumeric))
}
