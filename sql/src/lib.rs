//! What a PostgreSQL statement would do, as far as its text alone can say.
//!
//! PostgreSQL's own grammar (through `pg_query`) splits and parses the text; this crate names the effects of each
//! statement, the tables it reads and writes, what a connector must know to follow the session, and which columns each
//! output column may come from. It is not a policy (that judges effects), not a catalog (a [`Names`] resolves what the
//! text leaves open) and does no I/O. Invariant: what cannot be understood is the effect `unknown`, never nothing.

pub mod analysis;
pub mod assigns;
pub mod cache;
pub mod code;
pub mod fault;
pub mod filters;
pub mod functions;
pub mod inspect;
pub mod kind;
pub mod modes;
mod nesting;
pub mod outputs;
pub mod pairs;
mod parse;
pub mod relations;
pub mod routines;
pub mod session;
pub mod shape;
mod walk;
mod whole;

pub use analysis::{Analysis, Change, ChangeKind, Names, Statement, analyze};
pub use assigns::{Assignment, Destination, Given, Place};
pub use cache::Cache;
pub use code::Code;
pub use fault::SqlFault;
pub use filters::{Filters, Site};
pub use kind::{CloseWhich, CopyEnd, DiscardWhich, StatementKind, TransactionKind};
pub use modes::Modes;
pub use outputs::{Output, Outputs, Uses};
pub use pairs::{Pair, Said, Way, lifted};
pub use relations::{Relations, TableName};
pub use routines::Routines;
pub use session::Session;
pub use shape::{Shape, shape};
