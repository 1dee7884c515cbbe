//! Arrays of any number of dimensions, by element.
//!
//! <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>

use super::built_in;
use super::parts::{Quoting, Written, ask, number, put, sized, take, word};
use sallyport_core::CellShape;
use sallyport_core::mask::detect::Hint;
use sallyport_core::mask::plan::{EachPart, Holds, Parts, Unreadable};

const QUOTING: Quoting = Quoting { signs: b"{},;", doubled: false, null: b"null" };

#[derive(Debug)]
pub(super) struct Array {
    /// Absent where only each value says of what it is.
    pub(super) element: Option<CellShape>,
    pub(super) delimiter: u8,
    pub(super) binary: bool,
}

impl Parts for Array {
    fn any(&self, is_so: &mut dyn FnMut(&CellShape, Option<Hint>) -> bool) -> bool {
        is_so(self.element.as_ref().unwrap_or(&CellShape::Text), None)
    }

    fn rewrite(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        if self.binary { self.bytes(cell, each, out) } else { self.text(cell, each, out) }
    }
}

impl Array {
    fn text(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        let shape = self.element.as_ref().unwrap_or(&CellShape::Text);
        // `[0:1]={…}`: where its bounds are not the usual ones.
        let bounds = match cell.first() {
            Some(b'[') => memchr::memchr(b'=', cell).ok_or(Unreadable)? + 1,
            _ => 0,
        };
        let (bounds, mut rest) = cell.split_at_checked(bounds).ok_or(Unreadable)?;
        if rest.first() != Some(&b'{') {
            return Err(Unreadable);
        }
        out.extend_from_slice(bounds);
        let mut changed = false;
        while let Some((first, behind)) = rest.split_first() {
            if matches!(first, b'{' | b'}') || *first == self.delimiter {
                out.push(*first);
                rest = behind;
                continue;
            }
            let (word, length) = word(rest, &[self.delimiter, b'}'], false)?;
            let (spelt, behind) = rest.split_at_checked(length).ok_or(Unreadable)?;
            let null = !word.quoted && word.value.eq_ignore_ascii_case(b"null");
            match if null { Written::Kept } else { ask(each, shape, None, &word.value) } {
                Written::Kept => out.extend_from_slice(spelt),
                Written::Null => {
                    changed = true;
                    out.extend_from_slice(b"NULL");
                }
                Written::Anew(new) => {
                    changed = true;
                    QUOTING.write(&new, out);
                }
            }
            rest = behind;
        }
        Ok(changed)
    }

    fn bytes(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        const FLAGS: usize = 4;
        const HEAD: usize = 12;
        let mut rest = cell;
        let dimensions = usize::try_from(number(&mut rest)?).map_err(|_| Unreadable)?;
        number(&mut rest)?;
        let kind = number(&mut rest)?.cast_unsigned();
        take(&mut rest, dimensions.checked_mul(8).ok_or(Unreadable)?)?;
        let start = out.len();
        out.extend_from_slice(cell.get(..HEAD + 8 * dimensions).ok_or(Unreadable)?);
        let unread = CellShape::Typed { redacted: None, holds: Holds::Unreadable };
        let own = match &self.element {
            Some(shape) => shape,
            None => &built_in(kind, true).unwrap_or(unread),
        };
        let (mut changed, mut nulls) = (false, false);
        while !rest.is_empty() {
            let value = sized(&mut rest)?;
            let written = put(each, (own, None), value, out)?;
            changed |= !matches!(written, Written::Kept);
            nulls |= matches!(written, Written::Null);
        }
        if nulls && let Some(flags) = out.get_mut(start + FLAGS..start + FLAGS + 4) {
            flags.copy_from_slice(&1i32.to_be_bytes());
        }
        Ok(changed)
    }
}
