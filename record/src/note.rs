//! Signed checkpoints: the C2SP signed-note and tlog-checkpoint formats, so that tools of others can check them.
//! <https://c2sp.org/signed-note>, <https://c2sp.org/tlog-checkpoint>

use crate::tree::Node;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Ed25519, in the formats' own numbering.
const ALGORITHM: u8 = 1;
/// A note of ours has five lines; one with many witnesses some more.
const MAX_NOTE_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    #[error("it is no signed note")]
    Form,
    #[error("it carries no signature of this key")]
    Unsigned,
    #[error("the signature is wrong")]
    Signature,
    #[error("it is signed by a key of this log whose turn it was not")]
    NotItsTurn,
}

/// What a checkpoint says: the log had this many leaves and this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Node,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    pub fn sign(&self, key: &SigningKey) -> String {
        sign(&self.text(), &self.origin, key)
    }

    /// Reads a note and checks the signature of `key` on it, under the name that the checkpoint gives itself.
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Checkpoint, NoteFault> {
        let text = note.split_once("\n\n").map(|(text, _)| text).ok_or(NoteFault::Form)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(NoteFault::Form);
        let (origin, size, root) = (line()?, line()?, line()?);
        open(note, origin, key)?;
        if size != "0" && size.starts_with('0') || !size.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NoteFault::Form);
        }
        let root = BASE64.decode(root).map_err(|_| NoteFault::Form)?;
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| NoteFault::Form)?,
            root: root.try_into().map_err(|_| NoteFault::Form)?,
        })
    }
}

/// The first four bytes of the hash of name and key: a hint which key signed.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', ALGORITHM]);
    hasher.update(key.as_bytes());
    let hash: [u8; 32] = hasher.finalize().into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// The public key as others expect it: `name+hash+base64`.
pub fn verifier(name: &str, key: &VerifyingKey) -> String {
    let mut bytes = vec![ALGORITHM];
    bytes.extend_from_slice(key.as_bytes());
    format!("{name}+{:08x}+{}", u32::from_be_bytes(key_id(name, key)), BASE64.encode(bytes))
}

pub fn parse_verifier(text: &str) -> Option<(String, VerifyingKey)> {
    let (name, rest) = text.split_once('+')?;
    let (id, bytes) = rest.split_once('+')?;
    let bytes = BASE64.decode(bytes).ok()?;
    let (algorithm, bytes) = bytes.split_first()?;
    let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
    let expected = format!("{:08x}", u32::from_be_bytes(key_id(name, &key)));
    (*algorithm == ALGORITHM && id == expected && !name.is_empty()).then(|| (name.to_owned(), key))
}

/// `text` ends with a newline.
pub fn sign(text: &str, name: &str, key: &SigningKey) -> String {
    let mut bytes = key_id(name, &key.verifying_key()).to_vec();
    bytes.extend_from_slice(&key.sign(text.as_bytes()).to_bytes());
    format!("{text}\n\u{2014} {name} {}\n", BASE64.encode(bytes))
}

/// One signature more on a note: `text` is what it says.
pub fn sign_also(note: &str, text: &str, name: &str, key: &SigningKey) -> String {
    let own = sign(text, name, key);
    let signature = own.strip_prefix(text).unwrap_or_default().trim_start_matches('\n');
    format!("{note}{signature}")
}

/// The text of a note that `key` signed under `name`. Signatures of others are not looked at.
pub fn open<'a>(note: &'a str, name: &str, key: &VerifyingKey) -> Result<&'a str, NoteFault> {
    if note.len() > MAX_NOTE_BYTES || !note.ends_with('\n') {
        return Err(NoteFault::Form);
    }
    let end = note.rfind("\n\n").ok_or(NoteFault::Form)?;
    let (text, signatures) = note.split_at_checked(end + 1).ok_or(NoteFault::Form)?;
    let id = key_id(name, key);
    for line in signatures.trim_start_matches('\n').lines() {
        let rest = line.strip_prefix("\u{2014} ").ok_or(NoteFault::Form)?;
        let (signer, bytes) = rest.split_once(' ').ok_or(NoteFault::Form)?;
        let bytes = BASE64.decode(bytes).map_err(|_| NoteFault::Form)?;
        let Some((hint, signature)) = bytes.split_first_chunk::<4>() else { return Err(NoteFault::Form) };
        if signer != name || *hint != id {
            continue;
        }
        let signature = Signature::from_slice(signature).map_err(|_| NoteFault::Signature)?;
        return key
            .verify_strict(text.as_bytes(), &signature)
            .map(|()| text)
            .map_err(|_| NoteFault::Signature);
    }
    Err(NoteFault::Unsigned)
}
