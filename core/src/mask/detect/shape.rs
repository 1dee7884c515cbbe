//! How many bytes of each telling class a text has, and whether it plainly is a UUID or a time: the first look at every
//! cell, and the last at most of them. Counted a lane at a time without a branch, so that the compiler uses vector
//! instructions; the lanes are summed once.

const WIDTH: usize = 32;
/// More chunks than this could overflow a lane.
const MOST: usize = 255;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    pub(super) ats: usize,
    pub(super) digits: usize,
    pub(super) capitals: usize,
    pub(super) dashes: usize,
    pub(super) dots: usize,
    pub(super) colons: usize,
}

type Lanes = [u8; WIDTH];

impl Shape {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut shape = Self::default();
        let (whole, rest) = text.as_chunks::<WIDTH>();
        for some in whole.chunks(MOST) {
            shape.add(some);
        }
        if !rest.is_empty() {
            let mut last = [0u8; WIDTH];
            if let Some(room) = last.get_mut(..rest.len()) {
                room.copy_from_slice(rest);
            }
            shape.add(&[last]);
        }
        shape
    }

    #[inline(always)]
    fn add(&mut self, chunks: &[Lanes]) {
        self.ats += count(chunks, |byte| byte == b'@');
        self.digits += count(chunks, |byte| byte.wrapping_sub(b'0') < 10);
        self.capitals += count(chunks, |byte| byte.wrapping_sub(b'A') < 26);
        self.dashes += count(chunks, |byte| byte == b'-');
        self.dots += count(chunks, |byte| byte == b'.');
        self.colons += count(chunks, |byte| byte == b':');
    }
}

#[inline(always)]
fn count(chunks: &[Lanes], is: impl Fn(u8) -> bool) -> usize {
    let mut lanes = [0u8; WIDTH];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, byte)| *lane += u8::from(is(*byte)));
    }
    lanes.iter().map(|lane| u16::from(*lane)).sum::<u16>().into()
}

/// The whole text is a UUID or a time as ISO 8601 and SQL write it.
pub(super) fn is_plain(text: &[u8]) -> bool {
    match text.len() {
        36 => is_uuid(text),
        10 => is_like(text, b"dddd-dd-dd"),
        19..=35 => is_time(text),
        _ => false,
    }
}

fn is_uuid(text: &[u8]) -> bool {
    let dashed = [8, 13, 18, 23].iter().all(|at| text.get(*at) == Some(&b'-'));
    // With the dashes in their places, thirty-two others are all of the rest.
    dashed && text.iter().map(|byte| u8::from(byte.is_ascii_hexdigit())).sum::<u8>() == 32
}

fn is_time(text: &[u8]) -> bool {
    let Some((head, mut rest)) = text.split_at_checked(19) else { return false };
    let (date, time) = head.split_at(10);
    if !is_like(date, b"dddd-dd-dd") || !matches!(time.first(), Some(b'T' | b' ')) {
        return false;
    }
    if !is_like(time.get(1..).unwrap_or_default(), b"dd:dd:dd") {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
        rest = fraction.get(digits..).unwrap_or_default();
    }
    matches!(rest, b"" | b"Z" | b" UTC")
        || (matches!(rest.first(), Some(b'+' | b'-'))
            && [b"dd".as_slice(), b"dddd", b"dd:dd"]
                .iter()
                .any(|zone| is_like(rest.get(1..).unwrap_or_default(), zone)))
}

/// `d` stands for a digit, anything else for itself.
fn is_like(text: &[u8], form: &[u8]) -> bool {
    let differs = |(byte, sign): (&u8, &u8)| {
        let digit = byte.wrapping_sub(b'0') < 10;
        u8::from(if *sign == b'd' { !digit } else { byte != sign })
    };
    text.len() == form.len() && text.iter().zip(form).map(differs).fold(0, |all, one| all | one) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_across_chunks() {
        let shape = Shape::of(b"A1@b.c-2 padding padding padding A9@b.c-3 .");
        let counted = (shape.ats, shape.digits, shape.capitals, shape.dashes, shape.dots);
        assert_eq!(counted, (2, 4, 2, 2, 3));
    }

    #[test]
    fn lanes_do_not_overflow() {
        assert_eq!(Shape::of(&[b'7'; 100_003]).digits, 100_003);
    }

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
