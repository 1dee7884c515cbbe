//! What is protected, and its credential as the vault sealed it. This file never sees a credential in the clear.

use crate::fault::{StoreFault, from_json, to_json};
use crate::named::Named;
use crate::open::Store;
use sallyport_core::{Moment, Target};
use sqlx::Row;
use sqlx::any::AnyRow;

/// `credential` is what the vault sealed; blank when printed all the same.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredTarget {
    pub target: Target,
    pub credential: Option<String>,
    pub revision: i64,
    pub created: Moment,
    pub updated: Moment,
}

impl std::fmt::Debug for StoredTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredTarget")
            .field("target", &self.target)
            .field("has_credential", &self.credential.is_some())
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Store {
    pub async fn targets(&self) -> Result<Vec<StoredTarget>, StoreFault> {
        self.all().await
    }
    pub async fn target(&self, name: &str) -> Result<Option<StoredTarget>, StoreFault> {
        self.named(name).await
    }
    pub async fn add_target(
        &self,
        target: &Target,
        credential: Option<&str>,
        now: Moment,
    ) -> Result<StoredTarget, StoreFault> {
        sqlx::query(
            "INSERT INTO targets (name, protocol, target, credential, revision, created, updated) \
             VALUES ($1, $2, $3, $4, 1, $5, $5)",
        )
        .bind(target.name.as_str())
        .bind(target.protocol.as_str())
        .bind(to_json("targets", target)?)
        .bind(credential)
        .bind(now.0)
        .execute(&self.pool)
        .await
        .map_err(|error| StoreFault::on_insert(error, StoredTarget::NOUN, target.name.as_str()))?;
        self.stored(target.name.as_str()).await
    }
    /// Replaces what `revision` showed; refuses where somebody else was faster. `None` keeps the credential.
    pub async fn change_target(
        &self,
        target: &Target,
        credential: Option<&str>,
        revision: i64,
        now: Moment,
    ) -> Result<StoredTarget, StoreFault> {
        let name = target.name.as_str();
        let changed = sqlx::query(
            "UPDATE targets SET protocol = $1, target = $2, credential = COALESCE($3, credential), \
             revision = revision + 1, updated = $4 WHERE name = $5 AND revision = $6",
        )
        .bind(target.protocol.as_str())
        .bind(to_json("targets", target)?)
        .bind(credential)
        .bind(now.0)
        .bind(name)
        .bind(revision)
        .execute(&self.pool)
        .await?
        .rows_affected();
        self.settled(name, changed).await
    }
    /// Puts one sealed text in the place of another. It is the same credential, so the revision stays. False where it was
    /// changed meanwhile.
    pub async fn swap_credential(&self, name: &str, before: &str, after: &str) -> Result<bool, StoreFault> {
        let swapped = sqlx::query("UPDATE targets SET credential = $1 WHERE name = $2 AND credential = $3")
            .bind(after)
            .bind(name)
            .bind(before)
            .execute(&self.pool)
            .await?;
        Ok(swapped.rows_affected() == 1)
    }
    pub async fn remove_target(&self, name: &str) -> Result<(), StoreFault> {
        self.remove::<StoredTarget>(name).await
    }
}

impl Named for StoredTarget {
    const NOUN: &'static str = "target";
    const SELECT: &'static str = "SELECT target, credential, revision, created, updated FROM targets WHERE ($1 = '' OR \
        name = $1) ORDER BY name";
    const DELETE: &'static str = "DELETE FROM targets WHERE name = $1";

    fn read(row: &AnyRow) -> Result<Self, StoreFault> {
        Ok(Self {
            target: from_json("targets", &row.try_get::<String, _>("target")?)?,
            credential: row.try_get("credential")?,
            revision: row.try_get("revision")?,
            created: Moment(row.try_get("created")?),
            updated: Moment(row.try_get("updated")?),
        })
    }
}
