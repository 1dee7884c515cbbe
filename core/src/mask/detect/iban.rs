//! Bank accounts (ISO 13616): a country, its length, and the remainder of 97. Spaces or dashes may part it in fours.

use super::bytes::{at, before, dash_len, is_word_before, space_len};
use std::ops::Range;

/// The account whose two check digits begin at `digit`.
pub(super) fn around(text: &[u8], digit: usize) -> Option<Range<usize>> {
    let start = digit.checked_sub(2)?;
    let country = [before(text, digit, 2).to_ascii_uppercase(), before(text, digit, 1).to_ascii_uppercase()];
    let len = length(country)?;
    // What is left of 98 is never less than two.
    let check = text.get(digit..digit + 2)?;
    if matches!(check, b"00" | b"01" | b"99")
        || !at(text, digit + 1).is_ascii_digit()
        || is_word_before(text, start)
    {
        return None;
    }
    let end = start + measure(text.get(start..)?, len)?;
    if at(text, end).is_ascii_alphanumeric() {
        return None;
    }
    Some(start..end)
}

/// How many bytes `len` characters of an account take, if its check digits are right.
fn measure(text: &[u8], len: usize) -> Option<usize> {
    let mut from = 0;
    let (mut head, mut sum) = (0u32, 0u32);
    for index in 0..len {
        if index > 0 && index % 4 == 0 {
            from += space_len(text, from).max(dash_len(text, from));
        }
        let value = (at(text, from) as char).to_digit(36)?;
        // The country and the check digits count last.
        let sum = if index < 4 { &mut head } else { &mut sum };
        *sum = if value < 10 { *sum * 10 + value } else { *sum * 100 + value };
        if index >= 4 {
            *sum %= 97;
        }
        from += 1;
    }
    // Four characters, the first two of them letters, are six digits.
    ((u64::from(sum) * 1_000_000 + u64::from(head)) % 97 == 1).then_some(from)
}

/// The registry of SWIFT: how long an account of a country is.
fn length(country: [u8; 2]) -> Option<usize> {
    Some(match &country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"CR" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL" | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" | b"YE" => 29,
        b"JO" | b"KW" | b"MU" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    })
}
