//! CancelRequest under the gateway's own keys. The target's key never leaves the gateway.
//!
//! A key lives exactly as long as its session: the guard that `register` gives removes it when dropped.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS>

use crate::seam::{BackendKey, CancelAsk};
use sallyport_core::Secret;
use sallyport_relay::Route;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What one session lets a holder of its key do.
#[derive(Debug)]
pub struct Cancellable {
    key: Secret,
    route: Route,
    backend: Option<BackendKey>,
    holding: AtomicBool,
    passing: AtomicU8,
    /// Requests passed on that the session has not written down yet.
    passed: AtomicU32,
    asked: Notify,
}

/// Nothing is on its way to the target, or one request is, or one is and another came meanwhile.
const AT_REST: u8 = 0;
const ON_ITS_WAY: u8 = 1;
const AGAIN: u8 = 2;

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
    /// The session was told, or the target is about to be.
    Told,
    /// The target has to be told, on a connection of its own.
    Pass(Route, BackendKey, Passage),
    Nothing,
}

/// The one request of a session that is on its way to the target. However many come meanwhile, they are one more.
#[derive(Debug)]
pub struct Passage {
    entry: Arc<Cancellable>,
    over: bool,
}

impl Passage {
    /// It is told. Some: another came since, and the target has to be told again.
    pub fn again(mut self) -> Option<Self> {
        let less = |passing| Some(if passing == AGAIN { ON_ITS_WAY } else { AT_REST });
        let before = self.entry.passing.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        self.over = before != Ok(AGAIN);
        if self.over { None } else { Some(self) }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if !self.over {
            self.entry.passing.store(AT_REST, Ordering::Release);
        }
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
            passing: AtomicU8::new(AT_REST),
            passed: AtomicU32::new(0),
            asked: Notify::new(),
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
        let Some(key) = entry.backend.clone() else { return Cancel::Nothing };
        entry.passed.fetch_add(1, Ordering::AcqRel);
        let more = |passing| Some(if passing == AT_REST { ON_ITS_WAY } else { AGAIN });
        match entry.passing.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(AT_REST) => Cancel::Pass(entry.route.clone(), key, Passage { entry, over: false }),
            Ok(_) | Err(_) => Cancel::Told,
        }
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
        assert!(matches!(cancels.ask(&ask(pid, &key)), Cancel::Pass(_, BackendKey { pid: 7, .. }, _)));
        registered.entry.hold(true);
        assert!(matches!(cancels.ask(&ask(pid, &key)), Cancel::Told));
        drop(registered);
        assert!(matches!(cancels.ask(&ask(pid, &key)), Cancel::Nothing));
    }

    #[test]
    fn a_flood_of_right_keys_is_one_request_at_a_time() {
        let cancels = Cancels::default();
        let backend = BackendKey { pid: 7, secret: Secret::new(*b"real") };
        let registered = cancels.register(0, route(), Some(backend)).unwrap();
        let ask = ask(registered.pid, registered.key());
        let Cancel::Pass(_, _, passage) = cancels.ask(&ask) else { panic!("not passed on") };
        for _ in 0..1000 {
            assert!(matches!(cancels.ask(&ask), Cancel::Told));
        }
        let passage = passage.again().expect("those that came later are one more");
        assert!(passage.again().is_none());
        let Cancel::Pass(_, _, failed) = cancels.ask(&ask) else { panic!("not passed on") };
        drop(failed);
        assert!(matches!(cancels.ask(&ask), Cancel::Pass(..)));
    }

    #[test]
    fn protocol_3_2_has_long_keys() {
        assert_eq!(Cancels::default().register(2, route(), None).unwrap().key().len(), 32);
    }
}
