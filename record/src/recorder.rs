//! The front of the evidence: opens recordings, hands out journals, finds what was recorded.

use crate::clerk::{Clerk, Job, Office};
use crate::fault::RecordFault;
use crate::follow::{Feed, Follow};
use crate::frame::{Packing, genesis, is_sound_name, write_header};
use crate::journal::{Desk, SessionJournal};
use crate::live::{Live, SystemClock, Tip, lock};
use crate::log::{Log, LogFiles};
use crate::read::{Recording, read};
use crate::shelf::{LocalShelf, Shelf};
use crate::summary::{Summary, Summing};
use crate::sync::Syncer;
use ed25519_dalek::{SigningKey, VerifyingKey};
use sallyport_core::{Clock, Journal, Moment, SessionId};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Clone)]
pub struct Options {
    /// The name of the log in its checkpoints: unique to this installation, without spaces and `+`.
    pub origin: String,
    /// How long an entry may be in the system's memory before the disk is asked to keep it.
    pub sync_every: Duration,
    /// How often the heads of living sessions are logged.
    pub heads_every: Duration,
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            origin: "sallyport/recordings".to_owned(),
            sync_every: Duration::from_millis(200),
            heads_every: Duration::from_secs(60),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A recording that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub session: SessionId,
    /// The day it began, in UTC: `2026-11-21`.
    pub day: String,
    pub path: PathBuf,
    pub sealed: bool,
}

/// One per process and folder. Dropping it seals what was closed and stops its threads.
pub struct Recorder {
    pub(crate) shelf: LocalShelf,
    pub(crate) root: PathBuf,
    pub(crate) desk: Arc<Desk>,
    pub(crate) key: VerifyingKey,
    threads: Vec<JoinHandle<()>>,
    /// Held for as long as the recorder lives, so that two gateways never write one log.
    _lock: File,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Opens the folder, or makes it. Call [`Recorder::recover`] before the first session.
    pub fn open(root: &Path, key: SigningKey, options: Options) -> Result<Recorder, RecordFault> {
        let sound = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
        if options.origin.is_empty() || !options.origin.bytes().all(sound) {
            return Err(RecordFault::Name(options.origin));
        }
        let shelf = LocalShelf::new(root.join("sessions"));
        make_folder(shelf.root())?;
        let guard = take_lock(root)?;
        let public = key.verifying_key();
        let log = Log::open(root, &options.origin, key)?;
        let (sender, receiver) = mpsc::channel();
        let clerk = Clerk::new(sender);
        let syncer = Arc::new(Syncer::default());
        let office = Office {
            clerk: clerk.clone(),
            log,
            shelf: shelf.clone(),
            clock: Arc::clone(&options.clock),
            every: options.heads_every,
        };
        let disk = Arc::clone(&syncer);
        let threads = vec![
            thread(root, "record-disk", move || disk.run(options.sync_every))?,
            thread(root, "record-clerk", move || office.run(&receiver))?,
        ];
        let desk = Arc::new(Desk { syncer, clerk, feed: Feed::new(), clock: options.clock });
        Ok(Recorder { shelf, root: root.to_owned(), desk, key: public, threads, _lock: guard })
    }

    /// Begins the recording of a session. `strict`: flushing it waits for the disk.
    pub fn begin(&self, session: &SessionId, strict: bool) -> Result<Box<dyn Journal>, RecordFault> {
        let now = self.desk.clock.now();
        let journal = self.create(session, strict, now)?;
        Ok(Box::new(journal))
    }

    /// The recording of the gateway's own changes: one for each start, closed when it is dropped.
    pub fn house_journal(&self) -> Result<Box<dyn Journal>, RecordFault> {
        let now = self.desk.clock.now();
        let session = SessionId::new(format!("house-{}", now.0));
        let journal = self.create(&session, true, now)?;
        Ok(Box::new(journal))
    }

    fn create(&self, session: &SessionId, strict: bool, now: Moment) -> Result<SessionJournal, RecordFault> {
        self.desk.clerk.check()?;
        if !is_sound_name(session.as_str()) {
            return Err(RecordFault::Name(session.to_string()));
        }
        let folder = self.shelf.path(&day(now));
        make_folder(&folder)?;
        let path = folder.join(format!("{session}.live"));
        if path.with_extension("rec").exists() {
            return Err(RecordFault::Exists(session.to_string()));
        }
        let file = create_file(&path, session)?;
        let tip = Tip { entries: 0, head: genesis(session) };
        let live = Arc::new(Live::new(session.clone(), path, file, tip));
        lock(&self.desk.clerk.lives).insert(session.clone(), Arc::clone(&live));
        self.desk.clerk.hand(Job::Opened { live: Arc::clone(&live), at: now })?;
        Ok(SessionJournal::new(live, Arc::clone(&self.desk), strict))
    }

    /// Entries as they are written, of one session or of all.
    pub fn follow(&self, session: Option<SessionId>) -> Follow {
        self.desk.feed.follow(session)
    }

    /// Waits until everything closed so far is sealed and in the signed log.
    pub fn caught_up(&self) -> Result<(), RecordFault> {
        let (sender, receiver) = mpsc::channel();
        self.desk.clerk.hand(Job::Barrier(sender))?;
        receiver.recv().map_err(|_| RecordFault::Stopped)
    }

    /// All recordings, oldest day first.
    pub fn recordings(&self) -> Result<Vec<Stored>, RecordFault> {
        stored(&self.shelf).map_err(RecordFault::io("list", self.shelf.root()))
    }

    pub fn find(&self, session: &SessionId) -> Result<Stored, RecordFault> {
        if !is_sound_name(session.as_str()) {
            return Err(RecordFault::Name(session.to_string()));
        }
        find(self.shelf.root(), session)?.ok_or_else(|| RecordFault::Absent(session.to_string()))
    }

    /// Reads a recording up to where it is now, checking the chain.
    pub fn read(&self, session: &SessionId) -> Result<Recording<BufReader<File>>, RecordFault> {
        let found = self.find(session)?;
        match read(&found.path) {
            // It was sealed between the two steps.
            Err(crate::ReadFault::Io(fault)) if fault.kind() == io::ErrorKind::NotFound => {
                Ok(read(&found.path.with_extension("rec"))?)
            }
            opened => Ok(opened?),
        }
    }

    /// What the session came to. Read from beside the recording, or from the recording where it still lives.
    pub fn summary(&self, session: &SessionId) -> Result<Summary, RecordFault> {
        let found = self.find(session)?;
        if let Ok(bytes) = fs::read(found.path.with_extension("summary.json"))
            && let Ok(summary) = serde_json::from_slice::<Summary>(&bytes)
            && summary.is_whole()
        {
            return Ok(summary);
        }
        let mut summary = Summing::new(session.clone());
        for entry in self.read(session)? {
            match entry {
                Ok(entry) => summary.add(&entry),
                // The writer is in the middle of it.
                Err(crate::ReadFault::Torn { .. }) if !found.sealed => break,
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(summary.finish())
    }

    /// With this key anybody checks the log.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.key
    }
    pub fn root(&self) -> &Path {
        &self.root
    }
    pub fn log_files(&self) -> LogFiles {
        LogFiles::of(&self.root)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // An error means that the clerk has ended already.
        _ = self.desk.clerk.hand(Job::Stop);
        self.desk.syncer.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the recorder panicked; the next start looks at every recording");
            }
        }
    }
}

/// Looks for a recording in the folder of a recorder that need not run.
pub(crate) fn find(sessions: &Path, session: &SessionId) -> Result<Option<Stored>, RecordFault> {
    let days = fs::read_dir(sessions).map_err(RecordFault::io("list", sessions))?;
    for folder in days {
        let folder = folder.map_err(RecordFault::io("list", sessions))?.path();
        for sealed in [true, false] {
            let path = folder.join(format!("{session}.{}", if sealed { "rec" } else { "live" }));
            if path.is_file() {
                let day = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                return Ok(Some(Stored { session: session.clone(), day, path, sealed }));
            }
        }
    }
    Ok(None)
}

/// A session whose sealed copy exists is listed once, as sealed.
pub(crate) fn stored(shelf: &LocalShelf) -> io::Result<Vec<Stored>> {
    let mut all: Vec<Stored> = Vec::new();
    for name in shelf.names()? {
        let Some((day, file)) = name.split_once('/') else { continue };
        let (session, sealed) = match (file.strip_suffix(".rec"), file.strip_suffix(".live")) {
            (Some(session), _) => (session, true),
            (None, Some(session)) => (session, false),
            (None, None) => continue,
        };
        let stored =
            Stored { session: SessionId::new(session), day: day.to_owned(), path: shelf.path(&name), sealed };
        // `.live` sorts before `.rec`.
        all.pop_if(|last| last.session == stored.session && last.day == stored.day);
        all.push(stored);
    }
    Ok(all)
}

pub(crate) fn day(at: Moment) -> String {
    at.to_string().get(..10).unwrap_or("unknown-day").to_owned()
}

fn make_folder(path: &Path) -> Result<(), RecordFault> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(RecordFault::io("create", path))
}

fn create_file(path: &Path, session: &SessionId) -> Result<File, RecordFault> {
    let mut file = match OpenOptions::new().append(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {
            return Err(RecordFault::Exists(session.to_string()));
        }
        Err(fault) => return Err(RecordFault::io("create", path)(fault)),
    };
    let mut header = Vec::new();
    write_header(Packing::Raw, session, &mut header);
    if let Err(fault) = file.write_all(&header) {
        // Nothing was recorded in it.
        _ = fs::remove_file(path);
        return Err(RecordFault::io("write", path)(fault));
    }
    Ok(file)
}

pub(crate) fn take_lock(root: &Path) -> Result<File, RecordFault> {
    let path = root.join("lock");
    let file = File::create(&path).map_err(RecordFault::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RecordFault::InUse(root.to_owned())),
        Err(TryLockError::Error(fault)) => Err(RecordFault::io("lock", path)(fault)),
    }
}

fn thread(
    root: &Path,
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, RecordFault> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(RecordFault::io("start a thread for", root))
}

/// Journals that were begun and not closed.
impl Recorder {
    pub fn living(&self) -> usize {
        lock(&self.desk.clerk.lives).len()
    }
    /// Entries of the session that are in its file, while it lives.
    pub fn entries_of(&self, session: &SessionId) -> Option<u64> {
        lock(&self.desk.clerk.lives).get(session).map(|live| live.tip().entries)
    }
}
