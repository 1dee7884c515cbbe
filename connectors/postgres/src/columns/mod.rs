//! From what a target says of its columns to what the gate needs to mask them: origins and shapes.
//!
//! Two sources are joined: the RowDescription names the true origin of plain columns, the statement's text says what
//! the others are computed from. Where neither can say, the origin is unknown and the column is masked.

mod copied;
pub mod copying;
mod filtered;
mod origin;
mod shape;
pub mod tokens;
pub mod written_back;

pub use copied::copied;
pub use filtered::filtered;
pub use origin::{has_telling_names, masks_anything, origins, touches_masked};
pub use shape::shape;
pub use tokens::{gives_tokens, narrow};
