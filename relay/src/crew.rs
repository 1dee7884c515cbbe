//! The threads that carry connections. Each has a runtime of its own with sockets of its own, so that a message
//! wakes nobody but the thread that serves it and is never handed to another.
//!
//! A connection stays where it was put. A few share one thread, because a thread that is awake takes the next message
//! for less than one that has to be woken; another thread is used when that one has enough of them or enough to do.
//! Whatever takes long, hashing or reading files, belongs on the blocking threads, and what cannot leave its connection
//! is done [`at_length`]: else it would make its neighbours wait.

use std::future::Future;
use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::task::JoinSet;

/// So many connections share a thread before another is used.
const FEW: usize = 4;
/// How far back a thread is looked at. A storm of logins is over sooner and moves nobody.
const SPAN: Duration = Duration::from_millis(500);
/// Of that time, a thread with enough to do was at work for so long.
const ENOUGH: f64 = 0.7;

#[derive(Debug)]
pub struct Crew {
    hands: Vec<Hand>,
}

#[derive(Debug)]
struct Hand {
    /// One worker. It is there until the crew is gone.
    runtime: Option<Runtime>,
    handle: Handle,
    carries: Arc<AtomicUsize>,
    looked: Mutex<Looked>,
}

/// What was seen of a thread when it was last looked at.
#[derive(Debug)]
struct Looked {
    at: Instant,
    busy: Duration,
    has_enough: bool,
}

impl Crew {
    /// One thread for each processor.
    pub fn start() -> io::Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, NonZero::get);
        let hands = (0..count).map(|_| Hand::start()).collect::<io::Result<_>>()?;
        Ok(Self { hands })
    }

    /// Runs it on the first thread that has room, else on the one that carries the fewest.
    pub(crate) fn carry<F>(&self, set: &mut JoinSet<()>, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let fewest = || self.hands.iter().min_by_key(|hand| hand.carries());
        let Some(hand) = self.hands.iter().find(|hand| hand.has_room()).or_else(fewest) else { return };
        let load = Load::on(&hand.carries);
        set.spawn_on(
            async move {
                work.await;
                drop(load);
            },
            &hand.handle,
        );
    }
}

impl Hand {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("crew")
            .enable_io()
            .enable_time()
            .build()?;
        let handle = runtime.handle().clone();
        let looked = Looked { at: Instant::now(), busy: Duration::ZERO, has_enough: false };
        Ok(Self { runtime: Some(runtime), handle, carries: Arc::default(), looked: Mutex::new(looked) })
    }

    fn carries(&self) -> usize {
        self.carries.load(Ordering::Relaxed)
    }

    fn has_room(&self) -> bool {
        self.carries() < FEW && !self.has_enough()
    }

    fn has_enough(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let since = looked.at.elapsed();
        if since >= SPAN {
            let busy = self.handle.metrics().worker_total_busy_duration(0);
            looked.has_enough = busy.saturating_sub(looked.busy).as_secs_f64() > ENOUGH * since.as_secs_f64();
            looked.busy = busy;
            looked.at += since;
        }
        looked.has_enough
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Nobody may wait here: the crew can be dropped by a task. Its connections are gone by then.
            runtime.shutdown_background();
        }
    }
}

/// Work that takes more than a moment. The other connections of this thread go on elsewhere while it is done.
pub fn at_length<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A thread of a test, or one that carries nothing.
        Ok(_) | Err(_) => work(),
    }
}

/// Counted for as long as it lives.
struct Load(Arc<AtomicUsize>);

impl Load {
    fn on(carries: &Arc<AtomicUsize>) -> Self {
        carries.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(carries))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::sync::{mpsc, oneshot};

    #[tokio::test]
    async fn a_few_share_a_thread_and_then_another_is_used() {
        let crew = Crew { hands: vec![Hand::start().unwrap(), Hand::start().unwrap()] };
        let mut set = JoinSet::new();
        for _ in 0..FEW {
            crew.carry(&mut set, pending());
        }
        assert_eq!([crew.hands[0].carries(), crew.hands[1].carries()], [FEW, 0]);
        for _ in 0..FEW + 2 {
            crew.carry(&mut set, pending());
        }
        assert_eq!([crew.hands[0].carries(), crew.hands[1].carries()], [FEW + 1, FEW + 1]);
        set.shutdown().await;
        assert_eq!([crew.hands[0].carries(), crew.hands[1].carries()], [0, 0], "a place was not given back");
    }

    #[tokio::test]
    async fn a_thread_with_enough_to_do_gets_no_more() {
        let crew = Crew { hands: vec![Hand::start().unwrap(), Hand::start().unwrap()] };
        let mut set = JoinSet::new();
        let (done, mut stop) = oneshot::channel::<()>();
        crew.carry(&mut set, async move {
            while stop.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                std::thread::sleep(Duration::from_millis(1));
                tokio::task::yield_now().await;
            }
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        while !crew.hands[0].has_enough() {
            assert!(Instant::now() < deadline, "a thread that works all the time is not seen to");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        crew.carry(&mut set, pending());
        assert_eq!([crew.hands[0].carries(), crew.hands[1].carries()], [1, 1]);
        done.send(()).unwrap();
        set.shutdown().await;
    }

    #[tokio::test]
    async fn who_takes_long_does_not_make_its_neighbour_wait() {
        let crew = Crew { hands: vec![Hand::start().unwrap()] };
        let mut set = JoinSet::new();
        let (ask, asked) = std::sync::mpsc::channel::<()>();
        let (tell, mut told) = mpsc::unbounded_channel();
        let busy = tell.clone();
        crew.carry(&mut set, async move {
            busy.send("begun").unwrap();
            // Ends when the neighbour was served, and not before.
            let heard = at_length(|| asked.recv_timeout(Duration::from_secs(20)));
            busy.send(if heard.is_ok() { "ended" } else { "alone" }).unwrap();
        });
        assert_eq!(told.recv().await, Some("begun"));
        crew.carry(&mut set, async move {
            tell.send("served").unwrap();
            ask.send(()).unwrap();
        });
        assert_eq!([told.recv().await, told.recv().await], [Some("served"), Some("ended")]);
        set.shutdown().await;
    }
}
