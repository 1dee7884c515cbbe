//! Addresses of the network, of version 4 and 6, with a zone or the length of a prefix. Versions of programs and names
//! within programs look alike: what is joined to more of the same is none.

use super::bytes::{at, before, is_escape_before};
use super::{Class, Found, label, mac};
use memchr::memchr_iter;

/// `192.0.2.1`, `192.0.2.0/24`. Each dot is tried as the first of three.
pub(super) fn scan_four(text: &[u8], found: &mut Vec<Found>) {
    let mut done = 0;
    for dot in memchr_iter(b'.', text) {
        if dot < done || !at(text, dot + 1).is_ascii_digit() || !before(text, dot, 1).is_ascii_digit() {
            continue;
        }
        let head = text.get(..dot).unwrap_or_default();
        let start = dot - head.iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let Some(end) = four(text, start) else { continue };
        done = end;
        if is_free_before(text, start) && !is_joined_after(text, end) && !label::is_version(text, start) {
            found.push(Found { class: Class::Ip, start, end: prefix_end(text, end, 32) });
        }
    }
}

/// Where four numbers up to 255 end that begin at `start`.
fn four(text: &[u8], start: usize) -> Option<usize> {
    let mut from = start;
    for index in 0..4 {
        if index > 0 {
            from += usize::from(at(text, from) == b'.');
        }
        let digits = text.get(from..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let number = text.get(from..from + digits)?;
        let value = number.iter().fold(0u32, |all, digit| all * 10 + u32::from(digit - b'0'));
        if !(1..=3).contains(&digits) || value > 255 || (digits > 1 && at(number, 0) == b'0') {
            return None;
        }
        from += digits;
        if index < 3 && at(text, from) != b'.' {
            return None;
        }
    }
    Some(from)
}

fn is_free_before(text: &[u8], start: usize) -> bool {
    let last = before(text, start, 1);
    if last == b'/' {
        // `Chrome/120.0.0.0` and `/v/1.2.3.4`, but not `//10.0.0.1`.
        return !before(text, start, 2).is_ascii_alphanumeric();
    }
    let word = last.is_ascii_alphanumeric() && !is_escape_before(text, start);
    let label = last == b'-' && is_word(before(text, start, 2));
    // `>=1.2.3.4` compares versions.
    let compared =
        matches!(last, b'=' | b'<' | b'>') && matches!(before(text, start, 2), b'=' | b'>' | b'<' | b'~');
    !(word || label || compared || matches!(last, b'.' | b'_' | b'^' | b'~' | b'$'))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'.'
}

fn is_joined_after(text: &[u8], end: usize) -> bool {
    let (next, second) = (at(text, end), at(text, end + 1));
    next.is_ascii_alphanumeric()
        || next == b'_'
        || (matches!(next, b'.' | b'+') && second.is_ascii_alphanumeric())
        || (next == b'-' && second.is_ascii_alphabetic())
}

/// `/24` belongs to the address.
fn prefix_end(text: &[u8], end: usize, most: u32) -> usize {
    if at(text, end) != b'/' {
        return end;
    }
    let rest = text.get(end + 1..).unwrap_or_default();
    let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let number = rest.get(..digits).unwrap_or_default();
    let value = number.iter().fold(0u32, |all, digit| all * 10 + u32::from(digit - b'0'));
    let next = at(rest, digits);
    let alone = !next.is_ascii_alphanumeric() && !matches!(next, b'/' | b'-' | b'_');
    if (1..=3).contains(&digits) && value <= most && alone { end + 1 + digits } else { end }
}

/// `2001:db8::1`, `fe80::1%eth0`, `::ffff:192.0.2.1`. Each colon is tried as the first.
pub(super) fn scan_six(text: &[u8], found: &mut Vec<Found>) {
    let mut done = 0;
    for colon in memchr_iter(b':', text) {
        if colon < done {
            continue;
        }
        let head = text.get(..colon).unwrap_or_default();
        let len = head.iter().rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let mut start = colon - len;
        if is_escape_before(text, start + 1) && len > 0 {
            start += 1;
        }
        // A colon that parts a name from `::1`.
        if len == 0
            && at(text, colon + 1) == b':'
            && at(text, colon + 2) == b':'
            && before(text, colon, 1).is_ascii_alphabetic()
        {
            continue;
        }
        let Some((end, mixed)) = six(text, start) else { continue };
        let last = before(text, start, 1);
        let joined = (last.is_ascii_alphanumeric() && !is_escape_before(text, start))
            || matches!(last, b'.' | b'_' | b'-')
            || (last == b':' && mac::is_group_before(text, start - 1));
        let next = at(text, end);
        let more = next.is_ascii_alphanumeric()
            || matches!(next, b'_')
            || (next == b':' && (at(text, end + 1).is_ascii_alphanumeric() || at(text, end + 1) == b':'))
            || (next == b'.' && mixed && at(text, end + 1).is_ascii_digit());
        done = if joined { colon + 1 } else { end };
        if !joined && !more {
            let end = prefix_end(text, zone_end(text, end), 128);
            found.push(Found { class: Class::Ip, start, end });
        }
    }
}

/// Where the groups that begin at `start` end, and whether the last of them is of version 4.
fn six(text: &[u8], start: usize) -> Option<(usize, bool)> {
    let (mut from, mut groups, mut gap, mut all_two, mut digit) = (start, 0, None, true, false);
    let mut mixed = false;
    if at(text, from) == b':' {
        if at(text, from + 1) != b':' {
            return None;
        }
        gap = Some(0);
        from += 2;
    }
    while groups < 8 {
        let hex = text.get(from..)?.iter().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if hex == 0 {
            break;
        }
        if (groups == 6 || (gap.is_some() && groups < 6))
            && let Some(end) = four(text, from)
        {
            (groups, from, mixed, digit) = (groups + 2, end, true, true);
            break;
        }
        if hex > 4 {
            return None;
        }
        all_two &= hex == 2;
        digit |= text.get(from..from + hex)?.iter().any(u8::is_ascii_digit);
        groups += 1;
        from += hex;
        match (at(text, from), at(text, from + 1)) {
            (b':', b':') if gap.is_none() => {
                gap = Some(groups);
                from += 2;
            }
            (b':', next) if next.is_ascii_hexdigit() && groups < 8 => from += 1,
            _ => break,
        }
    }
    // Eight pairs are an address of hardware.
    let full = groups == 8 && gap.is_none() && !all_two;
    let short = gap.is_some() && groups < 8 && (digit || groups > 2) && (groups > 0 || from == text.len());
    (full || short).then_some((from, mixed))
}

/// `%eth0` belongs to the address.
fn zone_end(text: &[u8], end: usize) -> usize {
    if at(text, end) != b'%' {
        return end;
    }
    let rest = text.get(end + 1..).unwrap_or_default();
    let name = rest
        .iter()
        .take(16)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    if name == 0 { end } else { end + 1 + name }
}
