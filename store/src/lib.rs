//! What we remember: a file per noun, one SQL text and one migrations folder for SQLite and PostgreSQL.
//!
//! It is not the record: who did what stands in the recordings, not here. It knows no password and no credential in
//! the clear; what it is handed is already hashed or sealed.
//!
//! Invariant: a state changes by one conditional UPDATE whose `rows_affected` decides, so that of two racers, or of two
//! nodes, one wins.

mod agents;
mod approvals;
mod desk;
mod fault;
mod ids;
mod named;
mod open;
mod people;
mod policies;
mod sessions;
mod settings;
mod targets;

pub use agents::Agent;
pub use approvals::{Approval, ApprovalState, MAX_REQUEST_BYTES, MAX_WAITING_PER_REQUESTER};
pub use desk::{Desk, DeskFault, DeskTerms};
pub use fault::StoreFault;
pub use ids::fresh_id;
pub use open::{Backend, Store};
pub use people::Person;
pub use policies::{PolicyFile, PolicyRevision};
pub use sessions::{Cursor, SessionEnd, SessionFilter, SessionRow, SessionTotals, Verdicts};
pub use settings::Setting;
pub use targets::StoredTarget;

/// No list is longer than this, whatever was asked for.
pub const MAX_PAGE: i64 = 500;
