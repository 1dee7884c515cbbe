//! A file per noun. Each holds the shapes that cross the wire, and its handlers.

pub mod agents;
pub mod approvals;
pub mod device;
pub mod discover;
pub mod events;
pub mod evidence;
pub mod health;
pub mod login;
pub mod oauth;
pub mod people;
pub mod policy;
pub mod sessions;
pub mod targets;
pub mod tokens;
pub mod waiting;

use crate::limits::{DEFAULT_PAGE, MAX_PAGE};

/// How many rows a page has: what was asked for, within bounds.
pub(crate) fn page(limit: Option<i64>) -> i64 {
    limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE)
}
