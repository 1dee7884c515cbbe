//! What cases share: a clock that stands still until told, callers, and a request to be approved.

use sallyport_core::time::Clock;
use sallyport_core::{
    Action, Caller, CallerKind, CommandNo, Digest, Effect, HoldRequest, Moment, Object, ObjectKind, SessionId,
};
use sallyport_store::{Desk, DeskTerms, Store};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub type Case = fn(String) -> Pin<Box<dyn Future<Output = ()>>>;

/// Lists async functions as named cases.
#[macro_export]
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub fn all() -> Vec<(&'static str, $crate::stage::Case)> {
            vec![$((stringify!($name), |url| Box::pin($name(url))),)+]
        }
    };
}

pub const NOON: Moment = Moment::from_seconds(1_800_000_000);

pub struct StillClock(AtomicI64);

impl StillClock {
    pub fn at_noon() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(NOON.0)))
    }
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}

/// One node: its own pool on the shared database, its own desk, the shared clock.
pub async fn node(url: &str, clock: &Arc<StillClock>) -> (Store, Arc<Desk>) {
    let store = Store::open(url).await.unwrap();
    let terms = DeskTerms {
        link_base: "https://gate.example/".into(),
        redeem_seconds: 600,
        poll: Duration::from_millis(10),
    };
    let desk = Arc::new(Desk::new(store.clone(), clock.clone(), terms));
    (store, desk)
}

pub fn person(subject: &str, groups: &[&str]) -> Caller {
    Caller {
        subject: subject.into(),
        issuer: "https://gate.example".into(),
        kind: CallerKind::Person,
        name: format!("{subject} the person"),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        attributes: BTreeMap::new(),
        chain: Vec::new(),
        owner: None,
        expires: NOON.plus_seconds(86_400),
        token_id: None,
        account_since: None,
    }
}

pub fn request(digest: u8) -> HoldRequest {
    HoldRequest {
        session: SessionId::new("se-1"),
        command: CommandNo(1),
        digest: Digest([digest; 32]),
        requester: "https://gate.example#bot".into(),
        requester_name: "bot".into(),
        chain: vec!["https://gate.example#boss".into()],
        owner: Some("https://gate.example#owner".into()),
        attributes: BTreeMap::new(),
        target: "prod".into(),
        database: "shop".into(),
        protocol: "postgres".into(),
        text: "DELETE FROM carts WHERE note = '\0'".into(),
        context: String::new(),
        parameters: vec![None, Some("7".into())],
        effects: vec![Effect::new(Action::Delete, Object::new(ObjectKind::Table, ["public", "carts"]))],
        rules: vec!["deletes-need-eyes".into()],
        message: "Deletes need a second pair of eyes.".into(),
        groups: vec!["dba".into(), "lead".into()],
        defer: false,
        asked: NOON,
        expires: NOON.plus_seconds(300),
    }
}

pub fn deferred(digest: u8) -> HoldRequest {
    HoldRequest { defer: true, ..request(digest) }
}
