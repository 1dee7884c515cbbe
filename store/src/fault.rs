//! Whose fault it is when remembering fails. No variant holds a value of a row, so that nothing secret is printed.

#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    #[error("{noun} `{name}` does not exist")]
    Missing { noun: &'static str, name: String },
    #[error("{noun} `{name}` exists already; choose another name or change the one that is there")]
    Exists { noun: &'static str, name: String },
    #[error("{noun} `{name}` was changed by somebody else meanwhile; read it again and repeat the change")]
    Changed { noun: &'static str, name: String },
    #[error("the store's address is not usable: {0}")]
    Address(String),
    #[error("a row of {table} cannot be read back: {why}; restore the store from a backup")]
    Corrupt { table: &'static str, why: String },
    #[error("the store did not answer: {0}; check that it runs and that its disk has room")]
    Database(#[from] sqlx::Error),
    #[error("the store could not be brought to this version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the system has no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl StoreFault {
    /// The store itself is at fault, not what was asked of it.
    pub fn is_ours(&self) -> bool {
        match self {
            StoreFault::Missing { .. } | StoreFault::Exists { .. } | StoreFault::Changed { .. } => false,
            StoreFault::Address(_)
            | StoreFault::Corrupt { .. }
            | StoreFault::Database(_)
            | StoreFault::Migration(_)
            | StoreFault::Randomness(_) => true,
        }
    }
    /// An insert that met a row of the same name.
    pub(crate) fn on_insert(error: sqlx::Error, noun: &'static str, name: &str) -> Self {
        match &error {
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
                StoreFault::Exists { noun, name: name.into() }
            }
            _ => StoreFault::Database(error),
        }
    }
}

/// JSON columns: written from our own types, so that writing cannot fail on data; reading can, on a damaged row.
pub(crate) fn to_json<T: serde::Serialize>(table: &'static str, value: &T) -> Result<String, StoreFault> {
    serde_json::to_string(value).map_err(|error| StoreFault::Corrupt { table, why: error.to_string() })
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    table: &'static str,
    text: &str,
) -> Result<T, StoreFault> {
    serde_json::from_str(text).map_err(|error| StoreFault::Corrupt {
        table,
        why: format!("line {} column {}", error.line(), error.column()),
    })
}
