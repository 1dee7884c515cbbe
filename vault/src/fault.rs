//! What can go wrong with the vault, and what mends it. No variant carries a byte of a key or a secret.

use crate::keys::KeyId;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum VaultFault {
    #[error("cannot {action} the vault's key file {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },

    #[error(
        "the vault's key file {} can be read by others (mode {mode:03o}). Run `chmod 600` on it; if others had \
         access to this machine, rotate the vault's key and the credentials of the targets",
        path.display()
    )]
    NotPrivate { path: PathBuf, mode: u32 },

    #[error(
        "the vault's key file {} is damaged: {problem}. Restore it from a backup; without it the sealed credentials \
         cannot be opened and have to be entered again",
        path.display()
    )]
    Damaged { path: PathBuf, problem: &'static str },

    #[error(
        "the vault's key file {} is of a newer format than this version of Sallyport reads. Start the newer version",
        path.display()
    )]
    Newer { path: PathBuf },

    #[error(
        "this secret was sealed with the key {key}, which is not in {}. The key file was lost, replaced or belongs to \
         another installation: restore it from a backup, or enter the credential again",
        path.display()
    )]
    KeyLost { key: KeyId, path: PathBuf },

    #[error(
        "the sealed secret does not open: it was changed, or it was sealed for another target or field. Enter the \
         credential again, and find out who changed the store"
    )]
    NotOpened,

    #[error("this is not a sealed secret: it has to begin with `spv1:`")]
    NotSealed,

    #[error("a secret may have at most {limit} bytes")]
    TooLong { limit: usize },

    #[error("the operating system gave no random bytes")]
    NoRandomness,

    #[error(
        "the key file holds as many keys as it may. Rewrap all secrets and forget the older keys, then rotate"
    )]
    TooManyKeys,

    #[error("the vault is unusable after an earlier failure; restart the gateway")]
    Poisoned,
}
