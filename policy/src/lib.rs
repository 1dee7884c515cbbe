//! The rules: Cedar policies that answer three questions with one set. May this caller connect, may this command
//! run, may this value be seen?
//!
//! What it is not: it holds no clock, does no I/O and knows no protocol. Its invariant: whatever cannot be answered,
//! by lack of a rule or by an error, is answered with a denial or a mask.

pub mod book;
pub mod diagnostics;
pub mod explain;
pub mod packs;

mod annotations;
mod classes;
mod decide;
mod load;
mod rule;
mod schema;
mod session;
mod shape;
mod side;
mod slice;
mod world;

pub use book::{RuleBook, Unmatched};
pub use classes::CLASSES_ENDING;
pub use diagnostics::{Diagnostics, Problem, Severity};
pub use explain::Explanation;
pub use load::RuleFile;
pub use packs::{PACKS, Pack};
pub use schema::SCHEMA;

/// A path as rules and targets' settings write it: parts joined by dots, a part that holds a dot or a quote quoted.
pub fn spelled(path: &[&str]) -> String {
    world::spell(path)
}

/// The parts of a path that is written so.
pub fn parts(path: &str) -> Vec<String> {
    world::split(path)
}
