//! Values of PostgreSQL's types as a person would read them. Only what may be somebody's number or text is spelt.

use std::io::Write;

/// An integer of one to eight bytes.
pub(super) fn integer(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (first, _) = value.split_first().filter(|_| value.len() <= 8)?;
    let sign = if *first >= 0x80 { -1 } else { 0 };
    let number = value.iter().fold(sign, |all: i64, byte| all << 8 | i64::from(*byte));
    write!(out, "{number}").ok()
}

pub(super) fn float(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let number = match value.len() {
        4 => f64::from(f32::from_be_bytes(value.try_into().ok()?)),
        8 => f64::from_be_bytes(value.try_into().ok()?),
        _ => return None,
    };
    write!(out, "{number:e}").ok()
}

/// Digits to the base of ten thousand, the power of the first, a sign and how many stand behind the point.
///
/// <https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c> `numeric_send`
pub(super) fn numeric(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    const NEGATIVE: u16 = 0x4000;
    /// Larger numbers are nobody's.
    const HIGHEST: i16 = 8;
    let mut words =
        value.chunks_exact(2).map(|word| <[u8; 2]>::try_from(word).map(u16::from_be_bytes).unwrap_or(0));
    let (count, weight, sign) = (words.next()?, words.next()?.cast_signed(), words.next()?);
    words.next()?;
    if sign & !NEGATIVE != 0 || weight > HIGHEST {
        out.extend_from_slice(b"NaN");
        return Some(());
    }
    if value.len() != 8 + 2 * usize::from(count) {
        return None;
    }
    if sign == NEGATIVE {
        out.push(b'-');
    }
    out.push(b'0');
    for _ in 0..=weight {
        write!(out, "{:04}", words.next().unwrap_or(0)).ok()?;
    }
    // Whether there is a fraction counts, and not which.
    let fraction = weight < -1 && count > 0 || words.any(|word| word != 0);
    out.extend_from_slice(if fraction { b".1" } else { b"" });
    Some(())
}

/// Bytes out of one of their two spellings as text: `\x6164`, or letters with `\000` and `\\` between them.
pub(super) fn bytes(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if let Some(hex) = value.strip_prefix(b"\\x") {
        for pair in hex.chunks(2) {
            let [high, low] = pair else { return None };
            out.push(digit(*high)? << 4 | digit(*low)?);
        }
        return Some(());
    }
    let mut rest = value;
    while let Some((first, behind)) = rest.split_first() {
        match (*first, behind) {
            (b'\\', [b'\\', behind @ ..]) => {
                out.push(b'\\');
                rest = behind;
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..]) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = behind;
            }
            (b'\\', _) => return None,
            (byte, behind) => {
                out.push(byte);
                rest = behind;
            }
        }
    }
    Some(())
}

/// Text behind the number of a version.
pub(super) fn behind_version(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(value.split_first()?.1);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(spell: fn(&[u8], &mut Vec<u8>) -> Option<()>, value: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        spell(value, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers() {
        assert_eq!(spelt(integer, &(-7i16).to_be_bytes()).as_deref(), Some("-7"));
        assert_eq!(spelt(integer, &i64::MIN.to_be_bytes()).as_deref(), Some("-9223372036854775808"));
        assert_eq!(spelt(integer, &[]), None);
        assert_eq!(spelt(float, &219_456_789f64.to_be_bytes()).as_deref(), Some("2.19456789e8"));
        // 219456789.00 and 0.0001 and -50000
        let words = |words: &[u16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
        assert_eq!(spelt(numeric, &words(&[3, 2, 0, 2, 2, 1945, 6789])).as_deref(), Some("0000219456789"));
        assert_eq!(spelt(numeric, &words(&[1, u16::MAX, 0, 4, 1])).as_deref(), Some("0.1"));
        assert_eq!(spelt(numeric, &words(&[1, 1, 0x4000, 0, 5])).as_deref(), Some("-000050000"));
        assert_eq!(spelt(numeric, &words(&[0, 0, 0xC000, 0])).as_deref(), Some("NaN"));
        assert_eq!(spelt(numeric, &words(&[9, 2, 0, 2, 2])), None);
    }

    #[test]
    fn both_spellings_of_bytes() {
        assert_eq!(spelt(bytes, b"\\x6164").as_deref(), Some("ad"));
        assert_eq!(spelt(bytes, b"a\\\\b\\012").as_deref(), Some("a\\b\n"));
        assert_eq!(spelt(bytes, b"\\x616"), None);
        assert_eq!(spelt(bytes, b"a\\9"), None);
    }
}
