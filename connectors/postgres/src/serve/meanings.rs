//! What a statement means beyond its own text, and what it changes for later ones once it has succeeded.

use super::Serving;
use super::names::{Portal, Prepared};
use crate::reading::Meaning;
use sallyport_core::Effects;
use sallyport_sql::{CloseWhich, DiscardWhich, Statement, StatementKind};
use std::sync::{Arc, LazyLock};

impl Serving {
    pub(super) fn prepared(&self, text: &str, meaning: Meaning) -> Prepared {
        let effects = meaning.effects(&self.snapshot);
        let version = self.snapshot.version();
        let asks = meaning.statement().is_some_and(|statement| !statement.modes.writes_at.is_empty());
        let writable = asks && !self.opinion.reads_only();
        Prepared { text: text.into(), meaning, effects, version, lifts: Arc::from([]), own: 0, writable }
    }

    /// A statement succeeded: what it does to names, settings and definitions holds from now on.
    pub(super) fn succeeded(&mut self, statement: &Statement, meaning: &Meaning, text: &str) {
        match &statement.kind {
            StatementKind::Prepare { name, .. } if !self.names.is_full() => {
                let prepared = Arc::new(self.prepared(text, meaning.within()));
                self.names.set_statement(name, Some(prepared));
            }
            StatementKind::Declare { cursor, .. } if !self.names.is_full() => {
                let portal = Portal {
                    id: self.names.next_portal(),
                    prepared: Arc::new(self.prepared(text, meaning.within())),
                    no: None,
                    epoch: self.gate.epoch(),
                    described: false,
                    began: true,
                    running: 0,
                    cursor: true,
                };
                self.names.set_portal(cursor, Some(portal));
            }
            StatementKind::Deallocate(CloseWhich::Named(name)) => {
                self.names.set_statement(name, None);
            }
            StatementKind::Close(CloseWhich::Named(name)) => {
                self.names.set_portal(name, None);
            }
            StatementKind::Deallocate(CloseWhich::All) => self.names.forget_statements(),
            StatementKind::Close(CloseWhich::All) => self.names.close_cursors(),
            StatementKind::Discard(DiscardWhich::All) => {
                self.names.forget_statements();
                self.names.close_cursors();
            }
            _ => {}
        }
        if !statement.creates.is_empty() || matches!(statement.kind, StatementKind::Ddl | StatementKind::Do) {
            self.stale = true;
            self.stale_inside = true;
        }
    }
}

/// What an empty statement does. Shared: it is needed at every query.
pub(super) fn no_effects() -> Effects {
    static NONE: LazyLock<Effects> = LazyLock::new(|| Effects::new(Vec::new()));
    NONE.clone()
}
