//! The pool: which database, with which promises, brought to this version.
//!
//! SQLite writes ahead and waits for the disk on every commit (`synchronous=FULL`): an approval that a person gave and
//! saw accepted is not lost with the power.

use crate::fault::StoreFault;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, ConnectOptions, Executor, SqlSafeStr};
use std::fs::OpenOptions;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::str::FromStr;
use std::time::Duration;

/// In order; an entry never changes once released.
const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "house", include_str!("../migrations/0001_house.sql"))];

const SQLITE_CONNECTIONS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// A server that is down is known soon: a caller at the door waits for this. SQLite's few connections take turns, and
/// a crowd at the door is no failure; how long its file may be locked is said in the greeting.
const POSTGRES_ACQUIRE: Duration = Duration::from_millis(1800);
const SQLITE_ACQUIRE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    fn of(url: &str) -> Result<Self, StoreFault> {
        match url.split(':').next() {
            Some("sqlite") => Ok(Backend::Sqlite),
            Some("postgres" | "postgresql") => Ok(Backend::Postgres),
            // The address may hold a password: it is not repeated.
            _ => Err(StoreFault::Address("write sqlite://FILE or postgres://USER@HOST/DATABASE".into())),
        }
    }
    /// What each SQLite connection is told before its first use.
    fn greeting(self) -> Option<&'static str> {
        match self {
            Backend::Sqlite => Some(
                "PRAGMA busy_timeout=1800; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            ),
            Backend::Postgres => None,
        }
    }
}

/// The one handle on what is remembered. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: AnyPool,
    backend: Backend,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens, creates where it is a SQLite file that does not exist, and migrates.
    pub async fn open(url: &str) -> Result<Self, StoreFault> {
        sqlx::any::install_default_drivers();
        let backend = Backend::of(url)?;
        let mut options = AnyConnectOptions::from_str(url)
            .map_err(|_| StoreFault::Address("it does not parse as a URL".into()))?
            .disable_statement_logging();
        match backend {
            Backend::Sqlite => make_private(url)?,
            Backend::Postgres => insist_on_tls(&mut options),
        }
        let pool = AnyPoolOptions::new()
            .max_connections(match backend {
                Backend::Sqlite => SQLITE_CONNECTIONS,
                Backend::Postgres => POSTGRES_CONNECTIONS,
            })
            .acquire_timeout(match backend {
                Backend::Sqlite => SQLITE_ACQUIRE,
                Backend::Postgres => POSTGRES_ACQUIRE,
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if let Some(greeting) = backend.greeting() {
                        connection.execute(sqlx::raw_sql(greeting)).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        migrator().run(&pool).await?;
        Ok(Self { pool, backend })
    }
    pub fn backend(&self) -> Backend {
        self.backend
    }
    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Password hashes and sealed credentials: the file is its owner's alone. SQLite gives its journals the same mode.
fn make_private(url: &str) -> Result<(), StoreFault> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split('?').next().unwrap_or_default();
    let made = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map(|_| ()).map_err(|fault| StoreFault::Address(format!("its file cannot be opened: {fault}")))
}

/// Where the address says nothing, a server elsewhere has to prove itself; `prefer` would talk to anybody.
fn insist_on_tls(options: &mut AnyConnectOptions) {
    let url = &mut options.database_url;
    let said = url.query_pairs().any(|(key, _)| key == "sslmode" || key == "ssl-mode" || key == "host");
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if !said && !near {
        url.query_pairs_mut().append_pair("sslmode", "verify-full");
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_has_to_prove_itself() {
        let cases = [
            ("postgres://u@db.example/x", true),
            ("postgres://u@127.0.0.1/x", false),
            ("postgres://u@[::1]/x", false),
            ("postgres://u@db.example/x?sslmode=require", false),
        ];
        for (url, insisted) in cases {
            let mut options = AnyConnectOptions::from_str(url).unwrap();
            insist_on_tls(&mut options);
            assert_eq!(options.database_url.as_str().contains("sslmode=verify-full"), insisted, "{url}");
        }
    }

    #[tokio::test]
    async fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/s.db", folder.path().display())).await.unwrap();
        store.set("a", "b", 0, sallyport_core::Moment(0)).await.unwrap();
        for item in std::fs::read_dir(folder.path()).unwrap() {
            let item = item.unwrap();
            assert_eq!(item.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", item.path());
        }
    }
}
