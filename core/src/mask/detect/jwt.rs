//! JSON Web Tokens (RFC 7519): three parts of base64url, or five where encrypted, whose first is a JSON object that
//! names an algorithm.

use super::bytes::at;
use super::{Class, Found};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How much of a header is read: whole threes of bytes.
const HEADER: usize = 1024;

pub(super) fn scan(text: &[u8], found: &mut Vec<Found>) {
    let mut from = 0;
    // An object in base64 begins with `ey`, or with `ew` and `e` where white space follows the brace.
    while let Some(at) = text.get(from..).and_then(|rest| memchr::memchr(b'e', rest)) {
        let start = from + at;
        from = start + 1;
        if !matches!(super::bytes::at(text, start + 1), b'y' | b'w') || !starts_here(text, start) {
            continue;
        }
        if let Some(end) = token_end(text, start) {
            found.push(Found { class: Class::Jwt, start, end });
            from = end;
        }
    }
}

fn starts_here(text: &[u8], start: usize) -> bool {
    let last = super::bytes::before(text, start, 1);
    let named = matches!(last, b'-' | b'_') && super::bytes::before(text, start, 2).is_ascii_alphabetic();
    !is_letter(last) || named || super::bytes::is_escape_before(text, start)
}

fn token_end(text: &[u8], start: usize) -> Option<usize> {
    let header = part_len(text, start);
    if header < 8 || at(text, start + header) != b'.' {
        return None;
    }
    let second = start + header + 1;
    let payload = part_len(text, second);
    if at(text, second + payload) != b'.' {
        return None;
    }
    let third = second + payload + 1;
    let mut end = third + part_len(text, third);
    if !names_algorithm(text.get(start..start + header)?) {
        return None;
    }
    // The last two parts of an encrypted token.
    for _ in 0..2 {
        if at(text, end) == b'.' && part_len(text, end + 1) > 0 && end > third {
            end += 1 + part_len(text, end + 1);
        }
    }
    Some(end)
}

fn part_len(text: &[u8], from: usize) -> usize {
    text.get(from..).unwrap_or_default().iter().take_while(|byte| is_letter(**byte)).count()
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn names_algorithm(header: &[u8]) -> bool {
    let mut json = [0u8; HEADER];
    // A header that is longer is judged by its beginning: masking too much is the lesser fault.
    let whole = header.len() <= HEADER;
    let read = header.get(..header.len().min(HEADER)).unwrap_or_default();
    let Ok(len) = URL_SAFE_NO_PAD.decode_slice(read, &mut json) else { return false };
    let json = json.get(..len).unwrap_or_default();
    let named = memchr::memmem::find(json, b"\"alg\"").is_some();
    named && (!whole || serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok())
}
