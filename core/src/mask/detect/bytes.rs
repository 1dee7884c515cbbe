//! What stands around a value: looks to the left and right that never leave the text.

/// The byte at `at`, or zero outside the text. No class below contains zero.
#[inline]
pub(super) fn at(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// The byte `back` places before `from`, or zero.
#[inline]
pub(super) fn before(text: &[u8], from: usize, back: usize) -> u8 {
    from.checked_sub(back).map_or(0, |index| at(text, index))
}

/// A space, a no-break space or one of their narrow relatives starts here: its length, or zero.
pub(super) fn space_len(text: &[u8], from: usize) -> usize {
    match (at(text, from), at(text, from + 1), at(text, from + 2)) {
        (b' ', _, _) => 1,
        (0xC2, 0xA0, _) => 2,
        (0xE2, 0x80, 0x80..=0x8A | 0xAF) => 3,
        _ => 0,
    }
}

/// The same for the hyphen and its relatives.
pub(super) fn dash_len(text: &[u8], from: usize) -> usize {
    match (at(text, from), at(text, from + 1), at(text, from + 2)) {
        (b'-', _, _) => 1,
        (0xE2, 0x80, 0x90..=0x95) | (0xE2, 0x88, 0x92) => 3,
        _ => 0,
    }
}

/// Like [`space_len`], for the space that ends just before `end`.
pub(super) fn space_len_before(text: &[u8], end: usize) -> usize {
    len_before(text, end, space_len)
}

/// Like [`dash_len`], for the dash that ends just before `end`.
pub(super) fn dash_len_before(text: &[u8], end: usize) -> usize {
    len_before(text, end, dash_len)
}

fn len_before(text: &[u8], end: usize, len: fn(&[u8], usize) -> usize) -> usize {
    (1..=3).find(|back| end.checked_sub(*back).is_some_and(|from| len(text, from) == *back)).unwrap_or(0)
}

/// A letter or digit ends just before `from`. The `n` of `\n` in JSON text is none.
pub(super) fn is_word_before(text: &[u8], from: usize) -> bool {
    let last = before(text, from, 1);
    if !last.is_ascii_alphanumeric() {
        return false;
    }
    !is_escape_before(text, from)
}

/// A JSON escape ends just before `from`: `\n` or `\u00a0`.
pub(super) fn is_escape_before(text: &[u8], from: usize) -> bool {
    let short =
        matches!(before(text, from, 1), b'n' | b'r' | b't' | b'b' | b'f') && before(text, from, 2) == b'\\';
    let long = before(text, from, 6) == b'\\'
        && before(text, from, 5) == b'u'
        && (1..=4).all(|back| before(text, from, back).is_ascii_hexdigit());
    short || long
}
