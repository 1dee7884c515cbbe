//! Whether a statement would write a masked value to where no mask follows it.
//!
//! Both ends of each value that it writes are compared: the columns it may come from and the column it goes to. What
//! cannot be resolved is taken for masked. Asked only in sessions for which some column is masked.

use super::origin::{all_of, calls, followed};
use crate::catalog::{Relation, Snapshot};
use sallyport_core::mask::forms::Form;
use sallyport_core::mask::plan::ColumnRef;
use sallyport_core::{Action, Effect, Gate, ObjectKind, RuleId};
use sallyport_sql::{Assignment, ChangeKind, Destination, Place, Statement, TableName, Uses};

type Mask = (Form, RuleId);

/// A column that this caller may not see and that the statement would write to where no mask follows it: another
/// column, a new table, or nowhere that a mask reaches. Empty where nobody can say which.
pub fn copied(gate: &mut Gate, statement: &Statement, snapshot: &Snapshot) -> Option<String> {
    let copied = statement.assigns.iter().find_map(|one| assigned(gate, statement, snapshot, one));
    copied.or_else(|| {
        let uses = all_of(statement);
        unexplained(statement).then(|| carried(gate, statement, snapshot, &uses, None)).flatten()
    })
}

/// It makes a relation out of others, or writes to a table of which no assignment says what.
fn unexplained(statement: &Statement) -> bool {
    let others = statement.relations.reads.difference(&statement.relations.writes).next().is_some();
    let makes = statement.creates.iter().any(|change| change.kind == ChangeKind::Relation);
    let told = |effect: &Effect| {
        statement.assigns.iter().filter_map(Assignment::table).any(|table| table.path() == effect.object.path)
    };
    others && (makes || statement.effects.iter().any(|effect| stores(effect) && !told(effect)))
}

fn stores(effect: &Effect) -> bool {
    matches!(effect.action, Action::Insert | Action::Update | Action::Create)
        && effect.object.kind == ObjectKind::Table
}

fn assigned(
    gate: &mut Gate,
    statement: &Statement,
    snapshot: &Snapshot,
    assignment: &Assignment,
) -> Option<String> {
    if assignment.uses.is_constant() {
        return None;
    }
    let Destination::Column { table, column } = &assignment.into else {
        return carried(gate, statement, snapshot, &assignment.uses, None);
    };
    let masks = masks_at(gate, snapshot, table, column);
    let follows = |source: &Mask| {
        // Of what shows nothing at all nothing is learned, whatever is computed; a part that stays shows another part.
        let hides = |mask: &Mask| matches!(mask.0, Form::Null | Form::Redact);
        let same = |mask: &Mask| assignment.unchanged && mask == source;
        masks.as_ref().is_some_and(|masks| masks.iter().all(|mask| hides(mask) || same(mask)))
    };
    let inside = masks.as_ref().map(|_| (table, &follows as &dyn Fn(&Mask) -> bool));
    carried(gate, statement, snapshot, &assignment.uses, inside)
}

/// How the columns written to are masked. `None`: one of them is not, or nobody knows the table.
fn masks_at(gate: &mut Gate, snapshot: &Snapshot, table: &TableName, place: &Place) -> Option<Vec<Mask>> {
    let mut masks = Vec::new();
    for (_, relation) in snapshot.named(table.schema.as_deref(), &table.name) {
        let columns: Vec<&str> = columns_at(relation, place).collect();
        if columns.is_empty() {
            return None;
        }
        for column in columns {
            let at = ColumnRef { schema: &relation.schema, table: &relation.name, column };
            masks.push(gate.mask_of(&at)?);
        }
    }
    (!masks.is_empty()).then_some(masks)
}

pub(super) fn columns_at<'a>(relation: &'a Relation, place: &'a Place) -> impl Iterator<Item = &'a str> {
    relation.visible().enumerate().filter_map(move |(at, (_, name, _))| {
        let here = match place {
            Place::Named(wanted) => wanted == name,
            Place::At(wanted) => *wanted == at,
            Place::Any => true,
        };
        here.then_some(name.as_str())
    })
}

type Inside<'a> = Option<(&'a TableName, &'a dyn Fn(&Mask) -> bool)>;

/// A masked column behind these names, empty where nobody can say which. `inside` is a table to whose own columns some
/// of its masks follow.
fn carried(
    gate: &mut Gate,
    statement: &Statement,
    snapshot: &Snapshot,
    uses: &Uses,
    inside: Inside<'_>,
) -> Option<String> {
    let nameless = || Some(String::new());
    let unknown = statement.effects.iter().any(|effect| effect.action == Action::Unknown);
    if uses.wide && (unknown || calls(statement)) {
        return nameless();
    }
    for name in statement.relations.reads.union(&statement.relations.writes) {
        let mut known = false;
        for (oid, relation) in snapshot.named(name.schema.as_deref(), &name.name) {
            known = true;
            if relation.mirrors || relation.calls && named(relation, uses).next().is_some() {
                return nameless();
            }
            for number in named(relation, uses) {
                let mut origins = Vec::new();
                if !followed(snapshot, oid, number, &mut origins) {
                    return nameless();
                }
                for origin in origins {
                    let Some(mask) = gate.mask_of(&origin) else { continue };
                    if !inside.is_some_and(|(table, follows)| table == name && follows(&mask)) {
                        return Some(format!("{}.{}.{}", origin.schema, origin.table, origin.column));
                    }
                }
            }
        }
        // A table that nobody knows yet holds what this session put there, or nothing.
        if !known && statement.relations.reads.contains(name) && !statement.relations.writes.contains(name) {
            return nameless();
        }
    }
    None
}

/// The columns of a relation that these names may mean.
fn named<'a>(relation: &'a Relation, uses: &'a Uses) -> impl Iterator<Item = i16> + 'a {
    // `SELECT t FROM t` names the table and means its whole row.
    let whole = uses.wide || uses.columns.contains(&relation.name);
    let columns = relation.columns.iter();
    columns.filter(move |(_, name, _)| whole || uses.columns.contains(name)).map(|(number, _, _)| *number)
}
