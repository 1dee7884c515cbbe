//! Nouns that have no race in them: what was put in comes out, and of two writers the second is told.

use crate::stage::NOON;
use sallyport_core::{Moment, Target, TargetName};
use sallyport_store::{
    Agent, Cursor, Person, PolicyFile, SessionEnd, SessionFilter, SessionRow, SessionTotals, Store,
    StoreFault, Verdicts,
};
use std::collections::BTreeMap;

crate::cases!(
    targets_keep_their_credential_unless_a_new_one_is_given,
    people_come_back_as_they_were_put_in,
    agents_come_back_as_they_were_put_in,
    of_two_policy_writers_one_is_told,
    settings_are_written_over_what_was_read,
    sessions_are_found_by_what_is_known_of_them,
    pages_of_sessions_join_without_gap_or_repetition,
    a_session_ends_once,
    nothing_kept_is_printed,
);

const CANARY: &str = "canary-9f3b";

fn target(host: &str) -> Target {
    Target {
        name: TargetName::new("prod"),
        protocol: "postgres".into(),
        host: host.into(),
        port: 5432,
        account: "app".into(),
        database: Some("shop".into()),
        labels: BTreeMap::from([("env".into(), "prod".into())]),
        strict: true,
        record_result_bytes: 10,
        classes: BTreeMap::new(),
        settings: BTreeMap::from([("sslmode".into(), "verify-full".into())]),
    }
}

fn someone() -> Person {
    Person {
        name: "ada".into(),
        display: "Ada Ö".into(),
        email: None,
        password_hash: Some(CANARY.into()),
        groups: vec!["dba".into()],
        attributes: BTreeMap::from([("team".into(), "core".into())]),
        disabled: false,
        revision: 0,
        created: NOON,
        updated: NOON,
    }
}

fn bot() -> Agent {
    Agent {
        name: "bot".into(),
        display: "Bot".into(),
        owner: "house#ada".into(),
        secret_hash: Some(CANARY.into()),
        public_keys: vec!["PEM".into()],
        groups: vec!["agents".into()],
        attributes: BTreeMap::new(),
        disabled: false,
        revision: 0,
        created: NOON,
        updated: NOON,
    }
}

fn session(id: &str, started: i64) -> SessionRow {
    SessionRow {
        id: id.into(),
        caller: "house#bot".into(),
        caller_name: "Bot".into(),
        caller_kind: "agent".into(),
        target: "prod".into(),
        protocol: "postgres".into(),
        account: "app".into(),
        database: "shop".into(),
        peer: Some("127.0.0.1".into()),
        started: NOON.plus_seconds(started),
        ended: None,
        reason: None,
        commands: 0,
        denied: 0,
        held: 0,
        head: None,
    }
}

async fn targets_keep_their_credential_unless_a_new_one_is_given(url: String) {
    let store = Store::open(&url).await.unwrap();
    let first = store.add_target(&target("a"), Some("sealed-1"), NOON).await.unwrap();
    assert_eq!((first.revision, first.target.host.as_str()), (1, "a"));
    let again = store.add_target(&target("a"), None, NOON).await;
    assert!(matches!(again, Err(StoreFault::Exists { noun: "target", .. })), "{again:?}");
    let second = store.change_target(&target("b"), None, 1, Moment(7)).await.unwrap();
    assert_eq!(
        (second.credential.as_deref(), second.revision, second.updated),
        (Some("sealed-1"), 2, Moment(7))
    );
    assert_eq!(second.target, target("b"));
    let late = store.change_target(&target("c"), Some("sealed-2"), 1, NOON).await;
    assert!(matches!(late, Err(StoreFault::Changed { .. })), "{late:?}");
    assert_eq!(store.targets().await.unwrap(), vec![second.clone()]);
    assert!(
        !store.swap_credential("prod", "sealed-0", "sealed-3").await.unwrap(),
        "it was another meanwhile"
    );
    assert!(store.swap_credential("prod", "sealed-1", "sealed-3").await.unwrap());
    let swapped = store.target("prod").await.unwrap().unwrap();
    assert_eq!((swapped.credential.as_deref(), swapped.revision), (Some("sealed-3"), second.revision));
    store.remove_target("prod").await.unwrap();
    assert!(matches!(store.remove_target("prod").await, Err(StoreFault::Missing { .. })));
    assert_eq!(store.target("prod").await.unwrap(), None);
}

async fn people_come_back_as_they_were_put_in(url: String) {
    let store = Store::open(&url).await.unwrap();
    let stored = store.add_person(&someone(), NOON).await.unwrap();
    assert_eq!(stored, Person { revision: 1, ..someone() });
    let moved = Person { disabled: true, email: Some("a@example.test".into()), ..stored.clone() };
    assert_eq!(store.change_person(&moved, NOON).await.unwrap(), Person { revision: 2, ..moved.clone() });
    assert!(matches!(store.change_person(&moved, NOON).await, Err(StoreFault::Changed { .. })));
    assert!(matches!(store.add_person(&someone(), NOON).await, Err(StoreFault::Exists { .. })));
    assert_eq!(store.people().await.unwrap().len(), 1);
    store.remove_person("ada").await.unwrap();
    assert_eq!(store.person("ada").await.unwrap(), None);
}

async fn agents_come_back_as_they_were_put_in(url: String) {
    let store = Store::open(&url).await.unwrap();
    let stored = store.add_agent(&bot(), NOON).await.unwrap();
    assert_eq!(stored, Agent { revision: 1, ..bot() });
    let moved = Agent { secret_hash: None, public_keys: Vec::new(), ..stored };
    assert_eq!(store.change_agent(&moved, NOON).await.unwrap(), Agent { revision: 2, ..moved.clone() });
    assert!(matches!(store.change_agent(&moved, NOON).await, Err(StoreFault::Changed { .. })));
    assert_eq!(store.agents().await.unwrap().len(), 1);
    store.remove_agent("bot").await.unwrap();
    assert_eq!(store.agent("bot").await.unwrap(), None);
}

async fn of_two_policy_writers_one_is_told(url: String) {
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.policy().await.unwrap(), None);
    let files =
        vec![PolicyFile { path: "a.cedar".into(), text: "permit(principal, action, resource);".into() }];
    assert_eq!(store.put_policy(&files, 0, "house#ada", "first", NOON).await.unwrap(), 1);
    let (one, two) = tokio::join!(
        store.put_policy(&files, 1, "house#ada", "one", NOON),
        store.put_policy(&files, 1, "house#eve", "two", NOON)
    );
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1, "{one:?} {two:?}");
    assert!(matches!(store.put_policy(&files, 9, "x", "", NOON).await, Err(StoreFault::Changed { .. })));
    assert_eq!(store.policy().await.unwrap().unwrap().revision, 2);
    assert_eq!(store.policy_revision(1).await.unwrap().unwrap().note, "first");
    assert_eq!(store.policy_revision(3).await.unwrap(), None);
    let history = store.policy_history(i64::MAX, 10).await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.revision).collect::<Vec<_>>(), [2, 1]);
}

async fn settings_are_written_over_what_was_read(url: String) {
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.set("keys", "one", 0, NOON).await.unwrap(), 1);
    assert!(matches!(store.set("keys", "two", 0, NOON).await, Err(StoreFault::Changed { .. })));
    assert_eq!(store.set("keys", "two", 1, NOON).await.unwrap(), 2);
    let kept = store.setting("keys").await.unwrap().unwrap();
    assert_eq!((kept.value.as_str(), kept.revision), ("two", 2));
    assert_eq!(store.setting("none").await.unwrap(), None);
}

async fn sessions_are_found_by_what_is_known_of_them(url: String) {
    let store = Store::open(&url).await.unwrap();
    store.session_opened(&session("se-1", 0)).await.unwrap();
    store.session_opened(&SessionRow { target: "stage".into(), ..session("se-2", 10) }).await.unwrap();
    store.session_opened(&SessionRow { caller: "house#eve".into(), ..session("se-3", 20) }).await.unwrap();
    let end = SessionEnd {
        reason: "bye".into(),
        totals: SessionTotals { commands: 3, denied: 1, held: 0 },
        head: Some("ab".into()),
        said: "SELECT 100%_OFF! FROM \u{0} Überall".into(),
    };
    assert!(store.session_closed("se-1", &end, NOON.plus_seconds(5)).await.unwrap());
    let found = async |filter: SessionFilter| {
        let rows = store.sessions(&SessionFilter { limit: 50, ..filter }).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let none = SessionFilter::default;
    assert_eq!(found(none()).await, ["se-3", "se-2", "se-1"]);
    assert_eq!(found(SessionFilter { caller: "house#eve".into(), ..none() }).await, ["se-3"]);
    assert_eq!(found(SessionFilter { caller: "Bot".into(), ..none() }).await.len(), 3);
    assert_eq!(found(SessionFilter { target: "stage".into(), ..none() }).await, ["se-2"]);
    assert_eq!(found(SessionFilter { verdict: Verdicts::Denied, ..none() }).await, ["se-1"]);
    assert!(found(SessionFilter { verdict: Verdicts::Held, ..none() }).await.is_empty());
    assert_eq!(found(SessionFilter { text: "100%_off!".into(), ..none() }).await, ["se-1"]);
    assert_eq!(found(SessionFilter { text: "überALL".into(), ..none() }).await, ["se-1"]);
    assert!(found(SessionFilter { text: "100__off".into(), ..none() }).await.is_empty());
    assert_eq!(found(SessionFilter { open_only: true, ..none() }).await, ["se-3", "se-2"]);
    let from =
        SessionFilter { since: Some(NOON.plus_seconds(1)), until: Some(NOON.plus_seconds(10)), ..none() };
    assert_eq!(found(from).await, ["se-2"]);
}

async fn pages_of_sessions_join_without_gap_or_repetition(url: String) {
    let store = Store::open(&url).await.unwrap();
    for number in 0..25 {
        store.session_opened(&session(&format!("se-{number:02}"), number / 5)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.sessions(&SessionFilter { after, limit: 4, ..Default::default() }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(Cursor { started: last.started, id: last.id.clone() });
        seen.extend(page.into_iter().map(|row| row.id));
    }
    let expected: Vec<String> = (0..25).rev().map(|number| format!("se-{number:02}")).collect();
    assert_eq!(seen, expected);
}

async fn a_session_ends_once(url: String) {
    let store = Store::open(&url).await.unwrap();
    store.session_opened(&session("se-1", 0)).await.unwrap();
    let end = |reason: &str| SessionEnd { reason: reason.into(), ..Default::default() };
    assert!(store.session_closed("se-1", &end("left"), NOON).await.unwrap());
    assert!(!store.session_closed("se-1", &end("killed"), Moment(1)).await.unwrap());
    let row = store.session("se-1").await.unwrap().unwrap();
    assert_eq!((row.reason.as_deref(), row.ended), (Some("left"), Some(NOON)));
}

async fn nothing_kept_is_printed(url: String) {
    let store = Store::open(&url).await.unwrap();
    let person = store.add_person(&someone(), NOON).await.unwrap();
    let agent = store.add_agent(&bot(), NOON).await.unwrap();
    let target = store.add_target(&target("a"), Some(CANARY), NOON).await.unwrap();
    store.set("keys", CANARY, 0, NOON).await.unwrap();
    let setting = store.setting("keys").await.unwrap();
    let printed = format!("{store:?} {person:?} {agent:?} {target:?} {setting:?}");
    assert!(printed.contains("ada") && !printed.contains(CANARY), "{printed}");
}
