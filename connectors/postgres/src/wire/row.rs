//! A DataRow whose cells changed, written anew.

use super::write;
use sallyport_core::event::Edit;
use sallyport_core::{Cell, Row, RowCodec};

#[derive(Clone, Copy, Debug)]
pub struct DataRow;

impl RowCodec for DataRow {
    fn rebuild(&self, row: &Row<'_>, edits: &[Edit], new: &[u8], out: &mut Vec<u8>, cells: &mut Vec<Cell>) {
        write::message(out, b'D', |out| {
            let count = u16::try_from(row.cells.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&count.to_be_bytes());
            for index in 0..usize::from(count) {
                let value = match edits.get(index) {
                    Some(Edit::Keep) => row.get(index),
                    Some(Edit::Replace(cell)) => cell.of(new),
                    Some(Edit::Null) | None => None,
                };
                cells.push(put(value, out));
            }
        });
    }
}

/// A length and the bytes; where they stand.
pub(super) fn put(value: Option<&[u8]>, out: &mut Vec<u8>) -> Cell {
    let sized = value.and_then(|value| i32::try_from(value.len()).ok().map(|length| (value, length)));
    let Some((value, length)) = sized else {
        out.extend_from_slice(&(-1i32).to_be_bytes());
        return Cell::NULL;
    };
    out.extend_from_slice(&length.to_be_bytes());
    let start = u32::try_from(out.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(value);
    Cell::new(start, length.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::back;

    #[test]
    fn a_rebuilt_row_reads_back() {
        let mut row = Vec::new();
        write::message(&mut row, b'D', |out| {
            out.extend_from_slice(&[0, 3, 0, 0, 0, 1, b'a', 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, b'b', b'c']);
        });
        let mut cells = Vec::new();
        back::row_cells(&row, &mut cells).unwrap();
        let edits = [Edit::Replace(Cell::new(0, 4)), Edit::Keep, Edit::Keep];
        let (mut out, mut at) = (Vec::new(), Vec::new());
        DataRow.rebuild(&Row { bytes: &row, cells: &cells }, &edits, b"****", &mut out, &mut at);
        let mut again = Vec::new();
        back::row_cells(&out, &mut again).unwrap();
        assert_eq!(again, at);
        let read = Row { bytes: &out, cells: &again };
        assert_eq!([read.get(0), read.get(1), read.get(2)], [Some(&b"****"[..]), None, Some(&b"bc"[..])]);
    }
}
