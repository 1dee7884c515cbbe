//! The two opinions in a live session: the database's follows the rules, the caller cannot turn it off, and where the
//! database refuses what the rules let pass, somebody hears of it.
//!
//! Drivers say READ WRITE at the start of a transaction without meaning anything by it. In a session that only reads it is
//! sent as READ ONLY, word for word in its place; an outright change of the setting is refused.
//!
//! Invariant: nothing here lets anything pass that the rules did not.

use super::awaited::Awaited;
use super::guarding::of_house;
use super::names::Prepared;
use super::{Copying, Serving};
use crate::opinion::{SETTING, is_for_reading};
use crate::wire::back::{self, Back};
use crate::wire::front::Named;
use crate::wire::{body, write};
use sallyport_core::{CommandNo, Effects, Epoch, Fault, Reason};
use sallyport_sql::Statement;
use std::borrow::Cow;
use std::fmt::Write;

/// read_only_sql_transaction
const READ_ONLY: &str = "25006";
/// The statement and portal with which the gateway sets it. No client can use them.
const OURS: &str = "sallyport says whether transactions may write";
/// Effects that a line of the log names.
const MOST_NAMED: usize = 20;

const REPORTED: &str = "The rules of the gateway let this pass, and the database, which was told the same, refused it: \
                        one of the two is wrong. It is in the record and in the gateway's log as a defect to report.";
const LATE: &str =
    "The rules changed after this began. End the transaction; if it is so again, connect anew.";

/// What the database was told, and what it should be told.
#[derive(Debug)]
pub(super) struct Opinion {
    /// Of the rules by which `reads_only` was asked.
    epoch: Epoch,
    /// No rule could let the caller write.
    reads_only: bool,
    /// The session was opened so: nothing that resets settings ends it.
    opened: bool,
    /// That they are read-only is the gateway's own doing.
    ours: bool,
    /// What the server says new transactions are. None: it does not say, or cannot be told.
    reported: Option<bool>,
    /// Of a standby such an error says nothing.
    standby: bool,
}

impl Opinion {
    pub fn new(gate: &mut sallyport_core::Gate, reported: &[(String, String)]) -> Self {
        let said = |wanted: &str| {
            reported.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value == "on")
        };
        let reads_only = is_for_reading(gate);
        Self {
            epoch: gate.epoch(),
            reads_only,
            opened: reads_only,
            ours: reads_only,
            reported: said(SETTING),
            standby: said("in_hot_standby").unwrap_or_default(),
        }
    }
    pub fn reads_only(&self) -> bool {
        self.reads_only
    }
}

impl Serving {
    /// An auditor can tell which sessions had the database's opinion besides.
    pub(super) fn note_opinion(&mut self) -> Result<(), Fault> {
        if !self.opinion.opened {
            return Ok(());
        }
        Ok(self
            .gate
            .note("no rule lets this caller write: its transactions are read-only in the database too")?)
    }

    /// Tells the database of rules that changed. True: what the client says next waits until the target has answered.
    pub(super) fn follow_rules(&mut self) -> Result<bool, Fault> {
        self.gate.renew()?;
        if self.opinion.epoch != self.gate.epoch() {
            self.opinion.epoch = self.gate.epoch();
            self.opinion.reads_only = is_for_reading(&mut self.gate);
        }
        // What the caller or the database's owner made read-only is not for the gateway to undo.
        let differs = match self.opinion.reported {
            Some(true) => !self.opinion.reads_only && self.opinion.ours,
            Some(false) => self.opinion.reads_only,
            None => false,
        };
        if !differs || !matches!(self.copying, Copying::None) {
            return Ok(false);
        }
        if !self.queue.is_empty() {
            return Ok(true);
        }
        // An open transaction goes on as it began.
        if self.status == b'I' && !self.unsynced {
            self.tell_database()?;
        }
        Ok(false)
    }

    /// By the extended protocol under a name of the gateway's own: the client's unnamed statement stays what it is.
    fn tell_database(&mut self) -> Result<(), Fault> {
        let reads_only = self.opinion.reads_only;
        let mode = if reads_only { "ONLY" } else { "WRITE" };
        let mut out = Vec::new();
        write::message(&mut out, b'P', |out| {
            write::text(out, OURS);
            write::text(out, &format!("SET SESSION CHARACTERISTICS AS TRANSACTION READ {mode}"));
            out.extend_from_slice(&[0, 0]);
        });
        write::message(&mut out, b'B', |out| {
            write::text(out, OURS);
            write::text(out, OURS);
            out.extend_from_slice(&[0; 6]);
        });
        write::execute(&mut out, OURS);
        for what in [Named::Portal, Named::Statement] {
            write::message(&mut out, b'C', |out| {
                out.push(what.letter());
                write::text(out, OURS);
            });
        }
        write::sync(&mut out);
        let words = if reads_only {
            "no rule lets this caller write any more: its transactions are read-only in the database from here on"
        } else {
            "a rule lets this caller write: its transactions are not read-only in the database any more"
        };
        self.gate.note(words)?;
        self.forward(&out, "opinion")?;
        self.opinion.reported = Some(reads_only);
        self.opinion.ours = reads_only;
        self.queue.push(Awaited::Opinion);
        Ok(())
    }

    /// True: it was part of the answer to what the gateway told the database.
    pub(super) fn answers_opinion(&mut self, kind: Back, message: &[u8]) -> Result<bool, Fault> {
        if !matches!(self.queue.front(), Some(Awaited::Opinion)) {
            return Ok(false);
        }
        match kind {
            Back::ParseComplete | Back::BindComplete | Back::CommandComplete | Back::CloseComplete => {}
            Back::ReadyForQuery => {
                self.queue.pop();
                self.status = back::status(body(message)).map_err(super::answers::odd)?;
            }
            // What a session that may not be told keeps is what it had.
            Back::ErrorResponse => {
                let said = self.reread(message, b'E');
                if said.fatal {
                    return Ok(false);
                }
                self.opinion.reported = None;
                let session = self.gate.grant().session();
                tracing::warn!(%session, code = said.code, "the database could not be told whether transactions may write");
            }
            Back::NoticeResponse | Back::NotificationResponse | Back::ParameterStatus => return Ok(false),
            _ => return Err(Fault::Target("did not answer the gateway as it was asked")),
        }
        Ok(true)
    }

    /// The server says that a setting has another value now.
    pub(super) fn heard_setting(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if name == "in_hot_standby" {
            self.opinion.standby = value == "on";
        }
        if name != SETTING || self.opinion.reported.is_none() {
            return Ok(());
        }
        let on = value == "on";
        let ended = self.opinion.opened && self.opinion.reads_only && self.opinion.reported == Some(true);
        self.opinion.reported = Some(on);
        if on || !ended {
            return Ok(());
        }
        // No statement that was let pass says so: something that it ran did.
        let text = "a disagreement to report: something that the rules let pass made transactions writable";
        let session = self.gate.grant().session().clone();
        tracing::error!(%session, "what the rules let pass made the transactions of a read-only session writable: \
                                   they are made read-only again; please report what it called");
        Ok(self.gate.note(text)?)
    }

    /// Why a statement may not run in a session whose transactions are read-only, if so.
    pub(super) fn ends_reading(&self, statement: &Statement) -> Option<Reason> {
        let words = "No rule lets you write here, so this session's transactions are read-only in the database as well, \
                     and that cannot be changed from within. Leave the setting alone; reading needs no change of it.";
        (self.opinion.reads_only && statement.modes.lifts)
            .then(|| of_house("read-only-session", words.into()))
    }

    /// Why a statement that was prepared as it stands, when a rule still let the caller write, may not run again.
    pub(super) fn writes_again(&self, prepared: &Prepared) -> Option<Reason> {
        let words =
            "It begins a transaction that may write, and no rule lets you write any more. Prepare it again.";
        (self.opinion.reads_only && prepared.writable).then(|| of_house("read-only-session", words.into()))
    }

    /// The message with READ ONLY wherever it asks for a transaction that may write. `text_at` is where its text begins.
    pub(super) fn without_write<'m>(
        &self,
        message: &'m [u8],
        text_at: usize,
        writes_at: impl Iterator<Item = usize>,
    ) -> Cow<'m, [u8]> {
        let mut message = Cow::Borrowed(message);
        if !self.opinion.reads_only {
            return message;
        }
        for at in writes_at {
            let start = text_at.saturating_add(at);
            if let Some(word) = message.to_mut().get_mut(start..start.saturating_add(5)) {
                word.copy_from_slice(b"ONLY ");
            }
        }
        message
    }

    /// The database refused a command. Where that contradicts the rules it is recorded and logged; what the caller gets
    /// to read about it comes back.
    pub(super) fn disagreement(&mut self, code: &str) -> Result<Option<&'static str>, Fault> {
        if code != READ_ONLY || !(self.opinion.opened || self.opinion.ours) || self.opinion.standby {
            return Ok(None);
        }
        self.gate.renew()?;
        if self.opinion.epoch != self.gate.epoch() || !self.opinion.reads_only {
            return Ok(Some(LATE));
        }
        let (no, effects) = self.refused_command();
        let believed = named(&effects);
        let number = no.map_or_else(|| "what it had let pass".to_owned(), |no| format!("command {}", no.0));
        let session = self.gate.grant().session().clone();
        tracing::error!(
            %session, command = no.map(|no| no.0), code, effects = believed,
            "the rules let pass what the database, told the same, refused: please report it with the statement"
        );
        let believed = if believed.is_empty() { "nothing" } else { &believed };
        self.gate.note(&format!(
            "a disagreement to report: the database refused {number} ({code}), which the rules let pass as: {believed}"
        ))?;
        Ok(Some(REPORTED))
    }

    /// The command whose answer is awaited now, and what it was believed to do.
    fn refused_command(&mut self) -> (Option<CommandNo>, Effects) {
        let none = || Effects::new(Vec::new());
        let (no, prepared) = match self.queue.front() {
            Some(Awaited::Query(query)) => {
                let at = usize::try_from(query.at).unwrap_or(usize::MAX);
                let own = query.reading.effects(at).cloned().unwrap_or_else(none);
                let named = query.named().map(|prepared| prepared.meaning.effects(&self.snapshot));
                return (Some(query.no()), crate::reading::by_name(&own, named));
            }
            Some(Awaited::Execute { no, prepared, .. }) => (*no, Some(prepared.clone())),
            Some(Awaited::Bind { no, name, .. }) => {
                let (no, name) = (*no, name.clone());
                (no, self.names.portal(&name).map(|portal| portal.prepared.clone()))
            }
            Some(Awaited::Parse { no, name, .. }) => (*no, self.names.statement(name).cloned()),
            _ => return (None, none()),
        };
        (Some(no), prepared.map_or_else(none, |prepared| prepared.effects.clone()))
    }
}

/// What effects name, and no value of any statement.
fn named(effects: &Effects) -> String {
    let mut text = String::new();
    for (at, effect) in effects.list().iter().take(MOST_NAMED).enumerate() {
        _ = write!(text, "{}{effect}", if at == 0 { "" } else { ", " });
    }
    let left = effects.list().len().saturating_sub(MOST_NAMED);
    if left > 0 {
        _ = write!(text, " and {left} more");
    }
    text
}

/// An error of the target with something more to say about what to do.
pub(super) fn with_hint(error: &[u8], hint: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(error.len() + hint.len());
    let own = back::texts(body(error)).find(|(letter, _)| *letter == b'H').map(|(_, text)| text);
    write::message(&mut out, b'E', |out| {
        for (letter, text) in back::texts(body(error)).filter(|(letter, _)| *letter != b'H') {
            out.push(letter);
            out.extend_from_slice(text);
            out.push(0);
        }
        out.push(b'H');
        if let Some(own) = own {
            out.extend_from_slice(own);
            out.push(b' ');
        }
        write::text(out, hint);
        out.push(0);
    });
    out
}
