//! Prepared statements and portals by name, as the target will have them once it has read all that was forwarded.
//!
//! The protocol's names and those of PREPARE and DECLARE are the same names. Changes are made when a message is
//! forwarded and undone when the target answers with an error, so that a pipeline is judged in its own order.
//! Invariants: a name that is not here is unknown, and unknown is denied; two names here are two at the target.

use crate::reading::Meaning;
use sallyport_core::{CommandNo, Effects, Epoch};
use std::collections::HashMap;
use std::sync::Arc;

/// How many of each a session may have.
pub const MOST: usize = 10_000;
/// All their texts together. The target keeps them too, but a gateway keeps those of every session.
pub const MOST_BYTES: usize = 32 * 1024 * 1024;
/// As much of a name as PostgreSQL keeps. It takes two that begin with the same so many bytes for one, so that a longer
/// name cannot be in this book.
pub const LONGEST: usize = 63;

#[derive(Clone, Debug)]
pub struct Prepared {
    pub text: Arc<str>,
    pub meaning: Meaning,
    pub effects: Effects,
    /// The snapshot of the catalog under which the effects were resolved.
    pub version: u64,
    /// Where the text has tokens for which the target was given parameters.
    pub lifts: Arc<[usize]>,
    /// The client's own parameters, where there are such.
    pub own: usize,
    /// It was sent with the READ WRITE that its text has.
    pub writable: bool,
}

#[derive(Clone, Debug)]
pub struct Portal {
    /// Tells it from later portals of the same name.
    pub id: u64,
    pub prepared: Arc<Prepared>,
    /// The command that its Bind was judged as. A cursor of SQL has none.
    pub no: Option<CommandNo>,
    pub epoch: Epoch,
    /// A description of its rows was asked for.
    pub described: bool,
    /// It was run, or begun.
    pub began: bool,
    /// Executions on their way: the answer to the last of them is the command's outcome, whatever becomes of the name.
    pub running: u32,
    /// Made by DECLARE: may outlive its transaction.
    pub cursor: bool,
}

impl Portal {
    /// The command that ends with the portal, and how it is put down. An execution on its way ends it by itself.
    pub fn ends(&self) -> Option<(CommandNo, &'static str)> {
        let tag = if self.began { "not read to its end" } else { "not executed" };
        self.no.filter(|_| self.running == 0).map(|no| (no, tag))
    }
}

#[derive(Debug, Default)]
pub struct Names {
    statements: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Portal>,
    last_portal: u64,
    /// Of all texts that statements and portals hold.
    bytes: usize,
}

impl Names {
    pub fn statement(&self, name: &str) -> Option<&Arc<Prepared>> {
        self.statements.get(name)
    }
    /// What was there before is what an undo puts back.
    pub fn set_statement(&mut self, name: &str, new: Option<Arc<Prepared>>) -> Option<Arc<Prepared>> {
        self.bytes += new.as_ref().map_or(0, |new| new.text.len());
        let before = match (new, self.statements.get_mut(name)) {
            (Some(new), Some(place)) => Some(std::mem::replace(place, new)),
            (Some(new), None) => self.statements.insert(name.to_owned(), new),
            (None, _) => self.statements.remove(name),
        };
        self.bytes -= before.as_ref().map_or(0, |before| before.text.len());
        before
    }
    pub fn portal(&mut self, name: &str) -> Option<&mut Portal> {
        self.portals.get_mut(name)
    }
    pub fn set_portal(&mut self, name: &str, new: Option<Portal>) -> Option<Portal> {
        self.bytes += new.as_ref().map_or(0, |new| new.prepared.text.len());
        let before = match (new, self.portals.get_mut(name)) {
            (Some(new), Some(place)) => Some(std::mem::replace(place, new)),
            (Some(new), None) => self.portals.insert(name.to_owned(), new),
            (None, _) => self.portals.remove(name),
        };
        self.bytes -= before.as_ref().map_or(0, |before| before.prepared.text.len());
        before
    }
    pub fn next_portal(&mut self) -> u64 {
        self.last_portal += 1;
        self.last_portal
    }
    pub fn last_portal(&self) -> u64 {
        self.last_portal
    }
    /// A transaction ended: portals of the protocol up to `last` are gone. Returns what that was the end of.
    pub fn end_portals(&mut self, last: u64, ended: &mut Vec<(CommandNo, &'static str)>) {
        let bytes = &mut self.bytes;
        self.portals.retain(|_, portal| {
            let stays = portal.cursor || portal.id > last;
            if !stays {
                ended.extend(portal.ends());
                *bytes -= portal.prepared.text.len();
            }
            // A description lasts as long as the transaction it was given in.
            portal.described &= portal.id > last;
            stays
        });
    }
    /// An execution of this portal gave some rows, and it may go on. False: the portal is gone, or was judged anew.
    pub fn suspend(&mut self, id: u64, no: CommandNo) -> bool {
        let Some(portal) = self.portals.values_mut().find(|portal| portal.id == id) else { return false };
        portal.running = portal.running.saturating_sub(1);
        portal.no == Some(no)
    }
    pub fn close_cursors(&mut self) {
        let bytes = &mut self.bytes;
        self.portals.retain(|_, portal| {
            if portal.cursor {
                *bytes -= portal.prepared.text.len();
            }
            !portal.cursor
        });
    }
    pub fn forget_statements(&mut self) {
        self.bytes -= self.statements.values().map(|one| one.text.len()).sum::<usize>();
        self.statements.clear();
    }
    pub fn is_full(&self) -> bool {
        self.statements.len() >= MOST || self.portals.len() >= MOST || self.bytes >= MOST_BYTES
    }
}
