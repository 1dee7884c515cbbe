//! Code that a target keeps and runs later: bodies of functions, definitions of views and rules, expressions of tables.
//!
//! Read like any statement; of PL/pgSQL, `plpgsql` finds the statements and expressions in it. Invariant: what cannot be
//! read, or is put together only when it runs, makes the code `unknown`; nothing of it is left out in silence.

mod cursor;
mod declared;
mod plpgsql;

use crate::analysis::{Statement, analyze};
use crate::filters::Filters;
use crate::kind::StatementKind;
use crate::outputs::Outputs;
use crate::relations::TableName;
use crate::{parse, walk};
use pg_query::NodeEnum;
use sallyport_core::{Action, ObjectKind};

/// Larger bodies are not read.
const MAX_BODY_BYTES: usize = 1 << 20;

/// What some code would do: the statements in it, whichever of them run, without what only a result needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    pub statements: Vec<Statement>,
    /// Part of it could not be read, or is known only when it runs.
    pub unknown: bool,
}

impl Code {
    pub fn unknown() -> Self {
        Self { statements: Vec::new(), unknown: true }
    }

    /// One or more statements of SQL.
    pub fn of_sql(text: &str) -> Self {
        if text.len() > MAX_BODY_BYTES {
            return Self::unknown();
        }
        match analyze(text) {
            Ok(analysis) => {
                let statements = analysis.statements.into_iter().map(bare).collect();
                Self { statements, unknown: false }
            }
            Err(_) => Self::unknown(),
        }
    }

    /// An expression, or a list of them.
    pub fn of_expression(text: &str) -> Self {
        let mut code = Self::of_sql(&format!("SELECT {text}"));
        code.unknown |= code.statements.len() > 1;
        code
    }

    /// What a rule, a trigger's condition or a function's body in SQL runs, from the statement that defines it.
    pub fn of_definition(text: &str) -> Self {
        let mut code = Self::of_sql(text);
        for statement in &mut code.statements {
            statement.kind = StatementKind::Other;
            statement.creates.clear();
            statement.effects.retain(|effect| !matches!(effect.action, Action::Create | Action::Alter));
        }
        code
    }

    /// An expression that belongs to a table. To read a setting of the session, or to draw the next number of a sequence
    /// for a column, is part of the table's own being.
    pub fn of_stored_expression(text: &str) -> Self {
        let mut code = Self::of_expression(text);
        for statement in &mut code.statements {
            let sets = statement.routines.functions.iter().any(|path| named(path, "setval"));
            statement.effects.retain(|effect| match (effect.action, effect.object.kind) {
                (Action::Read, ObjectKind::Setting) => false,
                (Action::Call, ObjectKind::Function) => !named(&effect.object.path, "nextval"),
                (Action::Update, ObjectKind::Other) => sets,
                _ => true,
            });
        }
        code
    }

    /// The table that a simple view shows, and that a write to the view writes to.
    pub fn base_of_view(definition: &str) -> Option<TableName> {
        parse::with_tree(definition, |tree| {
            let [statement] = tree.stmts.as_slice() else { return None };
            let Some(NodeEnum::SelectStmt(select)) = &statement.stmt.as_ref()?.node else { return None };
            let [from] = select.from_clause.as_slice() else { return None };
            match &from.node {
                Some(NodeEnum::RangeVar(range)) => Some(walk::table_name(range)),
                _ => None,
            }
        })
        .ok()
        .flatten()
    }

    /// The body of a function in PL/pgSQL.
    pub fn of_plpgsql(text: &str) -> Self {
        if text.len() > MAX_BODY_BYTES { Self::unknown() } else { plpgsql::read(text) }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.statements.extend(other.statements);
        self.unknown |= other.unknown;
    }

    /// A type that values become by being assigned.
    pub(crate) fn add_type(&mut self, path: Vec<String>) {
        let mut statement = Statement::new(StatementKind::Other);
        statement.routines.types.insert(path);
        self.statements.push(statement);
    }

    /// It does nothing that a rule could speak of, and runs nothing that might.
    pub fn is_harmless(&self) -> bool {
        let harmless = |statement: &Statement| {
            statement.effects.is_empty() && statement.routines.is_empty() && statement.all_columns.is_empty()
        };
        !self.unknown && self.statements.iter().all(harmless)
    }
}

fn named(path: &[String], name: &str) -> bool {
    path.last().is_some_and(|last| last == name)
}

fn bare(statement: Statement) -> Statement {
    Statement { outputs: Outputs::None, filters: Filters::default(), ..statement }
}
