//! What a masked value looks like.

use super::token::{self, Scope};
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
    /// A pseudonym that the caller can give back. Columns get one; wherever else a value is found it is redacted.
    Token { scope: Scope },
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
        || token::holds_token(text)
}

/// Whether a mask stands within a longer text. Fewer stars than these are the caller's own.
pub fn holds_mask(text: &[u8]) -> bool {
    const STARS: &[u8] = b"******";
    let runs = || {
        memchr::memmem::find_iter(text, STARS).any(|at| {
            let after = text.get(at + STARS.len()..).unwrap_or_default().iter().find(|byte| **byte != b'*');
            after.is_some_and(|byte| !byte.is_ascii_whitespace())
        })
    };
    memchr::memmem::find(text, REDACTED.as_bytes()).is_some() || runs()
}

/// Stars, and at most `keep` characters behind them.
fn is_partial(text: &[u8], keep: usize) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let tail = text.trim_start_matches('*');
    let (stars, tail) = (text.len() - tail.len(), tail.chars().count());
    stars > 0 && (tail == 0 || tail <= keep && stars >= keep)
}

fn is_hash(text: &[u8]) -> bool {
    text.len() == HASH_SHOWN && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown mask form {0:?}: write null, redact, token, token(tenant), hash, or partial(N) with N from 1 to 16"
)]
pub struct UnknownForm(pub String);

impl std::str::FromStr for Form {
    type Err = UnknownForm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "null" => Ok(Form::Null),
            "redact" => Ok(Form::Redact),
            "token" | "token(session)" => Ok(Form::Token { scope: Scope::Session }),
            "token(tenant)" => Ok(Form::Token { scope: Scope::Tenant }),
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
            Form::Token { scope: Scope::Session } => f.write_str("token"),
            Form::Token { scope: Scope::Tenant } => f.write_str("token(tenant)"),
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
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(…)")
    }
}

impl Form {
    /// It writes letters and digits alone.
    pub(super) fn is_a_word(self) -> bool {
        matches!(self, Form::Hash | Form::Token { .. })
    }

    /// Whether this text is what the form writes in place of a value, or holds it.
    pub fn wrote(self, text: &[u8]) -> bool {
        let own = match self {
            Form::Null | Form::Redact => false,
            Form::Token { .. } => token::holds_token(text),
            Form::Partial { keep } => is_partial(text, usize::from(keep)),
            Form::Hash => is_hash(text),
        };
        own || memchr::memmem::find(text, REDACTED.as_bytes()).is_some()
    }

    /// Appends the masked spelling of `value` to `out`. False means that no value is left: a null. Tokens are not written
    /// here: whoever could choose the value would learn what its token is.
    pub fn write(self, value: &[u8], key: &MaskKey, out: &mut Vec<u8>) -> bool {
        match self {
            Form::Null => return false,
            Form::Redact | Form::Token { .. } => out.extend_from_slice(REDACTED.as_bytes()),
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
    if value.is_ascii() {
        let keep = if keep > value.len() / 2 { 0 } else { keep };
        let hidden = value.len() - keep;
        out.resize(out.len() + hidden, b'*');
        out.extend_from_slice(value.get(hidden..).unwrap_or_default());
        return;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_knows_what_it_wrote() {
        let key = MaskKey::new([7; 32]);
        for value in ["ada.marlow@example.com", "x", "4111111111111111", "é@ü.example", "[redacted]", "****"]
        {
            for form in [Form::Redact, Form::Partial { keep: 4 }, Form::Partial { keep: 16 }, Form::Hash] {
                let mut text = Vec::new();
                assert!(form.write(value.as_bytes(), &key, &mut text));
                assert!(form.wrote(&text) && may_be_mask(&text), "{form} of {value}");
                assert!(form == Form::Redact || !form.wrote(b"ada@example.com"), "{form}");
            }
        }
        assert!(!Form::Partial { keep: 4 }.wrote(b"*ada") && !Form::Partial { keep: 4 }.wrote(b"****ada@x"));
        assert!(!Form::Hash.wrote(b"0123456789ABCDEF") && !Form::Hash.wrote(b"0123456789abcde"));
    }

    #[test]
    fn a_mask_is_seen_within_a_text() {
        assert!(
            holds_mask(b"call ************0132 or [redacted]") && holds_mask(b"at ******************.com.")
        );
        assert!(!holds_mask(b"**bold** and a line\n**********\n") && !holds_mask(b"2 * 3 ****"));
    }
}
