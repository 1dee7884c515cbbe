//! What earlier statements of a session left behind that later ones use by name: prepared statements and cursors.
//!
//! It believes that every statement given to it has run. A connector that knows more (transactions rolled back, names
//! made by the wire protocol) keeps its own; this one serves the inspection of texts.

use crate::analysis::{Analysis, Statement};
use crate::kind::{CloseWhich, DiscardWhich, StatementKind};
use sallyport_core::{Action, Effect};
use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct Session {
    prepared: HashMap<String, Statement>,
    cursors: HashMap<String, Statement>,
}

impl Session {
    pub fn remember(&mut self, analysis: &Analysis) {
        for statement in &analysis.statements {
            self.remember_statement(statement);
        }
    }

    pub fn remember_statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Prepare { name, inner } => {
                self.prepared.insert(name.clone(), (**inner).clone());
            }
            StatementKind::Declare { cursor, inner } => {
                self.cursors.insert(cursor.clone(), (**inner).clone());
            }
            StatementKind::Deallocate(CloseWhich::Named(name)) => drop(self.prepared.remove(name)),
            StatementKind::Deallocate(CloseWhich::All) => self.prepared.clear(),
            StatementKind::Close(CloseWhich::Named(name)) => drop(self.cursors.remove(name)),
            StatementKind::Close(CloseWhich::All) => self.cursors.clear(),
            StatementKind::Discard(DiscardWhich::All) => {
                self.prepared.clear();
                self.cursors.clear();
            }
            _ => {}
        }
    }

    /// The statement that an EXECUTE or FETCH stands for: its effects instead of `unknown`, its outputs and columns.
    pub fn resolve(&self, statement: &Statement) -> Option<&Statement> {
        match &statement.kind {
            StatementKind::Execute { name } => self.prepared.get(name),
            StatementKind::Fetch { cursor, .. } => self.cursors.get(cursor),
            _ => None,
        }
    }

    /// What running this statement does: its own effects, or with those of what it stands for.
    pub fn meaning<'a>(&'a self, statement: &'a Statement) -> Meaning<'a> {
        let by_name = match &statement.kind {
            StatementKind::Explain { inner, .. } => inner,
            _ => statement,
        };
        let named = self.resolve(by_name);
        // Arguments have effects of their own; with any, the unknown may be theirs.
        let only_the_name = named.is_some() && statement.effects.iter().all(|e| e.action == Action::Unknown);
        Meaning { own: if only_the_name { &[] } else { &statement.effects }, statement, named }
    }
}

/// A statement and, where it runs another by name, that one.
pub struct Meaning<'a> {
    own: &'a [Effect],
    statement: &'a Statement,
    named: Option<&'a Statement>,
}

impl<'a> Meaning<'a> {
    pub fn effects(&self) -> impl Iterator<Item = &'a Effect> {
        self.own.iter().chain(self.named.iter().flat_map(|named| &named.effects))
    }
    pub fn statements(&self) -> impl Iterator<Item = &'a Statement> {
        std::iter::once(self.statement).chain(self.named)
    }
}
