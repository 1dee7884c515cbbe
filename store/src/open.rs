//! The pool: which database, with which promises, brought to this version.
//!
//! SQLite writes ahead and waits for the disk on every commit (`synchronous=FULL`): an approval that a person gave and
//! saw accepted is not lost with the power.

use crate::fault::StoreFault;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, ConnectOptions, Executor, SqlSafeStr};
use std::str::FromStr;
use std::time::Duration;

/// In order; an entry never changes once released.
const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "house", include_str!("../migrations/0001_house.sql"))];

const SQLITE_CONNECTIONS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
const ACQUIRE_SECONDS: u64 = 10;

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
                "PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
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
        let url = match backend {
            Backend::Sqlite if !url.contains('?') => format!("{url}?mode=rwc"),
            Backend::Sqlite | Backend::Postgres => url.to_string(),
        };
        let options = AnyConnectOptions::from_str(&url)
            .map_err(|_| StoreFault::Address("it does not parse as a URL".into()))?
            .disable_statement_logging();
        let pool = AnyPoolOptions::new()
            .max_connections(match backend {
                Backend::Sqlite => SQLITE_CONNECTIONS,
                Backend::Postgres => POSTGRES_CONNECTIONS,
            })
            .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
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

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}
