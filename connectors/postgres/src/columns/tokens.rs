//! Whether the column that a value stands directly against is masked by tokens, so that a token there means what it
//! stands for.
//!
//! A name that may be of two tables, of one that nobody knows, or of what is no table's own column is none of these: a
//! token there stays the text that it is.

use super::copied::columns_at;
use super::origin::named;
use crate::catalog::{Relation, Snapshot};
use sallyport_core::mask::forms::Form;
use sallyport_core::mask::plan::{ColumnRef, Origin};
use sallyport_core::mask::token::{Narrow, Scope, Sort};
use sallyport_core::{CellShape, Gate, RuleId};
use sallyport_sql::{Pair, Place};

/// How a column is masked by tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Against {
    pub scope: Scope,
    pub rule: RuleId,
    pub sort: Sort,
    /// The type that a literal in this place is given. Zero: whatever the target makes of a text.
    pub kind: u32,
}

/// What the pair's column is, if its values are seen as tokens.
pub fn against(gate: &mut Gate, snapshot: &Snapshot, pair: &Pair) -> Option<Against> {
    let mut found: Option<Against> = None;
    for table in &pair.tables {
        let (mut here, mut missing, mut known) = (false, false, false);
        let earlier = found.is_some();
        for (oid, relation) in snapshot.named(table.schema.as_deref(), &table.name) {
            known = true;
            let Some(number) = number_of(relation, &pair.column) else {
                missing = true;
                continue;
            };
            here = true;
            let this = by_token(gate, snapshot, (oid, relation), number)?;
            if found.as_ref().is_some_and(|found| *found != this) {
                return None;
            }
            found = Some(this);
        }
        if !known || here && (missing || earlier) {
            return None;
        }
    }
    found
}

fn number_of(relation: &Relation, place: &Place) -> Option<i16> {
    let mut names = columns_at(relation, place);
    let name = names.next()?;
    if names.next().is_some() {
        return None;
    }
    relation.visible().find(|(_, column, _)| column == name).map(|(number, _, _)| *number)
}

fn by_token(
    gate: &mut Gate,
    snapshot: &Snapshot,
    (oid, relation): (u32, &Relation),
    number: i16,
) -> Option<Against> {
    let Origin::Column(column) = named(gate, snapshot, oid, number, true) else { return None };
    let (Form::Token { scope }, rule) = gate.mask_of(&column)? else { return None };
    let kind = base(relation.column(number)?.2, snapshot);
    let (sort, kind) = match narrow(kind, snapshot) {
        Some(narrow) => (Sort::Narrow(narrow), kind),
        None if matches!(super::shape(kind, false, snapshot), CellShape::Text) => (Sort::Text, 0),
        None => return None,
    };
    Some(Against { scope, rule, sort, kind })
}

/// A type whose tokens are not text. The numbers are those of `pg_type.dat`.
pub fn narrow(kind: u32, snapshot: &Snapshot) -> Option<Narrow> {
    match base(kind, snapshot) {
        23 => Some(Narrow::Four),
        20 => Some(Narrow::Eight),
        2950 => Some(Narrow::Uuid),
        _ => None,
    }
}

/// What a domain is made of.
fn base(kind: u32, snapshot: &Snapshot) -> u32 {
    let mut kind = kind;
    while let Some(found) = snapshot.kind(kind).filter(|found| found.sort == b'd' && found.base != 0) {
        if found.base == kind {
            break;
        }
        kind = found.base;
    }
    kind
}

/// Whether any column of the database is masked by tokens for this caller.
pub fn gives_tokens(gate: &mut Gate, snapshot: &Snapshot) -> bool {
    snapshot.relations().filter(|relation| !relation.is_of_system()).any(|relation| {
        relation.visible().any(|(_, column, _)| {
            let column = ColumnRef { schema: &relation.schema, table: &relation.name, column };
            matches!(gate.mask_of(&column), Some((Form::Token { .. }, _)))
        })
    })
}
