//! The vault: target credentials sealed at rest, and the keys that the house derives for itself.
//!
//! Envelope encryption with AES-256-GCM-SIV. Every secret has a data key of its own; the data key is sealed by a
//! master key from the key file; both are bound to the context (which target, which field) they were sealed for.
//! This crate is not a store: it turns a [`Secret`](sallyport_core::Secret) into text and back, and keeps nothing but
//! the key file. Invariant: no byte of a key or a secret is ever part of an error, a debug print or a log.

mod envelope;
mod fault;
mod key_file;
mod keys;
mod vault;

pub use envelope::{MAX_SECRET_BYTES, Sealed};
pub use fault::VaultFault;
pub use keys::KeyId;
pub use vault::{Vault, target_context};
