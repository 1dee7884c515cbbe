//! The evidence, tested at its boundary: real files, real processes, a real full disk.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]
mod disk;
mod handover;
mod log;
mod playing;
mod scene;
mod session;
mod tamper;
