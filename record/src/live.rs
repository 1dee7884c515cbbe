//! What a living session shares with the threads behind it: its file, its tip, and whether the disk still takes it.

use crate::frame::Hash;
use sallyport_core::{Clock, Moment, SessionId};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::oneshot;

/// The process's own clock, for what the recorder writes by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A thread that panicked while it held a lock left a whole value behind: all of ours are replaced in one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a recording has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub entries: u64,
    pub head: Hash,
}

pub(crate) type Waiter = oneshot::Sender<Result<(), io::ErrorKind>>;

#[derive(Debug)]
pub(crate) struct Live {
    pub session: SessionId,
    pub path: PathBuf,
    file: File,
    tip: Mutex<Tip>,
    /// Entries that the log of sessions knows of.
    pub logged: AtomicU64,
    pub dirty: AtomicBool,
    /// The folder does not yet know this file durably.
    pub fresh: AtomicBool,
    failure: Mutex<Option<io::ErrorKind>>,
    failed: AtomicBool,
    waiters: Mutex<Vec<Waiter>>,
}

impl Live {
    pub(crate) fn new(session: SessionId, path: PathBuf, file: File, tip: Tip) -> Self {
        Self {
            session,
            path,
            file,
            logged: AtomicU64::new(tip.entries),
            tip: Mutex::new(tip),
            dirty: AtomicBool::new(false),
            fresh: AtomicBool::new(true),
            failure: Mutex::new(None),
            failed: AtomicBool::new(false),
            waiters: Mutex::new(Vec::new()),
        }
    }

    /// One write of all of it. A file that took only a part is asked once more, to learn why.
    pub(crate) fn write(&self, bytes: &[u8], tip: Tip) -> io::Result<()> {
        self.check()?;
        let written = write_whole(&self.file, bytes).inspect_err(|fault| self.fail(fault.kind()));
        written?;
        *lock(&self.tip) = tip;
        Ok(())
    }

    pub(crate) fn tip(&self) -> Tip {
        *lock(&self.tip)
    }

    /// Puts what was written on the disk, and the file's name as well the first time.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.check()?;
        let synced = self.file.sync_data().and_then(|()| self.sync_folder());
        synced.inspect_err(|fault| self.fail(fault.kind()))
    }

    fn sync_folder(&self) -> io::Result<()> {
        if !self.fresh.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.fresh.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Once the disk refused something of this session, nothing more is taken: what is missing cannot be made good.
    pub(crate) fn fail(&self, kind: io::ErrorKind) {
        lock(&self.failure).get_or_insert(kind);
        self.failed.store(true, Ordering::Release);
    }

    pub(crate) fn check(&self) -> io::Result<()> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let kind = lock(&self.failure).unwrap_or(io::ErrorKind::Other);
        Err(io::Error::new(kind, format!("the disk refused earlier entries of this session ({kind})")))
    }

    pub(crate) fn await_disk(&self, waiter: Waiter) {
        lock(&self.waiters).push(waiter);
    }

    pub(crate) fn take_waiters(&self) -> Vec<Waiter> {
        std::mem::take(&mut *lock(&self.waiters))
    }
}

fn write_whole(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}
