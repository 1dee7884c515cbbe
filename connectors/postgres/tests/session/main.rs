//! Sessions through the pump, against a real PostgreSQL, with psql and with a client that speaks the wire by hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod attacks;
mod behind;
mod canaries;
mod contexts;
mod filters;
mod functions;
mod kinds;
mod masks;
mod messages;
mod names;
mod opinions;
mod psql;
mod server;
mod stage;
mod targets;
mod token_attacks;
mod tokens;
mod waits;
mod wire;
