//! One reading of a catalog, and the questions it answers.

use super::behind::{self, Behind};
use sallyport_core::Effect;
use sallyport_sql::{Names, Statement};
use std::collections::{HashMap, HashSet};
use std::time::Instant;

#[derive(Clone, Debug, Default)]
pub struct Relation {
    pub schema: String,
    pub name: String,
    /// By number; dropped columns are absent. System columns have numbers below zero.
    pub columns: Vec<(i16, String, u32)>,
    /// For a view: where the values of each column come from, by position. `None` where nobody can say.
    pub view: Option<Option<Vec<ViewColumn>>>,
    /// A view that runs functions whose bodies nobody read.
    pub calls: bool,
    /// Contents of other tables stand in it: statistics, and what is too long for a row.
    pub mirrors: bool,
    /// Columns of tables whose values stand in this table's column as well: of parents, or that it is computed from.
    pub behind: HashMap<i16, Vec<(u32, i16)>>,
}

/// Where a view's column comes from: columns of tables, views already followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewColumn {
    pub origins: Vec<(u32, i16)>,
    /// The one origin, unchanged.
    pub direct: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    pub name: String,
    /// `b` base, `c` composite, `d` domain, `e` enum, `p` pseudo, `r` range, `m` multirange.
    pub sort: u8,
    pub category: u8,
    pub base: u32,
    pub element: u32,
    /// The relation that lists the fields of a composite.
    pub relation: u32,
    /// What the bounds of a range, or of a set of ranges, are.
    pub bound: u32,
}

#[derive(Debug)]
pub struct Snapshot {
    pub(super) version: u64,
    pub taken: Instant,
    pub(super) relations: HashMap<u32, Relation>,
    pub(super) by_name: HashMap<String, Vec<u32>>,
    pub(super) types: HashMap<u32, Type>,
    /// The fields of composite types that are no tables' rows.
    pub(super) composites: HashMap<u32, Vec<(String, u32)>>,
    pub(super) row_functions: HashSet<String>,
    pub(super) behind: Behind,
}

impl Snapshot {
    /// What a statement stands on behind its text.
    pub fn footing(&self, statement: &Statement) -> behind::Footing {
        behind::footing(self, statement)
    }
    pub fn version(&self) -> u64 {
        self.version
    }
    pub fn relation(&self, oid: u32) -> Option<&Relation> {
        self.relations.get(&oid)
    }
    pub fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.relations.values()
    }
    pub fn kind(&self, oid: u32) -> Option<&Type> {
        self.types.get(&oid)
    }
    /// The fields of a composite type, by the relation that lists them.
    pub fn fields(&self, relation: u32) -> impl Iterator<Item = (&str, u32)> {
        let own = self.composites.get(&relation).into_iter().flatten();
        let rows = self.relations.get(&relation).into_iter().flat_map(Relation::visible);
        own.map(|(name, kind)| (name.as_str(), *kind))
            .chain(rows.map(|(_, name, kind)| (name.as_str(), *kind)))
    }
    /// Every relation of that name.
    pub fn named<'a, 's>(
        &'a self,
        schema: Option<&'s str>,
        name: &str,
    ) -> impl Iterator<Item = (u32, &'a Relation)> + use<'a, 's> {
        let oids = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        oids.iter().filter_map(|oid| self.relations.get(oid).map(|relation| (*oid, relation))).filter(
            move |(_, relation)| schema.is_none_or(|schema| schema == relation.schema || schema == "pg_temp"),
        )
    }
}

impl Relation {
    pub fn is_of_system(&self) -> bool {
        matches!(self.schema.as_str(), "pg_catalog" | "information_schema" | "pg_toast")
    }
    pub fn column(&self, number: i16) -> Option<&(i16, String, u32)> {
        self.columns.iter().find(|(at, _, _)| *at == number)
    }
    pub fn behind(&self, number: i16) -> impl Iterator<Item = (u32, i16)> {
        self.behind.get(&number).into_iter().flatten().copied()
    }
    /// The columns of `SELECT *`, in order.
    pub fn visible(&self) -> impl Iterator<Item = &(i16, String, u32)> {
        self.columns.iter().filter(|(at, _, _)| *at > 0)
    }
}

impl Names for Snapshot {
    fn relations(&self, schema: Option<&str>, name: &str) -> Vec<(String, String)> {
        self.named(schema, name).map(|(_, found)| (found.schema.clone(), found.name.clone())).collect()
    }
    fn has_function(&self, schema: Option<&str>, name: &str) -> bool {
        self.behind.has_function(schema, name)
    }
    fn is_row_function(&self, name: &str) -> bool {
        self.row_functions.contains(name)
    }
    fn behind(&self, statement: &Statement, _: &[Effect]) -> Vec<Effect> {
        behind::follow(self, statement)
    }
}
