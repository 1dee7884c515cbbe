//! What is protected. A target's credential is not here: the vault keeps it.

use crate::ids::TargetName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub name: TargetName,
    /// The connector that speaks to it.
    pub protocol: String,
    pub host: String,
    pub port: u16,
    /// The account of the target that the gateway uses.
    pub account: String,
    /// The database (or namespace) opened when the caller names none.
    #[serde(default)]
    pub database: Option<String>,
    /// Free labels that rules can read: `env = "prod"`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Wait for the disk before a command is forwarded.
    #[serde(default)]
    pub strict: bool,
    /// How many bytes of each result are kept in the recording.
    #[serde(default = "default_record_result_bytes")]
    pub record_result_bytes: u64,
    /// Data classes of columns: `schema.table.column` to class names.
    #[serde(default)]
    pub classes: BTreeMap<String, Vec<String>>,
    /// The connector's own settings, checked by its schema when the target is registered.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

pub const DEFAULT_RECORD_RESULT_BYTES: u64 = 64 * 1024;

fn default_record_result_bytes() -> u64 {
    DEFAULT_RECORD_RESULT_BYTES
}
