//! Where the values of each output column come from.

use crate::catalog::{Relation, Snapshot};
use sallyport_core::mask::detect::{Class, hint};
use sallyport_core::mask::plan::{ColumnRef, Origin};
use sallyport_core::{Action, Gate};
use sallyport_sql::{Names, Output, Outputs, Statement, StatementKind, Uses};

/// The tables a statement reads or returns rows of, as the catalog knows them.
struct Reads<'a> {
    snapshot: &'a Snapshot,
    relations: Vec<(u32, &'a Relation)>,
    /// One of them is not in the catalog, or shows what other tables hold.
    unknown: bool,
}

impl<'a> Reads<'a> {
    fn of(statement: &Statement, snapshot: &'a Snapshot, strict: bool) -> Self {
        let (mut relations, mut unknown) = (Vec::new(), false);
        for name in statement.relations.reads.iter().chain(&statement.relations.writes) {
            let before = relations.len();
            relations.extend(snapshot.named(name.schema.as_deref(), &name.name));
            unknown |= relations.len() == before;
        }
        unknown |= relations.iter().any(|(_, relation)| relation.mirrors || strict && relation.calls);
        // `t.name` may call a function with the row of `t`.
        let called = statement.all_columns.iter().any(|column| snapshot.is_row_function(column));
        unknown |= strict && (called || calls(statement));
        Self { snapshot, relations, unknown }
    }

    /// All that may be behind these names.
    fn behind(&self, uses: &Uses) -> Origin<'a> {
        if uses.is_constant() {
            return Origin::Derived(Vec::new());
        }
        if self.unknown {
            return Origin::Unknown;
        }
        let mut origins = Vec::new();
        for (oid, relation) in &self.relations {
            for (number, name, _) in &relation.columns {
                // `SELECT t FROM t` names the table and means its whole row.
                let whole_row = uses.columns.contains(&relation.name);
                if (uses.wide || whole_row || uses.columns.contains(name))
                    && !followed(self.snapshot, *oid, *number, &mut origins)
                {
                    return Origin::Unknown;
                }
            }
        }
        Origin::Derived(origins)
    }
}

/// The server's own, which clients list the catalog with. They return nothing but what they are given, or a folder.
const READ_BY_US: [[&str; 2]; 3] = [
    ["pg_catalog", "pg_tablespace_location"],
    ["pg_catalog", "pg_options_to_table"],
    ["information_schema", "_pg_expandarray"],
];

/// Whether the statement runs a function whose body nobody read: it may return what any table holds.
pub(super) fn calls(statement: &Statement) -> bool {
    let unread = |path: &[String]| !READ_BY_US.iter().any(|known| path == known);
    statement.effects.iter().any(|effect| effect.action == Action::Call && unread(&effect.object.path))
}

/// Appends the column and, where it is a view's, what is behind it.
pub(super) fn followed<'a>(
    snapshot: &'a Snapshot,
    oid: u32,
    number: i16,
    origins: &mut Vec<ColumnRef<'a>>,
) -> bool {
    let Some(relation) = snapshot.relation(oid) else { return false };
    let Some(own) = reference(relation, number) else { return false };
    origins.push(own);
    for (oid, number) in relation.behind(number) {
        let found = snapshot.relation(oid).and_then(|table| reference(table, number));
        if found.map(|found| origins.push(found)).is_none() {
            return false;
        }
    }
    match &relation.view {
        None => true,
        Some(None) => false,
        Some(Some(columns)) => {
            let at = relation.visible().position(|(column, _, _)| *column == number);
            let Some(column) = at.and_then(|at| columns.get(at)) else { return number < 0 };
            column.origins.iter().all(|(oid, number)| {
                let found = snapshot.relation(*oid).and_then(|table| reference(table, *number));
                found.map(|found| origins.push(found)).is_some()
            })
        }
    }
}

fn reference(relation: &Relation, number: i16) -> Option<ColumnRef<'_>> {
    let (_, column, _) = relation.column(number)?;
    Some(ColumnRef { schema: &relation.schema, table: &relation.name, column })
}

/// The origin that a RowDescription names.
pub(super) fn named<'a>(
    gate: &mut Gate,
    snapshot: &'a Snapshot,
    oid: u32,
    number: i16,
    strict: bool,
) -> Origin<'a> {
    let Some(relation) = snapshot.relation(oid).filter(|relation| !relation.mirrors) else {
        return Origin::Unknown;
    };
    let Some(own) = reference(relation, number) else { return Origin::Unknown };
    let Some(followed_view) = &relation.view else { return of_table(gate, snapshot, relation, number, own) };
    let Some(columns) = followed_view else { return Origin::Unknown };
    if strict && relation.calls {
        return Origin::Unknown;
    }
    let at = relation.visible().position(|(column, _, _)| *column == number);
    let Some(column) = at.and_then(|at| columns.get(at)) else { return Origin::Unknown };
    // Rules may speak of the view's column or of the table's: the first that masks counts.
    if !gate.sees(&own) {
        return Origin::Column(own);
    }
    let mut origins = Vec::new();
    for (oid, number) in &column.origins {
        let Some(found) = snapshot.relation(*oid).and_then(|table| reference(table, *number)) else {
            return Origin::Unknown;
        };
        origins.push(found);
    }
    match origins.as_slice() {
        [only] if column.direct => Origin::Column(*only),
        _ => Origin::Derived(origins),
    }
}

/// The column of a table, or what stands in it and this caller may not see.
fn of_table<'a>(
    gate: &mut Gate,
    snapshot: &'a Snapshot,
    relation: &'a Relation,
    number: i16,
    own: ColumnRef<'a>,
) -> Origin<'a> {
    if !gate.sees(&own) {
        return Origin::Column(own);
    }
    for (oid, number) in relation.behind(number) {
        let Some(found) = snapshot.relation(oid).and_then(|table| reference(table, number)) else {
            return Origin::Unknown;
        };
        if !gate.sees(&found) {
            // A parent's column is the same column; what is computed from one is not.
            let same = found.column == own.column;
            return if same { Origin::Column(found) } else { Origin::Derived(vec![own, found]) };
        }
    }
    Origin::Column(own)
}

/// One origin for each column; `described` is what the RowDescription says of it, as table and number. `strict`: some
/// column of the database is masked for this caller, so what cannot be followed may hold it.
pub fn origins<'a>(
    gate: &mut Gate,
    statement: &Statement,
    snapshot: &'a Snapshot,
    described: &[(u32, i16)],
    strict: bool,
) -> Vec<Origin<'a>> {
    let reads = Reads::of(statement, snapshot, strict);
    let star = all_of(statement);
    let mut origins = Vec::with_capacity(described.len());
    for (at, (table, number)) in described.iter().enumerate() {
        let output = match &statement.outputs {
            Outputs::List(list) => output_at(list, at, described.len()),
            Outputs::None | Outputs::Unknown => None,
        };
        let origin = match (*table, output) {
            // COPY brings no description: which columns of which tables the star stands for, nobody said.
            (0, Some(Output::Star(_))) if statement.kind == StatementKind::CopyOut => {
                reads.behind(&Uses { wide: true, ..star.clone() })
            }
            (0, Some(Output::Star(uses) | Output::Direct { uses, .. } | Output::Derived(uses))) => {
                reads.behind(uses)
            }
            (0, None) => reads.behind(&star),
            (table, Some(Output::Derived(uses))) => {
                both(named(gate, snapshot, table, *number, strict), reads.behind(uses))
            }
            (table, _) => named(gate, snapshot, table, *number, strict),
        };
        origins.push(origin);
    }
    origins
}

/// Whether a column of the statement's tables is of a kind that nothing but its name tells.
pub fn has_telling_names(gate: &Gate, statement: &Statement, snapshot: &Snapshot) -> bool {
    const BY_NAME: [Class; 5] = [Class::Person, Class::Address, Class::BirthDate, Class::Ssn, Class::Phone];
    let tells = |name: &str| {
        hint(name).class().is_some_and(|class| BY_NAME.contains(&class) && gate.masks_kind(class))
    };
    let reads = Reads::of(statement, snapshot, false);
    reads.relations.iter().any(|(_, relation)| relation.visible().any(|(_, name, _)| tells(name)))
}

/// Whether the statement names a table with a column that this caller may not see, or one that nobody knows.
pub fn touches_masked(gate: &mut Gate, statement: &Statement, snapshot: &Snapshot, strict: bool) -> bool {
    let reads = Reads::of(statement, snapshot, strict);
    match reads.behind(&Uses { columns: Default::default(), wide: true }) {
        Origin::Unknown => true,
        Origin::Column(column) => !gate.sees(&column),
        Origin::Derived(columns) => columns.iter().any(|column| !gate.sees(column)),
    }
}

/// Whether any column of the database is masked for this caller.
pub fn masks_anything(gate: &mut Gate, snapshot: &Snapshot) -> bool {
    snapshot.relations().filter(|relation| !relation.is_of_system()).any(|relation| {
        relation.visible().any(|(_, column, _)| {
            !gate.sees(&ColumnRef { schema: &relation.schema, table: &relation.name, column })
        })
    })
}

/// Everything the statement names.
pub(super) fn all_of(statement: &Statement) -> Uses {
    Uses { columns: statement.all_columns.clone(), wide: statement.wide }
}

/// The entry of the list for the column at `at`, where at most one star stands in it.
fn output_at(list: &[Output], at: usize, width: usize) -> Option<&Output> {
    let is_star = |output: &Output| matches!(output, Output::Star(_));
    let mut stars = list.iter().enumerate().filter(|(_, output)| is_star(output));
    let Some((star, _)) = stars.next() else {
        return (list.len() == width).then(|| list.get(at)).flatten();
    };
    if stars.next().is_some() {
        return None;
    }
    let after = list.len() - star - 1;
    let behind = width.checked_sub(after)?;
    if at < star {
        list.get(at)
    } else if at >= behind {
        list.get(star + 1 + (at - behind))
    } else {
        list.get(star)
    }
}

fn both<'a>(one: Origin<'a>, other: Origin<'a>) -> Origin<'a> {
    match (one, other) {
        (Origin::Unknown, _) | (_, Origin::Unknown) => Origin::Unknown,
        (Origin::Column(one), Origin::Column(other)) => Origin::Derived(vec![one, other]),
        (Origin::Column(one), Origin::Derived(mut all)) | (Origin::Derived(mut all), Origin::Column(one)) => {
            all.push(one);
            Origin::Derived(all)
        }
        (Origin::Derived(mut all), Origin::Derived(more)) => {
            all.extend(more);
            Origin::Derived(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(name: &str) -> Output {
        Output::Direct { column: name.into(), uses: Uses::default() }
    }

    #[test]
    fn a_star_stretches_to_what_is_left() {
        let list = [direct("a"), Output::Star(Uses::default()), direct("b")];
        assert_eq!(output_at(&list, 0, 5), Some(&list[0]));
        assert_eq!(output_at(&list, 1, 5), Some(&list[1]));
        assert_eq!(output_at(&list, 3, 5), Some(&list[1]));
        assert_eq!(output_at(&list, 4, 5), Some(&list[2]));
        assert_eq!(output_at(&list[..1], 0, 2), None);
    }
}
