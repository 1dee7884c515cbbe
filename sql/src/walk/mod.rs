//! The one walk over a parse tree that collects everything a [`Statement`] says.
//!
//! `statement` dispatches by kind of statement; `query`, `dml` and `expression` go where data flows; `tables` knows
//! which name is a table and which a common table expression; `define`, `access` and `server` are the rest of the
//! language. Invariant: every node is either understood or becomes the effect `unknown`; no field that can hold an
//! expression is left unvisited.

mod access;
mod assigns;
mod calls;
mod define;
mod dml;
mod expression;
mod filters;
mod given;
mod json;
mod name;
mod pairs;
mod query;
mod server;
mod session;
mod statement;
mod tables;
mod types;

use crate::analysis::{Analysis, Change, ChangeKind, Statement};
use crate::assigns::{Assignment, Given, Place};
use crate::filters::Filters;
use crate::kind::StatementKind;
use crate::modes::Modes;
use crate::outputs::{Outputs, Uses};
use crate::pairs::{self as pairing, Pair};
use crate::relations::{Relations, TableName};
use crate::routines::Routines;
use crate::whole::Yields;
use pg_query::protobuf::{ParseResult, RangeVar, RawStmt};
use sallyport_core::{Action, Effect, Object, ObjectKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(crate) use name::{constant, last_string, strings};

/// What has been seen of one statement so far.
#[derive(Default)]
pub(crate) struct Walk {
    effects: Vec<Effect>,
    relations: Relations,
    routines: Routines,
    /// Every column named so far; `wide` as in [`Uses`].
    uses: Uses,
    /// A star somewhere below the top: names are kept, but a star over it stands for more than `uses` says.
    inner_star: bool,
    literal_sensitive: bool,
    creates: Vec<Change>,
    modes: Modes,
    /// Where the text has the READ of a READ WRITE.
    reads_at: Vec<usize>,
    assigns: Vec<Assignment>,
    /// Assignments of a list that is still being visited.
    pending: Vec<(TableName, Place, Uses, bool, Given)>,
    /// Common table expressions that can be seen from here, innermost last.
    ctes: Vec<Yields>,
    /// Names by which whole rows can be spoken of from here, innermost last, with the table they are of.
    rows: Vec<BTreeMap<String, Option<TableName>>>,
    compared: filters::Compared,
    pairs: Vec<Pair>,
    /// The result of the select, VALUES or RETURNING that was visited last. Absent where its columns cannot be told.
    columns: Option<Vec<filters::Column>>,
}

pub(crate) fn analysis(text: &str, tree: &ParseResult) -> Analysis {
    let mut literal_sensitive = false;
    let mut statements: Vec<Statement> = Vec::with_capacity(tree.stmts.len().max(1));
    for raw in &tree.stmts {
        let mut walk = Walk::default();
        let mut statement = walk.top(raw);
        statement.range = range_of(text, raw);
        statement.modes.find(text, &walk.reads_at);
        literal_sensitive |= walk.literal_sensitive;
        if !statement.pairs.is_empty() {
            match text.get(statement.range.clone()).and_then(pairing::parameters) {
                Some(parameters) => statement.parameters = parameters,
                None => statement.unpair(),
            }
        }
        statements.push(statement);
    }
    if statements.is_empty() {
        statements.push(Statement { range: 0..text.len(), ..Statement::new(StatementKind::Empty) });
    }
    Analysis { statements, literal_sensitive }
}

/// The grammar gives a start and a length, of which zero means up to the end.
fn range_of(text: &str, raw: &RawStmt) -> Range<usize> {
    let start = usize::try_from(raw.stmt_location).unwrap_or(0).min(text.len());
    let end = match usize::try_from(raw.stmt_len) {
        Ok(0) | Err(_) => text.len(),
        Ok(length) => start.saturating_add(length).min(text.len()),
    };
    let piece = text.get(start..end).unwrap_or("");
    start + (piece.len() - piece.trim_start().len())..end
}

impl Statement {
    pub(crate) fn new(kind: StatementKind) -> Self {
        Self {
            range: 0..0,
            kind,
            effects: Vec::new(),
            relations: Relations::default(),
            routines: Routines::default(),
            outputs: Outputs::None,
            assigns: Vec::new(),
            filters: Filters::default(),
            unpaired: Filters::default(),
            pairs: Vec::new(),
            parameters: BTreeMap::new(),
            all_columns: BTreeSet::new(),
            wide: false,
            creates: Vec::new(),
            modes: Modes::default(),
        }
    }

    fn unpair(&mut self) {
        self.pairs = Vec::new();
        self.unpaired = self.filters.clone();
    }
}

impl Walk {
    fn top(&mut self, raw: &RawStmt) -> Statement {
        match raw.stmt.as_ref().and_then(|node| node.node.as_ref()) {
            Some(node) => self.whole_statement(node),
            None => Statement::new(StatementKind::Empty),
        }
    }

    /// What was collected, as a statement; the walk keeps nothing but its sensitivity.
    fn finish(&mut self, kind: StatementKind, outputs: Outputs) -> Statement {
        let mut effects = std::mem::take(&mut self.effects);
        effects.sort();
        effects.dedup();
        let uses = std::mem::take(&mut self.uses);
        let (filters, unpaired) = self.take_filters();
        Statement {
            range: 0..0,
            kind,
            effects,
            relations: std::mem::take(&mut self.relations),
            routines: std::mem::take(&mut self.routines),
            outputs,
            assigns: std::mem::take(&mut self.assigns),
            filters,
            unpaired,
            pairs: std::mem::take(&mut self.pairs),
            parameters: BTreeMap::new(),
            all_columns: uses.columns,
            wide: uses.wide || std::mem::take(&mut self.inner_star),
            creates: std::mem::take(&mut self.creates),
            modes: std::mem::take(&mut self.modes),
        }
    }

    fn effect(&mut self, action: Action, kind: ObjectKind, path: Vec<String>) {
        self.effects.push(Effect::new(action, Object { kind, path }));
    }

    /// A function that is not a value: it runs now, or whenever what is defined here is used.
    fn calls(&mut self, path: Vec<String>) {
        self.routines.functions.insert(path.clone());
        self.effect(Action::Call, ObjectKind::Function, path);
    }

    fn unknown(&mut self) {
        self.effect(Action::Unknown, ObjectKind::Other, Vec::new());
        self.uses.wide = true;
    }

    fn read(&mut self, table: TableName) {
        self.effect(Action::Read, ObjectKind::Table, table.path());
        self.relations.reads.insert(table);
    }

    fn write(&mut self, action: Action, table: TableName, whole: bool) {
        let object = Object { kind: ObjectKind::Table, path: table.path() };
        self.effects.push(Effect::new(action, object).whole(whole));
        self.relations.writes.insert(table);
    }

    fn changed(&mut self, kind: ChangeKind, table: &TableName, temporary: bool) {
        self.creates.push(Change { kind, schema: table.schema.clone(), name: table.name.clone(), temporary });
    }

    /// Runs `visit` and says which columns it added, leaving them in the statement's as well.
    fn uses_of(&mut self, visit: impl FnOnce(&mut Self)) -> Uses {
        let before = std::mem::take(&mut self.uses);
        visit(self);
        let within = std::mem::replace(&mut self.uses, before);
        self.uses.absorb(&within);
        within
    }
}

/// A relation as written. The database part can only be the current one: PostgreSQL refuses any other.
pub(crate) fn table_name(range: &RangeVar) -> TableName {
    TableName {
        schema: (!range.schemaname.is_empty()).then(|| range.schemaname.clone()),
        name: range.relname.clone(),
    }
}

/// A relation given as a list of names (`DROP TABLE a.b`): at most the last two count.
fn table_of(path: &[String]) -> TableName {
    match path {
        [] => TableName { schema: None, name: String::new() },
        [name] => TableName { schema: None, name: name.clone() },
        [.., schema, name] => TableName { schema: Some(schema.clone()), name: name.clone() },
    }
}
