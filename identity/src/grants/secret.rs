//! Proof by a shared secret: an agent's client secret, a person's password.
//!
//! Invariant: an account that is not there costs the same time and gets the same answer as a wrong secret.

use crate::account::{AgentAccount, PersonAccount};
use crate::grants::GrantRefusal;
use crate::password;
use crate::random::{self, NoRandomness};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sallyport_core::Secret;
use zeroize::Zeroizing;

/// Marks a client secret in a log or a repository for who searches for leaked ones.
const SECRET_PREFIX: &str = "sps_";

/// The grant `client_credentials` with `client_secret_basic` or `client_secret_post`.
pub fn client_secret<'a>(
    account: Option<&'a AgentAccount>,
    secret: &Secret,
) -> Result<&'a AgentAccount, GrantRefusal> {
    let stored = account.and_then(|account| account.secret_hash.as_deref());
    let proven = password::verify(secret, stored);
    account.filter(|account| proven && !account.disabled).ok_or(GrantRefusal::Client)
}

/// A person's name and password. Take an [`Attempt`](crate::grants::Attempt) first.
pub fn sign_in<'a>(
    account: Option<&'a PersonAccount>,
    password: &Secret,
) -> Result<&'a PersonAccount, GrantRefusal> {
    let stored = account.and_then(|account| account.password_hash.as_deref());
    let proven = password::verify(password, stored);
    account.filter(|account| proven && !account.disabled).ok_or(GrantRefusal::SignIn)
}

/// A new client secret: 256 bits, shown once, stored as [`password::hash`] makes it.
pub fn new_secret() -> Result<Secret, NoRandomness> {
    let bytes = Zeroizing::new(random::bytes::<32>()?);
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    Ok(Secret::new([SECRET_PREFIX, &text].concat()))
}
