//! The evidence: what happened in a session, kept so that any later change shows.
//!
//! A recording is one file per session: numbered entries, each carrying the hash of the one before, closed at the end.
//! The heads of all recordings stand in one Merkle log whose checkpoints are signed. FORMAT.md says how both look, so
//! that an outsider can check them without this code.
//!
//! This crate decides nothing and masks nothing: it writes down what the gate tells it, and it would rather end a
//! session than lose an entry of it.

mod body;
mod clerk;
mod fault;
mod follow;
mod frame;
mod handover;
mod journal;
mod keys;
mod live;
pub mod log;
pub mod note;
mod read;
mod recorder;
mod recover;
mod replay;
mod report;
mod seal;
mod shelf;
mod summary;
mod sync;
mod tail;
pub mod tree;
mod verify;

pub use fault::RecordFault;
pub use follow::{Follow, News};
pub use frame::{Entry, Hash, MAX_BODY_BYTES};
pub use handover::{is_unfinished, next_key, rotate};
pub use keys::{public_key, signing_key};
pub use live::SystemClock;
pub use read::{Outline, ReadFault, Recording, read, read_bytes};
pub use recorder::{Options, Recorder, Stored};
pub use recover::{Recovered, Recovery};
pub use replay::{ReplayFault, Speed, json_lines, replay};
pub use report::{Finding, Kind, Report, SessionReport, State};
pub use shelf::{LocalShelf, Shelf};
pub use summary::Summary;
pub use verify::{Known, verify};

pub use ed25519_dalek::{SigningKey, VerifyingKey};
