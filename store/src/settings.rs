//! Small named values of the house: sealed signing keys, the id of the installation. JSON text, one row each.

use crate::fault::StoreFault;
use crate::open::Store;
use sallyport_core::Moment;
use sqlx::Row;

const NOUN: &str = "setting";

/// May hold a sealed key: blank when printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    pub value: String,
    pub revision: i64,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl Store {
    pub async fn setting(&self, name: &str) -> Result<Option<Setting>, StoreFault> {
        let row = sqlx::query("SELECT value, revision FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok(Setting { value: row.try_get("value")?, revision: row.try_get("revision")? }))
            .transpose()
    }
    /// Writes over `revision` (0 where there is none yet); of two writers one is told to read again.
    pub async fn set(&self, name: &str, value: &str, revision: i64, now: Moment) -> Result<i64, StoreFault> {
        let written = if revision == 0 {
            sqlx::query(
                "INSERT INTO settings (name, value, revision, updated) VALUES ($1, $2, 1, $3) \
                 ON CONFLICT (name) DO NOTHING",
            )
            .bind(name)
            .bind(value)
            .bind(now.0)
            .execute(&self.pool)
            .await?
        } else {
            sqlx::query(
                "UPDATE settings SET value = $1, revision = revision + 1, updated = $2 \
                 WHERE name = $3 AND revision = $4",
            )
            .bind(value)
            .bind(now.0)
            .bind(name)
            .bind(revision)
            .execute(&self.pool)
            .await?
        };
        if written.rows_affected() == 1 {
            Ok(revision.saturating_add(1))
        } else {
            Err(StoreFault::Changed { noun: NOUN, name: name.into() })
        }
    }
}
