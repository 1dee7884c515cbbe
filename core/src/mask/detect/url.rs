//! The password of a URL: `scheme://user:password@host`. The name and the host stay readable.

use super::bytes::at;
use super::{Class, Found};
use memchr::{memchr, memmem, memrchr};

/// Longer names and passwords are cut here.
const LONGEST: usize = 1024;

pub(super) fn scan(text: &[u8], found: &mut Vec<Found>) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| memmem::find(rest, b"://")) {
        let start = from + at + 3;
        from = start;
        if !super::bytes::before(text, start, 4).is_ascii_alphanumeric() {
            continue;
        }
        if let Some((from, to)) = password(text.get(start..).unwrap_or_default()) {
            found.push(Found { class: Class::UrlPassword, start: start + from, end: start + to });
        }
    }
}

/// Where it stands behind the scheme.
fn password(rest: &[u8]) -> Option<(usize, usize)> {
    let word = rest.get(..rest.len().min(LONGEST))?;
    let ends =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\');
    let word = word.get(..word.iter().position(ends).unwrap_or(word.len()))?;
    let colon = memchr(b':', word)?;
    let authority = word.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(word.len());
    let mut sign = memrchr(b'@', word.get(..authority)?);
    // A password may hold a slash that nobody escaped: what follows the colon is then no port.
    if sign.is_none() && colon < authority && !at(word, colon + 1).is_ascii_digit() {
        sign = memrchr(b'@', word);
    }
    let sign = sign.filter(|sign| colon + 1 < *sign && colon < authority)?;
    let host = at(word, sign + 1);
    let value = word.get(colon + 1..sign)?;
    let named =
        host.is_ascii_alphanumeric() || matches!(host, b'[' | b'_' | b'$' | b'{' | b'%') || host >= 0x80;
    (named && !is_hidden(value)).then_some((colon + 1, sign))
}

/// Stars, or the name of a variable in its place.
pub(super) fn is_hidden(value: &[u8]) -> bool {
    let stars = value.iter().all(|byte| matches!(byte, b'*' | b'.')) || value == b"[redacted]";
    let variable =
        matches!(value, [b'$', b'{' | b'(', .., b'}' | b')'] | [b'{', .., b'}'] | [b'<', .., b'>']);
    stars || variable
}
