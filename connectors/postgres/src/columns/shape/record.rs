//! Rows within a cell: values of composite types and of `record`, by field.
//!
//! <https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX>

use super::built_in;
use super::parts::{Quoting, Written, ask, number, put, sized, word};
use sallyport_core::CellShape;
use sallyport_core::mask::detect::Hint;
use sallyport_core::mask::plan::{EachPart, Holds, Parts, Unreadable};

const QUOTING: Quoting = Quoting { signs: b"(),", doubled: true, null: b"" };

#[derive(Debug)]
pub(super) struct Field {
    pub(super) kind: u32,
    /// What its name says.
    pub(super) hint: Hint,
    pub(super) shape: CellShape,
}

#[derive(Debug)]
pub(super) struct Record {
    /// Empty where only each value says what it is made of.
    pub(super) fields: Vec<Field>,
    pub(super) binary: bool,
}

impl Parts for Record {
    fn any(&self, is_so: &mut dyn FnMut(&CellShape, Option<Hint>) -> bool) -> bool {
        if self.fields.is_empty() {
            return is_so(&CellShape::Text, None);
        }
        self.fields.iter().any(|field| is_so(&field.shape, Some(field.hint)))
    }

    fn rewrite(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        if self.binary { self.bytes(cell, each, out) } else { self.text(cell, each, out) }
    }
}

impl Record {
    fn text(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        let mut rest = cell.strip_prefix(b"(").ok_or(Unreadable)?;
        out.push(b'(');
        let mut changed = false;
        for at in 0.. {
            let (shape, own) = match self.fields.get(at) {
                Some(field) => (&field.shape, Some(field.hint)),
                None => (&CellShape::Text, None),
            };
            let (word, length) = word(rest, b",)", true)?;
            let (spelt, behind) = rest.split_at_checked(length).ok_or(Unreadable)?;
            let null = !word.quoted && word.value.is_empty();
            match if null { Written::Kept } else { ask(each, shape, own, &word.value) } {
                Written::Kept => out.extend_from_slice(spelt),
                Written::Null => changed = true,
                Written::Anew(new) => {
                    changed = true;
                    QUOTING.write(&new, out);
                }
            }
            let (end, behind) = behind.split_first().ok_or(Unreadable)?;
            out.push(*end);
            rest = behind;
            if *end == b')' {
                break;
            }
        }
        if rest.is_empty() { Ok(changed) } else { Err(Unreadable) }
    }

    fn bytes(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        let unread = CellShape::Typed { redacted: None, holds: Holds::Unreadable };
        let mut rest = cell;
        let count = number(&mut rest)?;
        out.extend_from_slice(&count.to_be_bytes());
        let mut changed = false;
        for at in 0..usize::try_from(count).map_err(|_| Unreadable)? {
            let kind = number(&mut rest)?.cast_unsigned();
            out.extend_from_slice(&kind.to_be_bytes());
            let other;
            let (shape, own) = match self.fields.get(at).filter(|field| field.kind == kind) {
                Some(field) => (&field.shape, Some(field.hint)),
                None => {
                    other = built_in(kind, true).unwrap_or_else(|| unread.clone());
                    (&other, None)
                }
            };
            let value = sized(&mut rest)?;
            changed |= !matches!(put(each, (shape, own), value, out)?, Written::Kept);
        }
        if rest.is_empty() { Ok(changed) } else { Err(Unreadable) }
    }
}
