//! The vault itself: the ring of keys behind one lock, and the four things it does.

use crate::envelope::{self, Sealed};
use crate::fault::VaultFault;
use crate::key_file;
use crate::keys::{KeyId, MasterKey, Ring};
use sallyport_core::{Secret, TargetName};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Seals and opens. Clone-free: share it as an `Arc`.
pub struct Vault {
    path: PathBuf,
    ring: RwLock<Ring>,
}

impl Vault {
    /// Opens the key file, and makes it with new keys on the first start.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VaultFault> {
        let path = path.as_ref().to_owned();
        let ring = RwLock::new(key_file::open(&path)?);
        Ok(Self { path, ring })
    }

    /// Opens the key file where one must exist: for checks and commands that should not make one.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self, VaultFault> {
        let path = path.as_ref().to_owned();
        let ring = RwLock::new(key_file::read(&path)?);
        Ok(Self { path, ring })
    }

    /// Seals for one place: see [`target_context`].
    pub fn seal(&self, context: &str, secret: &Secret) -> Result<Sealed, VaultFault> {
        self.with_ring(|ring| envelope::seal(&ring.newest, context, secret))
    }

    /// Opens what was sealed for this very context.
    pub fn unseal(&self, context: &str, sealed: &Sealed) -> Result<Secret, VaultFault> {
        self.with_ring(|ring| envelope::open(self.key_of(ring, sealed)?, context, sealed))
    }

    /// The same secret under the newest key; what is under it already comes back as it is.
    pub fn rewrap(&self, context: &str, sealed: &Sealed) -> Result<Sealed, VaultFault> {
        self.with_ring(|ring| {
            let from = self.key_of(ring, sealed)?;
            if from.id == ring.newest.id {
                envelope::open(from, context, sealed)?;
                return Ok(sealed.clone());
            }
            envelope::rewrap(from, &ring.newest, context, sealed)
        })
    }

    /// Draws a new master key, which seals from now on. What was sealed before still opens; [`Vault::rewrap`] it, then
    /// [`Vault::forget_older_keys`].
    pub fn rotate(&self) -> Result<KeyId, VaultFault> {
        self.change(Ring::rotated)
    }

    /// Drops every master key but the newest. What was not rewrapped is lost.
    pub fn forget_older_keys(&self) -> Result<KeyId, VaultFault> {
        self.change(|ring| Ok(ring.without_older()))
    }

    /// A key for one purpose of the house, the same on every start and after every rotation.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let root = self.ring.read().unwrap_or_else(PoisonError::into_inner).root.clone();
        let mut hasher = blake3::Hasher::new_derive_key("sallyport vault v1 derived key");
        hasher.update(root.as_slice());
        hasher.update(purpose.as_bytes());
        let derived = *hasher.finalize().as_bytes();
        zeroize::Zeroize::zeroize(&mut hasher);
        derived
    }

    /// The name of the key that seals now.
    pub fn newest_key(&self) -> Result<KeyId, VaultFault> {
        self.with_ring(|ring| Ok(ring.newest.id.clone()))
    }

    fn key_of<'a>(&self, ring: &'a Ring, sealed: &Sealed) -> Result<&'a MasterKey, VaultFault> {
        let id = sealed.key_id()?;
        ring.find(&id).ok_or_else(|| VaultFault::KeyLost { key: id, path: self.path.clone() })
    }

    fn with_ring<T>(&self, work: impl FnOnce(&Ring) -> Result<T, VaultFault>) -> Result<T, VaultFault> {
        work(&*self.ring.read().map_err(|_| VaultFault::Poisoned)?)
    }

    /// On disk first, in memory second: a key that seals is always one that a restart finds.
    fn change(&self, next: impl FnOnce(&Ring) -> Result<Ring, VaultFault>) -> Result<KeyId, VaultFault> {
        let mut ring = self.ring.write().map_err(|_| VaultFault::Poisoned)?;
        let changed = next(&ring)?;
        key_file::replace(&self.path, &changed)?;
        *ring = changed;
        Ok(ring.newest.id.clone())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

/// The context of a target's secret: which target, which field of it. Spelled so that no two pairs are alike.
pub fn target_context(target: &TargetName, field: &str) -> String {
    format!("target {}:{target} field {field}", target.as_str().len())
}
