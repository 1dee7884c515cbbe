//! What a gateway that died left behind: each unclosed recording is read to its last whole entry, closed with an entry
//! that says so, sealed and logged. What is damaged is left exactly as it is, for a person to look at.

use crate::clerk::Job;
use crate::fault::RecordFault;
use crate::frame;
use crate::live::{Live, Tip, lock};
use crate::log::{Leaf, LogFiles, lines};
use crate::read::{Outline, ReadFault, read};
use crate::recorder::Recorder;
use crate::shelf::Shelf;
use crate::tail::{self, Tail};
use sallyport_core::SessionId;
use sallyport_core::journal::Event;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DIED: &str = "the gateway died";
/// Whoever can write to the folder could have put such a file there: its last entry says so for ever.
const DIED_UNLOGGED: &str = "the gateway died before the log knew of this session";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Closed and sealed. `torn_bytes` of an unfinished entry were cut and kept aside.
    Closed { entries: u64, torn_bytes: u64 },
    /// Left as it is.
    Damaged { problem: String },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub sessions: Vec<(SessionId, Recovered)>,
}

impl Recorder {
    /// Call it once, before the first session begins. Returns when everything recovered is sealed and logged.
    pub fn recover(&self) -> Result<Recovery, RecordFault> {
        let mut recovery = Recovery::default();
        let names = self.shelf.names().map_err(RecordFault::io("list", self.shelf.root()))?;
        let logged = logged_entries(&self.log_files())?;
        for name in names {
            let Some(session) = name.rsplit('/').next().and_then(|file| file.strip_suffix(".live")) else {
                continue;
            };
            let session = SessionId::new(session);
            if lock(&self.desk.clerk.lives).contains_key(&session) {
                continue;
            }
            let path = self.shelf.path(&name);
            let known = logged.get(&session).copied();
            let recovered = match self.close_dead(&session, &path, known) {
                Ok(recovered) => recovered,
                Err(RecordFault::Read(fault)) => Recovered::Damaged { problem: fault.to_string() },
                Err(fault) => return Err(fault),
            };
            if let Recovered::Damaged { problem } = &recovered {
                tracing::error!(%session, %problem, "a recording of the last run is damaged and stays as it is");
            }
            recovery.sessions.push((session, recovered));
        }
        self.caught_up()?;
        Ok(recovery)
    }

    fn close_dead(
        &self,
        session: &SessionId,
        path: &Path,
        logged: Option<u64>,
    ) -> Result<Recovered, RecordFault> {
        let (outline, torn_bytes) = match read_to_tear(path, session)? {
            Some(read) => read,
            // Not even its header is whole: nothing was ever recorded in it.
            None => return set_aside(path).map(|torn_bytes| Recovered::Closed { entries: 0, torn_bytes }),
        };
        if outline.session != *session {
            return Err(ReadFault::Swapped.into());
        }
        if let Some(logged) = logged.filter(|logged| *logged > outline.entries) {
            let problem = format!("the log knows of {logged} entries and {} are there", outline.entries);
            return Ok(Recovered::Damaged { problem });
        }
        if torn_bytes > 0 {
            cut_tail(path, torn_bytes)?;
        }
        let file = OpenOptions::new().append(true).open(path).map_err(RecordFault::io("open", path))?;
        let mut tip = Tip { entries: outline.entries, head: outline.head };
        let live = Arc::new(Live::new(session.clone(), path.to_owned(), file, tip));
        let now = self.desk.clock.now();
        if !outline.closed {
            let reason = Cow::Borrowed(if logged.is_some() { DIED } else { DIED_UNLOGGED });
            let event = Event::Closed { reason, commands: 0, bytes_in: 0, bytes_out: 0 };
            let mut entry = Vec::new();
            let start = frame::begin(&mut entry, tip.entries, now, &tip.head);
            let written = serde_json::to_writer(&mut entry, &event).map_err(io::Error::from);
            written.map_err(RecordFault::io("close", path))?;
            if let Some(head) = frame::finish(&mut entry, start) {
                tip = Tip { entries: tip.entries + 1, head };
            }
            live.write(&entry, tip).map_err(RecordFault::io("close", path))?;
        }
        live.sync().map_err(RecordFault::io("close", path))?;
        self.desk.clerk.hand(Job::Closed { live, tip, at: now })?;
        Ok(Recovered::Closed { entries: tip.entries, torn_bytes })
    }
}

/// The whole entries of a file, and how many bytes of an unfinished one follow. `None`: the header itself is torn.
fn read_to_tear(path: &Path, session: &SessionId) -> Result<Option<(Outline, u64)>, RecordFault> {
    let length = fs::metadata(path).map_err(RecordFault::io("look at", path))?.len();
    let mut recording = match read(path) {
        Ok(recording) => recording,
        Err(ReadFault::NotARecording | ReadFault::Header) if length < frame::header_bytes(session) => {
            return Ok(None);
        }
        Err(fault) => return Err(fault.into()),
    };
    let mut fault = None;
    for entry in recording.by_ref() {
        fault = entry.err();
    }
    let outline = recording.outline();
    let Some(fault) = fault else { return Ok(Some((outline, 0))) };
    let tail = tail::look(path, (recording.whole_bytes(), length), outline.entries, &fault);
    match tail.map_err(RecordFault::io("read", path))? {
        Tail::Torn { bytes } => Ok(Some((outline, bytes))),
        Tail::Changed | Tail::Whole => Err(fault.into()),
    }
}

/// Keeps what is cut, beside the recording.
fn cut_tail(path: &Path, torn_bytes: u64) -> Result<(), RecordFault> {
    let cut = || -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let whole = file.metadata()?.len().saturating_sub(torn_bytes);
        file.seek(SeekFrom::Start(whole))?;
        let mut torn = File::create(path.with_extension("torn"))?;
        io::copy(&mut (&mut file).take(torn_bytes), &mut torn)?;
        torn.sync_all()?;
        file.set_len(whole)?;
        file.sync_all()
    };
    cut().map_err(RecordFault::io("cut the torn end of", path))
}

fn set_aside(path: &Path) -> Result<u64, RecordFault> {
    let aside: PathBuf = path.with_extension("torn");
    let length = fs::metadata(path).map_err(RecordFault::io("look at", path))?.len();
    fs::rename(path, aside).map_err(RecordFault::io("set aside", path))?;
    Ok(length)
}

/// The most entries that the log knows of each session.
fn logged_entries(files: &LogFiles) -> Result<HashMap<SessionId, u64>, RecordFault> {
    let mut known: HashMap<SessionId, u64> = HashMap::new();
    let path = files.leaves();
    for line in lines(&path).map_err(RecordFault::io("read", &path))? {
        let line = line.map_err(RecordFault::io("read", &path))?;
        let leaf: Leaf =
            serde_json::from_slice(&line).map_err(|fault| RecordFault::Log(fault.to_string()))?;
        let most = known.entry(leaf.session).or_default();
        *most = leaf.entries.max(*most);
    }
    Ok(known)
}
