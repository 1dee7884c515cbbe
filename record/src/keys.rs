//! The key that signs checkpoints: an Ed25519 key in PKCS#8 PEM, made on first start, readable by its owner only.

use crate::fault::RecordFault;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{SigningKey, VerifyingKey};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

const MAX_KEY_FILE_BYTES: u64 = 16 * 1024;

/// Reads the key, or makes it where there is none yet.
pub fn signing_key(path: &Path) -> Result<SigningKey, RecordFault> {
    match File::open(path) {
        Ok(file) => read_key(path, file),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => make_key(path),
        Err(fault) => Err(RecordFault::io("open the signing key", path)(fault)),
    }
}

/// The key that has to be there.
pub(crate) fn existing(path: &Path) -> Result<SigningKey, RecordFault> {
    read_key(path, File::open(path).map_err(RecordFault::io("open the signing key", path))?)
}

fn read_key(path: &Path, file: File) -> Result<SigningKey, RecordFault> {
    let unreadable = |problem: String| RecordFault::Key { path: path.to_owned(), problem };
    let mode =
        file.metadata().map_err(RecordFault::io("look at the signing key", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(unreadable(format!(
            "others may read it (mode {:o}); run chmod 600 on it, and think about replacing it",
            mode & 0o777
        )));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_KEY_FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(RecordFault::io("read the signing key", path))?;
    SigningKey::from_pkcs8_pem(&text).map_err(|fault| unreadable(fault.to_string()))
}

fn make_key(path: &Path) -> Result<SigningKey, RecordFault> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(&mut *seed).map_err(|fault| RecordFault::Key {
        path: path.to_owned(),
        problem: format!("the system gives no random bytes: {fault}"),
    })?;
    let key = SigningKey::from_bytes(&seed);
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|fault| RecordFault::Key { path: path.to_owned(), problem: fault.to_string() })?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(RecordFault::io("create the signing key", path))?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(RecordFault::io("write the signing key", path))?;
    Ok(key)
}

/// Reads a public key in the form that stands beside the log: `name+hash+base64`.
pub fn public_key(text: &str) -> Option<VerifyingKey> {
    crate::note::parse_verifier(text.trim()).map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_once_and_kept_to_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        let made = signing_key(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(signing_key(&path).unwrap(), made);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(signing_key(&path).unwrap_err().to_string().contains("others may read it"));
    }
}
