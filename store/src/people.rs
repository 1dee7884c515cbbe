//! Local people. The password is here only as its hash, and nothing prints it.

use crate::fault::{StoreFault, from_json, to_json};
use crate::named::Named;
use crate::open::Store;
use sallyport_core::Moment;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// What they sign in with; the subject of their tokens.
    pub name: String,
    pub display: String,
    pub email: Option<String>,
    pub password_hash: Option<String>,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub disabled: bool,
    /// 0 for one that is not stored yet.
    pub revision: i64,
    pub created: Moment,
    pub updated: Moment,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("name", &self.name)
            .field("groups", &self.groups)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl Store {
    pub async fn people(&self) -> Result<Vec<Person>, StoreFault> {
        self.all().await
    }
    pub async fn person(&self, name: &str) -> Result<Option<Person>, StoreFault> {
        self.named(name).await
    }
    pub async fn add_person(&self, person: &Person, now: Moment) -> Result<Person, StoreFault> {
        sqlx::query(
            "INSERT INTO people (name, display, email, password_hash, groups, attributes, disabled, revision, \
             created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)",
        )
        .bind(person.name.as_str())
        .bind(person.display.as_str())
        .bind(person.email.as_deref())
        .bind(person.password_hash.as_deref())
        .bind(to_json("people", &person.groups)?)
        .bind(to_json("people", &person.attributes)?)
        .bind(i64::from(person.disabled))
        .bind(now.0)
        .execute(&self.pool)
        .await
        .map_err(|error| StoreFault::on_insert(error, Person::NOUN, &person.name))?;
        self.stored(&person.name).await
    }
    /// Replaces the revision that `person` carries.
    pub async fn change_person(&self, person: &Person, now: Moment) -> Result<Person, StoreFault> {
        let changed = sqlx::query(
            "UPDATE people SET display = $1, email = $2, password_hash = $3, groups = $4, attributes = $5, \
             disabled = $6, revision = revision + 1, updated = $7 WHERE name = $8 AND revision = $9",
        )
        .bind(person.display.as_str())
        .bind(person.email.as_deref())
        .bind(person.password_hash.as_deref())
        .bind(to_json("people", &person.groups)?)
        .bind(to_json("people", &person.attributes)?)
        .bind(i64::from(person.disabled))
        .bind(now.0)
        .bind(person.name.as_str())
        .bind(person.revision)
        .execute(&self.pool)
        .await?
        .rows_affected();
        self.settled(&person.name, changed).await
    }
    pub async fn remove_person(&self, name: &str) -> Result<(), StoreFault> {
        self.remove::<Person>(name).await
    }
}

impl Named for Person {
    const NOUN: &'static str = "person";
    const SELECT: &'static str = "SELECT name, display, email, password_hash, groups, attributes, disabled, revision, \
        created, updated FROM people WHERE ($1 = '' OR name = $1) ORDER BY name";
    const DELETE: &'static str = "DELETE FROM people WHERE name = $1";

    fn read(row: &AnyRow) -> Result<Self, StoreFault> {
        Ok(Self {
            name: row.try_get("name")?,
            display: row.try_get("display")?,
            email: row.try_get("email")?,
            password_hash: row.try_get("password_hash")?,
            groups: from_json("people", &row.try_get::<String, _>("groups")?)?,
            attributes: from_json("people", &row.try_get::<String, _>("attributes")?)?,
            disabled: row.try_get::<i64, _>("disabled")? != 0,
            revision: row.try_get("revision")?,
            created: Moment(row.try_get("created")?),
            updated: Moment(row.try_get("updated")?),
        })
    }
}
