//! How a sealed token is spelt: small letters and digits behind a mark, as an address where the value is one.
//!
//! Invariant: a token has one spelling, and no other text is read as one.

use super::seal::{STEP, TAG};
use crate::mask::detect::{self, Class, Classes};

pub(super) const MARK: &str = "tok_";
/// A domain that nobody can have (RFC 2606).
const DOMAIN: &str = "token.invalid";
/// Letters of the shortest token.
pub(super) const SHORTEST: usize = ((TAG + STEP) * 8).div_ceil(5);
/// An address has at most 64 letters before its sign, a label of a domain 63.
const PIECE: usize = 56;

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What a text is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    Email,
    Card,
    Phone,
    Other,
}

pub(super) fn looks(value: &[u8]) -> Looks {
    let wanted = Classes::of(Class::Email).with(Class::Card).with(Class::Phone);
    let mut found = Vec::new();
    detect::scan(value, wanted, &mut found);
    match found.as_slice() {
        [only] if only.start == 0 && only.end == value.len() => match only.class {
            Class::Email => Looks::Email,
            Class::Card => Looks::Card,
            Class::Phone => Looks::Phone,
            _ => Looks::Other,
        },
        _ => Looks::Other,
    }
}

pub(super) fn spelt(sealed: &[u8], as_email: bool) -> String {
    let letters = letters_of(sealed);
    let mut out = String::from(MARK);
    if !as_email {
        out.push_str(&letters);
        return out;
    }
    let mut rest = letters.as_str();
    let mut between = "";
    while let Some((piece, more)) = rest.split_at_checked(PIECE).or((!rest.is_empty()).then_some((rest, "")))
    {
        out.push_str(between);
        out.push_str(piece);
        between = if between.is_empty() { "@" } else { "." };
        rest = more;
    }
    out.push_str(if between == "@" { "@" } else { "." });
    out.push_str(DOMAIN);
    out
}

/// What is sealed in a token. Nothing: it is not spelt as one.
pub(super) fn read(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let rest = text.strip_prefix(MARK)?;
    let as_email = rest.contains('@');
    let letters: String = match as_email {
        true => rest.strip_suffix(DOMAIN)?.chars().filter(|letter| !matches!(letter, '@' | '.')).collect(),
        false => rest.to_owned(),
    };
    let sealed = bytes_of(&letters)?;
    (sealed.len() >= TAG + STEP && spelt(&sealed, as_email) == text).then_some(sealed)
}

/// Whether it begins as a token does.
pub(super) fn is_marked(text: &[u8]) -> bool {
    text.strip_prefix(MARK.as_bytes())
        .is_some_and(|rest| rest.iter().take(SHORTEST).filter(|byte| is_letter(**byte)).count() == SHORTEST)
}

pub(super) fn is_letter(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'2'..=b'7')
}

fn letters_of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity((bytes.len() * 8).div_ceil(5));
    let (mut held, mut bits) = (0u16, 0);
    let mut put =
        |held: u16| out.push(LETTERS.get(usize::from(held & 31)).map_or('a', |byte| char::from(*byte)));
    for byte in bytes {
        held = (held << 8) | u16::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            put(held >> bits);
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        put(held << (5 - bits));
    }
    out
}

fn bytes_of(letters: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(letters.len() * 5 / 8);
    let (mut held, mut bits) = (0u16, 0);
    for letter in letters.bytes() {
        let value = match letter {
            b'a'..=b'z' => letter - b'a',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        held = (held << 5) | u16::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}
