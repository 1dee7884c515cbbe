//! Long words: keys of services, addresses of crypto-currencies, and values that the text itself calls a key. Words are
//! told by what they begin with, by check sums, and by the name before them; a long word alone is nothing.

use super::bytes::{at, before, is_escape_before};
use super::{Class, Classes, Found, coin, keys, label, webhook};

pub(super) const SHORTEST: usize = 16;
pub(super) const KINDS: Classes = Classes::of(Class::ApiKey).with(Class::Coin).with(Class::PrivateKey);

/// A word is looked into for the head of a key at this many of its parts.
const PARTS: usize = 6;

pub(super) fn scan(text: &[u8], wanted: Classes, found: &mut Vec<Found>) {
    let mut from = 0;
    while from + SHORTEST <= text.len() {
        // A long word covers its sixteenth byte: only there it is looked for.
        let probe = from + SHORTEST - 1;
        let window = text.get(from..=probe).unwrap_or_default();
        if let Some(gap) = window.iter().rposition(|byte| !is_letter(*byte)) {
            from += gap + 1;
            continue;
        }
        let tail = text.get(probe..).unwrap_or_default();
        let end = probe + tail.iter().position(|byte| !is_letter(*byte)).unwrap_or(tail.len());
        read(text, from, end, wanted, found);
        from = end + 1;
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The long word from `start` to `end`.
fn read(text: &[u8], start: usize, end: usize, wanted: Classes, found: &mut Vec<Found>) {
    let mut part = if is_escape_before(text, start + 1) { start + 1 } else { start };
    let first = found.len();
    for _ in 0..PARTS {
        let Some(rest) = text.get(part..end).filter(|rest| rest.len() >= SHORTEST) else { break };
        let len = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if len > 0 {
            if let Some(end) = keys::end(text, part).filter(|_| wanted.contains(Class::ApiKey)) {
                found.push(Found { class: Class::ApiKey, start: part, end });
                break;
            }
            let word = rest.get(..len).unwrap_or_default();
            if let Some(class) = coin::class(word).filter(|class| wanted.contains(*class)) {
                let start = part - prefix_len(text, part);
                found.push(Found { class, start, end: part + len });
                break;
            }
        }
        part += len + 1;
    }
    if found.len() == first && wanted.contains(Class::ApiKey) {
        let read = || named(text, start, end).or_else(|| of_bot(text, start, end));
        found.extend(webhook::around(text, start).or_else(read));
    }
}

/// `bitcoincash:` belongs to the address.
fn prefix_len(text: &[u8], start: usize) -> usize {
    let head = text.get(..start).unwrap_or_default();
    let prefix = b"bitcoincash:";
    if head.ends_with(prefix) { prefix.len() } else { 0 }
}

/// `api_key = …`: the text says what it is, and it does not read like a word.
fn named(text: &[u8], start: usize, end: usize) -> Option<Found> {
    // Base64 goes on where words end.
    let tail = text.get(end..).unwrap_or_default();
    let end =
        end + tail.iter().take_while(|byte| matches!(byte, b'+' | b'/' | b'=') || is_letter(**byte)).count();
    let value = text.get(start..end)?;
    let value = value.strip_suffix(b".").unwrap_or(value);
    let joined = matches!(before(text, start, 1), b'=' | b':' | b'"' | b'\'' | b'`' | b' ');
    // A hash after a word of prose is a hash.
    let hash = value.iter().all(u8::is_ascii_hexdigit)
        && before(text, start, 1) == b' '
        && !matches!(before(text, start, 2), b':' | b'=');
    (joined && !hash && is_opaque(value) && label::is_key(text, start)).then_some(Found {
        class: Class::ApiKey,
        start,
        end: start + value.len(),
    })
}

/// Digits and letters well mixed: neither a name, a number, a time, nor a UUID.
pub(super) fn is_opaque(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let others = value.len() - digits - letters;
    value.len() >= SHORTEST
        && digits >= 2
        && letters >= 4
        && others * 6 <= value.len()
        && !is_uuid_like(value)
}

pub(super) fn is_uuid_like(value: &[u8]) -> bool {
    value.len() == 36 && [8, 13, 18, 23].iter().all(|dash| at(value, *dash) == b'-')
}

/// Telegram: the number of the bot, a colon, thirty-five letters.
fn of_bot(text: &[u8], start: usize, end: usize) -> Option<Found> {
    const SECRET: usize = 35;
    let word = text.get(start..end)?;
    let word = word.strip_suffix(b".").unwrap_or(word);
    let head = text.get(..start)?.strip_suffix(b":")?;
    let digits = head.iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let bot = word.len() == SECRET && word.starts_with(b"AA") && (8..=10).contains(&digits);
    bot.then_some(Found { class: Class::ApiKey, start: start - 1 - digits, end: start + SECRET })
}
