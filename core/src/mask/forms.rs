//! What a masked value looks like.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The form of a mask, as `@mask("…")` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// No value at all.
    Null,
    /// A fixed text.
    Redact,
    /// Everything but the last `keep` characters, which stay.
    Partial { keep: u8 },
    /// A keyed hash, the same for the same value within this installation.
    Hash,
}

/// What [`Form::Redact`] writes.
pub const REDACTED: &str = "[redacted]";

/// So many characters of a value's hash are shown.
const HASH_SHOWN: usize = 16;

/// Whether a text may be what a mask wrote, of whatever form, or hold it. Cheap; [`Form::wrote`] says more.
pub fn may_be_mask(text: &[u8]) -> bool {
    memchr::memmem::find(text, REDACTED.as_bytes()).is_some()
        || memchr::memchr(b'*', text).is_some()
        || is_hash(text)
}

fn is_hash(text: &[u8]) -> bool {
    text.len() == HASH_SHOWN && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown mask form {0:?}: write null, redact, hash, or partial(N) with N from 1 to 16")]
pub struct UnknownForm(pub String);

impl std::str::FromStr for Form {
    type Err = UnknownForm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "null" => Ok(Form::Null),
            "redact" => Ok(Form::Redact),
            "hash" => Ok(Form::Hash),
            other => other
                .strip_prefix("partial(")
                .and_then(|rest| rest.strip_suffix(')'))
                .and_then(|keep| keep.trim().parse::<u8>().ok())
                .filter(|keep| (1..=16).contains(keep))
                .map(|keep| Form::Partial { keep })
                .ok_or_else(|| UnknownForm(text.into())),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Null => f.write_str("null"),
            Form::Redact => f.write_str("redact"),
            Form::Hash => f.write_str("hash"),
            Form::Partial { keep } => write!(f, "partial({keep})"),
        }
    }
}

/// The key of [`Form::Hash`]. Blank when printed.
#[derive(Clone)]
pub struct MaskKey(zeroize::Zeroizing<[u8; 32]>);

impl MaskKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(zeroize::Zeroizing::new(bytes))
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(…)")
    }
}

impl Form {
    /// Appends the masked spelling of `value` to `out`. False means that no value is left: a null.
    pub fn write(self, value: &[u8], key: &MaskKey, out: &mut Vec<u8>) -> bool {
        match self {
            Form::Null => return false,
            Form::Redact => out.extend_from_slice(REDACTED.as_bytes()),
            Form::Partial { keep } => write_partial(value, usize::from(keep), out),
            Form::Hash => {
                let hash = blake3::keyed_hash(&key.0, value);
                out.extend_from_slice(hash.to_hex().get(..HASH_SHOWN).unwrap_or_default().as_bytes());
            }
        }
        true
    }
}

/// Stars for all but the last `keep` characters. A value that is too short to hide anything is hidden whole, and at
/// least half of it always is.
fn write_partial(value: &[u8], keep: usize, out: &mut Vec<u8>) {
    let Ok(text) = std::str::from_utf8(value) else {
        out.extend_from_slice(REDACTED.as_bytes());
        return;
    };
    let total = text.chars().count();
    let keep = if keep > total / 2 { 0 } else { keep };
    let hidden = total - keep;
    out.extend(std::iter::repeat_n(b'*', hidden));
    let tail = text.char_indices().nth(hidden).map_or("", |(at, _)| text.get(at..).unwrap_or_default());
    out.extend_from_slice(tail.as_bytes());
}
