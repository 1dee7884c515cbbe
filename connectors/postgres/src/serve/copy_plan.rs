//! Which columns the rows of a COPY have. It brings no description of them: names and types are those of the catalog,
//! where the statement leaves no doubt which columns these are.
//!
//! Invariant: a place in the row is taken for a column only if no writing of the statement could put another one there.

use super::Serving;
use crate::catalog::Relation;
use crate::columns::{self, copying::takes_all_of_one};
use crate::reading::Meaning;
use sallyport_core::mask::plan::Origin;
use sallyport_core::{CellShape, ColumnInfo, Denial, Holds, Plan};
use sallyport_sql::{Output, Outputs, Statement};

/// A column as the catalog knows it: its table, its number, its name and type.
#[derive(Clone, Copy)]
struct Known<'a> {
    table: u32,
    number: i16,
    name: &'a str,
    kind: u32,
}

impl Serving {
    pub(super) fn copy_plan(
        &mut self,
        meaning: &Meaning,
        text: &str,
        binary: bool,
        width: usize,
    ) -> Result<Plan, Denial> {
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        let Some(statement) = meaning.statement() else { return Ok(self.unknown_plan(binary, width)) };
        let mut tables = statement.relations.reads.iter();
        let single = match (tables.next(), tables.next()) {
            (Some(name), None) => {
                let mut found = snapshot.named(name.schema.as_deref(), &name.name);
                found.next().filter(|_| found.next().is_none())
            }
            _ => None,
        };
        let known = single.map_or_else(Vec::new, |(oid, table)| known(statement, text, oid, table, width));
        let at = |place: usize| known.get(place).copied().flatten();
        let described: Vec<(u32, i16)> =
            (0..width).map(|place| at(place).map_or((0, 0), |known| (known.table, known.number))).collect();
        let strict = self.plans.is_strict(&mut self.gate, &snapshot);
        let telling = || columns::has_telling_names(&self.gate, statement, &snapshot);
        if known.is_empty() && has_star(statement) && self.gate.masks_values() && telling() {
            let words = "This COPY takes all columns of more than one table, and some are masked by what their names \
                say. Name the columns in place of the star.";
            return Err(Denial::of_house("copy-unread", words).fatal());
        }
        let origins = columns::origins(&mut self.gate, statement, &snapshot, &described, strict);
        let infos: Vec<ColumnInfo<'_>> = origins
            .into_iter()
            .enumerate()
            .map(|(place, origin)| {
                let shape = match at(place) {
                    None if !binary => CellShape::Text,
                    known => columns::shape(known.map_or(0, |known| known.kind), binary, &snapshot),
                };
                let name = at(place).map(|known| known.name).or_else(|| named(statement, place, width));
                let narrow = columns::narrow(at(place).map_or(0, |known| known.kind), &snapshot);
                ColumnInfo { name: name.unwrap_or("?"), origin, shape, narrow, binary }
            })
            .collect();
        Ok(self.gate.plan(&infos))
    }

    fn unknown_plan(&mut self, binary: bool, width: usize) -> Plan {
        let shape = CellShape::Typed { redacted: None, holds: Holds::Unreadable };
        let column = ColumnInfo { name: "?", origin: Origin::Unknown, shape, narrow: None, binary };
        self.gate.plan(&vec![column; width])
    }
}

/// The columns of the only table, by place in the row; none of them where nobody can say which these are.
fn known<'a>(
    statement: &Statement,
    text: &str,
    oid: u32,
    table: &'a Relation,
    width: usize,
) -> Vec<Option<Known<'a>>> {
    let Outputs::List(list) = &statement.outputs else { return Vec::new() };
    let of = |(number, name, kind): &'a (i16, String, u32)| Known {
        table: oid,
        number: *number,
        name,
        kind: *kind,
    };
    match list.as_slice() {
        [Output::Star(_)] if takes_all_of_one(text) && table.visible().count() == width => {
            table.visible().map(|column| Some(of(column))).collect()
        }
        list if list.len() == width && !has_star(statement) => list
            .iter()
            .map(|output| match output {
                // Below a subquery or a list of other names, a name may stand for another column: then it is not alone.
                Output::Direct { column, uses } if !uses.wide && uses.columns.len() == 1 => {
                    table.visible().find(|(_, name, _)| name == column).map(of)
                }
                Output::Direct { .. } | Output::Star(_) | Output::Derived(_) => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn has_star(statement: &Statement) -> bool {
    match &statement.outputs {
        Outputs::List(list) => list.iter().any(|output| matches!(output, Output::Star(_))),
        Outputs::None | Outputs::Unknown => true,
    }
}

/// What the statement itself calls the column.
fn named(statement: &Statement, place: usize, width: usize) -> Option<&str> {
    match &statement.outputs {
        Outputs::List(list) if list.len() == width => match list.get(place)? {
            Output::Direct { column, .. } => Some(column),
            Output::Star(_) | Output::Derived(_) => None,
        },
        Outputs::List(_) | Outputs::None | Outputs::Unknown => None,
    }
}
