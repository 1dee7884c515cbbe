//! Public keys: one, a set of them, and where an issuer's set comes from.

mod fetch;
mod key;
mod remote;
mod set;
mod source;

pub use key::{Algorithm, Jwk};
pub(crate) use remote::RemoteKeys;
pub(crate) use set::{KeySet, Pick};
pub(crate) use source::{KeySource, KeysUnavailable};
