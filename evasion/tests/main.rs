//! Ways round the gateway, tried at real servers through the built executable.
//!
//! `corpus` has statements whose effects are known, one by one; `differential` makes statements by the hundred thousand
//! and asks the server what they did; `canaries` reads what is masked in every way that a grammar can make and looks for
//! it in what came back. What the gateway made of a statement is read from its recording, as an auditor would.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod canaries;
mod cases;
mod corpus;
mod dice;
mod differential;
mod grammar;
mod house;
mod line;
mod oracle;
mod told;
