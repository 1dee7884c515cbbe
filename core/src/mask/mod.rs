//! Masks: which cells, in which form, and how sensitive values are found in text.

pub mod detect;
pub mod forms;
pub mod inspect;
mod json;
pub(crate) mod masker;
pub mod plan;
pub mod survey;
pub mod token;
pub mod watch;
