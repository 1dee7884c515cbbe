//! Passwords and client secrets at rest: argon2id, in the PHC text form that carries its own parameters.
//!
//! Both functions take tens of milliseconds and as many megabytes on purpose: call them off the async threads.

use crate::random::{self, NoRandomness};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use sallyport_core::Secret;
use std::sync::OnceLock;

/// What OWASP asks for at least: 19 MiB, two passes, one lane. Small enough that several sign-ins at once are no outage.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// Nobody's password is longer; hashing more would be a gift to who wants the gateway busy.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// Dearer parameters than these are not ours: a hash from a changed store must not stop the gateway.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;

#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum PasswordFault {
    #[error("a password has from 1 to {MAX_PASSWORD_BYTES} bytes")]
    Length,
    #[error("the password could not be hashed")]
    Hashing,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The text to store.
pub fn hash(password: &Secret) -> Result<String, PasswordFault> {
    if password.expose().is_empty() || password.expose().len() > MAX_PASSWORD_BYTES {
        return Err(PasswordFault::Length);
    }
    let salt: [u8; SALT_BYTES] = random::bytes()?;
    let hashed = hasher()?.hash_password_with_salt(password.expose(), &salt);
    hashed.map(|hash: PasswordHash| hash.to_string()).map_err(|_| PasswordFault::Hashing)
}

/// Whether this is the password of the stored text. `None` stands for an account that is not there or has no password:
/// it takes as long and is never true, so that time does not tell which accounts exist.
pub fn verify(password: &Secret, stored: Option<&str>) -> bool {
    let parsed = stored.and_then(|text| PasswordHash::new(text).ok()).filter(is_affordable);
    let known = parsed.is_some();
    let Some(hash) = parsed.as_ref().or_else(|| nobodys_hash()) else { return false };
    // Too long a password is cut for the work and refused for the answer.
    let fits = password.expose().len() <= MAX_PASSWORD_BYTES;
    let tried = password.expose().get(..MAX_PASSWORD_BYTES).unwrap_or(password.expose());
    let matches = Argon2::default().verify_password(tried, hash).is_ok();
    known && fits && matches
}

fn is_affordable(hash: &PasswordHash) -> bool {
    Params::try_from(hash).is_ok_and(|params| {
        hash.algorithm == argon2::ARGON2ID_IDENT
            && params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_PASSES
    })
}

fn hasher() -> Result<Argon2<'static>, PasswordFault> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordFault::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a password that nobody knows, made once.
fn nobodys_hash() -> Option<&'static PasswordHash> {
    static HASH: OnceLock<Option<PasswordHash>> = OnceLock::new();
    let make = || {
        let unknown: [u8; 32] = random::bytes().ok()?;
        PasswordHash::new(&hash(&Secret::new(unknown.as_slice())).ok()?).ok()
    };
    HASH.get_or_init(make).as_ref()
}
