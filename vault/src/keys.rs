//! The keys in memory: one root that never changes, and master keys of which the newest seals.
//!
//! Invariant: a ring has at least one master key; key material is zeroised when dropped and never printed.

use crate::fault::VaultFault;
use std::fmt;
use zeroize::Zeroizing;

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const KEY_ID_DIGITS: usize = 16;
/// More than anybody rotates through before the old ones are forgotten.
pub(crate) const MAX_MASTER_KEYS: usize = 32;

pub(crate) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// The random name of a master key. Random rather than counted, so that a key file made anew after a loss can never be
/// taken for the lost one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == KEY_ID_DIGITS && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }
    pub(crate) fn random() -> Result<Self, VaultFault> {
        let number = u64::from_be_bytes(random()?);
        Ok(Self(format!("{number:016x}")))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultFault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultFault::NoRandomness)?;
    Ok(bytes)
}

pub(crate) fn random_key() -> Result<KeyBytes, VaultFault> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| VaultFault::NoRandomness)?;
    Ok(key)
}

#[derive(Clone)]
pub(crate) struct MasterKey {
    pub(crate) id: KeyId,
    pub(crate) bytes: KeyBytes,
}

impl MasterKey {
    fn random() -> Result<Self, VaultFault> {
        Ok(Self { id: KeyId::random()?, bytes: random_key()? })
    }
}

#[derive(Clone)]
pub(crate) struct Ring {
    pub(crate) root: KeyBytes,
    pub(crate) older: Vec<MasterKey>,
    pub(crate) newest: MasterKey,
}

impl Ring {
    pub(crate) fn random() -> Result<Self, VaultFault> {
        Ok(Self { root: random_key()?, older: Vec::new(), newest: MasterKey::random()? })
    }
    pub(crate) fn find(&self, id: &KeyId) -> Option<&MasterKey> {
        std::iter::once(&self.newest).chain(&self.older).find(|key| key.id == *id)
    }
    /// The same ring with a new key on top. Never at the price of an old one, which secrets may still need.
    pub(crate) fn rotated(&self) -> Result<Self, VaultFault> {
        let mut older = self.older.clone();
        older.push(self.newest.clone());
        if older.len() >= MAX_MASTER_KEYS {
            return Err(VaultFault::TooManyKeys);
        }
        Ok(Self { root: self.root.clone(), older, newest: MasterKey::random()? })
    }
    pub(crate) fn without_older(&self) -> Self {
        Self { root: self.root.clone(), older: Vec::new(), newest: self.newest.clone() }
    }
}
