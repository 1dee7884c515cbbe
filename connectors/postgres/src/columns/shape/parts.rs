//! What the readers of compound values share: cutting bytes, quoted words, and one part's way through a mask.

use sallyport_core::CellShape;
use sallyport_core::mask::detect::Hint;
use sallyport_core::mask::plan::{EachPart, PartEdit, Unreadable};

/// A part of a cell in the text format, as it is to be written.
pub(super) enum Written {
    Kept,
    Null,
    Anew(Vec<u8>),
}

pub(super) fn ask(each: &mut EachPart<'_>, shape: &CellShape, own: Option<Hint>, value: &[u8]) -> Written {
    let mut new = Vec::new();
    match each(shape, own, value, &mut new) {
        PartEdit::Keep => Written::Kept,
        PartEdit::Null => Written::Null,
        PartEdit::Replace => Written::Anew(new),
    }
}

/// The next bytes of a binary value.
pub(super) fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Unreadable> {
    let (head, tail) = rest.split_at_checked(count).ok_or(Unreadable)?;
    *rest = tail;
    Ok(head)
}

pub(super) fn number(rest: &mut &[u8]) -> Result<i32, Unreadable> {
    take(rest, 4)?.try_into().map(i32::from_be_bytes).map_err(|_| Unreadable)
}

/// A length and as many bytes; nothing for a null.
pub(super) fn sized<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Unreadable> {
    match number(rest)? {
        -1 => Ok(None),
        length => take(rest, usize::try_from(length).map_err(|_| Unreadable)?).map(Some),
    }
}

/// The value with its length, as `each` leaves it. Whether it changed.
pub(super) fn put(
    each: &mut EachPart<'_>,
    (shape, own): (&CellShape, Option<Hint>),
    value: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<Written, Unreadable> {
    let written = value.map_or(Written::Kept, |value| ask(each, shape, own, value));
    let value = match &written {
        Written::Kept => value,
        Written::Null => None,
        Written::Anew(new) => Some(new.as_slice()),
    };
    let length = value.map_or(Ok(-1), |value| i32::try_from(value.len())).map_err(|_| Unreadable)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.unwrap_or_default());
    Ok(written)
}

/// The word up to one of these bytes, and how many bytes it is spelt in. `doubled`: a quote within quotes stands twice.
/// `None` in place of a word: nothing is written there at all.
pub(super) fn word(text: &[u8], ends: &[u8], doubled: bool) -> Result<(Word, usize), Unreadable> {
    let (mut value, mut quoted, mut inside, mut at) = (Vec::new(), false, false, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => {
                at += 1;
                value.push(*text.get(at).ok_or(Unreadable)?);
            }
            b'"' if inside && doubled && text.get(at + 1) == Some(&b'"') => {
                at += 1;
                value.push(b'"');
            }
            b'"' => {
                inside = !inside;
                quoted = true;
            }
            byte if !inside && ends.contains(byte) => return Ok((Word { value, quoted }, at)),
            byte => value.push(*byte),
        }
        at += 1;
    }
    if inside { Err(Unreadable) } else { Ok((Word { value, quoted }, at)) }
}

pub(super) struct Word {
    pub(super) value: Vec<u8>,
    pub(super) quoted: bool,
}

/// How the words of a type are written: in quotes where they need them, as the server does.
pub(super) struct Quoting {
    /// Signs that need quotes, beside white space, `"` and `\`.
    pub(super) signs: &'static [u8],
    /// A quote and a backslash stand twice, and not behind a backslash.
    pub(super) doubled: bool,
    /// A word that is none of the value's own.
    pub(super) null: &'static [u8],
}

impl Quoting {
    pub(super) fn write(&self, value: &[u8], out: &mut Vec<u8>) {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b' ' | 9..=13) || self.signs.contains(byte);
        if !value.is_empty() && !value.iter().any(special) && !value.eq_ignore_ascii_case(self.null) {
            out.extend_from_slice(value);
            return;
        }
        out.push(b'"');
        for byte in value {
            if matches!(byte, b'"' | b'\\') {
                out.push(if self.doubled { *byte } else { b'\\' });
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
}
