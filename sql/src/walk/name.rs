//! Names and constants out of nodes.

use pg_query::NodeEnum;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{Node, TypeName};

/// The strings of a list of name nodes; anything else in it is left out.
pub(crate) fn strings(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter_map(string).map(str::to_owned).collect()
}

pub(crate) fn string(node: &Node) -> Option<&str> {
    match &node.node {
        Some(NodeEnum::String(text)) => Some(&text.sval),
        _ => None,
    }
}

pub(crate) fn last_string(nodes: &[Node]) -> Option<&str> {
    nodes.last().and_then(string)
}

/// A name given in any of the ways the grammar has for objects: one word, a list, a type, a function with arguments.
pub(super) fn path_of(node: &Node) -> Vec<String> {
    match &node.node {
        Some(NodeEnum::String(text)) => vec![text.sval.clone()],
        Some(NodeEnum::List(list)) => list.items.iter().flat_map(path_of).collect(),
        Some(NodeEnum::TypeName(name)) => type_path(name),
        Some(NodeEnum::ObjectWithArgs(object)) => strings(&object.objname),
        Some(NodeEnum::RangeVar(range)) => super::table_name(range).path(),
        Some(NodeEnum::RoleSpec(role)) => vec![super::access::role_name(role)],
        Some(NodeEnum::Integer(number)) => vec![number.ival.to_string()],
        Some(NodeEnum::Float(number)) => vec![number.fval.clone()],
        _ => Vec::new(),
    }
}

pub(super) fn type_path(name: &TypeName) -> Vec<String> {
    strings(&name.names)
}

/// A constant's text, through any casts around it.
pub(crate) fn constant(node: &Node) -> Option<String> {
    match &node.node {
        Some(NodeEnum::AConst(constant)) => match &constant.val {
            Some(Val::Sval(text)) => Some(text.sval.clone()),
            Some(Val::Ival(number)) => Some(number.ival.to_string()),
            Some(Val::Fval(number)) => Some(number.fval.clone()),
            Some(Val::Boolval(value)) => Some(value.boolval.to_string()),
            Some(Val::Bsval(bits)) => Some(bits.bsval.clone()),
            None => None,
        },
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().and_then(constant),
        Some(NodeEnum::String(text)) => Some(text.sval.clone()),
        _ => None,
    }
}
