//! One thread that puts the files of all sessions on the disk, in groups. No session ever waits for another's disk
//! unless its target is strict; then it waits for its own file, together with everyone who asked meanwhile.

use crate::live::{Live, lock};
use sallyport_core::JournalFault;
use sallyport_core::approvals::BoxFuture;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

#[derive(Debug, Default)]
struct Queue {
    dirty: Vec<Arc<Live>>,
    urgent: bool,
    stopped: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Syncer {
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl Syncer {
    /// The file was written and will be synced with the next group.
    pub(crate) fn later(&self, live: &Arc<Live>) {
        if !live.dirty.swap(true, Ordering::AcqRel) {
            self.enqueue(live, false);
        }
    }

    /// Resolves when everything written so far is on the disk.
    pub(crate) fn now(&self, live: &Arc<Live>) -> BoxFuture<'static, Result<(), JournalFault>> {
        let (sender, receiver) = oneshot::channel();
        live.await_disk(sender);
        // The waiter stands in the file's list before the flag is set, and the thread clears the flag before it takes
        // the list: whoever finds the flag set is still served by the group to come.
        let queued = live.dirty.swap(true, Ordering::AcqRel);
        self.enqueue_if(live, !queued, true);
        Box::pin(async move {
            match receiver.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(kind)) => Err(JournalFault::Io(kind.into())),
                Err(_) => Err(JournalFault::Io(io::Error::other("the recorder has stopped"))),
            }
        })
    }

    fn enqueue(&self, live: &Arc<Live>, urgent: bool) {
        self.enqueue_if(live, true, urgent);
    }

    fn enqueue_if(&self, live: &Arc<Live>, add: bool, urgent: bool) {
        let mut queue = lock(&self.queue);
        if queue.stopped {
            // Dropping the waiters tells those who wait.
            drop(live.take_waiters());
            return;
        }
        let was_idle = queue.dirty.is_empty();
        if add {
            queue.dirty.push(Arc::clone(live));
        }
        queue.urgent |= urgent;
        drop(queue);
        if was_idle || urgent {
            self.wake.notify_one();
        }
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).stopped = true;
        self.wake.notify_one();
    }

    /// The thread's own loop. Ends after `stop`, with everything synced.
    pub(crate) fn run(&self, every: Duration) {
        loop {
            let (group, stopped) = self.gather(every);
            for live in group {
                sync_one(&live);
            }
            if stopped {
                return;
            }
        }
    }

    fn gather(&self, every: Duration) -> (Vec<Arc<Live>>, bool) {
        let queue = lock(&self.queue);
        let idle = |queue: &mut Queue| queue.dirty.is_empty() && !queue.stopped;
        let queue = self.wake.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner);
        let calm = |queue: &mut Queue| !queue.urgent && !queue.stopped;
        let waited = self.wake.wait_timeout_while(queue, every, calm);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.urgent = false;
        (std::mem::take(&mut queue.dirty), queue.stopped)
    }
}

fn sync_one(live: &Live) {
    live.dirty.store(false, Ordering::Release);
    let waiters = live.take_waiters();
    let synced = live.sync().map_err(|fault| fault.kind());
    if let Err(kind) = synced {
        tracing::error!(session = %live.session, %kind, "the disk refused a recording; its session ends");
    }
    for waiter in waiters {
        // Whoever does not wait any more has nothing left to forward.
        _ = waiter.send(synced);
    }
}
