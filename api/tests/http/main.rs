//! The real router on a real socket, over SQLite, a real recorder, vault, issuer and rule book.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod approvals;
mod changes;
mod document;
mod oauth;
mod resources;
mod roles;
mod secrets;
mod stage;
