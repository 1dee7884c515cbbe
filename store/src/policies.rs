//! The rules' texts. A revision is the whole set of files; the highest is in force, and going back is a new revision
//! with old texts, so that history only grows.

use crate::MAX_PAGE;
use crate::fault::{StoreFault, from_json, to_json};
use crate::open::Store;
use sallyport_core::Moment;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFile {
    pub path: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRevision {
    pub revision: i64,
    pub files: Vec<PolicyFile>,
    pub author: String,
    pub note: String,
    pub at: Moment,
}

const COLUMNS: &str = "SELECT revision, files, author, note, at FROM policy_revisions";

impl Store {
    /// The revision in force.
    pub async fn policy(&self) -> Result<Option<PolicyRevision>, StoreFault> {
        Ok(self.policy_history(i64::MAX, 1).await?.into_iter().next())
    }
    pub async fn policy_revision(&self, revision: i64) -> Result<Option<PolicyRevision>, StoreFault> {
        let found = self.policy_history(revision.saturating_add(1), 1).await?.into_iter().next();
        Ok(found.filter(|found| found.revision == revision))
    }
    /// Newest first, below `before`.
    pub async fn policy_history(&self, before: i64, limit: i64) -> Result<Vec<PolicyRevision>, StoreFault> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE revision < $1 ORDER BY revision DESC LIMIT $2"
        )))
        .bind(before)
        .bind(limit.clamp(1, MAX_PAGE))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }
    /// Puts `files` in force after revision `after` (0 where there is none). Of two writers one is told to read again.
    pub async fn put_policy(
        &self,
        files: &[PolicyFile],
        after: i64,
        author: &str,
        note: &str,
        now: Moment,
    ) -> Result<i64, StoreFault> {
        let revision = after.saturating_add(1);
        let changed = || StoreFault::Changed { noun: "policy", name: format!("revision {after}") };
        let written = sqlx::query(
            "INSERT INTO policy_revisions (revision, files, author, note, at) SELECT $1, $2, $3, $4, $5 \
             WHERE COALESCE((SELECT MAX(revision) FROM policy_revisions), 0) = $6",
        )
        .bind(revision)
        .bind(to_json("policy_revisions", &files)?)
        .bind(author)
        .bind(note)
        .bind(now.0)
        .bind(after)
        .execute(&self.pool)
        .await
        .map_err(|error| match StoreFault::on_insert(error, "policy", "") {
            StoreFault::Exists { .. } => changed(),
            other => other,
        })?;
        if written.rows_affected() == 1 { Ok(revision) } else { Err(changed()) }
    }
}

fn read(row: &AnyRow) -> Result<PolicyRevision, StoreFault> {
    Ok(PolicyRevision {
        revision: row.try_get("revision")?,
        files: from_json("policy_revisions", &row.try_get::<String, _>("files")?)?,
        author: row.try_get("author")?,
        note: row.try_get("note")?,
        at: Moment(row.try_get("at")?),
    })
}
