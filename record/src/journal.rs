//! The writer of one session's recording. Appending is memory only; `flush` is one write of the file.
//!
//! Invariants: entries are numbered without gaps; what `flush` accepted survives the end of the process; once the disk
//! refused something, nothing more is taken.

use crate::body::{self, Limited};
use crate::clerk::{Clerk, Job};
use crate::follow::Feed;
use crate::frame::{self, MAX_BODY_BYTES};
use crate::live::{Live, Tip};
use crate::sync::Syncer;
use sallyport_core::journal::Event;
use sallyport_core::{Cell, Clock, CommandNo, Flush, Journal, JournalFault, Moment};
use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::sync::Arc;

/// A long result is written out at this size, so that a session's buffer stays small.
const WRITE_AT_BYTES: usize = 256 * 1024;
/// A buffer that an unusual entry made larger than this is not kept.
const SPARE_BYTES: usize = 64 * 1024;
const SPARES: usize = 8;
const FIRST_BYTES: usize = 4 * 1024;

thread_local! {
    /// Buffers of sessions that fell idle, taken by whichever session of this thread writes next.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

fn borrow_buffer() -> Vec<u8> {
    SPARE
        .try_with(|spare| spare.borrow_mut().pop())
        .ok()
        .flatten()
        .unwrap_or_else(|| Vec::with_capacity(FIRST_BYTES))
}

fn give_back(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > SPARE_BYTES {
        return;
    }
    buffer.clear();
    _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < SPARES {
            spare.push(buffer);
        }
    });
}

/// What every journal of a recorder uses.
pub(crate) struct Desk {
    pub syncer: Arc<Syncer>,
    pub clerk: Clerk,
    pub feed: Feed,
    pub clock: Arc<dyn Clock>,
}

pub(crate) struct SessionJournal {
    live: Arc<Live>,
    desk: Arc<Desk>,
    buffer: Vec<u8>,
    tip: Tip,
    /// Entries in the file.
    flushed: u64,
    strict: bool,
    poisoned: bool,
    state: Chain,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chain {
    Open,
    /// Its last entry is appended.
    Ended,
    /// And handed over.
    Closed,
}

impl SessionJournal {
    pub(crate) fn new(live: Arc<Live>, desk: Arc<Desk>, strict: bool) -> Self {
        let tip = live.tip();
        Self {
            live,
            desk,
            buffer: Vec::new(),
            tip,
            flushed: tip.entries,
            strict,
            poisoned: false,
            state: Chain::Open,
        }
    }

    fn entry(
        &mut self,
        at: Moment,
        write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> Result<u64, JournalFault> {
        if self.poisoned || self.state != Chain::Open {
            return Err(JournalFault::Poisoned);
        }
        self.live.check().inspect_err(|_| self.poisoned = true)?;
        if self.buffer.capacity() == 0 {
            self.buffer = borrow_buffer();
        }
        let no = self.tip.entries;
        let start = frame::begin(&mut self.buffer, no, at, &self.tip.head);
        if let Err(fault) = write(&mut self.buffer) {
            self.buffer.truncate(start);
            return Err(match fault.kind() {
                io::ErrorKind::FileTooLarge => JournalFault::TooLarge { max: MAX_BODY_BYTES },
                _ => JournalFault::Io(fault),
            });
        }
        let Some(head) = frame::finish(&mut self.buffer, start) else {
            return Err(JournalFault::TooLarge { max: MAX_BODY_BYTES });
        };
        self.tip = Tip { entries: no + 1, head };
        if self.buffer.len() >= WRITE_AT_BYTES {
            self.write_out()?;
        }
        Ok(no)
    }

    fn write_out(&mut self) -> Result<(), JournalFault> {
        if self.poisoned {
            return Err(JournalFault::Poisoned);
        }
        let buffer = std::mem::take(&mut self.buffer);
        let written = if buffer.is_empty() { self.live.check() } else { self.live.write(&buffer, self.tip) };
        if let Err(fault) = written {
            self.poisoned = true;
            tracing::error!(session = %self.live.session, %fault, "a recording cannot be written; its session ends");
            return Err(JournalFault::Io(fault));
        }
        if self.flushed < self.tip.entries {
            self.flushed = self.tip.entries;
            self.desk.feed.publish(&self.live.session, &buffer);
        }
        give_back(buffer);
        Ok(())
    }

    fn append_closed(&mut self, at: Moment, reason: &str) -> Result<u64, JournalFault> {
        let reason = Cow::Borrowed(reason);
        self.append(at, &Event::Closed { reason, commands: 0, bytes_in: 0, bytes_out: 0 })
    }
}

impl Journal for SessionJournal {
    fn append(&mut self, at: Moment, event: &Event<'_>) -> Result<u64, JournalFault> {
        let no =
            self.entry(at, |out| serde_json::to_writer(Limited::new(out), event).map_err(io::Error::from))?;
        if matches!(event, Event::Closed { .. }) {
            self.state = Chain::Ended;
        }
        Ok(no)
    }

    fn append_row(
        &mut self,
        at: Moment,
        of: CommandNo,
        bytes: &[u8],
        cells: &[Cell],
        binary: &[bool],
    ) -> Result<u64, JournalFault> {
        self.entry(at, |out| body::row(out, of, bytes, cells, binary))
    }

    fn flush(&mut self) -> Result<Flush, JournalFault> {
        let fresh = self.flushed < self.tip.entries;
        self.write_out()?;
        if self.strict {
            return Ok(Flush::Wait(self.desk.syncer.now(&self.live)));
        }
        if fresh {
            self.desk.syncer.later(&self.live);
        }
        Ok(Flush::Done)
    }

    fn close(&mut self, at: Moment, reason: &str) -> Result<(), JournalFault> {
        match self.state {
            Chain::Closed => return Ok(()),
            Chain::Open => {
                self.append_closed(at, reason)?;
            }
            Chain::Ended => {}
        }
        self.write_out()?;
        self.state = Chain::Closed;
        let job = Job::Closed { live: Arc::clone(&self.live), tip: self.tip, at };
        self.desk.clerk.hand(job).map_err(|fault| JournalFault::Io(io::Error::other(fault)))
    }
}

impl Drop for SessionJournal {
    /// A journal that nobody closed, because its gate was poisoned or its task was dropped, says so itself.
    fn drop(&mut self) {
        if self.state != Chain::Closed && !self.poisoned {
            let now = self.desk.clock.now();
            if let Err(fault) = self.close(now, "the session ended without closing its recording") {
                tracing::error!(session = %self.live.session, %fault, "a recording could not be closed");
            }
        }
        if self.state != Chain::Closed {
            self.desk.clerk.abandon(&self.live);
        }
        give_back(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clerk::Job;
    use crate::frame::genesis;
    use crate::live::SystemClock;
    use sallyport_core::SessionId;
    use std::fs::OpenOptions;
    use std::sync::mpsc;
    use std::time::Duration;

    /// A journal over a file that takes every byte and then cannot be synced: the null device refuses fdatasync.
    fn unsyncable(strict: bool) -> (SessionJournal, mpsc::Receiver<Job>) {
        let file = OpenOptions::new().append(true).open("/dev/null").unwrap();
        let session = SessionId::new("s");
        let tip = Tip { entries: 0, head: genesis(&session) };
        let live = Arc::new(Live::new(session, "/dev/null".into(), file, tip));
        let (sender, jobs) = mpsc::channel();
        let clerk = Clerk::new(sender);
        let syncer = Arc::new(Syncer::default());
        let desk = Desk { syncer, clerk, feed: Feed::new(), clock: Arc::new(SystemClock) };
        (SessionJournal::new(live, Arc::new(desk), strict), jobs)
    }

    fn notice(journal: &mut SessionJournal) -> Result<u64, JournalFault> {
        journal.append(Moment(0), &Event::Notice { text: "hello".into() })
    }

    #[tokio::test]
    async fn a_strict_session_hears_that_the_disk_refused() {
        let (mut journal, _jobs) = unsyncable(true);
        let syncer = Arc::clone(&journal.desk.syncer);
        let disk = std::thread::spawn(move || syncer.run(Duration::from_secs(3600)));
        notice(&mut journal).unwrap();
        let Flush::Wait(wait) = journal.flush().unwrap() else { panic!("a strict target waits") };
        assert!(matches!(wait.await, Err(JournalFault::Io(_))));
        assert!(notice(&mut journal).is_err());
        journal.desk.syncer.stop();
        disk.join().unwrap();
        // Nobody is left waiting for a disk thread that has ended.
        let wait = journal.desk.syncer.now(&journal.live);
        assert!(wait.await.is_err());
    }

    #[test]
    fn a_refusal_of_the_disk_thread_poisons_the_next_append_and_flush() {
        for flush_first in [true, false] {
            let (mut journal, _jobs) = unsyncable(false);
            notice(&mut journal).unwrap();
            assert!(matches!(journal.flush(), Ok(Flush::Done)));
            journal.desk.syncer.stop();
            journal.desk.syncer.run(Duration::ZERO);
            if flush_first {
                assert!(matches!(journal.flush(), Err(JournalFault::Io(_))));
            } else {
                assert!(matches!(notice(&mut journal), Err(JournalFault::Io(_))));
            }
            assert!(matches!(notice(&mut journal), Err(JournalFault::Poisoned)));
        }
    }
}
