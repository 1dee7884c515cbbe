//! The control plane: REST for people, programs and the page, over what the server hands in as a [`House`].
//!
//! It speaks no protocol of a target and owns no session. Invariants: every route says who it is for before its handler
//! runs; every change is in the journal before it takes effect; no secret is ever part of an answer, except a token or a
//! client secret in the one answer that made it.

mod accounts;
pub mod auth;
pub mod credential;
pub mod error;
pub mod house;
pub mod journal;
pub mod limits;
pub mod openapi;
pub mod resources;
mod router;
mod sign_ins;
mod standing;
mod stream;
mod take;

pub use auth::{Needs, RoleGroups, Who};
pub use error::{AtFault, FieldProblem, Problem};
pub use house::{House, Live, LiveSession, Protocols, Reading, Readings, SettingForm};
pub use journal::AdminJournal;
pub use router::router;
pub use sign_ins::SignIns;
pub use standing::{NotStanding, standing};
