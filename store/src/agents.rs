//! Agents: machines with an identity and a person who answers for each. Secrets are here only as hashes.

use crate::fault::{StoreFault, from_json, to_json};
use crate::named::Named;
use crate::open::Store;
use sallyport_core::Moment;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Eq)]
pub struct Agent {
    /// The client id and the subject of its tokens.
    pub name: String,
    pub display: String,
    /// `issuer#subject` of the person who answers for it, and who may never approve its commands.
    pub owner: String,
    pub secret_hash: Option<String>,
    /// Public keys in PEM, for `private_key_jwt`.
    pub public_keys: Vec<String>,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub disabled: bool,
    /// 0 for one that is not stored yet.
    pub revision: i64,
    pub created: Moment,
    pub updated: Moment,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("name", &self.name)
            .field("owner", &self.owner)
            .field("groups", &self.groups)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl Store {
    pub async fn agents(&self) -> Result<Vec<Agent>, StoreFault> {
        self.all().await
    }
    pub async fn agent(&self, name: &str) -> Result<Option<Agent>, StoreFault> {
        self.named(name).await
    }
    pub async fn add_agent(&self, agent: &Agent, now: Moment) -> Result<Agent, StoreFault> {
        sqlx::query(
            "INSERT INTO agents (name, display, owner, secret_hash, public_keys, groups, attributes, disabled, \
             revision, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)",
        )
        .bind(agent.name.as_str())
        .bind(agent.display.as_str())
        .bind(agent.owner.as_str())
        .bind(agent.secret_hash.as_deref())
        .bind(to_json("agents", &agent.public_keys)?)
        .bind(to_json("agents", &agent.groups)?)
        .bind(to_json("agents", &agent.attributes)?)
        .bind(i64::from(agent.disabled))
        .bind(now.0)
        .execute(&self.pool)
        .await
        .map_err(|error| StoreFault::on_insert(error, Agent::NOUN, &agent.name))?;
        self.stored(&agent.name).await
    }
    /// Replaces the revision that `agent` carries.
    pub async fn change_agent(&self, agent: &Agent, now: Moment) -> Result<Agent, StoreFault> {
        let changed = sqlx::query(
            "UPDATE agents SET display = $1, owner = $2, secret_hash = $3, public_keys = $4, groups = $5, \
             attributes = $6, disabled = $7, revision = revision + 1, updated = $8 \
             WHERE name = $9 AND revision = $10",
        )
        .bind(agent.display.as_str())
        .bind(agent.owner.as_str())
        .bind(agent.secret_hash.as_deref())
        .bind(to_json("agents", &agent.public_keys)?)
        .bind(to_json("agents", &agent.groups)?)
        .bind(to_json("agents", &agent.attributes)?)
        .bind(i64::from(agent.disabled))
        .bind(now.0)
        .bind(agent.name.as_str())
        .bind(agent.revision)
        .execute(&self.pool)
        .await?
        .rows_affected();
        self.settled(&agent.name, changed).await
    }
    pub async fn remove_agent(&self, name: &str) -> Result<(), StoreFault> {
        self.remove::<Agent>(name).await
    }
}

impl Named for Agent {
    const NOUN: &'static str = "agent";
    const SELECT: &'static str = "SELECT name, display, owner, secret_hash, public_keys, groups, attributes, disabled, \
        revision, created, updated FROM agents WHERE ($1 = '' OR name = $1) ORDER BY name";
    const DELETE: &'static str = "DELETE FROM agents WHERE name = $1";

    fn read(row: &AnyRow) -> Result<Self, StoreFault> {
        Ok(Self {
            name: row.try_get("name")?,
            display: row.try_get("display")?,
            owner: row.try_get("owner")?,
            secret_hash: row.try_get("secret_hash")?,
            public_keys: from_json("agents", &row.try_get::<String, _>("public_keys")?)?,
            groups: from_json("agents", &row.try_get::<String, _>("groups")?)?,
            attributes: from_json("agents", &row.try_get::<String, _>("attributes")?)?,
            disabled: row.try_get::<i64, _>("disabled")? != 0,
            revision: row.try_get("revision")?,
            created: Moment(row.try_get("created")?),
            updated: Moment(row.try_get("updated")?),
        })
    }
}
