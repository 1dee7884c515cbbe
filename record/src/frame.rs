//! Format 1, byte by byte: the header of a recording and one entry. See FORMAT.md. No I/O here.
//!
//! Invariant: two different sequences of entries never have the same last hash, and compression is not part of it.

use sallyport_core::journal::Event;
use sallyport_core::{Moment, SessionId};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

pub(crate) const MAGIC: &[u8; 8] = b"SALLYREC";
pub(crate) const VERSION: u8 = 1;
/// An entry's body is refused beyond this: a statement that cannot be recorded does not run.
pub const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
pub(crate) const MAX_SESSION_BYTES: usize = 128;

/// Before the body: length, number, time, hash of the entry before.
pub(crate) const HEAD_BYTES: usize = 4 + 8 + 8 + 32;
pub(crate) const HASH_BYTES: usize = 32;
/// How the body of the last entry begins.
pub(crate) const CLOSED_PREFIX: &[u8] = b"{\"event\":\"closed\"";

/// A BLAKE3 hash, printed in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the entries of a file are stored behind its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As they are: a session that lives.
    Raw,
    /// In zstd blocks: a sealed one.
    Blocks,
}

/// What stands before the entry number 0: the chain begins with the session's own name.
pub(crate) fn genesis(session: &SessionId) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"sallyport recording v1\n");
    hasher.update(session.as_str().as_bytes());
    Hash(*hasher.finalize().as_bytes())
}

/// A session's name is a file's name: letters, digits, `.`, `_` and `-`, not beginning with a dot.
pub(crate) fn is_sound_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_SESSION_BYTES
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

pub(crate) fn write_header(packing: Packing, session: &SessionId, out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
    let packing = match packing {
        Packing::Raw => 0,
        Packing::Blocks => 1,
    };
    let name = session.as_str().as_bytes();
    out.extend_from_slice(&[VERSION, packing, 0, u8::try_from(name.len()).unwrap_or(0)]);
    out.extend_from_slice(name);
}

/// How long the header of this session's recording is.
pub(crate) fn header_bytes(session: &SessionId) -> u64 {
    (MAGIC.len() + 4 + session.as_str().len()) as u64
}

/// Begins an entry at the end of `out`; the body is appended next, then [`finish`] is called with what this returned.
pub(crate) fn begin(out: &mut Vec<u8>, no: u64, at: Moment, before: &Hash) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&no.to_le_bytes());
    out.extend_from_slice(&at.0.to_le_bytes());
    out.extend_from_slice(&before.0);
    start
}

/// Writes the length and the entry's own hash. `None`: the body is too large, and the entry is taken out again.
pub(crate) fn finish(out: &mut Vec<u8>, start: usize) -> Option<Hash> {
    let body = out.len().checked_sub(start + HEAD_BYTES)?;
    let Ok(length) = u32::try_from(body) else {
        out.truncate(start);
        return None;
    };
    if body > MAX_BODY_BYTES {
        out.truncate(start);
        return None;
    }
    out.get_mut(start..start + 4)?.copy_from_slice(&length.to_le_bytes());
    let hash = Hash(*blake3::hash(out.get(start..)?).as_bytes());
    out.extend_from_slice(&hash.0);
    Some(hash)
}

/// The fixed part of an entry, as read back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub length: usize,
    pub no: u64,
    pub at: Moment,
    pub before: Hash,
}

impl Head {
    pub(crate) fn parse(bytes: &[u8; HEAD_BYTES]) -> Option<Head> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (no, rest) = rest.split_first_chunk::<8>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let before = rest.first_chunk::<32>()?;
        Some(Head {
            length: usize::try_from(u32::from_le_bytes(*length)).ok()?,
            no: u64::from_le_bytes(*no),
            at: Moment(i64::from_le_bytes(*at)),
            before: Hash(*before),
        })
    }
}

/// One entry, read back and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub no: u64,
    pub at: Moment,
    pub before: Hash,
    pub hash: Hash,
    /// JSON, exactly as it was hashed.
    pub body: Vec<u8>,
}

impl Entry {
    pub(crate) fn is_close(&self) -> bool {
        self.body.starts_with(CLOSED_PREFIX)
    }
    /// The event it tells. Cells that are no text are spelled in hexadecimal; the body itself stays the evidence.
    pub fn event(&self) -> Result<Event<'static>, serde_json::Error> {
        let mut value: Value = serde_json::from_slice(&self.body)?;
        if let Some(cells) = value.get_mut("cells").and_then(Value::as_array_mut) {
            for cell in cells {
                if let Some(shown) = crate::body::shown_cell(cell) {
                    *cell = Value::String(shown);
                }
            }
        }
        Event::deserialize(value)
    }
    /// The body as JSON.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}
