//! Masks: which cells, in which form, and how sensitive values are found in text.

pub mod detect;
pub mod forms;
pub(crate) mod masker;
pub mod plan;
