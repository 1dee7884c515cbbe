//! What a session came to, in a few lines of JSON beside its recording, so that lists and searches need not read it.
//! Derived from the recording at any time; not evidence.

use crate::frame::Entry;
use sallyport_core::journal::Event;
use sallyport_core::{Effect, Moment, ObjectKind, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// More tables than this are only counted.
const MAX_TABLES: usize = 256;
/// How much of what was said is kept for searches; each text once.
const MAX_SAID_BYTES: usize = 64 * 1024;

const COMMAND: &[u8] = b"{\"event\":\"command\"";
const DONE: &[u8] = b"{\"event\":\"done\"";
/// What says nothing here and is most of a recording.
const SILENT: [&[u8]; 2] = [b"{\"event\":\"row\"", b"{\"event\":\"columns\""];

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
    /// The hash of the last entry. Empty in summaries of before it was kept.
    #[serde(default)]
    pub head: String,
    /// The texts of the commands, each once, one after the other.
    #[serde(default)]
    pub said: String,
}

/// What is read of a command's entry. Its effects are looked into only where they differ from the ones before.
#[derive(Deserialize)]
struct CommandGlance<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    verdict: Cow<'a, str>,
    #[serde(borrow, default)]
    effects: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct DoneGlance {
    rows: u64,
    #[serde(default)]
    masked: u64,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

/// Makes a summary of a recording, entry by entry.
pub(crate) struct Summing {
    summary: Summary,
    head: crate::frame::Hash,
    effects: String,
    texts: HashSet<String>,
    last_text: String,
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
            head: String::new(),
            said: String::new(),
        }
    }

    /// Tells one that holds everything from one that an older gateway wrote.
    pub fn is_whole(&self) -> bool {
        !self.head.is_empty()
    }
}

impl Summing {
    pub(crate) fn new(session: SessionId) -> Self {
        let head = crate::frame::genesis(&session);
        Self {
            summary: Summary::new(session),
            head,
            effects: String::new(),
            texts: HashSet::new(),
            last_text: String::new(),
        }
    }

    pub(crate) fn add(&mut self, entry: &Entry) {
        if self.summary.entries == 0 {
            self.summary.first = entry.at;
        }
        self.summary.last = entry.at;
        self.summary.entries += 1;
        self.head = entry.hash;
        if SILENT.iter().any(|kind| entry.body.starts_with(kind)) {
            return;
        }
        if entry.body.starts_with(COMMAND)
            && let Ok(glance) = serde_json::from_slice::<CommandGlance<'_>>(&entry.body)
        {
            self.add_command(&glance);
        } else if entry.body.starts_with(DONE)
            && let Ok(glance) = serde_json::from_slice::<DoneGlance>(&entry.body)
        {
            self.summary.rows += glance.rows;
            self.summary.masked_cells += glance.masked;
            self.summary.errors += u64::from(glance.error.is_some());
        } else if let Ok(event) = entry.event() {
            self.add_event(event);
        }
    }

    pub(crate) fn finish(mut self) -> Summary {
        self.summary.head = self.head.to_string();
        self.summary
    }

    fn add_command(&mut self, glance: &CommandGlance<'_>) {
        self.summary.commands += 1;
        match self.summary.verdicts.get_mut(glance.verdict.as_ref()) {
            Some(count) => *count += 1,
            None => _ = self.summary.verdicts.insert(glance.verdict.as_ref().to_owned(), 1),
        }
        self.say(&glance.text);
        let effects = glance.effects.map_or("[]", RawValue::get);
        if effects != self.effects {
            effects.clone_into(&mut self.effects);
            let effects: Vec<Effect> = serde_json::from_str(effects).unwrap_or_default();
            self.touch(&effects);
        }
    }

    fn say(&mut self, text: &str) {
        let said = &mut self.summary.said;
        if text == self.last_text || said.len() + text.len() >= MAX_SAID_BYTES || self.texts.contains(text) {
            return;
        }
        said.push_str(text);
        said.push('\n');
        self.texts.insert(text.to_owned());
        text.clone_into(&mut self.last_text);
    }

    fn touch(&mut self, effects: &[Effect]) {
        for effect in effects.iter().filter(|effect| effect.object.kind == ObjectKind::Table) {
            if self.summary.tables.len() < MAX_TABLES {
                self.summary.tables.insert(effect.object.to_string());
            } else {
                self.summary.more_tables = true;
            }
        }
    }

    fn add_event(&mut self, event: Event<'_>) {
        match event {
            Event::Opened { caller, target, database, .. } => {
                self.summary.caller = caller.principal();
                self.summary.target = target.into_owned();
                self.summary.database = database.into_owned();
            }
            Event::Closed { reason, .. } => self.summary.closed = Some(reason.into_owned()),
            Event::Command { .. }
            | Event::Done { .. }
            | Event::Held { .. }
            | Event::Resolved { .. }
            | Event::Columns { .. }
            | Event::Row { .. }
            | Event::Truncated { .. }
            | Event::Notice { .. }
            | Event::Change { .. } => {}
        }
    }
}
