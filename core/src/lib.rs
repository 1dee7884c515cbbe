//! The law of Sallyport: what an event is, who may cause it, and what may cross.
//!
//! This crate does no I/O, knows no protocol, holds no clock and needs no async runtime. Everything that decides
//! lives here or is asked from here through a small trait ([`Judge`], [`Journal`], [`Approvals`]); everything that
//! moves bytes lives in `relay` and in the connectors, and can move none without a [`Cleared`].

pub mod access;
pub mod approvals;
pub mod caller;
pub mod command;
pub mod digest;
pub mod effect;
pub mod event;
pub mod fault;
pub mod gate;
pub mod ids;
pub mod journal;
pub mod judge;
pub mod mask;
pub mod secret;
pub mod target;
pub mod time;

pub use access::Grant;
pub use approvals::{ApprovalFact, Approvals, Hold, HoldRequest, Outcome};
pub use caller::{Caller, CallerKind};
pub use command::{Command, CommandKind, Parameters};
pub use digest::Digest;
pub use effect::{Action, Effect, Effects, Object, ObjectKind};
pub use event::{Answer, Ask, Cell, Frame, Row, RowCodec};
pub use fault::{Denial, Fault};
pub use gate::{Cleared, Gate, Ruling, Settled};
pub use ids::{ApprovalId, CommandNo, Epoch, RuleId, SessionId, TargetName};
pub use journal::{Flush, Journal, JournalFault};
pub use judge::{Guard, HoldTerms, Judge, Obligations, Reason, Sensitive, Sight, Verdict};
pub use mask::plan::{CellShape, ColumnInfo, ColumnPlan, Holds, Plan};
pub use secret::Secret;
pub use target::Target;
pub use time::{Clock, Moment};
