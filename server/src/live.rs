//! The sessions that are open now: who, where to, and the switch that ends each.
//!
//! A session belongs to its connector. What is here can only end it or move the end of its grant; it is gone from here
//! as soon as the connector lets go of it.

use crate::clock::WallClock;
use sallyport_api::house::{Live as LivePlane, LiveSession};
use sallyport_core::{Caller, Clock, Denial, Epoch, Grant, Moment, SessionId};
use sallyport_policy::RuleBook;
use sallyport_relay::Ending;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long an expired token or a withdrawn grant can outlive its end.
pub const SWEEP_EVERY: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub struct Open {
    pub grant: Grant,
    pub started: Moment,
    pub peer: String,
    end: watch::Sender<Option<String>>,
}

#[derive(Default)]
pub struct Live {
    open: Mutex<HashMap<SessionId, Open>>,
}

impl Live {
    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the session and hands out the half that the connector waits on. `over` runs once it let go of it.
    pub fn enter<F>(self: &Arc<Self>, grant: Grant, peer: String, over: F) -> Ending
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (end, ending) = Ending::new();
        let id = grant.session().clone();
        let open = Open { grant, started: WallClock.now(), peer, end: end.clone() };
        self.open().insert(id.clone(), open);
        let live = Arc::clone(self);
        tokio::spawn(async move {
            end.closed().await;
            live.open().remove(&id);
            over.await;
        });
        ending
    }

    pub fn list(&self) -> Vec<Open> {
        let mut list: Vec<Open> = self.open().values().cloned().collect();
        list.sort_by_key(|open| open.started);
        list
    }
    pub fn find(&self, id: &SessionId) -> Option<Open> {
        self.open().get(id).cloned()
    }
    pub fn len(&self) -> usize {
        self.open().len()
    }

    /// Ends one session with a reason that its caller reads. False: it is not open here.
    pub fn end(&self, id: &SessionId, reason: &str) -> bool {
        let open = self.open();
        let Some(session) = open.get(id) else { return false };
        session.end.send_if_modified(|standing| {
            let first = standing.is_none();
            if first {
                *standing = Some(reason.to_owned());
            }
            first
        });
        true
    }
    pub fn end_all(&self, reason: &str) {
        for open in self.list() {
            self.end(open.grant.session(), reason);
        }
    }

    /// A later token of the same identity moves the end of the session.
    pub fn renew_until(&self, id: &SessionId, proven: &Caller) -> Option<Result<Moment, Denial>> {
        Some(self.find(id)?.grant.renew(proven))
    }

    /// Ends what has expired and, after a change of the rules, what they would not let in any more.
    pub async fn sweep(self: Arc<Self>, rules: Arc<RuleBook>) {
        let mut seen: Epoch = rules.epoch();
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        loop {
            tick.tick().await;
            let now = WallClock.now();
            let epoch = rules.epoch();
            for open in self.list() {
                let id = open.grant.session();
                if now >= open.grant.until() {
                    self.end(
                        id,
                        "The token behind this session has expired. Get a new one and connect again.",
                    );
                } else if epoch != seen
                    && let Err(reason) = rules.session(open.grant.facts().clone()).connect(now)
                {
                    self.end(id, &reason.message);
                }
            }
            seen = epoch;
        }
    }
}

impl LivePlane for Live {
    fn list(&self) -> Vec<LiveSession> {
        Live::list(self)
            .into_iter()
            .map(|open| LiveSession {
                id: open.grant.session().clone(),
                caller: open.grant.caller().principal(),
                caller_name: open.grant.caller().name.clone(),
                target: open.grant.target().name.as_str().to_owned(),
                protocol: open.grant.target().protocol.clone(),
                database: open.grant.database().to_owned(),
                peer: Some(open.peer),
                started: open.started,
                until: open.grant.until(),
                waiting: None,
            })
            .collect()
    }
    fn kill(&self, id: &SessionId, reason: &str) -> bool {
        self.end(id, reason)
    }
    fn renew(&self, id: &SessionId, proven: &Caller) -> Option<Result<Moment, Denial>> {
        self.renew_until(id, proven)
    }
}
