//! Rules as their writers and their subjects meet them: text in, verdicts and words out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it is wrong"
)]

mod approvals;
mod broken;
mod classes;
mod could;
mod docs;
mod fail_closed;
mod packs;
mod reload;
mod slices;
mod world;
