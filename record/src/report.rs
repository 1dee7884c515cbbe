//! What checking the evidence came to: for a person by `Display`, for a program by serde.

use crate::frame::Hash;
use crate::read::ReadFault;
use sallyport_core::SessionId;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;

/// What sort of damage it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The file cannot be read, or is no recording.
    Unreadable,
    Changed,
    Missing,
    Reordered,
    /// The file holds another session than its name or its header says.
    Swapped,
    /// Entries that the log knows of, or the closing one, are gone from the end.
    Truncated,
    /// The log knows another head.
    HeadDiffers,
    NotInLog,
    /// The log knows a session whose recording is gone.
    Absent,
    /// Two recordings of one session.
    Repeated,
    /// A signature on a checkpoint is wrong or not of the key.
    Signature,
    /// Two signed checkpoints do not belong to one history.
    Fork,
    /// The log has fewer leaves than were signed, or others.
    LogChanged,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The first bad entry of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    pub says: String,
}

impl Finding {
    pub(crate) fn of_log(kind: Kind, says: impl Into<String>) -> Self {
        Self { kind, session: None, entry: None, says: says.into() }
    }
    pub(crate) fn of(kind: Kind, session: &SessionId, entry: Option<u64>, says: impl Into<String>) -> Self {
        Self { kind, session: Some(session.clone()), entry, says: says.into() }
    }
    pub(crate) fn of_read(session: &SessionId, fault: &ReadFault) -> Self {
        let kind = match fault {
            ReadFault::Io(_) | ReadFault::NotARecording | ReadFault::Version(_) => Kind::Unreadable,
            ReadFault::Header
            | ReadFault::Changed { .. }
            | ReadFault::Broken { .. }
            | ReadFault::TooLarge { .. }
            | ReadFault::Block { .. }
            | ReadFault::AfterClose { .. } => Kind::Changed,
            ReadFault::Missing { .. } => Kind::Missing,
            ReadFault::Reordered { .. } => Kind::Reordered,
            ReadFault::Swapped => Kind::Swapped,
            ReadFault::Torn { .. } | ReadFault::CutOff { .. } => Kind::Truncated,
        };
        Self::of(kind, session, fault.entry(), fault.to_string())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Closed,
    /// Not closed: its session lives, or its gateway died.
    Open,
    /// Not closed, and the last entry is unfinished. A dying gateway leaves that; the entries before it are whole.
    Torn,
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionReport {
    pub session: SessionId,
    pub path: PathBuf,
    pub state: State,
    /// Whole entries that follow each other, from the first.
    pub entries: u64,
    #[serde(serialize_with = "as_text")]
    pub head: Hash,
    pub in_log: bool,
}

fn as_text<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

/// Everything that was looked at and everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub sessions: Vec<SessionReport>,
    pub findings: Vec<Finding>,
    pub leaves: u64,
    pub checkpoints: u64,
    /// How often the log was handed over from one key to the next.
    pub handovers: u64,
    /// Leaves behind the last checkpoint. They prove nothing, and the next start cuts them off.
    pub unsigned_leaves: u64,
    /// There was a log to check against.
    pub with_log: bool,
    /// The key lay beside the recordings: whoever can change those can change it as well.
    pub key_from_folder: bool,
}

impl Report {
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }
    pub fn entries(&self) -> u64 {
        self.sessions.iter().map(|session| session.entries).sum()
    }
    fn count(&self, state: State) -> usize {
        self.sessions.iter().filter(|session| session.state == state).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            match (&finding.session, finding.entry) {
                (Some(session), Some(entry)) => {
                    writeln!(f, "BAD  session {session}, entry {entry}: {}", finding.says)?;
                }
                (Some(session), None) => writeln!(f, "BAD  session {session}: {}", finding.says)?,
                (None, _) => writeln!(f, "BAD  log: {}", finding.says)?,
            }
        }
        for session in self.sessions.iter().filter(|session| session.state == State::Torn) {
            let (name, entries) = (&session.session, session.entries);
            writeln!(f, "torn session {name}: whole up to {entries} entries, the next is unfinished")?;
        }
        for session in self.sessions.iter().filter(|session| self.with_log && !session.in_log) {
            let name = &session.session;
            writeln!(
                f,
                "unsigned session {name}: the log does not speak of it; the next start closes and logs it"
            )?;
        }
        writeln!(
            f,
            "{} recordings ({} closed, {} open, {} torn, {} damaged), {} whole entries",
            self.sessions.len(),
            self.count(State::Closed),
            self.count(State::Open),
            self.count(State::Torn),
            self.count(State::Damaged),
            self.entries()
        )?;
        if self.with_log {
            writeln!(f, "log: {} leaves under {} signed checkpoints", self.leaves, self.checkpoints)?;
            if self.handovers > 0 {
                let keys = self.handovers.saturating_add(1);
                writeln!(f, "{keys} keys signed it, each named by the one before and by itself")?;
            }
        } else {
            writeln!(f, "no log of sessions was beside it: only the chain itself was checked")?;
        }
        if self.key_from_folder {
            writeln!(f, "the public key was taken from the same folder; give one that you kept elsewhere")?;
        }
        f.write_str(if self.is_intact() { "intact" } else { "NOT INTACT" })
    }
}
