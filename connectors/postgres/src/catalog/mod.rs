//! What a database's own catalog says of its tables, columns, views and types, read on the gateway's own connection.
//!
//! Shared by all sessions of one target and database as snapshots; a session never reads a half of one. Without a
//! snapshot there is no session. Invariant: what the snapshot does not know is unknown to masks and rules, never clear.

mod behind;
mod load;
mod snapshot;

pub use behind::Footing;
pub use snapshot::{Relation, Snapshot, Type, ViewColumn};

use arc_swap::ArcSwapOption;
use behind::Texts;
use sallyport_core::{Fault, Grant};
use sallyport_relay::{Credential, Credentials, Route};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A snapshot older than this is replaced the next time a session works.
pub const MAX_AGE: Duration = Duration::from_secs(30);

/// Reading a catalog takes at most so long.
const PATIENCE: Duration = Duration::from_secs(15);

/// One database of one target.
#[derive(Debug, Default)]
pub struct Catalog {
    now: ArcSwapOption<Snapshot>,
    version: AtomicU64,
    /// One reader at a time; who waited takes what the other read, if that began late enough.
    reading: tokio::sync::Mutex<Texts>,
    behind: AtomicBool,
}

impl Catalog {
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.now.load_full()
    }

    /// A snapshot whose reading began after `since`.
    pub async fn since(
        &self,
        since: Instant,
        grant: &Grant,
        credentials: &dyn Credentials,
    ) -> Result<Arc<Snapshot>, Fault> {
        let recent = |snapshot: &Arc<Snapshot>| snapshot.taken >= since;
        if let Some(snapshot) = self.current().filter(recent) {
            return Ok(snapshot);
        }
        let mut texts = self.reading.lock().await;
        if let Some(snapshot) = self.current().filter(recent) {
            return Ok(snapshot);
        }
        let route = Route::of(grant);
        let read = async {
            let credential = credentials.unseal(grant).await?;
            load::snapshot(&route, &credential, &mut texts).await
        };
        let mut snapshot = in_time(read).await?;
        snapshot.version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let snapshot = Arc::new(snapshot);
        self.now.store(Some(Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    /// Replaces an old snapshot without anybody waiting for it.
    pub fn refresh_behind(self: &Arc<Self>, grant: &Grant, credentials: &Arc<dyn Credentials>) {
        if self.behind.swap(true, Ordering::AcqRel) {
            return;
        }
        let (catalog, grant, credentials) = (Arc::clone(self), grant.clone(), Arc::clone(credentials));
        tokio::spawn(async move {
            if let Err(fault) = catalog.since(Instant::now(), &grant, credentials.as_ref()).await {
                tracing::warn!(target = %grant.target().name, %fault, "the catalog could not be read again");
            }
            catalog.behind.store(false, Ordering::Release);
        });
    }
}

async fn in_time(read: impl Future<Output = Result<Snapshot, Fault>>) -> Result<Snapshot, Fault> {
    tokio::time::timeout(PATIENCE, read)
        .await
        .map_err(|_| Fault::Target("the target did not answer the gateway's questions about its tables"))?
}

/// Read once, for a question that no session asks.
pub async fn read_once(route: &Route, credential: &Credential) -> Result<Snapshot, Fault> {
    in_time(load::snapshot(route, credential, &mut Texts::default())).await
}

/// The catalogs of every database that sessions work in.
#[derive(Debug, Default)]
pub struct Catalogs(Mutex<HashMap<Key, Arc<Catalog>>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    host: String,
    port: u16,
    account: String,
    database: String,
}

impl Catalogs {
    pub fn of(&self, grant: &Grant) -> Arc<Catalog> {
        let target = grant.target();
        let key = Key {
            host: target.host.clone(),
            port: target.port,
            account: target.account.clone(),
            database: grant.database().to_owned(),
        };
        let mut catalogs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody works in a catalog that only this map holds.
        catalogs.retain(|_, catalog| {
            Arc::strong_count(catalog) > 1
                || catalog.current().is_some_and(|now| now.taken.elapsed() < MAX_AGE)
        });
        Arc::clone(catalogs.entry(key).or_default())
    }
}
