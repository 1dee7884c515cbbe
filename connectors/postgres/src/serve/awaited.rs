//! What the target will answer, in order: one entry for each message that was forwarded.

use super::context::ContextAnswers;
use super::names::{Portal, Prepared};
use crate::reading::Reading;
use sallyport_core::{CommandNo, Plan};
use std::collections::VecDeque;
use std::sync::Arc;

/// More than this many answers outstanding is a client's fault.
pub const MOST: usize = 65_536;

#[derive(Debug)]
pub enum Awaited {
    /// A simple query: everything up to ReadyForQuery.
    Query(Box<QueryAnswers>),
    Parse {
        no: CommandNo,
        name: String,
        before: Option<Arc<Prepared>>,
    },
    Bind {
        no: CommandNo,
        name: String,
        before: Option<Portal>,
    },
    /// ParameterDescription, then RowDescription or NoData. `own`: so many parameters are the client's, others the
    /// gateway's.
    DescribeStatement {
        own: Option<usize>,
    },
    /// RowDescription or NoData. Hidden: the gateway asked, not the client.
    DescribePortal {
        portal: u64,
        no: Option<CommandNo>,
        prepared: Arc<Prepared>,
        hidden: bool,
    },
    Execute {
        no: CommandNo,
        portal: u64,
        prepared: Arc<Prepared>,
    },
    CloseStatement {
        name: String,
        before: Option<Arc<Prepared>>,
    },
    ClosePortal {
        name: String,
        before: Option<Portal>,
    },
    /// The gateway's own question about a command that is held. None of the answer is the client's.
    Context(Box<ContextAnswers>),
    /// What the gateway told the database of who may write. None of the answer is the client's.
    Opinion,
    /// An error of the target, in whose place the client gets these bytes.
    Refused(Box<[u8]>),
    /// ReadyForQuery; portals up to this one end with the transaction.
    Sync {
        last_portal: u64,
    },
}

#[derive(Debug)]
pub struct QueryAnswers {
    pub reading: Arc<Reading>,
    /// The message's text; statements read their names from it when they are done.
    pub text: Arc<str>,
    /// The statements' numbers follow each other.
    pub first: CommandNo,
    pub count: u64,
    pub at: u64,
    pub failed: bool,
    pub plan: Option<Arc<Plan>>,
    /// For each statement that runs by name: what the name stood for when it was judged. In their order.
    pub named: Vec<(u64, Arc<Prepared>)>,
    pub last_portal: u64,
    /// It was sent by the extended protocol, of which the client hears nothing.
    pub bound: bool,
}

impl QueryAnswers {
    pub fn no(&self) -> CommandNo {
        CommandNo(self.first.0 + self.at.min(self.count.saturating_sub(1)))
    }
    pub fn named(&self) -> Option<&Arc<Prepared>> {
        named_at(&self.named, self.at)
    }
}

/// A message may hold a hundred thousand of them: looked up, not searched for.
pub fn named_at(named: &[(u64, Arc<Prepared>)], at: u64) -> Option<&Arc<Prepared>> {
    let place = named.binary_search_by_key(&at, |(statement, _)| *statement).ok()?;
    named.get(place).map(|(_, prepared)| prepared)
}

#[derive(Debug, Default)]
pub struct Queue {
    entries: VecDeque<Awaited>,
    /// Entries whose outcome decides what names mean.
    pub naming: usize,
}

impl Queue {
    pub fn push(&mut self, entry: Awaited) {
        if is_naming(&entry) {
            self.naming += 1;
        }
        self.entries.push_back(entry);
    }
    pub fn pop(&mut self) -> Option<Awaited> {
        let entry = self.entries.pop_front()?;
        if is_naming(&entry) {
            self.naming -= 1;
        }
        Some(entry)
    }
    pub fn front(&self) -> Option<&Awaited> {
        self.entries.front()
    }
    pub fn front_mut(&mut self) -> Option<&mut Awaited> {
        self.entries.front_mut()
    }
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    pub fn is_full(&self) -> bool {
        self.entries.len() >= MOST
    }
    /// Takes everything up to the next Sync, which stays. True: there is one.
    pub fn take_until_sync(&mut self, taken: &mut Vec<Awaited>) -> bool {
        while let Some(front) = self.entries.front() {
            if matches!(front, Awaited::Sync { .. }) {
                return true;
            }
            taken.extend(self.pop());
        }
        false
    }
    /// Drops the Syncs that a target ignores because it waits for COPY data. False: something else stands there.
    pub fn drop_ignored_syncs(&mut self) -> bool {
        let all_syncs = self.entries.iter().skip(1).all(|entry| matches!(entry, Awaited::Sync { .. }));
        if all_syncs {
            self.entries.truncate(1);
        }
        all_syncs
    }
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Awaited> {
        self.entries.iter_mut()
    }
    pub fn rest(&mut self) {
        self.entries.shrink_to(4);
    }
}

fn is_naming(entry: &Awaited) -> bool {
    match entry {
        Awaited::Query(query) => query.reading.names,
        Awaited::Execute { prepared, .. } => prepared.meaning.is_of_names(),
        Awaited::Parse { .. }
        | Awaited::Bind { .. }
        | Awaited::DescribeStatement { .. }
        | Awaited::DescribePortal { .. }
        | Awaited::CloseStatement { .. }
        | Awaited::ClosePortal { .. }
        | Awaited::Context(_)
        | Awaited::Refused(_)
        | Awaited::Opinion
        | Awaited::Sync { .. } => false,
    }
}
