//! E-mail addresses: what stands around an `@`, as RFC 5321 and RFC 6531 write it, without the quirks that only
//! standards use. Addresses of machines (`git@host:path`, `user@host` of a URL, `icon@2x.png`) are none.

use super::bytes::{at, before, is_escape_before};
use super::{Class, Found};
use std::ops::Range;

/// Longer names than the standard's 64 bytes are masked as well, up to here.
const LONGEST_LOCAL: usize = 256;
const LONGEST_DOMAIN: usize = 253;
const LONGEST_LABEL: usize = 63;

/// What stands in `found` from `first` on was read from the same text: an `@` that ends a URL's password is taken.
pub(super) fn scan(text: &[u8], found: &mut Vec<Found>, first: usize) {
    // In the order of the text, as the signs are: each is passed once.
    let (mut password, passwords) = (first, found.len());
    for sign in memchr::memchr_iter(b'@', text) {
        while password < passwords && found.get(password).is_some_and(|one| one.end < sign) {
            password += 1;
        }
        if password < passwords && found.get(password).is_some_and(|one| one.start <= sign) {
            continue;
        }
        let Some(end) = domain_end(text, sign + 1) else { continue };
        let Some(start) = local_start(text, sign) else { continue };
        if !is_machine(text, start..end, sign) {
            found.push(Found { class: Class::Email, start, end });
        }
    }
}

fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    if at(text, start) == b'[' {
        return literal_end(text, start + 1);
    }
    let (mut from, mut labels, mut good) = (start, 0, None);
    loop {
        let label = label_at(text, from);
        if label.is_empty() || label.len() > LONGEST_LABEL || label.first() == Some(&b'-') {
            break;
        }
        let tail = label.iter().rev().take_while(|byte| **byte == b'-').count();
        let end = from + label.len() - tail;
        labels += 1;
        if labels >= 2 && is_top_level(text.get(from..end).unwrap_or_default()) {
            good = Some(end);
        }
        if tail > 0 || at(text, end) != b'.' || end - start > LONGEST_DOMAIN {
            break;
        }
        from = end + 1;
    }
    good
}

/// An address in brackets: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
fn literal_end(text: &[u8], start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let len = rest.iter().take(46).position(|byte| *byte == b']')?;
    let address = rest.get(..len)?;
    let plausible = address
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'I' | b'P' | b'v'));
    (plausible && address.iter().any(|byte| matches!(byte, b'.' | b':'))).then_some(start + len + 1)
}

fn label_at(text: &[u8], from: usize) -> &[u8] {
    let rest = text.get(from..).unwrap_or_default();
    let mut len = 0;
    while len <= LONGEST_LABEL {
        let byte = at(rest, len);
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            len += 1;
        } else if byte >= 0x80 && !is_punctuation(rest, len) {
            len += char_len(byte);
        } else {
            break;
        }
    }
    rest.get(..len.min(rest.len())).unwrap_or_default()
}

fn is_top_level(label: &[u8]) -> bool {
    let puny = label.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"xn--"));
    label.len() >= 2 && (puny || label.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80))
}

fn local_start(text: &[u8], sign: usize) -> Option<usize> {
    if before(text, sign, 1) == b'"' {
        return quoted_start(text, sign - 1);
    }
    let floor = sign.saturating_sub(LONGEST_LOCAL);
    let mut start = sign;
    while start > floor {
        let byte = before(text, start, 1);
        if byte >= 0x80 {
            let len = (1..=4).find(|back| before(text, start, *back) & 0xC0 != 0x80).unwrap_or(1);
            let from = start.checked_sub(len)?;
            if is_punctuation(text, from) {
                break;
            }
            start = from;
        } else if is_local(byte) {
            start -= 1;
        } else {
            break;
        }
    }
    start = skip_escape(text, start);
    while start < sign && matches!(at(text, start), b'.' | b'\'' | b'`' | b'{' | b'|' | b'}' | b'*' | b'/') {
        start += 1;
    }
    (start < sign && before(text, sign, 1) != b'.').then_some(start)
}

/// `"john doe"@example.org`; in JSON its quotes carry a backslash.
fn quoted_start(text: &[u8], close: usize) -> Option<usize> {
    let floor = close.saturating_sub(LONGEST_LOCAL);
    let inside = text.get(floor..close)?;
    let inside = inside.strip_suffix(b"\\").unwrap_or(inside);
    let open = floor + memchr::memrchr(b'"', inside)?;
    let printable = text.get(open + 1..close)?.iter().all(|byte| *byte >= b' ');
    (printable && close > open + 1).then_some(open)
}

/// The letter of a JSON escape is not the first of the name.
fn skip_escape(text: &[u8], start: usize) -> usize {
    if before(text, start, 1) != b'\\' {
        return start;
    }
    if at(text, start) == b'u' && is_escape_before(text, start + 5) {
        return start + 5;
    }
    if is_escape_before(text, start + 1) { start + 1 } else { start }
}

/// `=`, `?` and `&` are legal in a name, but far more often part a key from a value.
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_'
                | b'-'
                | b'+'
                | b'%'
                | b'\''
                | b'!'
                | b'#'
                | b'$'
                | b'*'
                | b'/'
                | b'^'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
        )
}

fn is_machine(text: &[u8], range: Range<usize>, sign: usize) -> bool {
    let local = text.get(range.start..sign).unwrap_or_default();
    let domain = text.get(sign + 1..range.end).unwrap_or_default();
    let remote = local == b"git" && at(text, range.end) == b':';
    let path = at(text, range.end) == b':' && matches!(at(text, range.end + 1), b'/' | b'~');
    let handle =
        before(text, range.start, 1) == b'@' && !before(text, range.start, 2).is_ascii_alphanumeric();
    remote || path || handle || is_image(domain) || is_file(domain) || is_in_url(text, range.start)
}

/// `icon@2x.png`.
fn is_image(domain: &[u8]) -> bool {
    let digits = domain.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && at(domain, digits) == b'x' && at(domain, digits + 1) == b'.'
}

/// `theme@dark.css`, `getty@tty1.service`: the last part is no place of the network.
fn is_file(domain: &[u8]) -> bool {
    let last = domain.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let mut room = [0u8; 8];
    let Some(small) = room.get_mut(..last.len()) else { return false };
    small.copy_from_slice(last);
    small.make_ascii_lowercase();
    matches!(
        &*small,
        b"png"
            | b"jpg"
            | b"jpeg"
            | b"gif"
            | b"svg"
            | b"webp"
            | b"ico"
            | b"css"
            | b"js"
            | b"jsx"
            | b"tsx"
            | b"json"
            | b"html"
            | b"htm"
            | b"xml"
            | b"yaml"
            | b"yml"
            | b"txt"
            | b"pdf"
            | b"gz"
            | b"tgz"
            | b"exe"
            | b"dll"
            | b"scss"
            | b"less"
            | b"ttf"
            | b"woff"
            | b"mp3"
            | b"csv"
            | b"log"
            | b"bak"
            | b"sql"
            | b"php"
            | b"service"
            | b"socket"
            | b"timer"
            | b"target"
            | b"mount"
            | b"tar"
            | b"jar"
            | b"bmp"
            | b"tiff"
            | b"avif"
    )
}

/// The user or password of a URL: nothing but them stands between it and `://`.
fn is_in_url(text: &[u8], start: usize) -> bool {
    let head = text.get(start.saturating_sub(LONGEST_LOCAL)..start).unwrap_or_default();
    if memchr::memchr(b':', head).is_none() {
        return false;
    }
    let word = head
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'?' | b'=' | b'&'));
    let word = head.get(word.map_or(0, |at| at + 1)..).unwrap_or_default();
    // The slashes may have been read as the start of the name, and dropped.
    let scheme = memchr::memmem::rfind(word, b"://");
    scheme.is_some_and(|at| !word.get(at + 3..).unwrap_or_default().contains(&b'/'))
}

/// Spaces and marks outside ASCII that no name or domain contains.
fn is_punctuation(text: &[u8], from: usize) -> bool {
    matches!(
        (at(text, from), at(text, from + 1), at(text, from + 2)),
        (0xC2, 0x80..=0xBF, _)
            | (0xE2, 0x80 | 0x81, _)
            | (0xE3, 0x80, 0x80..=0x91)
            | (0xEF, 0xBC, 0x81..=0x8F | 0x9A..=0xA0)
    )
}

fn char_len(byte: u8) -> usize {
    match byte {
        0xF0.. => 4,
        0xE0..=0xEF => 3,
        0xC0..=0xDF => 2,
        _ => 1,
    }
}
