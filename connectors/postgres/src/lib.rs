//! PostgreSQL, protocol 3.0 and 3.2.
//!
//! `claim` reads a startup, the door admits it, `upstream` reaches the target, `serve` pumps the session. What a
//! statement would do is asked of `sallyport-sql`; whether it may, of the gate.

pub mod cancel;
pub mod catalog;
pub mod claim;
pub mod columns;
pub mod config;
mod connector;
pub mod opinion;
pub mod probe;
pub mod reading;
pub mod refusal;
mod sample;
pub mod seam;
pub mod serve;
pub mod upstream;
pub mod wire;

pub use connector::Postgres;
