//! The thread that seals what was closed and keeps the log of sessions. What comes together is signed together.
//!
//! Invariant: a living file goes only after its sealed copy is on the shelf and its last head is in the signed log.

use crate::fault::RecordFault;
use crate::frame::{genesis, header_bytes};
use crate::live::{Live, Tip, lock};
use crate::log::{HexHash, Leaf, LeafState, Log};
use crate::read::read;
use crate::seal::Sealing;
use crate::shelf::{LocalShelf, Shelf};
use crate::summary::Summing;
use sallyport_core::{Clock, Moment, SessionId};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Closed recordings that wait to be sealed; beyond it no new session begins.
pub(crate) const MAX_WAITING: usize = 8192;
/// What is logged and signed in one step.
const MAX_BATCH: usize = 1024;
/// How soon a log that took nothing is tried again.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) type Lives = Arc<Mutex<HashMap<SessionId, Arc<Live>>>>;

pub(crate) enum Job {
    Opened {
        live: Arc<Live>,
        at: Moment,
    },
    Closed {
        live: Arc<Live>,
        tip: Tip,
        at: Moment,
    },
    /// Answered when everything handed in before is done.
    Barrier(Sender<()>),
    Stop,
}

/// How journals and the recorder reach the clerk.
#[derive(Clone)]
pub(crate) struct Clerk {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
    pub lives: Lives,
    stuck: Arc<AtomicBool>,
}

impl Clerk {
    pub(crate) fn new(jobs: Sender<Job>) -> Self {
        Self { jobs, waiting: Arc::default(), lives: Arc::default(), stuck: Arc::default() }
    }

    pub(crate) fn hand(&self, job: Job) -> Result<(), RecordFault> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs.send(job).map_err(|_| RecordFault::Stopped)
    }

    /// A session that cannot be logged in the end does not begin.
    pub(crate) fn check(&self) -> Result<(), RecordFault> {
        if self.waiting.load(Ordering::Relaxed) > MAX_WAITING {
            return Err(RecordFault::Behind(MAX_WAITING));
        }
        if self.stuck.load(Ordering::Relaxed) {
            return Err(RecordFault::Log("it takes no new leaves; is the disk full?".to_owned()));
        }
        Ok(())
    }

    /// Its file stays as it is, for the next start to look at.
    pub(crate) fn abandon(&self, live: &Live) {
        lock(&self.lives).remove(&live.session);
    }
}

/// The thread's own state.
pub(crate) struct Office {
    pub clerk: Clerk,
    pub log: Log,
    pub shelf: LocalShelf,
    pub clock: Arc<dyn Clock>,
    /// How often the heads of living sessions are logged.
    pub every: Duration,
}

#[derive(Default)]
struct Batch {
    leaves: Vec<Leaf>,
    /// Sealed: they go when the log has their heads.
    sealed: Vec<PathBuf>,
    /// Heads of living sessions, known to the log once it has the batch.
    running: Vec<(Arc<Live>, u64)>,
    barriers: Vec<Sender<()>>,
    stop: bool,
}

impl Office {
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        let mut batch = Batch::default();
        let mut round = Instant::now() + self.every;
        while !batch.stop {
            let left = round.saturating_duration_since(Instant::now());
            let wait = if batch.leaves.is_empty() { left } else { left.min(RETRY) };
            match jobs.recv_timeout(wait) {
                Ok(job) => {
                    self.take(job, &mut batch);
                    let more = std::iter::from_fn(|| jobs.try_recv().ok()).take(MAX_BATCH);
                    for job in more {
                        self.take(job, &mut batch);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => batch.stop = true,
            }
            // Looked at here, so that many jobs cannot put the round off.
            if Instant::now() >= round {
                round = Instant::now() + self.every;
                self.look_at_the_living(&mut batch);
            }
            self.log(&mut batch);
        }
    }

    fn take(&self, job: Job, batch: &mut Batch) {
        self.clerk.waiting.fetch_sub(1, Ordering::Relaxed);
        match job {
            Job::Opened { live, at } => {
                // The log must not outlive a file that it speaks of. An error has marked the session already.
                _ = live.sync();
                let session = live.session.clone();
                let tip = Tip { entries: 0, head: genesis(&session) };
                batch.leaves.push(leaf(session, LeafState::Opened, tip, at));
            }
            Job::Closed { live, tip, at } => {
                match self.seal(&live, tip) {
                    Ok(()) => batch.sealed.push(live.path.clone()),
                    Err(fault) => {
                        tracing::error!(session = %live.session, %fault, "a recording stays unsealed until the next start");
                    }
                }
                // Only now: whoever waits for it to be over finds the summary beside the sealed recording.
                self.clerk.abandon(&live);
                batch.leaves.push(leaf(live.session.clone(), LeafState::Closed, tip, at));
            }
            Job::Barrier(done) => batch.barriers.push(done),
            Job::Stop => batch.stop = true,
        }
    }

    /// The heads of sessions that grew since they were logged. Their entries are put on the disk first.
    fn look_at_the_living(&self, batch: &mut Batch) {
        let living: Vec<_> = lock(&self.clerk.lives).values().map(Arc::clone).collect();
        let at = self.clock.now();
        for live in living {
            let tip = live.tip();
            if tip.entries > live.logged.load(Ordering::Relaxed) && live.sync().is_ok() {
                batch.leaves.push(leaf(live.session.clone(), LeafState::Running, tip, at));
                batch.running.push((live, tip.entries));
            }
        }
    }

    /// Where the log takes nothing, the closed heads are kept for the next try and no new session begins.
    fn log(&mut self, batch: &mut Batch) {
        if !batch.leaves.is_empty() {
            match self.log.append(&batch.leaves) {
                Ok(_) => {
                    self.clerk.stuck.store(false, Ordering::Relaxed);
                    batch.leaves.clear();
                    for (live, entries) in batch.running.drain(..) {
                        live.logged.store(entries, Ordering::Relaxed);
                    }
                }
                Err(fault) => {
                    self.clerk.stuck.store(true, Ordering::Relaxed);
                    tracing::error!(%fault, "the log of sessions cannot be written; no new session begins");
                    batch.leaves.retain(|leaf| leaf.state != LeafState::Running);
                    batch.running.clear();
                }
            }
        }
        if batch.leaves.is_empty() {
            for path in batch.sealed.drain(..) {
                if let Err(fault) = fs::remove_file(&path) {
                    tracing::warn!(%fault, path = %path.display(), "a recording that is sealed could not be removed");
                }
            }
        }
        for done in batch.barriers.drain(..) {
            // Nobody waits any more: fine.
            _ = done.send(());
        }
    }

    /// Reads the recording as an auditor would, packs it, puts it on the shelf with its summary beside it.
    fn seal(&self, live: &Live, tip: Tip) -> Result<(), RecordFault> {
        let mut recording = read(&live.path)?;
        let mut summary = Summing::new(live.session.clone());
        for entry in recording.by_ref() {
            summary.add(&entry?);
        }
        let outline = recording.outline();
        if (outline.entries, outline.head) != (tip.entries, tip.head) {
            return Err(RecordFault::Read(crate::ReadFault::CutOff { no: outline.entries }));
        }
        let mut raw = File::open(&live.path).map_err(RecordFault::io("open", &live.path))?;
        let header = header_bytes(&live.session);
        raw.seek(SeekFrom::Start(header)).map_err(RecordFault::io("read", &live.path))?;
        let mut sealing = Sealing::new(&live.session, raw).map_err(RecordFault::io("seal", &live.path))?;
        let name = self.name(live)?;
        self.shelf.put(&format!("{name}.rec"), &mut sealing).map_err(RecordFault::io("seal", &live.path))?;
        let summary = serde_json::to_vec(&summary.finish()).unwrap_or_default();
        let put: io::Result<()> = self.shelf.put(&format!("{name}.summary.json"), &mut summary.as_slice());
        put.map_err(RecordFault::io("summarise", &live.path))
    }

    /// `2026-11-21/9f3c`
    fn name(&self, live: &Live) -> Result<String, RecordFault> {
        let path = live.path.strip_prefix(self.shelf.root()).ok().and_then(|path| path.to_str());
        let name = path.and_then(|path| path.strip_suffix(".live"));
        name.map(str::to_owned).ok_or_else(|| RecordFault::Name(live.path.display().to_string()))
    }
}

fn leaf(session: SessionId, state: LeafState, tip: Tip, at: Moment) -> Leaf {
    Leaf { v: 1, session, state, entries: tip.entries, head: HexHash(tip.head), at }
}
