//! Passwords and client secrets at rest: argon2id, in the PHC text form that carries its own parameters.
//!
//! Both functions take tens of milliseconds and as many megabytes on purpose: call them off the async threads.

use crate::random::{self, NoRandomness};
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sallyport_core::Secret;
use std::sync::{Mutex, OnceLock};
use subtle::ConstantTimeEq;

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

/// Where guesses are hashed, one after the other. Memory of this size that is asked for and given back anew each time
/// stays with every thread that ever had some: strangers who guess would fill the machine with it.
static ROOMS: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());
const ROOMS_KEPT: usize = 4;

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
    known & fits & is_of(tried, hash)
}

fn is_of(password: &[u8], hash: &PasswordHash) -> bool {
    let (Some(salt), Some(wanted)) = (&hash.salt, &hash.hash) else { return false };
    let Ok(params) = Params::try_from(hash) else { return false };
    let Ok(version) = hash.version.map_or(Ok(Version::V0x13), Version::try_from) else { return false };
    let blocks = params.block_count();
    let hasher = Argon2::new(Algorithm::Argon2id, version, params);
    let mut made = vec![0; wanted.as_bytes().len()];
    let mut room = ROOMS.lock().ok().and_then(|mut rooms| rooms.pop()).unwrap_or_default();
    if room.len() < blocks {
        room.resize(blocks, Block::default());
    }
    let done = hasher.hash_password_into_with_memory(password, salt, &mut made, room.as_mut_slice());
    leave(room);
    done.is_ok() && bool::from(made.ct_eq(wanted.as_bytes()))
}

/// Nothing of a password stays in a room.
fn leave(mut room: Vec<Block>) {
    room.fill(Block::default());
    let is_usual = u32::try_from(room.len()).is_ok_and(|blocks| blocks <= MEMORY_KIB);
    if let Some(mut rooms) = ROOMS.lock().ok().filter(|rooms| is_usual && rooms.len() < ROOMS_KEPT) {
        rooms.push(room);
    }
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
