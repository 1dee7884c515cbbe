//! A sealed secret and how it is made: a data key under a master key, the secret under the data key.
//!
//! `spv1:<key id>:<nonce + sealed data key>:<nonce + sealed secret>`, the parts in base64url. Both seals name the
//! context in their associated data, the first one also the key id, so that no part can be moved elsewhere.

use crate::fault::VaultFault;
use crate::keys::{KEY_BYTES, KEY_ID_DIGITS, KeyBytes, KeyId, MasterKey, random, random_key};
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sallyport_core::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// A client certificate chain with its key fits; a file somebody meant to upload elsewhere does not.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

const PREFIX: &str = "spv1:";
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const MAX_SEALED_CHARS: usize =
    PREFIX.len() + KEY_ID_DIGITS + 2 + 128 + (MAX_SECRET_BYTES + NONCE_BYTES + TAG_BYTES) * 4 / 3 + 4;

/// The text form that a store keeps. Says nothing without the key file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Text from a store. What is inside is checked when it is opened.
    pub fn from_text(text: impl Into<String>) -> Result<Self, VaultFault> {
        let text = text.into();
        if text.starts_with(PREFIX) { Ok(Self(text)) } else { Err(VaultFault::NotSealed) }
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether this key opens it.
    pub fn is_under(&self, key: &KeyId) -> bool {
        self.key_id().is_ok_and(|id| id == *key)
    }
    pub(crate) fn key_id(&self) -> Result<KeyId, VaultFault> {
        self.parts().map(|parts| parts.key)
    }
    fn parts(&self) -> Result<Parts<'_>, VaultFault> {
        if self.0.len() > MAX_SEALED_CHARS {
            return Err(VaultFault::NotOpened);
        }
        let rest = self.0.strip_prefix(PREFIX).ok_or(VaultFault::NotSealed)?;
        let mut parts = rest.split(':');
        match (parts.next().and_then(KeyId::parse), parts.next(), parts.next(), parts.next()) {
            (Some(key), Some(data_key), Some(secret), None) => Ok(Parts { key, data_key, secret }),
            _ => Err(VaultFault::NotOpened),
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

struct Parts<'a> {
    key: KeyId,
    data_key: &'a str,
    secret: &'a str,
}

pub(crate) fn seal(master: &MasterKey, context: &str, secret: &Secret) -> Result<Sealed, VaultFault> {
    if secret.expose().len() > MAX_SECRET_BYTES {
        return Err(VaultFault::TooLong { limit: MAX_SECRET_BYTES });
    }
    let data_key = random_key()?;
    let wrapped = encrypt(&master.bytes, data_key.as_slice(), &data_key_binding(&master.id, context))?;
    let body = encrypt(&data_key, secret.expose(), &secret_binding(context))?;
    Ok(join(&master.id, &wrapped, &URL_SAFE_NO_PAD.encode(body)))
}

pub(crate) fn open(master: &MasterKey, context: &str, sealed: &Sealed) -> Result<Secret, VaultFault> {
    let parts = sealed.parts()?;
    let data_key = open_data_key(master, context, &parts)?;
    let body = decode(parts.secret)?;
    let plain = decrypt(&data_key, &body, &secret_binding(context))?;
    Ok(Secret::new(plain.as_slice()))
}

/// The same secret under another master key. The secret itself is checked too: what no longer opens is not carried on.
pub(crate) fn rewrap(
    from: &MasterKey,
    to: &MasterKey,
    context: &str,
    sealed: &Sealed,
) -> Result<Sealed, VaultFault> {
    open(from, context, sealed)?;
    let parts = sealed.parts()?;
    let data_key = open_data_key(from, context, &parts)?;
    let wrapped = encrypt(&to.bytes, data_key.as_slice(), &data_key_binding(&to.id, context))?;
    Ok(join(&to.id, &wrapped, parts.secret))
}

fn open_data_key(master: &MasterKey, context: &str, parts: &Parts<'_>) -> Result<KeyBytes, VaultFault> {
    let wrapped = decode(parts.data_key)?;
    let plain = decrypt(&master.bytes, &wrapped, &data_key_binding(&master.id, context))?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if plain.len() != KEY_BYTES {
        return Err(VaultFault::NotOpened);
    }
    key.copy_from_slice(&plain);
    Ok(key)
}

fn join(key: &KeyId, wrapped: &[u8], secret: &str) -> Sealed {
    Sealed(format!("{PREFIX}{key}:{}:{secret}", URL_SAFE_NO_PAD.encode(wrapped)))
}

fn data_key_binding(key: &KeyId, context: &str) -> Vec<u8> {
    // The id has one length, so the two parts cannot run into each other.
    ["sallyport vault v1 data key ", key.as_str(), " ", context].concat().into_bytes()
}

fn secret_binding(context: &str) -> Vec<u8> {
    ["sallyport vault v1 secret ", context].concat().into_bytes()
}

fn encrypt(key: &KeyBytes, plain: &[u8], binding: &[u8]) -> Result<Vec<u8>, VaultFault> {
    let nonce: [u8; NONCE_BYTES] = random()?;
    let sealed = cipher(key)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: binding })
        .map_err(|_| VaultFault::TooLong { limit: MAX_SECRET_BYTES })?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn decrypt(key: &KeyBytes, sealed: &[u8], binding: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(VaultFault::NotOpened)?;
    cipher(key)
        .decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: binding })
        .map(Zeroizing::new)
        .map_err(|_| VaultFault::NotOpened)
}

fn cipher(key: &KeyBytes) -> Aes256GcmSiv {
    Aes256GcmSiv::new((&**key).into())
}

fn decode(text: &str) -> Result<Vec<u8>, VaultFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| VaultFault::NotOpened)
}
