//! Maps of the extension hstore: each key is the name of its value, and may be a value itself.
//!
//! <https://www.postgresql.org/docs/current/hstore.html#HSTORE-EXTERNAL-REP>

use super::parts::{Written, ask, number, put, sized, word};
use sallyport_core::CellShape;
use sallyport_core::mask::detect::{Hint, hint};
use sallyport_core::mask::plan::{EachPart, Parts, Unreadable};

#[derive(Debug)]
pub(super) struct Hstore {
    pub(super) binary: bool,
}

impl Parts for Hstore {
    fn any(&self, is_so: &mut dyn FnMut(&CellShape, Option<Hint>) -> bool) -> bool {
        is_so(&CellShape::Text, None)
    }

    fn keeps_structure(&self) -> bool {
        false
    }

    fn rewrite(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        if self.binary { bytes(cell, each, out) } else { text(cell, each, out) }
    }
}

/// Whoever builds the map chooses its keys: they rule nothing out.
fn said_by(key: &[u8]) -> Hint {
    hint(&String::from_utf8_lossy(key)).adds_only()
}

/// `"a"=>"1", "b"=>NULL`.
fn text(cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
    let (mut rest, mut changed) = (cell, false);
    while !rest.is_empty() {
        let (key, length) = word(rest, b"=", false)?;
        let behind = rest.get(length..).and_then(|rest| rest.strip_prefix(b"=>")).ok_or(Unreadable)?;
        changed |= write(each, &key.value, None, rest.get(..length), out);
        out.extend_from_slice(b"=>");
        let (value, length) = word(behind, b",", false)?;
        let spelt = behind.get(..length);
        if !value.quoted && value.value.eq_ignore_ascii_case(b"null") {
            out.extend_from_slice(b"NULL");
        } else {
            changed |= write(each, &value.value, Some(said_by(&key.value)), spelt, out);
        }
        let behind = behind.get(length..).unwrap_or_default();
        rest = behind.strip_prefix(b",").unwrap_or(behind).trim_ascii_start();
        if !behind.is_empty() {
            out.extend_from_slice(b", ");
        }
    }
    Ok(changed)
}

/// A value under what its key says, or a key.
fn write(
    each: &mut EachPart<'_>,
    value: &[u8],
    said: Option<Hint>,
    spelt: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> bool {
    let new = match ask(each, &CellShape::Text, Some(said.unwrap_or(Hint::NONE)), value) {
        Written::Kept => {
            out.extend_from_slice(spelt.unwrap_or_default());
            return false;
        }
        // A key must be something.
        Written::Null if said.is_none() => Vec::new(),
        Written::Null => {
            out.extend_from_slice(b"NULL");
            return true;
        }
        Written::Anew(new) => new,
    };
    out.push(b'"');
    for byte in new {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    true
}

fn bytes(cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
    let (mut rest, mut changed) = (cell, false);
    let count = number(&mut rest)?;
    out.extend_from_slice(&count.to_be_bytes());
    for _ in 0..count {
        let key = sized(&mut rest)?.ok_or(Unreadable)?;
        let start = out.len();
        let written = put(each, (&CellShape::Text, Some(Hint::NONE)), Some(key), out)?;
        if matches!(written, Written::Null) {
            out.truncate(start);
            out.extend_from_slice(&0i32.to_be_bytes());
        }
        changed |= !matches!(written, Written::Kept);
        let value = sized(&mut rest)?;
        changed |= !matches!(put(each, (&CellShape::Text, Some(said_by(key))), value, out)?, Written::Kept);
    }
    if rest.is_empty() { Ok(changed) } else { Err(Unreadable) }
}
