//! Who asks: tokens of several issuers verified, and the embedded issuer of the default install.
//!
//! - [`Verifier`] turns the text of a token into a proven [`Caller`](sallyport_core::Caller), or says why not.
//! - [`Issuer`] signs short-lived tokens with keys that rotate, for local people and agents.
//! - [`grants`] are the decisions behind the token endpoint; the control plane gives them HTTP and the accounts.
//!
//! This crate stores no account and serves no request. Invariant: a `Caller` leaves it only after every check passed,
//! and no part of a token, password or key is ever in an error or a log.

pub mod account;
pub mod config;
pub mod grants;
pub mod issuer;
mod keys;
pub mod password;
mod random;
pub mod refusal;
mod verify;

pub use account::{AgentAccount, PersonAccount};
pub use config::{ClaimIs, ClaimMap, ConfigFault, IssuerConfig, TokenUse};
pub use issuer::{IssuedToken, Issuer, IssuerFault, IssuerSettings, TokenRequest};
pub use keys::{Algorithm, Jwk};
pub use refusal::Refusal;
pub use verify::{CLOCK_SKEW_SECONDS, MAX_TOKEN_BYTES, Verifier};
