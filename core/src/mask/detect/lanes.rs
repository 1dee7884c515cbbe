//! Sixteen bytes of text at a time: which of them are of a class, as a bit for each. The vector instructions are those
//! that every processor of an architecture has; nothing is copied byte by byte.

use wide::u8x16;

pub(super) const WIDTH: usize = 16;

/// Sixteen bytes, or fewer and zeros.
#[derive(Clone, Copy)]
pub(super) struct Lanes(u8x16);

/// One bit, or all, of each byte of a class.
#[derive(Clone, Copy)]
pub(super) struct Class(u8x16);

impl Lanes {
    #[inline(always)]
    pub(super) fn of(bytes: &[u8; WIDTH]) -> Self {
        Self(u8x16::new(*bytes))
    }

    /// The chunks of a text; the last may be partly zeros.
    #[inline(always)]
    pub(super) fn each(text: &[u8], mut take: impl FnMut(Self)) {
        text.as_chunks::<WIDTH>().0.iter().for_each(|chunk| take(Self::of(chunk)));
        if let Some(last) = Self::tail(text) {
            take(last);
        }
    }

    /// What is behind the last whole chunk, with zeros after it. Read from the end of the text.
    #[inline(always)]
    pub(super) fn tail(text: &[u8]) -> Option<Self> {
        let rest = text.len() % WIDTH;
        if rest == 0 {
            return None;
        }
        if let Some(last) = text.last_chunk::<WIDTH>() {
            let bits = ((WIDTH - rest) * 8) as u32;
            return Some(Self::of(&(u128::from_le_bytes(*last) >> bits).to_le_bytes()));
        }
        let mut last = [0; WIDTH];
        last.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
        Some(Self::of(&last))
    }

    /// A text that is no whole chunk: its first and its last bytes side by side, how many of each, and where the last
    /// begin in it.
    #[inline(always)]
    pub(super) fn few(text: &[u8]) -> Option<([u8; WIDTH], u32, u32)> {
        let len = text.len() as u32;
        if let (Some(head), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            let both = u128::from(u64::from_le_bytes(*head)) | u128::from(u64::from_le_bytes(*last)) << 64;
            return Some((both.to_le_bytes(), 8, len - 8));
        }
        if let (Some(head), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            let both = u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*last)) << 32;
            return Some((u128::from(both).to_le_bytes(), 4, len - 4));
        }
        if let (Some(head), Some(last)) = (text.first_chunk::<2>(), text.last_chunk::<2>()) {
            let both = u32::from(u16::from_le_bytes(*head)) | u32::from(u16::from_le_bytes(*last)) << 16;
            return Some((u128::from(both).to_le_bytes(), 2, len - 2));
        }
        text.first().map(|only| (u128::from(*only).to_le_bytes(), 1, 0))
    }

    #[inline(always)]
    pub(super) fn is(self, byte: u8) -> Class {
        Class(self.0.simd_eq(u8x16::splat(byte)))
    }
    /// From `first` on, so many.
    #[inline(always)]
    fn within(self, first: u8, count: u8) -> Class {
        let from = self.0 - u8x16::splat(first);
        Class(from.min(u8x16::splat(count - 1)).simd_eq(from))
    }
    #[inline(always)]
    pub(super) fn digits(self) -> Class {
        self.within(b'0', 10)
    }
    #[inline(always)]
    pub(super) fn capitals(self) -> Class {
        self.within(b'A', 26)
    }
    #[inline(always)]
    pub(super) fn letters(self) -> Class {
        Self(self.0 | u8x16::splat(0x20)).within(b'a', 26)
    }
    #[inline(always)]
    pub(super) fn hex_letters(self) -> Class {
        Self(self.0 | u8x16::splat(0x20)).within(b'a', 6)
    }
}

impl Class {
    #[inline(always)]
    pub(super) fn or(self, other: Class) -> Class {
        Class(self.0 | other.0)
    }
    #[inline(always)]
    pub(super) fn bits(self) -> u64 {
        self.0.to_bitmask().into()
    }
}
