//! Bank accounts (ISO 13616): a country, its length, and the remainder of 97. Spaces or dashes may part it.

use super::bytes::{at, before, dash_len, is_word_before, space_len};
use super::{Class, Found};
use std::ops::Range;

/// The shortest is Norway's.
pub(super) const SHORTEST: usize = 15;

/// Tries every pair of digits that follows a pair of letters.
pub(super) fn scan(text: &[u8], found: &mut Vec<Found>) {
    let mut from = 2;
    while let Some(digit) = text.get(from..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let digit = from + digit;
        let account = around(text, digit);
        from = account.as_ref().map_or(digit + 1, |account| account.end);
        if let Some(Range { start, end }) = account {
            found.push(Found { class: Class::Iban, start, end });
        }
        // Within a longer block of digits none begins.
        from += text.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
}

/// The account whose two check digits begin at `digit`.
fn around(text: &[u8], digit: usize) -> Option<Range<usize>> {
    let start = digit.checked_sub(2)?;
    let country = [before(text, digit, 2).to_ascii_uppercase(), before(text, digit, 1).to_ascii_uppercase()];
    let account = account(country)?;
    // What is left of 98 is never less than two.
    let check = text.get(digit..digit + 2)?;
    if matches!(check, b"00" | b"01" | b"99")
        || !at(text, digit + 1).is_ascii_digit()
        || is_word_before(text, start)
    {
        return None;
    }
    let end = start + measure(text.get(start..)?, account)?;
    if at(text, end).is_ascii_alphanumeric() {
        return None;
    }
    Some(start..end)
}

/// How many bytes an account takes, if its characters are of the country's kinds and its check digits are right. One
/// space or dash may stand between any two of them.
fn measure(text: &[u8], account: &[u8]) -> Option<usize> {
    let mut from = 4;
    let (mut sum, mut count) = (0u32, 0usize);
    for sign in account {
        if sign.is_ascii_digit() {
            count = count * 10 + usize::from(sign - b'0');
            continue;
        }
        for _ in 0..std::mem::take(&mut count) {
            from += space_len(text, from).max(dash_len(text, from));
            let value = value_of(at(text, from))?;
            if (*sign == b'n' && value > 9) || (*sign == b'a' && value < 10) {
                return None;
            }
            sum = with(sum, value) % 97;
            from += 1;
        }
    }
    // The country and the check digits count last: two letters and two digits are six digits.
    let head = text.get(..4)?.iter().try_fold(0u32, |all, byte| Some(with(all, value_of(*byte)?)))?;
    ((u64::from(sum) * 1_000_000 + u64::from(head)) % 97 == 1).then_some(from)
}

/// A digit for itself, letters from ten on.
fn value_of(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(36)
}

/// The number with the value written behind it.
fn with(number: u32, value: u32) -> u32 {
    if value < 10 { number * 10 + value } else { number * 100 + value }
}

/// A country that is not in the list, with check digits that are right.
pub(super) fn is_checked(value: &[u8]) -> bool {
    let [country, account @ ..] = value.as_chunks::<2>().0 else { return false };
    let whole = (SHORTEST..=34).contains(&value.len()) && value.iter().all(u8::is_ascii_alphanumeric);
    if !whole || account.is_empty() || !country.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let turned = value.iter().skip(4).chain(value.iter().take(4));
    turned.filter_map(|byte| value_of(*byte)).fold(0, |rest, value| with(rest, value) % 97) == 1
}

/// What an account of a country is made of, as the registry of SWIFT writes it: how many digits (n), letters (a), or
/// either (c).
fn account(country: [u8; 2]) -> Option<&'static [u8]> {
    Some(match &country {
        b"NO" => b"11n",
        b"BE" => b"12n",
        b"DK" | b"FI" | b"FO" | b"GL" | b"SD" => b"14n",
        b"FK" => b"2a12n",
        b"NL" => b"4a10n",
        b"MK" => b"3n10c2n",
        b"SI" => b"15n",
        b"AT" | b"BA" | b"EE" | b"LT" | b"MN" | b"XK" => b"16n",
        b"KZ" | b"LU" => b"3n13c",
        b"CH" | b"LI" => b"5n12c",
        b"HR" => b"17n",
        b"LV" => b"4a13c",
        b"BG" => b"4a6n8c",
        b"BH" => b"4a14c",
        b"CR" | b"DE" | b"ME" | b"RS" | b"VA" => b"18n",
        b"GB" | b"IE" => b"4a14n",
        b"GE" => b"2a16n",
        b"AE" | b"IL" | b"SO" | b"TL" => b"19n",
        b"GI" => b"4a15c",
        b"IQ" => b"4a15n",
        b"OM" => b"3n16c",
        b"AD" => b"8n12c",
        b"CZ" | b"ES" | b"SE" | b"SK" | b"TN" => b"20n",
        b"MD" => b"20c",
        b"PK" | b"RO" => b"4a16c",
        b"SA" => b"2n18c",
        b"VG" => b"4a16n",
        b"LY" | b"PT" | b"ST" => b"21n",
        b"IS" => b"22n",
        b"TR" => b"6n16c",
        b"BI" | b"DJ" | b"MR" => b"23n",
        b"FR" | b"MC" => b"10n11c2n",
        b"GR" => b"7n16c",
        b"IT" | b"SM" => b"1a10n12c",
        b"AL" | b"CY" => b"8n16c",
        b"AZ" => b"4a20c",
        b"BY" => b"4c4n16c",
        b"DO" => b"4c20n",
        b"GT" => b"24c",
        b"HN" | b"NI" | b"SV" => b"4a20n",
        b"HU" | b"PL" => b"24n",
        b"LB" => b"4n20c",
        b"BR" => b"23n1a1c",
        b"EG" => b"25n",
        b"PS" | b"QA" => b"4a21c",
        b"UA" => b"6n19c",
        b"JO" | b"YE" => b"4a4n18c",
        b"KW" => b"4a22c",
        b"MU" => b"4a19n3a",
        b"MT" => b"4a5n18c",
        b"SC" => b"4a20n3a",
        b"LC" => b"4a24c",
        b"RU" => b"14n15c",
        _ => return None,
    })
}
