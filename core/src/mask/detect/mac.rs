//! Addresses of hardware: six or eight pairs parted by colons or hyphens, or threes of four by dots or hyphens.

use super::bytes::{at, before, is_escape_before};
use super::{Class, Found};
use memchr::memchr3_iter;

pub(super) fn scan(text: &[u8], found: &mut Vec<Found>) {
    let mut done = 0;
    for sign in memchr3_iter(b':', b'-', b'.', text) {
        if sign < done {
            continue;
        }
        let head = text.get(..sign).unwrap_or_default();
        let len = head.iter().rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let start = sign - len;
        let end = match len {
            2 => pairs(text, start, at(text, sign)),
            4 if at(text, sign) != b':' => fours(text, start, at(text, sign)),
            _ => None,
        };
        let Some(end) = end else { continue };
        done = end;
        if is_alone(text, start, end, at(text, sign)) && !is_time(text.get(start..end).unwrap_or_default()) {
            found.push(Found { class: Class::Mac, start, end });
        }
    }
}

/// Where six or eight pairs end, and no more of them follow.
fn pairs(text: &[u8], start: usize, sign: u8) -> Option<usize> {
    if sign == b'.' {
        return None;
    }
    let mut count = 1;
    let mut from = start + 2;
    while count < 9 && at(text, from) == sign && is_hex(text, from + 1, 2) {
        count += 1;
        from += 3;
    }
    matches!(count, 6 | 8).then_some(from)
}

fn fours(text: &[u8], start: usize, sign: u8) -> Option<usize> {
    let end = start + 14;
    let groups = at(text, start + 4) == sign
        && at(text, start + 9) == sign
        && is_hex(text, start + 5, 4)
        && is_hex(text, start + 10, 4);
    // Digits alone may be any number in fours.
    let letter = text.get(start..end).is_some_and(|all| all.iter().any(u8::is_ascii_alphabetic));
    (groups && letter).then_some(end)
}

fn is_hex(text: &[u8], from: usize, len: usize) -> bool {
    text.get(from..from + len).is_some_and(|some| some.iter().all(u8::is_ascii_hexdigit))
}

fn is_alone(text: &[u8], start: usize, end: usize, sign: u8) -> bool {
    let (last, next) = (before(text, start, 1), at(text, end));
    let joined = last.is_ascii_alphanumeric() && !is_escape_before(text, start);
    let ahead = matches!(last, b'-' | b'_' | b'.') && before(text, start, 2).is_ascii_alphanumeric();
    let more = next.is_ascii_alphanumeric()
        || next == b'_'
        || (matches!(next, b'-' | b'.' | b':')
            && at(text, end + 1).is_ascii_alphanumeric()
            && (next == sign || next != b':'));
    let colon = last == b':' && sign == b':' && is_group_before(text, start - 1);
    !joined && !ahead && !more && !colon
}

/// Up to four hexadecimal digits end at `end`: one more group, not the name of the value.
pub(super) fn is_group_before(text: &[u8], end: usize) -> bool {
    let head = text.get(..end).unwrap_or_default();
    let word = head.iter().rev().take(12).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let word = head.get(end - word..).unwrap_or_default();
    word.len() <= 4 && word.iter().all(u8::is_ascii_hexdigit)
}

/// `24-01-15-10-30-00`.
fn is_time(value: &[u8]) -> bool {
    let part = |index: usize| {
        let two = value.get(index * 3..index * 3 + 2)?;
        std::str::from_utf8(two).ok()?.parse::<u8>().ok()
    };
    let below = |index: usize, most: u8| part(index).is_some_and(|value| value <= most);
    value.len() == 17
        && at(value, 2) == b'-'
        && below(0, 99)
        && below(1, 12)
        && below(2, 31)
        && below(3, 23)
        && below(4, 59)
        && below(5, 59)
}
