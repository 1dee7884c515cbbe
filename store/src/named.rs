//! What agents, people and targets have in common: a row for each name, changed over the revision that was read.

use crate::fault::StoreFault;
use crate::open::Store;
use sqlx::any::AnyRow;

/// A noun with a table of its own.
pub(crate) trait Named: Sized + Send + Unpin {
    const NOUN: &'static str;
    /// Ends with `WHERE ($1 = '' OR name = $1) ORDER BY name`.
    const SELECT: &'static str;
    const DELETE: &'static str;
    fn read(row: &AnyRow) -> Result<Self, StoreFault>;

    fn missing(name: &str) -> StoreFault {
        StoreFault::Missing { noun: Self::NOUN, name: name.into() }
    }
}

impl Store {
    pub(crate) async fn all<T: Named>(&self) -> Result<Vec<T>, StoreFault> {
        let rows = sqlx::query(T::SELECT).bind("").fetch_all(&self.pool).await?;
        rows.iter().map(T::read).collect()
    }
    pub(crate) async fn named<T: Named>(&self, name: &str) -> Result<Option<T>, StoreFault> {
        // The empty name stands for all of them.
        if name.is_empty() {
            return Ok(None);
        }
        let row = sqlx::query(T::SELECT).bind(name).fetch_optional(&self.pool).await?;
        row.as_ref().map(T::read).transpose()
    }
    /// What stands there after an INSERT.
    pub(crate) async fn stored<T: Named>(&self, name: &str) -> Result<T, StoreFault> {
        self.named(name).await?.ok_or_else(|| T::missing(name))
    }
    /// What stands there after an UPDATE over a revision that changed this many rows.
    pub(crate) async fn settled<T: Named>(&self, name: &str, changed: u64) -> Result<T, StoreFault> {
        let stored = self.stored(name).await?;
        if changed == 1 { Ok(stored) } else { Err(StoreFault::Changed { noun: T::NOUN, name: name.into() }) }
    }
    pub(crate) async fn remove<T: Named>(&self, name: &str) -> Result<(), StoreFault> {
        let gone = sqlx::query(T::DELETE).bind(name).execute(&self.pool).await?;
        if gone.rows_affected() == 1 { Ok(()) } else { Err(T::missing(name)) }
    }
}
