//! CancelRequest under the gateway's own keys. The target's key never leaves the gateway.
//!
//! A key lives exactly as long as its session: the guard that `register` gives removes it when dropped.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS>

use crate::seam::{BackendKey, CancelAsk};
use sallyport_core::Secret;
use sallyport_relay::Route;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What one session lets a holder of its key do.
#[derive(Debug)]
pub struct Cancellable {
    key: Secret,
    route: Route,
    backend: Option<BackendKey>,
    holding: AtomicBool,
    /// Requests passed on that the session has not written down yet.
    passed: AtomicU32,
    asked: Notify,
    /// How many requests came for the target, and up to which of them it was told.
    requests: AtomicU64,
    told: tokio::sync::Mutex<u64>,
}

impl Cancellable {
    /// While a command waits for people a cancel ends the wait; otherwise it is passed on to the target.
    pub fn hold(&self, holding: bool) {
        self.holding.store(holding, Ordering::Release);
    }
    /// How many requests were passed on to the target since this was asked last.
    pub fn passed(&self) -> u32 {
        // A look costs nothing where there was none, which is nearly always.
        if self.passed.load(Ordering::Acquire) == 0 { 0 } else { self.passed.swap(0, Ordering::AcqRel) }
    }
    /// Resolves when the wait is cancelled. Cancel-safe.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }
}

/// What is to be done about a request with the right key.
#[derive(Debug)]
pub enum Cancel {
    /// The session was told.
    Told,
    /// The target has to be told, on a connection of its own.
    Pass(Passage),
    Nothing,
}

/// A request on its way to the target. One of a session goes at a time, and speaks for all that came before it set out.
#[derive(Debug)]
pub struct Passage {
    entry: Arc<Cancellable>,
    backend: BackendKey,
    number: u64,
}

impl Passage {
    /// Comes back when the target was told, by this request or by one that spoke for it: who asked may wait for that
    /// before it sends its next statement, so that the cancel does not meet that one.
    pub async fn tell<F, T>(self, tell: F)
    where
        F: FnOnce(Route, BackendKey) -> T,
        T: Future<Output = ()>,
    {
        let mut told = self.entry.told.lock().await;
        if *told >= self.number {
            return;
        }
        let speaks_for = self.entry.requests.load(Ordering::Acquire);
        tell(self.entry.route.clone(), self.backend).await;
        *told = speaks_for;
    }
}

#[derive(Clone, Debug, Default)]
pub struct Cancels(Arc<Mutex<HashMap<u32, Arc<Cancellable>>>>);

/// A session's entry. Dropping it makes the key worthless.
#[derive(Debug)]
pub struct Registered {
    cancels: Cancels,
    pub pid: u32,
    pub entry: Arc<Cancellable>,
}

impl Registered {
    pub fn key(&self) -> &[u8] {
        self.entry.key.expose()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.cancels.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.pid);
    }
}

impl Cancels {
    /// Protocol 3.0 has keys of 4 bytes; 3.2 lets them be longer.
    pub fn register(
        &self,
        protocol_minor: u16,
        route: Route,
        backend: Option<BackendKey>,
    ) -> Result<Registered, getrandom::Error> {
        let mut key = vec![0; if protocol_minor >= 2 { 32 } else { 4 }];
        getrandom::fill(&mut key)?;
        let entry = Arc::new(Cancellable {
            key: Secret::new(key),
            route,
            backend,
            holding: AtomicBool::new(false),
            passed: AtomicU32::new(0),
            asked: Notify::new(),
            requests: AtomicU64::new(0),
            told: tokio::sync::Mutex::new(0),
        });
        loop {
            // Positive as a signed number: some clients read it as one.
            let pid = getrandom::u32()? & 0x7fff_ffff;
            let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if pid != 0 && !sessions.contains_key(&pid) {
                sessions.insert(pid, Arc::clone(&entry));
                return Ok(Registered { cancels: self.clone(), pid, entry });
            }
        }
    }

    /// A wrong key is ignored, and takes as long as a right one to tell.
    pub fn ask(&self, ask: &CancelAsk) -> Cancel {
        let entry = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&ask.pid).cloned();
        let Some(entry) = entry else { return Cancel::Nothing };
        if !is_same(entry.key.expose(), ask.key.expose()) {
            return Cancel::Nothing;
        }
        if entry.holding.load(Ordering::Acquire) {
            entry.asked.notify_one();
            return Cancel::Told;
        }
        let Some(backend) = entry.backend.clone() else { return Cancel::Nothing };
        entry.passed.fetch_add(1, Ordering::AcqRel);
        let number = entry.requests.fetch_add(1, Ordering::AcqRel) + 1;
        Cancel::Pass(Passage { entry, backend, number })
    }
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differs = one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other));
    one.len() == other.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_core::{Target, TargetName};

    fn route() -> Route {
        let target = Target {
            name: TargetName::new("t"),
            protocol: "postgres".into(),
            host: "127.0.0.1".into(),
            port: 1,
            account: "a".into(),
            database: None,
            labels: Default::default(),
            strict: false,
            record_result_bytes: 0,
            classes: Default::default(),
            settings: Default::default(),
        };
        Route::for_probe(Arc::new(target), "d".into())
    }

    fn ask(pid: u32, key: &[u8]) -> CancelAsk {
        CancelAsk { pid, key: Secret::new(key) }
    }

    #[test]
    fn only_the_right_key_cancels_and_only_while_the_session_lives() {
        let cancels = Cancels::default();
        let backend = BackendKey { pid: 7, secret: Secret::new(*b"real") };
        let registered = cancels.register(0, route(), Some(backend)).unwrap();
        let (pid, key) = (registered.pid, registered.key().to_vec());
        assert_eq!(key.len(), 4);
        let wrong: Vec<u8> = key.iter().map(|byte| byte ^ 1).collect();
        assert!(matches!(cancels.ask(&ask(pid, &wrong)), Cancel::Nothing));
        assert!(matches!(cancels.ask(&ask(pid, &key[..3])), Cancel::Nothing));
        assert!(matches!(cancels.ask(&ask(pid, &key)), Cancel::Pass(passage) if passage.backend.pid == 7));
        registered.entry.hold(true);
        assert!(matches!(cancels.ask(&ask(pid, &key)), Cancel::Told));
        drop(registered);
        assert!(matches!(cancels.ask(&ask(pid, &key)), Cancel::Nothing));
    }

    #[tokio::test]
    async fn a_flood_of_right_keys_is_one_request_at_a_time() {
        let cancels = Cancels::default();
        let backend = BackendKey { pid: 7, secret: Secret::new(*b"real") };
        let registered = cancels.register(0, route(), Some(backend)).unwrap();
        let ask = ask(registered.pid, registered.key());
        let passage = || match cancels.ask(&ask) {
            Cancel::Pass(passage) => passage,
            other => panic!("{other:?}"),
        };
        let (told, first, go) = (Arc::new(AtomicU64::new(0)), passage(), Arc::new(Notify::new()));
        let tell = |passage: Passage| {
            let (told, go) = (Arc::clone(&told), Arc::clone(&go));
            passage.tell(move |_, _| async move {
                told.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
            })
        };
        let first = tokio::spawn(tell(first));
        while told.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // They come while the first is on its way: one more speaks for all of them, and each waits for that one.
        let flood: Vec<_> = (0..1000).map(|_| tokio::spawn(tell(passage()))).collect();
        go.notify_one();
        first.await.unwrap();
        while told.load(Ordering::SeqCst) == 1 {
            tokio::task::yield_now().await;
        }
        assert!(flood.iter().all(|one| !one.is_finished()), "one did not wait for the target to be told");
        go.notify_one();
        for one in flood {
            one.await.unwrap();
        }
        assert_eq!(told.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn protocol_3_2_has_long_keys() {
        assert_eq!(Cancels::default().register(2, route(), None).unwrap().key().len(), 32);
    }
}
