//! Ranges and sets of them. One whose bound must not be seen becomes empty: with another bound it might be none.
//!
//! <https://www.postgresql.org/docs/current/rangetypes.html#RANGETYPES-IO>

use super::parts::{Written, ask, number, sized, take, word};
use sallyport_core::CellShape;
use sallyport_core::mask::detect::Hint;
use sallyport_core::mask::plan::{EachPart, Parts, Unreadable};

#[derive(Debug)]
pub(super) struct Range {
    pub(super) bound: CellShape,
    /// A set of ranges.
    pub(super) several: bool,
    pub(super) binary: bool,
}

impl Parts for Range {
    fn any(&self, is_so: &mut dyn FnMut(&CellShape, Option<Hint>) -> bool) -> bool {
        is_so(&self.bound, None)
    }

    fn rewrite(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        let mut rest = cell;
        let mut is_hidden = |bound: &[u8]| !matches!(ask(each, &self.bound, None, bound), Written::Kept);
        let (hidden, empty): (bool, &[u8]) = match (self.several, self.binary) {
            (false, false) => (text(&mut rest, &mut is_hidden)?, b"empty"),
            (true, false) => (texts(&mut rest, &mut is_hidden)?, b"{}"),
            (false, true) => (bytes(&mut rest, &mut is_hidden)?, &[1]),
            (true, true) => {
                let mut hidden = false;
                for _ in 0..number(&mut rest)? {
                    let mut one = sized(&mut rest)?.ok_or(Unreadable)?;
                    hidden |= bytes(&mut one, &mut is_hidden)?;
                }
                (hidden, &[0; 4])
            }
        };
        if hidden {
            out.extend_from_slice(empty);
        }
        if rest.is_empty() { Ok(hidden) } else { Err(Unreadable) }
    }
}

/// `[1,5)`, `["a b",)`, `empty`.
fn text(rest: &mut &[u8], is_hidden: &mut dyn FnMut(&[u8]) -> bool) -> Result<bool, Unreadable> {
    if let Some(behind) = rest.strip_prefix(b"empty") {
        *rest = behind;
        return Ok(false);
    }
    let open = take(rest, 1)?;
    let mut hidden = false;
    for ends in [b",".as_slice(), b")]"] {
        let (word, length) = word(rest, ends, true)?;
        hidden |= (word.quoted || !word.value.is_empty()) && is_hidden(&word.value);
        take(rest, length + 1)?;
    }
    if matches!(open, b"[" | b"(") { Ok(hidden) } else { Err(Unreadable) }
}

fn texts(rest: &mut &[u8], is_hidden: &mut dyn FnMut(&[u8]) -> bool) -> Result<bool, Unreadable> {
    let mut hidden = false;
    if take(rest, 1)? != b"{" {
        return Err(Unreadable);
    }
    if rest.first() == Some(&b'}') {
        take(rest, 1)?;
        return Ok(false);
    }
    loop {
        hidden |= text(rest, is_hidden)?;
        match take(rest, 1)? {
            b"," => {}
            b"}" => return Ok(hidden),
            _ => return Err(Unreadable),
        }
    }
}

/// A byte of flags, and each bound that it does not rule out.
fn bytes(rest: &mut &[u8], is_hidden: &mut dyn FnMut(&[u8]) -> bool) -> Result<bool, Unreadable> {
    const EMPTY: u8 = 0x01;
    const WITHOUT: [u8; 2] = [0x08 | 0x20, 0x10 | 0x40];
    let flags = *take(rest, 1)?.first().ok_or(Unreadable)?;
    let mut hidden = false;
    for without in WITHOUT {
        if flags & (EMPTY | without) == 0 {
            hidden |= is_hidden(sized(rest)?.ok_or(Unreadable)?);
        }
    }
    if rest.is_empty() { Ok(hidden) } else { Err(Unreadable) }
}
