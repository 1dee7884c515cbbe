//! A DataRow whose cells changed, written anew.

use super::write;
use sallyport_core::event::Edit;
use sallyport_core::{Cell, Row, RowCodec};

#[derive(Clone, Copy, Debug)]
pub struct DataRow;

impl RowCodec for DataRow {
    fn rebuild(&self, row: &Row<'_>, edits: &[Edit], new: &[u8], out: &mut Vec<u8>, cells: &mut Vec<Cell>) {
        let (before, cells_before) = (out.len(), cells.len());
        if spliced(row, edits, new, out, cells).is_some() {
            return;
        }
        out.truncate(before);
        cells.truncate(cells_before);
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

/// The message with other values in some of its cells; what stands between those is copied in one piece. `None`: its
/// cells are not where those of a row are.
fn spliced(
    row: &Row<'_>,
    edits: &[Edit],
    new: &[u8],
    out: &mut Vec<u8>,
    cells: &mut Vec<Cell>,
) -> Option<()> {
    let start = out.len();
    let mut from = 0;
    for (index, cell) in row.cells.iter().enumerate() {
        let Some(old) = cell.range() else {
            cells.push(Cell::NULL);
            continue;
        };
        let value = match edits.get(index) {
            Some(Edit::Keep) => {
                let at = out.len() + old.start.checked_sub(from)?;
                cells.push(Cell::new(u32::try_from(at).ok()?, u32::try_from(old.len()).ok()?));
                continue;
            }
            Some(Edit::Replace(cell)) => cell.of(new),
            Some(Edit::Null) | None => None,
        };
        out.extend_from_slice(row.bytes.get(from..old.start.checked_sub(4)?)?);
        cells.push(put(value, out));
        from = old.end;
    }
    out.extend_from_slice(row.bytes.get(from..)?);
    let length = u32::try_from(out.len() - start - 1).ok()?;
    out.get_mut(start + 1..start + 5)?.copy_from_slice(&length.to_be_bytes());
    Some(())
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

    proptest::proptest! {
        #[test]
        fn other_values_stand_where_the_old_ones_stood(
            row in proptest::collection::vec((
                proptest::option::of(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..9)),
                0..3usize,
                proptest::collection::vec(proptest::prelude::any::<u8>(), 0..9),
            ), 0..6),
        ) {
            let (mut message, mut old, mut new, mut edits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            write::message(&mut message, b'D', |out| {
                out.extend_from_slice(&u16::try_from(row.len()).unwrap().to_be_bytes());
                for (value, _, _) in &row {
                    put(value.as_deref(), out);
                }
            });
            back::row_cells(&message, &mut old).unwrap();
            let mut wanted = Vec::new();
            for (value, edit, other) in &row {
                let (edit, becomes) = match (value, edit) {
                    (None, 0 | 1) | (Some(_), 0) => (Edit::Keep, value.clone()),
                    (Some(_), 1) => {
                        let cell = Cell::new(new.len() as u32, other.len() as u32);
                        new.extend_from_slice(other);
                        (Edit::Replace(cell), Some(other.clone()))
                    }
                    _ => (Edit::Null, None),
                };
                edits.push(edit);
                wanted.push(becomes);
            }
            let (mut out, mut at) = (b"before".to_vec(), Vec::new());
            DataRow.rebuild(&Row { bytes: &message, cells: &old }, &edits, &new, &mut out, &mut at);
            let own: Vec<_> = at.iter().map(|cell| cell.of(&out).map(<[u8]>::to_vec)).collect();
            proptest::prop_assert_eq!(&own, &wanted);
            let mut again = Vec::new();
            back::row_cells(&out[6..], &mut again).unwrap();
            let read: Vec<_> = again.iter().map(|cell| cell.of(&out[6..]).map(<[u8]>::to_vec)).collect();
            proptest::prop_assert_eq!(&read, &wanted);
        }
    }

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
