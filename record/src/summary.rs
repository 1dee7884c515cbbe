//! What a session came to, in a few lines of JSON beside its recording, so that lists and searches need not read it.
//! Derived from the recording at any time; not evidence.

use crate::frame::Entry;
use sallyport_core::journal::Event;
use sallyport_core::{Moment, ObjectKind, SessionId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// More tables than this are only counted.
const MAX_TABLES: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub session: SessionId,
    #[serde(default)]
    pub caller: String,
    #[serde(default)]
    pub target: String,
    #[serde(default)]
    pub database: String,
    pub first: Moment,
    pub last: Moment,
    pub entries: u64,
    pub commands: u64,
    pub verdicts: BTreeMap<String, u64>,
    pub tables: BTreeSet<String>,
    /// There were more tables than are named.
    #[serde(default)]
    pub more_tables: bool,
    pub rows: u64,
    pub masked_cells: u64,
    pub errors: u64,
    /// How it ended; absent while it lives.
    pub closed: Option<String>,
}

impl Summary {
    pub fn new(session: SessionId) -> Self {
        Self {
            session,
            caller: String::new(),
            target: String::new(),
            database: String::new(),
            first: Moment(0),
            last: Moment(0),
            entries: 0,
            commands: 0,
            verdicts: BTreeMap::new(),
            tables: BTreeSet::new(),
            more_tables: false,
            rows: 0,
            masked_cells: 0,
            errors: 0,
            closed: None,
        }
    }

    pub fn add(&mut self, entry: &Entry) {
        if self.entries == 0 {
            self.first = entry.at;
        }
        self.last = entry.at;
        self.entries += 1;
        // Rows are most of a recording and say nothing here.
        if entry.body.starts_with(b"{\"event\":\"row\"") {
            return;
        }
        if let Ok(event) = entry.event() {
            self.add_event(event);
        }
    }

    fn add_event(&mut self, event: Event<'_>) {
        match event {
            Event::Opened { caller, target, database, .. } => {
                self.caller = caller.principal();
                self.target = target.into_owned();
                self.database = database.into_owned();
            }
            Event::Command { verdict, effects, .. } => {
                self.commands += 1;
                *self.verdicts.entry(verdict.into_owned()).or_default() += 1;
                let tables = effects.iter().filter(|effect| effect.object.kind == ObjectKind::Table);
                for effect in tables {
                    if self.tables.len() < MAX_TABLES {
                        self.tables.insert(effect.object.to_string());
                    } else {
                        self.more_tables = true;
                    }
                }
            }
            Event::Done { rows, masked, error, .. } => {
                self.rows += rows;
                self.masked_cells += masked;
                self.errors += u64::from(error.is_some());
            }
            Event::Closed { reason, .. } => self.closed = Some(reason.into_owned()),
            Event::Held { .. }
            | Event::Resolved { .. }
            | Event::Columns { .. }
            | Event::Row { .. }
            | Event::Truncated { .. }
            | Event::Notice { .. }
            | Event::Change { .. } => {}
        }
    }
}
