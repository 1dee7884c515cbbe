//! What stands in FROM: tables, common table expressions, subqueries, functions, joins.

use super::{Walk, strings, table_name};
use crate::outputs::Uses;
use crate::relations::TableName;
use crate::whole::{self, Yields};
use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, JoinExpr, Node, RangeFunction, RangeTableFunc, RangeVar, WithClause};
use sallyport_core::{Action, ObjectKind};

/// Whether a FROM list holds nothing but tables, whose columns keep their names and origins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plainness {
    Plain,
    Mixed,
}

impl Walk {
    /// Names defined by WITH see those before them (all of them, when recursive); the statement sees all.
    pub(super) fn enter_with(&mut self, with: Option<&WithClause>) {
        self.ctes.push(Yields::new());
        let Some(WithClause { ctes, recursive, location: _ }) = with else { return };
        if *recursive {
            for cte in ctes {
                self.see_cte(cte);
            }
        }
        for cte in ctes {
            match &cte.node {
                Some(NodeEnum::CommonTableExpr(cte)) => self.common_table(cte),
                _ => self.unknown(),
            }
            self.see_cte(cte);
        }
    }

    pub(super) fn leave_with(&mut self) {
        self.ctes.pop();
    }

    fn see_cte(&mut self, cte: &Node) {
        let Some(NodeEnum::CommonTableExpr(cte)) = &cte.node else { return };
        let known = self.ctes_in_sight();
        let tables =
            cte.ctequery.as_deref().map(|query| whole::node_yields(query, &known)).unwrap_or_default();
        if let Some(scope) = self.ctes.last_mut() {
            scope.insert(cte.ctename.clone(), tables);
        }
    }

    fn common_table(&mut self, cte: &pg_query::protobuf::CommonTableExpr) {
        // A renamed column list over a star hides the names beneath it.
        self.uses.wide |= !cte.aliascolnames.is_empty();
        self.nested(cte.ctequery.as_deref());
        self.rename_last(&strings(&cte.aliascolnames));
        if let Some(search) = &cte.search_clause {
            self.compares_named(&search.search_col_list);
        }
        if let Some(cycle) = &cte.cycle_clause {
            self.compares_named(&cycle.cycle_col_list);
            self.opt(cycle.cycle_mark_value.as_deref());
            self.opt(cycle.cycle_mark_default.as_deref());
        }
    }

    fn compares_named(&mut self, names: &[Node]) {
        let uses = Uses { columns: strings(names).into_iter().collect(), wide: false };
        self.uses.absorb(&uses);
        self.filter_by(&uses);
    }

    /// The names by which the result of what was just visited is known.
    fn rename_last(&mut self, names: &[String]) {
        match self.columns.take() {
            Some(columns) => self.known_as(&columns, names),
            None => self.yields_rows_of(&Uses { wide: true, ..Uses::default() }),
        }
    }

    pub(super) fn ctes_in_sight(&self) -> Yields {
        self.ctes.iter().flat_map(|scope| scope.clone()).collect()
    }

    fn is_cte(&self, range: &RangeVar) -> bool {
        range.schemaname.is_empty()
            && range.catalogname.is_empty()
            && self.ctes.iter().any(|scope| scope.contains_key(&range.relname))
    }

    /// Visits a FROM list, registering its row names in the innermost scope.
    pub(super) fn sources(&mut self, items: &[Node]) -> Plainness {
        let mut plainness = Plainness::Plain;
        for item in items {
            if self.source_item(item) == Plainness::Mixed {
                plainness = Plainness::Mixed;
            }
        }
        plainness
    }

    pub(super) fn source_item(&mut self, item: &Node) -> Plainness {
        if !matches!(
            &item.node,
            Some(NodeEnum::RangeVar(_) | NodeEnum::JoinExpr(_) | NodeEnum::RangeTableSample(_))
        ) {
            // It may have any column, and need not have a name.
            self.row_name("");
        }
        match &item.node {
            Some(NodeEnum::RangeVar(range)) => self.range_var(range),
            Some(NodeEnum::RangeSubselect(sub)) => {
                self.see_row(sub.alias.as_ref());
                self.nested(sub.subquery.as_deref());
                let names = sub.alias.as_ref().map(|alias| strings(&alias.colnames)).unwrap_or_default();
                self.rename_last(&names);
                Plainness::Mixed
            }
            Some(NodeEnum::JoinExpr(join)) => self.join(join),
            Some(NodeEnum::RangeFunction(function)) => self.range_function(function),
            Some(NodeEnum::RangeTableFunc(table)) => self.table_function(table),
            Some(NodeEnum::JsonTable(table)) => {
                self.alias_columns(table.alias.as_ref());
                self.rows_by(|walk| walk.json_table(table));
                Plainness::Mixed
            }
            Some(NodeEnum::RangeTableSample(sample)) => {
                let method = strings(&sample.method);
                if !matches!(method.as_slice(), [name] if name == "bernoulli" || name == "system") {
                    self.function_name(&method, &sample.args);
                }
                self.exprs(&sample.args);
                self.opt(sample.repeatable.as_deref());
                sample.relation.as_deref().map_or(Plainness::Mixed, |relation| self.source_item(relation))
            }
            _ => {
                self.unknown();
                Plainness::Mixed
            }
        }
    }

    fn range_var(&mut self, range: &RangeVar) -> Plainness {
        let table = (!self.is_cte(range)).then(|| table_name(range));
        self.see_table(range, table.clone());
        self.rename_of_alias(range.alias.as_ref());
        let Some(table) = table else { return Plainness::Mixed };
        self.read(table);
        Plainness::Plain
    }

    fn join(&mut self, join: &JoinExpr) -> Plainness {
        let left = join.larg.as_deref().map_or(Plainness::Mixed, |item| self.source_item(item));
        let right = join.rarg.as_deref().map_or(Plainness::Mixed, |item| self.source_item(item));
        if join.is_natural || !join.using_clause.is_empty() {
            // A merged column is neither side's own.
            self.inner_star = true;
            let merged = Uses { columns: strings(&join.using_clause).into_iter().collect(), wide: false };
            self.uses.absorb(&merged);
            self.filter_by(&merged);
        }
        if join.is_natural {
            self.filter_naturally();
        }
        self.rename_of_alias(join.alias.as_ref());
        self.see_row(join.alias.as_ref());
        self.see_row(join.join_using_alias.as_ref());
        self.filter_one(join.quals.as_deref());
        if left == right { left } else { Plainness::Mixed }
    }

    fn range_function(&mut self, function: &RangeFunction) -> Plainness {
        self.rows_by(|walk| walk.functions_of(function));
        self.exprs(&function.coldeflist);
        Plainness::Mixed
    }

    /// What a function in FROM is given decides how many rows come, and may stand in them.
    fn rows_by(&mut self, visit: impl FnOnce(&mut Self)) {
        let mut given = Uses::default();
        self.filter(|walk| given = walk.uses_of(visit));
        self.yields_rows_of(&given);
    }

    fn functions_of(&mut self, function: &RangeFunction) {
        for item in &function.functions {
            // Each is a list of the call and its own column definitions.
            match &item.node {
                Some(NodeEnum::List(list)) => {
                    for part in list.items.iter().filter(|part| part.node.is_some()) {
                        self.function_or_columns(part);
                    }
                }
                Some(_) => self.expr(item),
                None => self.unknown(),
            }
        }
    }

    fn function_or_columns(&mut self, part: &Node) {
        match &part.node {
            Some(NodeEnum::List(columns)) => self.exprs(&columns.items),
            _ => self.expr(part),
        }
    }

    fn table_function(&mut self, table: &RangeTableFunc) -> Plainness {
        self.rows_by(|walk| {
            walk.opt(table.docexpr.as_deref());
            walk.opt(table.rowexpr.as_deref());
            walk.exprs(&table.namespaces);
            walk.exprs(&table.columns);
        });
        self.alias_columns(table.alias.as_ref());
        Plainness::Mixed
    }

    /// A row that can be spoken of by its alias.
    pub(super) fn see_row(&mut self, alias: Option<&Alias>) {
        if let Some(alias) = alias {
            self.row_name(&alias.aliasname);
            self.alias_columns(Some(alias));
        }
    }

    /// A table by its alias or its own name.
    pub(super) fn see_table(&mut self, range: &RangeVar, table: Option<TableName>) {
        match &range.alias {
            Some(alias) => {
                self.see_row(Some(alias));
                let table = table.filter(|_| alias.colnames.is_empty());
                self.row_of(&alias.aliasname, table);
            }
            None => self.row_of(&range.relname, table),
        }
    }

    /// `t AS a(x, y)` gives columns other names, so that what is named no longer says what is read.
    fn alias_columns(&mut self, alias: Option<&Alias>) {
        self.uses.wide |= alias.is_some_and(|alias| !alias.colnames.is_empty());
    }

    pub(super) fn row_name(&mut self, name: &str) {
        self.row_of(name, None);
    }

    /// A row by its name, of a table whose columns keep theirs.
    pub(super) fn row_of(&mut self, name: &str, table: Option<TableName>) {
        if let Some(scope) = self.rows.last_mut() {
            scope.insert(name.to_owned(), table);
        }
    }

    pub(super) fn is_row(&self, name: &str) -> bool {
        self.rows.iter().any(|scope| scope.contains_key(name))
    }

    pub(super) fn table_of_row(&self, name: &str) -> Option<TableName> {
        self.rows.iter().rev().find_map(|scope| scope.get(name))?.clone()
    }

    /// FOR UPDATE and its like lock every table in the FROM they belong to.
    pub(super) fn lock_tables(&mut self, items: &[Node]) {
        for item in items {
            match &item.node {
                Some(NodeEnum::RangeVar(range)) if !self.is_cte(range) => {
                    self.effect(Action::Lock, ObjectKind::Table, table_name(range).path());
                }
                Some(NodeEnum::JoinExpr(join)) => {
                    for side in [join.larg.as_deref(), join.rarg.as_deref()].into_iter().flatten() {
                        self.lock_tables(std::slice::from_ref(side));
                    }
                }
                Some(NodeEnum::RangeSubselect(sub)) => {
                    if let Some(NodeEnum::SelectStmt(select)) =
                        sub.subquery.as_deref().and_then(|node| node.node.as_ref())
                    {
                        self.lock_tables(&select.from_clause);
                    }
                }
                Some(NodeEnum::RangeTableSample(sample)) => {
                    if let Some(relation) = sample.relation.as_deref() {
                        self.lock_tables(std::slice::from_ref(relation));
                    }
                }
                Some(_) | None => {}
            }
        }
    }
}
