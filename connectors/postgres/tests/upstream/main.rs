//! Reaching targets: real servers with every login they know, and scripted ones that mean ill.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod hostile;
mod logins;
mod methods;
mod samples;
mod settings;
mod stage;
