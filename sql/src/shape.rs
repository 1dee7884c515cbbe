//! The shape of a statement: its text with whole-number literals taken out, so that one analysis serves many texts.
//!
//! Only texts of bytes that mean the same everywhere have a shape: no quotes, comments, dollars or backslashes. What it
//! is not: a parser. Invariant: two texts of one shape differ in nothing but digits of integer literals of the same
//! total length, so an analysis that looked at no literal's value, ranges included, holds for both.

/// Longer texts have no shape: they are seldom repeated, and a fixed buffer needs no allocation.
pub const MAX_SHAPE_BYTES: usize = 1024;
/// Literals of at most so many digits are integers to the grammar, whatever they are.
const MAX_DIGITS: usize = 9;
/// Stands for a literal; no text that has a shape contains it.
const PLACEHOLDER: u8 = 1;

/// A collision-free hash of the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape(pub [u8; 16]);

/// The shape of `text`, if it has one.
pub fn shape(text: &str) -> Option<Shape> {
    let bytes = text.as_bytes();
    if bytes.len() > MAX_SHAPE_BYTES {
        return None;
    }
    let mut buffer = [0u8; MAX_SHAPE_BYTES + 8];
    let mut filled = 0;
    let mut push = |piece: &[u8]| -> Option<()> {
        let end = filled + piece.len();
        buffer.get_mut(filled..end)?.copy_from_slice(piece);
        filled = end;
        Some(())
    };
    let mut at = 0;
    let mut before = 0u8;
    while let Some(&byte) = bytes.get(at) {
        if is_word(byte) {
            let rest = bytes.get(at..)?;
            let word = rest.get(..rest.iter().position(|&b| !is_word(b)).unwrap_or(rest.len()))?;
            let number = word.len() <= MAX_DIGITS && word.iter().all(u8::is_ascii_digit);
            push(if number { &[PLACEHOLDER] } else { word })?;
            at += word.len();
            before = byte;
            continue;
        }
        if !is_plain(byte) || (before == b'-' && byte == b'-') || (before == b'/' && byte == b'*') {
            return None;
        }
        push(&[byte])?;
        before = byte;
        at += 1;
    }
    push(&u64::try_from(bytes.len()).ok()?.to_le_bytes())?;
    Some(Shape(key(buffer.get(..filled)?)))
}

/// A part of a word or number: an identifier's bytes, and the point that makes a number no integer.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'!'..=b'~')
        && !matches!(byte, b'\'' | b'"' | b'$' | b'\\' | b'`')
}

pub(crate) fn key(bytes: &[u8]) -> [u8; 16] {
    let mut key = [0u8; 16];
    let hash = blake3::hash(bytes);
    key.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_of_integer_literals_are_taken_out() {
        assert_eq!(shape("SELECT * FROM t WHERE id = 12"), shape("SELECT * FROM t WHERE id = 99"));
        for (a, b) in [
            ("SELECT t1", "SELECT t2"),
            ("SELECT 1.5", "SELECT 1.6"),
            ("SELECT 1e5", "SELECT 1e6"),
            ("SELECT 1234567890", "SELECT 1234567891"),
            ("SELECT 1", "SELECT 12"),
            ("SELECT 1, 23", "SELECT 12, 34"),
            ("SELECT a FROM t1", "SELECT b FROM t1"),
            ("SELECT 0x1", "SELECT 0x2"),
            ("SELECT 1_0", "SELECT 1_1"),
        ] {
            assert_ne!(shape(a), shape(b), "{a} / {b}");
        }
    }

    #[test]
    fn texts_that_hide_their_bytes_have_none() {
        for text in [
            "SELECT 'a'",
            "SELECT \"a\"",
            "SELECT $1",
            "SELECT 1 -- x",
            "SELECT 1 /* x */",
            "SELECT é",
            "a\\b",
        ] {
            assert_eq!(shape(text), None, "{text}");
        }
    }
}
