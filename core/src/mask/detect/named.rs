//! Reads a value together with what its column's or key's name says: bare numbers, names, addresses and birthdays.

use super::class::{Class, Classes, Found};
use super::hint::Hint;
use super::{base58, bytes::at, card, cpf, iban, person, place, scan, tokens, written_date};

/// [`super::scan`] without what the name rules out, and the whole value if it has the shape that its name promises.
pub fn scan_named(text: &[u8], wanted: Classes, hint: Hint, found: &mut Vec<Found>) {
    let base = found.len();
    scan(text, wanted.without(hint.never), found);
    let Some(class) = hint.class.filter(|class| wanted.contains(*class)) else { return };
    let value = text.trim_ascii();
    let start = text.len() - text.trim_ascii_start().len();
    let whole = Found { class, start, end: start + value.len() };
    let read = found.get(base..).unwrap_or_default();
    // What the name says counts more than what a number or a line alone looks like.
    let replaced = match read {
        [] => true,
        [one] if one.class == class => class == Class::Phone && one.end - one.start < value.len(),
        [one] => is_weak(class, one.class) && (class == Class::Address || one.end - one.start == value.len()),
        several => class == Class::Address && several.iter().all(|one| is_weak(class, one.class)),
    };
    if replaced && is_bare(class, hint, value) {
        found.truncate(base);
        found.push(Found { class: read_as(class, value), ..whole });
    }
}

/// Readings of digits that a name overrules.
fn is_weak(named: Class, read: Class) -> bool {
    let number = matches!(read, Class::Phone | Class::Ssn | Class::Cpf | Class::Card);
    match named {
        Class::Phone | Class::Ssn | Class::Cpf | Class::Card | Class::BirthDate | Class::Address => number,
        _ => false,
    }
}

/// Forty letters of base 64 under the name of a secret are one of AWS.
fn read_as(class: Class, value: &[u8]) -> Class {
    if class == Class::ApiKey && is_bare_secret(value) && value.iter().any(|byte| matches!(byte, b'/' | b'+'))
    {
        Class::AwsKey
    } else {
        class
    }
}

fn is_bare(class: Class, hint: Hint, value: &[u8]) -> bool {
    let text = || std::str::from_utf8(value).ok();
    match class {
        Class::Ssn => is_bare_ssn(value),
        Class::Card => is_bare_card(value),
        Class::Phone => is_bare_phone(value),
        Class::Cpf => {
            cpf::is_checked(value.iter().copied().filter(|byte| !matches!(byte, b'.' | b'-' | b' ' | b'/')))
        }
        Class::Iban => iban::is_checked(value),
        Class::AwsKey => is_bare_secret(value),
        Class::ApiKey => is_bare_secret(value) || is_bare_key(value),
        Class::Email => {
            let sign = memchr::memchr(b'@', value);
            sign.is_some_and(|sign| sign > 0 && sign + 1 < value.len())
                && !value.iter().any(u8::is_ascii_whitespace)
        }
        Class::Mac => value.len() == 12 && value.iter().all(u8::is_ascii_hexdigit),
        Class::Coin => (26..=48).contains(&value.len()) && value.iter().all(|byte| base58::is_letter(*byte)),
        Class::Person => text().is_some_and(|name| person::is_name(name, !hint.doubtful)),
        Class::Address => text().is_some_and(place::is_address),
        Class::BirthDate => text().is_some_and(written_date::is_date),
        Class::Jwt | Class::PrivateKey | Class::Ip | Class::UrlPassword => false,
    }
}

/// Nine digits of an area, a group and a serial that are given out.
pub(super) fn is_bare_ssn(value: &[u8]) -> bool {
    let mut digits = [0u8; 9];
    let mut count = 0;
    for byte in value.iter().filter(|byte| !matches!(byte, b'-' | b' ' | b'.')) {
        let Some(place) = digits.get_mut(count) else { return false };
        *place = *byte;
        count += 1;
    }
    count == 9 && is_given(&digits)
}

pub(super) fn is_given(value: &[u8; 9]) -> bool {
    let part = |from: usize, to: usize| value.get(from..to).unwrap_or_default();
    value.iter().all(u8::is_ascii_digit)
        && !matches!(part(0, 3), b"000" | b"666")
        && part(0, 1) != b"9"
        && part(3, 5) != b"00"
        && part(5, 9) != b"0000"
}

/// Any issuer, any separator: only the check digit has to be right.
pub(super) fn is_bare_card(value: &[u8]) -> bool {
    let mut digits = [0u8; 19];
    let mut count = 0;
    for byte in value.iter().filter(|byte| !matches!(byte, b'-' | b' ' | b'.' | b'_' | b'/')) {
        let Some(place) = digits.get_mut(count) else { return false };
        *place = byte.wrapping_sub(b'0');
        count += 1;
    }
    let digits = digits.get(..count).unwrap_or_default();
    count >= 12 && digits.iter().all(|digit| *digit <= 9) && card::luhn(digits)
}

/// Digits and what people put between them, and an extension.
fn is_bare_phone(value: &[u8]) -> bool {
    let end =
        value.iter().position(|byte| matches!(byte, b'x' | b'X' | b'e' | b'E' | b'#')).unwrap_or(value.len());
    let (number, rest) = value.split_at(end);
    let digits = number.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = number.iter().all(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b' ' | b'.' | b'(' | b')' | b'/' | 0xC2 | 0xA0)
    });
    let extension = rest.len() <= 16
        && rest.iter().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b' ' | b'.' | b':' | b'#' | b'a'..=b'z' | b'A'..=b'Z')
        });
    let date = super::plain::is_plain(value);
    (5..=15).contains(&digits) && signs && extension && !date && at(number, 0) != b'-'
}

/// A hash of the same length has no capitals.
fn is_bare_secret(value: &[u8]) -> bool {
    value.len() == 40
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+'))
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(|byte| !byte.is_ascii_alphabetic())
}

fn is_bare_key(value: &[u8]) -> bool {
    value.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+' | b'=' | b':')
    }) && tokens::is_opaque(value)
}
