//! The gate: the only thing that turns an event back into bytes that may cross. One per session, no lock.
//!
//! Invariants, each of which a test holds:
//! - a [`Cleared`] is made here and nowhere else;
//! - a command's entry is appended before its `Cleared` exists, and in the file before a [`Settled`] exists, without
//!   which `relay` does not write to a target;
//! - an append error poisons the gate: from then on everything is denied;
//! - every ask looks at the epoch of the rules and at the end of the grant.

mod answer;
mod ask;
mod cleared;
mod looks;

pub use cleared::{Cleared, Ruling, Settled};

use crate::access::Grant;
use crate::approvals::Approvals;
use crate::command::CommandKind;
use crate::fault::{Denial, Fault};
use crate::ids::{CommandNo, Epoch, RuleId};
use crate::journal::{Event, Flush, Journal, JournalFault};
use crate::judge::{Judge, Sensitive, Sight};
use crate::mask::detect::{Class, Classes};
use crate::mask::forms::{Form, MaskKey};
use crate::mask::masker::Masker;
use crate::mask::token::Tokens;
use crate::time::{Clock, Moment};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

/// Commands whose outcome is not known yet. More than this many in one pipeline is a client's fault.
pub const MAX_IN_FLIGHT: usize = 65_536;

/// What a gate is built from.
pub struct Opening {
    pub grant: Grant,
    pub judge: Box<dyn Judge>,
    pub journal: Box<dyn Journal>,
    pub approvals: Arc<dyn Approvals>,
    pub clock: Arc<dyn Clock>,
    pub mask_key: MaskKey,
    pub peer: Option<String>,
    pub client: Option<String>,
}

pub struct Gate {
    grant: Grant,
    judge: Box<dyn Judge>,
    journal: Box<dyn Journal>,
    approvals: Arc<dyn Approvals>,
    clock: Arc<dyn Clock>,
    masker: Masker,
    epoch: Epoch,
    classes: Arc<[(Classes, Form, RuleId)]>,
    wanted: Classes,
    last_no: u64,
    /// The columns of the newest entry of their kind: the same again are not written again.
    columns: Option<Vec<(String, Option<RuleId>)>>,
    in_flight: VecDeque<InFlight>,
    /// Entries appended so far, and how many of them are in the file.
    appended: u64,
    settled: u64,
    poisoned: bool,
    bytes_in: u64,
    bytes_out: u64,
    rebuilt: Vec<u8>,
    rebuilt_cells: Vec<crate::event::Cell>,
    closed: bool,
}

/// A command that was cleared and whose outcome has not come yet.
#[derive(Debug)]
struct InFlight {
    no: CommandNo,
    kind: CommandKind,
    started: Moment,
    rows: u64,
    bytes_in: u64,
    bytes_out: u64,
    kept_bytes: u64,
    masked: u64,
    truncated: bool,
    max_rows: u64,
    max_bytes: u64,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("session", self.grant.session())
            .field("commands", &self.last_no)
            .finish()
    }
}

impl Gate {
    /// Writes the first entry. A session that cannot be recorded does not begin.
    pub fn open(opening: Opening) -> Result<Gate, Fault> {
        let Opening { grant, judge, journal, approvals, clock, mask_key, peer, client } = opening;
        let mut gate = Gate {
            epoch: judge.epoch(),
            masker: Masker::new(mask_key.clone(), Tokens::of(&mask_key, &grant)),
            grant,
            judge,
            journal,
            approvals,
            clock,
            classes: Arc::new([]),
            wanted: Classes::NONE,
            last_no: 0,
            columns: None,
            in_flight: VecDeque::new(),
            appended: 0,
            settled: 0,
            poisoned: false,
            bytes_in: 0,
            bytes_out: 0,
            rebuilt: Vec::new(),
            rebuilt_cells: Vec::new(),
            closed: false,
        };
        let now = gate.clock.now();
        gate.look_at_classes(now);
        let target = Arc::clone(gate.grant.target());
        let opened = Event::Opened {
            session: gate.grant.session().clone(),
            caller: gate.grant.caller().as_ref().clone(),
            target: Cow::Borrowed(target.name.as_str()),
            protocol: Cow::Borrowed(&target.protocol),
            account: Cow::Borrowed(&target.account),
            database: Cow::Owned(gate.grant.database().to_owned()),
            peer: peer.map(Cow::Owned),
            client: client.map(Cow::Owned),
            rules: gate.grant.rules().to_vec(),
            epoch: gate.epoch.0,
        };
        gate.append(now, &opened).map_err(|fault| Fault::ours("the session cannot be recorded", fault))?;
        match gate.journal.flush() {
            Ok(_) => gate.settled = gate.appended,
            Err(fault) => return Err(Fault::ours("the session cannot be recorded", fault)),
        }
        Ok(gate)
    }

    pub fn grant(&self) -> &Grant {
        &self.grant
    }
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Entries are appended and the session is not over: asked before anything is cleared, with the time.
    fn stand(&mut self, now: Moment) -> Result<(), Denial> {
        if self.poisoned {
            return Err(not_recorded());
        }
        if now >= self.grant.until() {
            let text = "The token behind this session has expired. Get a new one and connect again.";
            return Err(Denial::of_house("token-expired", text).fatal());
        }
        let epoch = self.judge.epoch();
        if epoch != self.epoch {
            self.judge.connect(now).map_err(|reason| Denial::new(reason).fatal())?;
            self.epoch = epoch;
            self.look_at_classes(now);
        }
        Ok(())
    }

    /// Which kinds of values this caller may not see, asked once for each edition of the rules.
    fn look_at_classes(&mut self, now: Moment) {
        let mut classes: Vec<(Classes, Form, RuleId)> = Vec::new();
        self.wanted = Classes::NONE;
        for class in Class::ALL {
            if let Sight::Masked { form, rule } = self.judge.see(now, &Sensitive::Class(class.as_str())) {
                self.wanted = self.wanted.with(*class);
                classes.push((Classes::of(*class), form, rule));
            }
        }
        self.classes = classes.into();
    }

    fn append(&mut self, at: Moment, event: &Event<'_>) -> Result<(), JournalFault> {
        if self.poisoned {
            return Err(JournalFault::Poisoned);
        }
        match self.journal.append(at, event) {
            Ok(_) => {
                self.appended += 1;
                Ok(())
            }
            Err(fault) => {
                self.poisoned = true;
                Err(fault)
            }
        }
    }

    /// Something worth an auditor's eye that is no command.
    pub fn note(&mut self, text: &str) -> Result<(), Denial> {
        let now = self.clock.now();
        self.append(now, &Event::Notice { text: Cow::Borrowed(text) }).map_err(|_| not_recorded())
    }

    /// Puts every entry so far into the file. What it returns lets `relay` write what was cleared until now.
    pub async fn settle(&mut self) -> Result<Settled, Fault> {
        if self.settled < self.appended {
            let flush = self.journal.flush().inspect_err(|_| self.poisoned = true);
            let flush = flush.map_err(|fault| Fault::ours("the session cannot be recorded", fault))?;
            if let Flush::Wait(disk) = flush {
                let wait = disk.await.inspect_err(|_| self.poisoned = true);
                wait.map_err(|fault| Fault::ours("the session cannot be recorded", fault))?;
            }
            self.settled = self.appended;
        }
        Ok(Settled::new(self.settled))
    }

    /// Writes what was appended and gives memory back. Called when the session falls idle.
    pub fn rest(&mut self) -> Result<(), Fault> {
        self.masker.shrink();
        self.judge.rest();
        self.columns = None;
        self.rebuilt = Vec::new();
        self.rebuilt_cells = Vec::new();
        self.in_flight.shrink_to(4);
        if self.settled < self.appended && !self.poisoned {
            match self.journal.flush() {
                // A strict target is waited for before its next command is forwarded; here nothing waits to cross.
                Ok(Flush::Wait(_)) => {}
                Ok(Flush::Done) => self.settled = self.appended,
                Err(fault) => {
                    self.poisoned = true;
                    return Err(Fault::ours("the session cannot be recorded", fault));
                }
            }
        }
        Ok(())
    }

    /// The last entry. Dropping an open gate closes it as well, with a reason that says so.
    pub fn close(mut self, reason: &str) -> Result<(), Fault> {
        self.finish(reason).map_err(|fault| Fault::ours("the recording cannot be closed", fault))
    }

    fn finish(&mut self, reason: &str) -> Result<(), JournalFault> {
        if self.closed {
            return Ok(());
        }
        self.closed = true;
        let now = self.clock.now();
        let (commands, bytes_in, bytes_out) = (self.last_no, self.bytes_in, self.bytes_out);
        self.append(now, &Event::Closed { reason: Cow::Borrowed(reason), commands, bytes_in, bytes_out })?;
        self.journal.close(now, reason)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // An error here has poisoned the recording already; there is no traffic left to stop.
        _ = self.finish("the session was dropped");
    }
}

fn not_recorded() -> Denial {
    let text = "This session cannot be recorded any more, so nothing runs in it. Connect again; if that fails, tell \
                whoever runs the gateway that its disk refuses writes.";
    Denial::of_house("not-recorded", text).fatal()
}
