//! Which columns decide the rows, and what their names stand for.
//!
//! A subquery gives its columns names of its own. They are kept for the whole statement, whatever the scope, so that a
//! name that is compared stands for everything it may mean.

use super::{Walk, strings};
use crate::filters::{Filters, Site};
use crate::outputs::{Outputs, Uses};
use crate::relations::TableName;
use pg_query::NodeEnum as E;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{Alias, ColumnRef, Node};
use std::collections::{BTreeMap, BTreeSet};

/// A column of a subquery's result.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// Absent where the grammar makes one up.
    pub name: Option<String>,
    pub uses: Uses,
    /// Any number of columns, under their own names.
    pub star: bool,
}

/// What is compared so far, and what names stand for.
#[derive(Default)]
pub(super) struct Compared {
    filters: Filters,
    /// How deep within comparisons.
    within: usize,
    /// Within this pair, and what each pair compares.
    pair: Option<usize>,
    paired: BTreeMap<usize, BTreeSet<Site>>,
    renames: BTreeMap<String, Uses>,
    /// Behind names that nobody knows: of a function's rows, or made up.
    nameless: Uses,
}

impl Walk {
    /// Whatever is named in here decides which rows come.
    pub(super) fn filter(&mut self, visit: impl FnOnce(&mut Self)) {
        self.compared.within += 1;
        let uses = self.uses_of(visit);
        self.compared.within -= 1;
        self.compared.filters.wide |= uses.wide;
    }

    pub(super) fn filter_one(&mut self, node: Option<&Node>) {
        self.filter(|walk| walk.opt(node));
    }

    pub(super) fn filter_by(&mut self, uses: &Uses) {
        self.compared.filters.wide |= uses.wide;
        self.compared
            .filters
            .sites
            .extend(uses.columns.iter().map(|column| Site { table: None, column: column.clone() }));
    }

    pub(super) fn filter_naturally(&mut self) {
        self.compared.filters.natural = true;
    }

    /// A column that is named within a comparison.
    pub(super) fn compare(&mut self, column: &ColumnRef) {
        if self.compared.within == 0 {
            return;
        }
        let names = strings(&column.fields);
        let Some((column, qualifiers)) = names.split_last() else { return };
        let table = match qualifiers {
            [row] => self.table_of_row(row),
            [.., schema, table] => Some(TableName { schema: Some(schema.clone()), name: table.clone() }),
            [] => None,
        };
        let site = Site { table, column: column.clone() };
        match self.compared.pair {
            Some(pair) => self.compared.paired.entry(pair).or_default().insert(site),
            None => self.compared.filters.sites.insert(site),
        };
    }

    /// The two sides of a pair: its column counts for itself.
    pub(super) fn compare_pair(&mut self, pair: Option<usize>, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.compared.pair, pair);
        visit(self);
        self.compared.pair = outer;
    }

    /// A part of a row that is named within a comparison.
    pub(super) fn compare_part(&mut self, name: &str) {
        if self.compared.within > 0 {
            self.compared.filters.sites.insert(Site { table: None, column: name.to_owned() });
        }
    }

    /// ORDER BY and GROUP BY: a number or a name may stand for an entry of the select list.
    pub(super) fn filter_by_keys(&mut self, keys: &[Node], columns: &[Column]) {
        for key in keys {
            match &key.node {
                Some(E::SortBy(sort)) => {
                    self.operator_name(&strings(&sort.use_op));
                    self.filter_by_keys(sort.node.as_deref().map_or(&[], std::slice::from_ref), columns);
                }
                Some(E::GroupingSet(set)) => self.filter_by_keys(&set.content, columns),
                Some(E::List(list)) => self.filter_by_keys(&list.items, columns),
                Some(E::RowExpr(row)) => self.filter_by_keys(&row.args, columns),
                Some(E::AConst(constant)) => {
                    if let Some(Val::Ival(number)) = &constant.val {
                        self.literal_sensitive = true;
                        self.filter_by_place(number.ival, columns);
                    }
                }
                Some(E::ColumnRef(column)) => {
                    if let [name] = strings(&column.fields).as_slice() {
                        for known in columns.iter().filter(|known| known.name.as_ref() == Some(name)) {
                            self.filter_by(&known.uses);
                        }
                    }
                    self.filter_one(Some(key));
                }
                _ => self.filter_one(Some(key)),
            }
        }
    }

    fn filter_by_place(&mut self, place: i32, columns: &[Column]) {
        let before = usize::try_from(place).unwrap_or(0);
        match columns.get(before.wrapping_sub(1)) {
            Some(column) if !columns.iter().take(before).any(|column| column.star) => {
                self.filter_by(&column.uses)
            }
            _ => self.compared.filters.wide = true,
        }
    }

    pub(super) fn filter_by_all(&mut self, columns: &[Column]) {
        for column in columns {
            self.compared.filters.wide |= column.star;
            self.filter_by(&column.uses);
        }
    }

    /// A function in FROM: its rows may hold what it is given, under names of its own.
    pub(super) fn yields_rows_of(&mut self, uses: &Uses) {
        self.compared.nameless.absorb(uses);
    }

    /// The columns of a subquery or a common table expression are known by these names from now on.
    pub(super) fn known_as(&mut self, columns: &[Column], names: &[String]) {
        let stretched = columns.iter().position(|column| column.star).unwrap_or(columns.len());
        for (at, column) in columns.iter().enumerate() {
            let new = names.get(at).filter(|_| at < stretched);
            match new.or(column.name.as_ref()) {
                _ if column.star => {}
                Some(name) => self.compared.renames.entry(name.clone()).or_default().absorb(&column.uses),
                None => self.compared.nameless.absorb(&column.uses),
            }
        }
        for name in names.iter().skip(stretched) {
            self.rename_anything(name);
        }
    }

    /// A name of which only the catalog could say what it is.
    fn rename_anything(&mut self, name: &str) {
        self.compared.renames.entry(name.to_owned()).or_default().wide = true;
    }

    pub(super) fn rename_of_alias(&mut self, alias: Option<&Alias>) {
        for name in alias.map(|alias| strings(&alias.colnames)).unwrap_or_default() {
            self.rename_anything(&name);
        }
    }

    /// All that is compared, with the names of subqueries replaced by what stands behind them; and the same without what
    /// stands in pairs, to which it is told instead.
    pub(super) fn take_filters(&mut self) -> (Filters, Filters) {
        let Compared { filters, within: _, pair: _, paired, renames, nameless } =
            std::mem::take(&mut self.compared);
        let mut unpaired = settled(filters, &renames, &nameless);
        let mut all = unpaired.clone();
        for (at, sites) in paired {
            let own = settled(Filters { sites, ..Filters::default() }, &renames, &nameless);
            all.wide |= own.wide;
            all.sites.extend(own.sites.iter().cloned());
            // Of a name that may mean anything nobody can say later what it means.
            if own.wide {
                unpaired.wide = true;
            }
            if let Some(pair) = self.pairs.get_mut(at) {
                pair.sites = own.sites;
            }
        }
        (all, unpaired)
    }
}

fn settled(mut filters: Filters, renames: &BTreeMap<String, Uses>, nameless: &Uses) -> Filters {
    if filters.is_empty() {
        return filters;
    }
    if !nameless.is_constant() {
        filters.wide |= nameless.wide;
        let columns = nameless.columns.iter().cloned();
        filters.sites.extend(columns.map(|column| Site { table: None, column }));
    }
    let mut seen = BTreeSet::new();
    let unqualified = filters.sites.iter().filter(|site| site.table.is_none());
    let mut next: Vec<String> = unqualified.map(|site| site.column.clone()).collect();
    while let Some(name) = next.pop() {
        if let Some(uses) = renames.get(&name).filter(|_| seen.insert(name.clone())) {
            filters.wide |= uses.wide;
            next.extend(uses.columns.iter().cloned());
        }
        filters.sites.insert(Site { table: None, column: name });
    }
    filters
}

/// The names of a select list as PostgreSQL gives them.
pub(super) fn name_of_target(target: &Node) -> Option<String> {
    match &target.node {
        Some(E::ResTarget(target)) if !target.name.is_empty() => Some(target.name.clone()),
        Some(E::ResTarget(target)) => name_of(target.val.as_deref()?),
        _ => None,
    }
}

fn name_of(value: &Node) -> Option<String> {
    match &value.node {
        Some(E::ColumnRef(column)) => strings(&column.fields).pop(),
        Some(E::FuncCall(call)) => strings(&call.funcname).pop(),
        Some(E::CollateClause(collate)) => name_of(collate.arg.as_deref()?),
        Some(E::TypeCast(cast)) => match cast.arg.as_deref().and_then(name_of) {
            Some(name) => Some(name),
            None => strings(&cast.type_name.as_ref()?.names).pop(),
        },
        Some(E::CoalesceExpr(_)) => Some("coalesce".to_owned()),
        _ => None,
    }
}

/// Both arms of a set operation, under the names of the first.
pub(super) fn matched(left: Option<Vec<Column>>, right: Option<Vec<Column>>) -> Option<Vec<Column>> {
    let (mut left, right) = (left?, right?);
    if left.len() != right.len() || left.iter().chain(&right).any(|column| column.star) {
        return None;
    }
    for (column, other) in left.iter_mut().zip(right) {
        column.uses.absorb(&other.uses);
    }
    Some(left)
}

/// The columns of VALUES.
pub(super) fn values(outputs: &Outputs) -> Option<Vec<Column>> {
    let Outputs::List(list) = outputs else { return None };
    let columns = list.iter().enumerate().map(|(at, output)| Column {
        name: Some(format!("column{}", at + 1)),
        uses: output.uses().clone(),
        star: false,
    });
    Some(columns.collect())
}
