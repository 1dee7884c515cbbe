//! Tokens of shapes that have no room for a seal: each out of a range in which true values are not expected.
//!
//! | shape | its tokens |
//! |---|---|
//! | whole numbers that fit four bytes | 2,013,265,920 to 2,147,483,647 |
//! | other whole numbers | sixteen digits that begin with 8: exact even where a client reads numbers as floats |
//! | UUIDs | version 8, with a check that only this installation can make |
//! | cards | as many digits and the same signs between them; they begin with 9999 and Luhn's check digit is wrong |
//! | phones | `+999`, a country code that is given to nobody, and as many digits, eleven at the least |

use super::spell::Looks;

const SMALL: i64 = 2_013_265_920;
const SMALL_SIZE: u64 = 134_217_728;
const LARGE: i64 = 8_000_000_000_000_000;
const LARGE_SIZE: u64 = 1_000_000_000_000_000;
const CARD: &str = "9999";
const PHONE: &str = "999";
const PHONE_DIGITS: usize = 11;

/// A type of the target whose values are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrow {
    Four,
    Eight,
    Uuid,
}

impl Narrow {
    /// A client may give a number in another width than its column's.
    pub(super) fn as_wide_as(self, value: &[u8], binary: bool) -> Self {
        match (self, binary, value.len()) {
            (Narrow::Four | Narrow::Eight, true, 4) => Narrow::Four,
            (Narrow::Four | Narrow::Eight, true, 8) => Narrow::Eight,
            (other, _, _) => other,
        }
    }

    /// A value in the one spelling in which it is kept. Nothing: it is no value of the type.
    pub(super) fn spelt(self, value: &[u8], binary: bool) -> Option<String> {
        match (self, binary) {
            (Narrow::Four, true) => Some(i32::from_be_bytes(value.try_into().ok()?).to_string()),
            (Narrow::Eight, true) => Some(i64::from_be_bytes(value.try_into().ok()?).to_string()),
            (Narrow::Four | Narrow::Eight, false) => {
                Some(std::str::from_utf8(value).ok()?.trim().parse::<i64>().ok()?.to_string())
            }
            (Narrow::Uuid, true) => Some(hyphens(value.try_into().ok()?)),
            (Narrow::Uuid, false) => Some(hyphens(&uuid(std::str::from_utf8(value).ok()?)?)),
        }
    }

    /// Appends a value in the wanted format. False: it does not fit the type.
    pub(super) fn write(self, text: &str, binary: bool, out: &mut Vec<u8>) -> bool {
        match (self, binary) {
            (_, false) => out.extend_from_slice(text.as_bytes()),
            (Narrow::Four, true) => match text.parse::<i32>() {
                Ok(number) => out.extend_from_slice(&number.to_be_bytes()),
                Err(_) => return false,
            },
            (Narrow::Eight, true) => match text.parse::<i64>() {
                Ok(number) => out.extend_from_slice(&number.to_be_bytes()),
                Err(_) => return false,
            },
            (Narrow::Uuid, true) => match uuid(text) {
                Some(bytes) => out.extend_from_slice(&bytes),
                None => return false,
            },
        }
        true
    }

    /// The name under which this would stand in the book, if it has the look of a token.
    pub(super) fn token_name(self, text: &str, house: &[u8; 32]) -> Option<String> {
        match self {
            Narrow::Four | Narrow::Eight => {
                text.parse().ok().filter(|number| is_token_number(*number)).map(|number| format!("n{number}"))
            }
            Narrow::Uuid => {
                let bytes = uuid(text)?;
                let checked =
                    bytes.get(6).is_some_and(|byte| byte >> 4 == 8) && with_check(bytes, house) == bytes;
                checked.then(|| format!("u{text}"))
            }
        }
    }
}

fn is_token_number(number: i64) -> bool {
    let within =
        |start: i64, size: u64| number.checked_sub(start).is_some_and(|at| (0..size as i64).contains(&at));
    within(SMALL, SMALL_SIZE) || within(LARGE, LARGE_SIZE)
}

/// Whether this text may be a token of a number or UUID.
pub(super) fn may_be_typed(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    match text.len() {
        10 | 16 => std::str::from_utf8(text).is_ok_and(|text| text.parse().is_ok_and(is_token_number)),
        32..=40 => std::str::from_utf8(text)
            .ok()
            .and_then(uuid)
            .is_some_and(|it| it.get(6).is_some_and(|at| at >> 4 == 8)),
        _ => false,
    }
}

/// What the token of a value is made to look like.
pub(super) enum Shape<'a> {
    Small,
    Large,
    Uuid,
    Card(&'a str),
    Phone(&'a str),
}

impl<'a> Shape<'a> {
    pub(super) fn of_text(looks: Looks, value: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let plain =
            |signs: &str| text.chars().all(|letter| letter.is_ascii_digit() || signs.contains(letter));
        match looks {
            Looks::Card if plain(" -") => Some(Shape::Card(text)),
            Looks::Phone if plain("+ -()./") => Some(Shape::Phone(text)),
            Looks::Card | Looks::Phone | Looks::Email | Looks::Other => None,
        }
    }

    pub(super) fn of_typed(sort: Narrow, text: &str) -> Option<Self> {
        match sort {
            Narrow::Uuid => Some(Shape::Uuid),
            // One number has one token, whatever the width of its column.
            Narrow::Four | Narrow::Eight => {
                let number: i64 = text.parse().ok()?;
                Some(if i32::try_from(number).is_ok() { Shape::Small } else { Shape::Large })
            }
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Shape::Small => "small",
            Shape::Large => "large",
            Shape::Uuid => "uuid",
            Shape::Card(_) => "card",
            Shape::Phone(_) => "phone",
        }
    }

    pub(super) fn token(&self, drawn: &[u8; 32], house: &[u8; 32]) -> String {
        let (first, rest) = drawn
            .split_first_chunk::<8>()
            .map_or((0, drawn.as_slice()), |(first, rest)| (u64::from_le_bytes(*first), rest));
        match self {
            Shape::Small => (SMALL + (first % SMALL_SIZE) as i64).to_string(),
            Shape::Large => (LARGE + (first % LARGE_SIZE) as i64).to_string(),
            Shape::Uuid => {
                let mut bytes = [0; 16];
                bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
                *version = 0x80 | *version & 0x0f;
                *variant = 0x80 | *variant & 0x3f;
                hyphens(&with_check(bytes, house))
            }
            Shape::Card(text) => {
                let digits = digits(text).count();
                let mut card = String::from(CARD);
                card.extend(drawn_digits(drawn).take(digits.saturating_sub(CARD.len() + 1)));
                let right = check_digit(&card);
                card.push(char::from(b'0' + (right + 1 + (first % 9) as u8) % 10));
                filled(text, &card)
            }
            Shape::Phone(text) => {
                let count = digits(text).count();
                let mut phone = String::from(PHONE);
                phone.extend(drawn_digits(drawn).take(count.max(PHONE_DIGITS) - PHONE.len()));
                if count >= PHONE_DIGITS && text.starts_with('+') {
                    filled(text, &phone)
                } else {
                    format!("+{phone}")
                }
            }
        }
    }

    /// The name of a token in the book: without what is only between its digits.
    pub(super) fn canonical(&self, token: &str) -> String {
        match self {
            Shape::Small | Shape::Large => format!("n{token}"),
            Shape::Uuid => format!("u{token}"),
            Shape::Card(_) => format!("c{}", digits(token).collect::<String>()),
            Shape::Phone(_) => format!("p{}", digits(token).collect::<String>()),
        }
    }
}

/// The name in the book of a text that has the look of a card's or a phone's token.
pub(super) fn text_name(text: &[u8]) -> Option<String> {
    if !matches!(text.first(), Some(b'9' | b'+')) || text.len() > 40 {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if !text.chars().all(|letter| letter.is_ascii_digit() || "+ -()./".contains(letter)) {
        return None;
    }
    let all: String = digits(text).collect();
    if text.starts_with('+') {
        return (all.starts_with(PHONE) && all.len() >= PHONE_DIGITS).then(|| format!("p{all}"));
    }
    let (front, last) = all.split_at_checked(all.len().checked_sub(1)?)?;
    let wrong = last.bytes().next().is_some_and(|digit| digit - b'0' != check_digit(front));
    (all.starts_with(CARD) && (13..=19).contains(&all.len()) && wrong).then(|| format!("c{all}"))
}

fn digits(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(char::is_ascii_digit)
}

/// Digits out of drawn bytes, those left out that would make some digits likelier than others.
fn drawn_digits(drawn: &[u8; 32]) -> impl Iterator<Item = char> {
    blake3::Hasher::new_keyed(drawn)
        .finalize()
        .as_bytes()
        .iter()
        .chain(drawn)
        .filter(|byte| **byte < 250)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The pattern's own signs with other digits between them.
fn filled(pattern: &str, digits: &str) -> String {
    let mut digits = digits.chars();
    let put = |letter: char| if letter.is_ascii_digit() { digits.next().unwrap_or('0') } else { letter };
    pattern.chars().map(put).collect()
}

/// Luhn's, for the digits before it.
fn check_digit(front: &str) -> u8 {
    let sum: u32 = front
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            let doubled = digit * 2;
            if at % 2 > 0 {
                digit
            } else if doubled > 9 {
                doubled - 9
            } else {
                doubled
            }
        })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

fn with_check(mut bytes: [u8; 16], house: &[u8; 32]) -> [u8; 16] {
    if let Some((front, check)) = bytes.split_last_chunk_mut::<4>() {
        let hash = blake3::keyed_hash(house, front);
        check.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    }
    bytes
}

/// Any spelling that the target reads as a UUID.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    let mut bytes = [0; 16];
    let mut digits = text.chars().filter(|letter| *letter != '-').map(|letter| letter.to_digit(16));
    for byte in &mut bytes {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

fn hyphens(bytes: &[u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}
