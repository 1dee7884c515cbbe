//! The key file: read, written and created, and refused where others could read it.
//!
//! Text, one item a line, so that a person can see that it is whole without a tool:
//!
//! ```text
//! sallyport-vault-keys v1
//! root <32 bytes, base64url>
//! key <id> <32 bytes, base64url>      oldest first; the last one seals
//! check <first 16 digits of the SHA-256 of the lines above>
//! ```
//!
//! Invariant: the file is never seen half written and never wider than its owner.

use crate::fault::VaultFault;
use crate::keys::{KEY_BYTES, KeyBytes, KeyId, MAX_MASTER_KEYS, MasterKey, Ring};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const HEAD: &str = "sallyport-vault-keys v1";
const HEAD_OF_ANY_VERSION: &str = "sallyport-vault-keys v";
const MAX_FILE_BYTES: u64 = 16 * 1024;
const OTHERS: u32 = 0o077;

/// Reads the file, or makes one with new keys where there is none yet.
pub(crate) fn open(path: &Path) -> Result<Ring, VaultFault> {
    match read(path) {
        Err(VaultFault::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
            create(path, &Ring::random()?)?;
            // Another process may have been first: what is in the file counts, not what was drawn here.
            read(path)
        }
        other => other,
    }
}

pub(crate) fn read(path: &Path) -> Result<Ring, VaultFault> {
    let fault = |action| move |source| VaultFault::File { action, path: path.to_owned(), source };
    let file = File::open(path).map_err(fault("open"))?;
    let metadata = file.metadata().map_err(fault("inspect"))?;
    let mode = metadata.mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(VaultFault::NotPrivate { path: path.to_owned(), mode });
    }
    let damaged = |problem| VaultFault::Damaged { path: path.to_owned(), problem };
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err(damaged("it is not a file of keys"));
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize));
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(fault("read"))?;
    if text.starts_with(HEAD_OF_ANY_VERSION) && text.lines().next() != Some(HEAD) {
        return Err(VaultFault::Newer { path: path.to_owned() });
    }
    parse(&text).map_err(damaged)
}

fn parse(text: &str) -> Result<Ring, &'static str> {
    let (body, check) = text.rsplit_once("check ").ok_or("it ends too early")?;
    if check.trim_end() != checksum(body) {
        return Err("its checksum does not match");
    }
    let mut lines = body.lines();
    if lines.next() != Some(HEAD) {
        return Err("it does not begin as a key file does");
    }
    let root = lines.next().and_then(|line| line.strip_prefix("root ")).ok_or("it has no root key")?;
    let root = key_bytes(root).ok_or("its root key is not a key")?;
    let mut older =
        lines.map(master_key).collect::<Option<Vec<_>>>().ok_or("one of its keys is not a key")?;
    if older.len() > MAX_MASTER_KEYS {
        return Err("it has too many keys");
    }
    let newest = older.pop().ok_or("it has no key")?;
    Ok(Ring { root, older, newest })
}

fn master_key(line: &str) -> Option<MasterKey> {
    let (id, bytes) = line.strip_prefix("key ")?.split_once(' ')?;
    Some(MasterKey { id: KeyId::parse(id)?, bytes: key_bytes(bytes)? })
}

fn key_bytes(text: &str) -> Option<KeyBytes> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let length = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()).ok()?;
    (length == KEY_BYTES).then_some(bytes)
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn render(ring: &Ring) -> Zeroizing<String> {
    // Sized once, so that growing leaves no copy of a key behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize));
    text.push_str(HEAD);
    text.push_str("\nroot ");
    push_key(&mut text, &ring.root);
    for key in ring.older.iter().chain(std::iter::once(&ring.newest)) {
        text.push_str("\nkey ");
        text.push_str(key.id.as_str());
        text.push(' ');
        push_key(&mut text, &key.bytes);
    }
    text.push('\n');
    let check = checksum(&text);
    text.push_str("check ");
    text.push_str(&check);
    text.push('\n');
    text
}

fn push_key(text: &mut String, key: &KeyBytes) {
    text.push_str(&Zeroizing::new(URL_SAFE_NO_PAD.encode(key.as_slice())));
}

/// Puts the file where none is. Loses quietly to another process that did the same.
fn create(path: &Path, ring: &Ring) -> Result<(), VaultFault> {
    let fault = |action| move |source| VaultFault::File { action, path: path.to_owned(), source };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder(path))
        .map_err(fault("make a folder for"))?;
    let draft = write_draft(path, ring)?;
    let placed = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(fault("clean up beside"))?;
    match placed {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => Err(fault("create")(source)),
        _ => sync_folder(path),
    }
}

/// Replaces the file in one step.
pub(crate) fn replace(path: &Path, ring: &Ring) -> Result<(), VaultFault> {
    let draft = write_draft(path, ring)?;
    let fault = |source| VaultFault::File { action: "replace", path: path.to_owned(), source };
    std::fs::rename(&draft, path).map_err(fault)?;
    sync_folder(path)
}

fn write_draft(path: &Path, ring: &Ring) -> Result<PathBuf, VaultFault> {
    let fault = |source| VaultFault::File { action: "write", path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", KeyId::random()?));
    let draft = PathBuf::from(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(fault)?;
    let written = file.write_all(render(ring).as_bytes()).and_then(|()| file.sync_all());
    if let Err(source) = written {
        // The reason matters more than a draft that cannot be removed either.
        let _ = std::fs::remove_file(&draft);
        return Err(fault(source));
    }
    Ok(draft)
}

fn sync_folder(path: &Path) -> Result<(), VaultFault> {
    let fault = |source| VaultFault::File { action: "settle", path: path.to_owned(), source };
    File::open(folder(path)).and_then(|folder| folder.sync_all()).map_err(fault)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
