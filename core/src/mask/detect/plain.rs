//! Whether a whole text plainly is a UUID or a time, which many columns hold and nothing else.

use super::lanes::{Lanes, WIDTH};

/// A UUID, or a day or time as ISO 8601 and SQL write it.
#[inline(always)]
pub(super) fn is_plain(text: &[u8]) -> bool {
    match text.len() {
        36 => is_uuid(text),
        19..=35 => is_time(text),
        10 => is_day(text),
        _ => false,
    }
}

#[inline]
fn is_uuid(text: &[u8]) -> bool {
    // Where the dashes stand in the first, the second and the last sixteen bytes.
    const DASHES: [u64; 3] = [1 << 8 | 1 << 13, 1 << 2 | 1 << 7, 1 << 3];
    let (Some(first), Some(second), Some(last)) =
        (text.first_chunk::<WIDTH>(), text.get(16..).and_then(|rest| rest.first_chunk()), text.last_chunk())
    else {
        return false;
    };
    let is_part = |bytes: &[u8; WIDTH], dashes: u64| {
        let lanes = Lanes::of(bytes);
        lanes.is(b'-').bits() == dashes && lanes.digits().or(lanes.hex_letters()).bits() == 0xFFFF & !dashes
    };
    let [one, two, three] = DASHES;
    is_part(first, one) & is_part(second, two) & is_part(last, three)
}

/// `2024-01-15 10:30:00.123456+00`.
#[inline]
fn is_time(text: &[u8]) -> bool {
    const DIGITS: u64 = 0b110_1101_1011_0110_1111;
    const SECONDS: usize = 19;
    let (Some(first), Some(last)) = (text.first_chunk::<WIDTH>(), text.last_chunk::<WIDTH>()) else {
        return false;
    };
    let digits =
        Lanes::of(first).digits().bits() | Lanes::of(last).digits().bits() << ((text.len() - WIDTH) & 63);
    let [_, _, _, _, b'-', _, _, b'-', _, _, b' ' | b'T', _, _, b':', _, _, b':', _, _, rest @ ..] = text
    else {
        return false;
    };
    if digits & 0x7_FFFF != DIGITS {
        return false;
    }
    let behind = digits >> SECONDS;
    let fraction = match rest {
        [b'.', ..] => 1 + (behind >> 1).trailing_ones().min(9),
        _ => 0,
    };
    let zone = rest.get(fraction as usize..).unwrap_or_default();
    matches!(
        (zone, behind >> fraction),
        (b"" | b"Z" | b" UTC", 0)
            | ([b'+' | b'-', _, _], 0b110)
            | ([b'+' | b'-', _, _, _, _], 0b1_1110)
            | ([b'+' | b'-', _, _, b':', _, _], 0b11_0110)
    )
}

#[inline]
fn is_day(text: &[u8]) -> bool {
    let [_, _, _, _, b'-', _, _, b'-', _, _] = text else { return false };
    Lanes::tail(text).is_some_and(|lanes| lanes.digits().bits() == 0b11_0110_1111)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_uuid_or_time_is_plain() {
        for text in [
            "550e8400-e29b-41d4-a716-446655440000",
            "2024-01-15",
            "2024-01-15T10:30:00Z",
            "2024-01-15 10:30:00.123456+00",
            "2024-01-15 10:30:00+05:30",
        ] {
            assert!(is_plain(text.as_bytes()), "{text}");
        }
        for text in [
            "2024-01-15 415-555-0132",
            "2024-01-15 10:30:00+4155550132",
            "2024-01-15 10:30:00.1 0151 2345678",
            "4111111111111111",
            "550e8400-e29b-41d4-a716-44665544000g",
        ] {
            assert!(!is_plain(text.as_bytes()), "{text}");
        }
    }
}
