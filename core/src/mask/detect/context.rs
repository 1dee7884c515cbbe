//! What the name beside a value says about it. A name only ever adds: a value that is found without it stays found.

use super::{Class, Classes, Found, card, scan};

/// Words that make a name speak of something else than the value itself.
const OTHER_THINGS: &[&str] = &[
    "id", "ids", "count", "type", "kind", "verified", "hash", "at", "date", "length", "status", "country",
    "code",
];

/// The kind of value that a column or key of this name holds, where the name leaves no doubt.
pub fn hint(name: &str) -> Option<Class> {
    let words = words(name);
    let has = |word: &str| words.iter().any(|own| own == word);
    if OTHER_THINGS.iter().any(|other| has(other)) {
        return None;
    }
    let number = has("number") || has("num") || has("no");
    if has("ssn") || (has("social") && has("security")) || has("socialsecurity") {
        Some(Class::Ssn)
    } else if has("pan") || has("cardnumber") || has("creditcard") || (number && (has("card") || has("cc"))) {
        Some(Class::Card)
    } else if ["phone", "phonenumber", "mobile", "tel", "telephone", "cell", "cellphone", "fax", "msisdn"]
        .iter()
        .any(|word| has(word))
    {
        Some(Class::Phone)
    } else if has("iban") {
        Some(Class::Iban)
    } else if has("email") || has("mail") {
        Some(Class::Email)
    } else if has("secret") {
        Some(Class::AwsKey)
    } else {
        None
    }
}

/// `homePhone`, `home_phone` and `HOME PHONE` are the same two words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for sign in name.chars() {
        let begins = sign.is_uppercase() && lower;
        lower = sign.is_lowercase();
        if begins || !sign.is_alphanumeric() {
            words.push(String::new());
        }
        if sign.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(sign.to_lowercase());
        }
    }
    words
}

/// [`scan`], and where it finds nothing the whole value if it has the shape that its name promises.
pub fn scan_named(text: &[u8], wanted: Classes, hint: Option<Class>, found: &mut Vec<Found>) {
    let base = found.len();
    scan(text, wanted, found);
    let Some(class) = hint.filter(|class| found.len() == base && wanted.contains(*class)) else { return };
    let value = text.trim_ascii();
    if is_bare(class, value) {
        let start = text.len() - text.trim_ascii_start().len();
        found.push(Found { class, start, end: start + value.len() });
    }
}

fn is_bare(class: Class, value: &[u8]) -> bool {
    match class {
        Class::Ssn => is_bare_ssn(value),
        Class::Card => is_bare_card(value),
        Class::Phone => is_bare_phone(value),
        Class::Iban => {
            (15..=34).contains(&value.len())
                && value.iter().all(u8::is_ascii_alphanumeric)
                && value.iter().take(2).all(u8::is_ascii_alphabetic)
                && value.iter().skip(2).take(2).all(u8::is_ascii_digit)
        }
        Class::AwsKey => is_bare_secret(value),
        Class::Email => {
            let sign = memchr::memchr(b'@', value);
            sign.is_some_and(|sign| sign > 0 && sign + 1 < value.len())
                && !value.iter().any(u8::is_ascii_whitespace)
        }
        Class::Jwt | Class::PrivateKey => false,
    }
}

/// Nine digits of an area, a group and a serial that are given out.
fn is_bare_ssn(value: &[u8]) -> bool {
    let part = |from: usize, to: usize| value.get(from..to).unwrap_or_default();
    value.len() == 9
        && value.iter().all(u8::is_ascii_digit)
        && !matches!(part(0, 3), b"000" | b"666")
        && part(0, 1) != b"9"
        && part(3, 5) != b"00"
        && part(5, 9) != b"0000"
}

/// Any issuer: only the check digit has to be right.
fn is_bare_card(value: &[u8]) -> bool {
    let mut digits = [0u8; 19];
    let Some(room) = digits.get_mut(..value.len()) else { return false };
    room.iter_mut().zip(value).for_each(|(place, byte)| *place = byte.wrapping_sub(b'0'));
    room.len() >= 12 && room.iter().all(|digit| *digit <= 9) && card::luhn(room)
}

fn is_bare_phone(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"+").unwrap_or(value);
    (7..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// A hash of the same length has no capitals.
fn is_bare_secret(value: &[u8]) -> bool {
    value.len() == 40
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+'))
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(|byte| !byte.is_ascii_alphabetic())
}
