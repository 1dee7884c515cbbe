//! A store that is down says so soon, and everything works when it is back.

use crate::databases::{Fresh, PostgresServer, SqliteFolder};
use crate::stage::{NOON, StillClock, node, person, request};
use sallyport_core::{Approvals, Fault, Outcome};
use sallyport_store::{Desk, Store};
use sqlx::Connection;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a caller at the door waits at most, with room for a busy machine.
const SOON: Duration = Duration::from_millis(2900);

async fn assert_down(store: &Store, desk: &Desk) {
    let started = Instant::now();
    store.set("a", "b", 0, NOON).await.unwrap_err();
    assert!(started.elapsed() < SOON, "a caller waited {:?}", started.elapsed());
    let started = Instant::now();
    let refused = desk.file(request(2)).await.unwrap_err();
    assert!(matches!(refused, Fault::Ours { .. }), "{refused}");
    assert!(refused.public().contains("cannot be reached"), "{}", refused.public());
    assert!(started.elapsed() < SOON, "a command waited {:?}", started.elapsed());
}

/// A wait that began before goes on over the outage, and ends with the decision.
async fn assert_back(desk: Arc<Desk>, store: &Store, waiter: tokio::task::JoinHandle<Outcome>, id: &str) {
    store.set("a", "b", 0, NOON).await.unwrap();
    desk.file(request(3)).await.unwrap();
    desk.decide(id, &person("ada", &["dba"]), true, "back again").await.unwrap();
    let outcome = tokio::time::timeout(Duration::from_secs(20), waiter).await.unwrap().unwrap();
    assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
}

async fn waiting(url: &str) -> (Store, Arc<Desk>, tokio::task::JoinHandle<Outcome>, String) {
    let (store, desk) = node(url, &StillClock::at_noon()).await;
    let id = desk.file(request(1)).await.unwrap().id;
    let waiter = tokio::spawn({
        let (desk, id) = (desk.clone(), id.clone());
        async move { desk.wait(id).await.unwrap() }
    });
    (store, desk, waiter, id.as_str().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_sqlite_file() {
    let folder = SqliteFolder::new();
    let url = folder.url("locked");
    let (store, desk, waiter, id) = waiting(&url).await;
    let mut other = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    assert_down(&store, &desk).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_back(desk, &store, waiter, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_postgresql() {
    let server = PostgresServer::start();
    let (store, desk, waiter, id) = waiting(&server.url("stopped")).await;
    server.stop();
    assert_down(&store, &desk).await;
    server.go();
    assert_back(desk, &store, waiter, &id).await;
}
