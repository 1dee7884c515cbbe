//! Whether a statement chooses, joins, orders or groups rows by a column that rules forbid to filter by.
//!
//! The text says which names are compared, the catalog what they may be. Where a view stands between, what is behind its
//! column counts. What cannot be followed is refused. Asked only in sessions that have such a rule.

use super::origin::{calls, followed};
use crate::catalog::{Relation, Snapshot};
use sallyport_core::mask::plan::ColumnRef;
use sallyport_core::{Denial, Gate, Reason};
use sallyport_sql::{Filters, Site, Statement, TableName};

/// Why the statement may not compare these, which are its filters or some of them. `unseen`: the session made something that the catalog cannot
/// show yet.
pub fn filtered(
    gate: &mut Gate,
    statement: &Statement,
    filters: &Filters,
    snapshot: &Snapshot,
    unseen: bool,
) -> Option<Reason> {
    let wide = is_wide(filters, snapshot);
    if wide && calls(statement) {
        return Some(unknown("the result of a function"));
    }
    for name in statement.relations.reads.union(&statement.relations.writes) {
        let mut known = false;
        for (oid, relation) in snapshot.named(name.schema.as_deref(), &name.name) {
            known = true;
            for (number, column, _) in &relation.columns {
                if wide && *number > 0 || is_compared((statement, filters), snapshot, name, relation, column)
                {
                    let refused = refused(gate, snapshot, oid, relation, *number);
                    if refused.is_some() {
                        return refused;
                    }
                }
            }
        }
        if !known && unseen {
            return Some(unknown(&format!("{name}, which this transaction made")));
        }
    }
    None
}

/// More is compared than the names say: whole rows, or a function that is called like a column.
fn is_wide(filters: &Filters, snapshot: &Snapshot) -> bool {
    use sallyport_sql::Names;
    filters.wide || filters.sites.iter().any(|site| snapshot.is_row_function(&site.column))
}

fn is_compared(
    (statement, filters): (&Statement, &Filters),
    snapshot: &Snapshot,
    name: &TableName,
    relation: &Relation,
    column: &str,
) -> bool {
    let site = |site: &Site| {
        let here = site.table.as_ref().is_none_or(|table| may_be(table, name));
        // `ORDER BY t` names the table and means its whole row.
        here && (site.column == column || site.table.is_none() && site.column == relation.name)
    };
    filters.sites.iter().any(site) || filters.natural && is_shared(statement, snapshot, relation, column)
}

/// The text may name one table with its schema and without.
fn may_be(table: &TableName, name: &TableName) -> bool {
    let schemas = (&table.schema, &name.schema);
    table.name == name.name && (schemas.0 == schemas.1 || schemas.0.is_none() || schemas.1.is_none())
}

/// Another relation of the statement has a column of this name, or a subquery may give it to one.
fn is_shared(statement: &Statement, snapshot: &Snapshot, relation: &Relation, column: &str) -> bool {
    let reads = &statement.relations.reads;
    reads.len() < 2
        || reads.iter().flat_map(|name| snapshot.named(name.schema.as_deref(), &name.name)).any(
            |(_, other)| {
                let same = other.schema == relation.schema && other.name == relation.name;
                !same && other.columns.iter().any(|(number, name, _)| *number > 0 && name == column)
            },
        )
}

fn refused(
    gate: &mut Gate,
    snapshot: &Snapshot,
    oid: u32,
    relation: &Relation,
    number: i16,
) -> Option<Reason> {
    let mut origins = Vec::new();
    let mirrors = relation.mirrors && relation.column(number).is_some_and(|(_, name, _)| holds_values(name));
    if relation.calls || mirrors || !followed(snapshot, oid, number, &mut origins) {
        return Some(unknown(&format!("{}.{}, which cannot be followed", relation.schema, relation.name)));
    }
    origins.iter().find_map(|origin| by_column(gate, origin))
}

/// Among the columns of statistics, those with samples of other tables' values.
fn holds_values(column: &str) -> bool {
    ["stavalues", "stxd", "most_common", "histogram", "range_", "chunk_data"]
        .iter()
        .any(|start| column.starts_with(start))
}

fn by_column(gate: &mut Gate, origin: &ColumnRef<'_>) -> Option<Reason> {
    let reason = gate.forbids_filter(origin)?;
    Some(reason.of_filter(&format!("{}.{}.{}", origin.schema, origin.table, origin.column)))
}

fn unknown(what: &str) -> Reason {
    let message = format!(
        "Some columns may not be filtered by, and this statement filters by {what}: nobody can say whether they are \
         among it."
    );
    Denial::of_house("filter-unknown", message).reason
}
