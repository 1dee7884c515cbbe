//! The same cases on SQLite and on a real PostgreSQL. A case gets a fresh, empty database of its own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod approvals;
mod cases;
mod crash;
mod databases;
mod down;
mod races;
mod stage;

use databases::{Fresh, PostgresServer, SqliteFolder};
use stage::Case;
use std::panic::AssertUnwindSafe;

fn all() -> Vec<(&'static str, Case)> {
    let mut all = cases::all();
    all.extend(approvals::all());
    all.extend(races::all());
    all.extend(crash::all());
    all
}

/// Runs every case, names each that failed, and fails if one did.
fn run(fresh: &dyn Fresh) {
    let mut failed = Vec::new();
    for (name, case) in all() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let url = fresh.url(name);
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                tokio::time::timeout(std::time::Duration::from_secs(60), case(url)).await.expect("in time");
            });
        }));
        if outcome.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}

#[test]
fn on_sqlite() {
    crash::die_if_told_to();
    run(&SqliteFolder::new());
}

#[test]
fn on_postgres() {
    run(&PostgresServer::start());
}
