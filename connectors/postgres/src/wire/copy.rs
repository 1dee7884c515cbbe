//! Rows inside COPY data going to the client.
//!
//! PostgreSQL sends one row in each CopyData. A message of any other shape is malformed here, so that no cell can
//! slip past its mask between two messages.
//!
//! <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9>

use super::{Malformed, Reader, row, write};
use sallyport_core::event::Edit;
use sallyport_core::{Cell, Row, RowCodec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Csv,
    Binary,
}

impl Format {
    pub const ALL: [Format; 3] = [Format::Text, Format::Csv, Format::Binary];
}

/// How rows are spelt, as the statement's options say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub format: Format,
    pub delimiter: u8,
    pub null: Vec<u8>,
    pub quote: u8,
    pub escape: u8,
    pub header: bool,
}

impl Dialect {
    pub fn of(format: Format) -> Self {
        let (delimiter, null) = match format {
            Format::Text | Format::Binary => (b'\t', b"\\N".to_vec()),
            Format::Csv => (b',', Vec::new()),
        };
        Self { format, delimiter, null, quote: b'"', escape: b'"', header: false }
    }
}

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const NOT_ONE_ROW: Malformed = Malformed("COPY data is not one row in each message");

/// What one message of COPY data held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// One row; the first so many bytes of the message stand before it.
    Row { before: usize },
    /// A header, a trailer: nothing of a table.
    Frame,
}

#[derive(Debug)]
pub struct CopyReader {
    pub dialect: Dialect,
    columns: usize,
    started: bool,
    /// The cells of the row as values, where some of them are spelt with escapes or quotes.
    values: Vec<u8>,
    is_plain: bool,
}

impl CopyReader {
    pub fn new(format: Format, columns: usize) -> Self {
        Self::with(Dialect::of(format), columns)
    }
    pub fn with(dialect: Dialect, columns: usize) -> Self {
        Self { dialect, columns, started: false, values: Vec::new(), is_plain: false }
    }
    /// The bytes that the cells of the last row point into: the body that held it, or a copy without escapes.
    pub fn values<'a>(&'a self, body: &'a [u8]) -> &'a [u8] {
        if self.is_plain { body } else { &self.values }
    }
    /// The cells of the last row are spelt as they are.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }
    /// The next message holds a row, and nothing before it.
    pub fn has_begun(&self) -> bool {
        self.started
    }

    /// Reads the body of one CopyData.
    pub fn cells(&mut self, body: &[u8], cells: &mut Vec<Cell>) -> Result<Piece, Malformed> {
        cells.clear();
        self.values.clear();
        self.is_plain = false;
        let first = !std::mem::replace(&mut self.started, true);
        match self.dialect.format {
            Format::Binary => self.binary(first, body, cells),
            Format::Text | Format::Csv if first && self.dialect.header => Ok(Piece::Frame),
            Format::Text => self.text(body, cells),
            Format::Csv => self.csv(body, cells),
        }
    }

    fn binary(&mut self, first: bool, body: &[u8], cells: &mut Vec<Cell>) -> Result<Piece, Malformed> {
        let mut reader = Reader::new(body);
        if first {
            if reader.take(SIGNATURE.len())? != SIGNATURE || reader.uint32()? != 0 || reader.uint32()? != 0 {
                return Err(Malformed("binary COPY data begins in no known way"));
            }
            if reader.is_done() {
                return Ok(Piece::Frame);
            }
        }
        let before = reader.position();
        let count = reader.int16()?;
        if count == -1 && reader.is_done() {
            return Ok(Piece::Frame);
        }
        if usize::try_from(count) != Ok(self.columns) {
            return Err(NOT_ONE_ROW);
        }
        for _ in 0..self.columns {
            cells.push(super::front::cell(&mut reader)?);
        }
        self.is_plain = true;
        if reader.is_done() { Ok(Piece::Row { before }) } else { Err(NOT_ONE_ROW) }
    }

    fn ended(&self, start: usize) -> Result<Cell, Malformed> {
        match (u32::try_from(start), u32::try_from(self.values.len() - start)) {
            (Ok(start), Ok(length)) => Ok(Cell::new(start, length)),
            _ => Err(Malformed("a row of COPY data is too long")),
        }
    }

    fn text(&mut self, body: &[u8], cells: &mut Vec<Cell>) -> Result<Piece, Malformed> {
        let line = body.strip_suffix(b"\n").ok_or(NOT_ONE_ROW)?;
        if memchr::memchr(b'\n', line).is_none() && self.plain(line, cells)? {
            return self.row(cells);
        }
        let mut rest = line.iter().copied();
        let mut raw = 0;
        let mut at = 0;
        let mut start = 0;
        // One pass: cells end at the delimiter or at the end of the line; a raw cell equal to the null text is null.
        loop {
            let byte = rest.next();
            match byte {
                Some(b'\n') => return Err(NOT_ONE_ROW),
                Some(b'\\') => {
                    at += 2;
                    self.values.push(match rest.next().ok_or(NOT_ONE_ROW)? {
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'v' => 11,
                        other => other,
                    });
                }
                Some(byte) if byte != self.dialect.delimiter => {
                    at += 1;
                    self.values.push(byte);
                }
                _ => {
                    let cell = self.ended(start)?;
                    let spelt = line.get(raw..at).unwrap_or_default();
                    cells.push(if spelt == self.dialect.null { Cell::NULL } else { cell });
                    at += 1;
                    raw = at;
                    start = self.values.len();
                    if byte.is_none() {
                        break;
                    }
                }
            }
        }
        self.row(cells)
    }

    fn csv(&mut self, body: &[u8], cells: &mut Vec<Cell>) -> Result<Piece, Malformed> {
        let line = body.strip_suffix(b"\n").ok_or(NOT_ONE_ROW)?;
        let marks = memchr::memchr3(self.dialect.quote, self.dialect.escape, b'\n', line);
        if marks.is_none() && self.plain(line, cells)? {
            return self.row(cells);
        }
        let (mut inside, mut quoted, mut start) = (false, false, 0);
        let mut rest = line.iter().copied().peekable();
        loop {
            let byte = rest.next();
            match byte {
                None if inside => return Err(NOT_ONE_ROW),
                Some(byte) if inside && byte == self.dialect.escape => match rest.peek().copied() {
                    Some(next) if next == self.dialect.quote || next == self.dialect.escape => {
                        self.values.push(next);
                        rest.next();
                    }
                    _ if byte == self.dialect.quote => inside = false,
                    _ => self.values.push(byte),
                },
                Some(byte) if byte == self.dialect.quote => {
                    inside = !inside;
                    quoted = true;
                }
                Some(b'\n') if !inside => return Err(NOT_ONE_ROW),
                Some(byte) if inside || byte != self.dialect.delimiter => self.values.push(byte),
                _ => {
                    let cell = self.ended(start)?;
                    let spelt = self.values.get(start..).unwrap_or_default();
                    cells.push(if !quoted && spelt == self.dialect.null { Cell::NULL } else { cell });
                    start = self.values.len();
                    quoted = false;
                    if byte.is_none() {
                        break;
                    }
                }
            }
        }
        self.row(cells)
    }

    /// Cells that are spelt as they are need no copy. False: one of them is not.
    fn plain(&mut self, line: &[u8], cells: &mut Vec<Cell>) -> Result<bool, Malformed> {
        let escapes = self.dialect.format == Format::Text && memchr::memchr(b'\\', line).is_some();
        let mut start = 0;
        for end in memchr::memchr_iter(self.dialect.delimiter, line).chain([line.len()]) {
            let spelt = line.get(start..end).unwrap_or_default();
            if spelt == self.dialect.null {
                cells.push(Cell::NULL);
            } else if escapes && memchr::memchr(b'\\', spelt).is_some() {
                cells.clear();
                return Ok(false);
            } else {
                let at = u32::try_from(start).ok().zip(u32::try_from(spelt.len()).ok());
                let (start, length) = at.ok_or(Malformed("a row of COPY data is too long"))?;
                cells.push(Cell::new(start, length));
            }
            if cells.len() > self.columns.max(1) {
                return Err(NOT_ONE_ROW);
            }
            start = end + 1;
        }
        self.is_plain = true;
        Ok(true)
    }

    fn row(&self, cells: &mut Vec<Cell>) -> Result<Piece, Malformed> {
        // A table without columns is one empty line.
        if self.columns == 0 {
            cells.clear();
        }
        if cells.len() == self.columns { Ok(Piece::Row { before: 0 }) } else { Err(NOT_ONE_ROW) }
    }
}

/// Writes a row of COPY data whose cells changed. `before` is what stands in front of it in its message.
#[derive(Debug)]
pub struct CopyRow {
    pub dialect: Dialect,
    pub before: Vec<u8>,
    /// The cells of the row are spelt as they are.
    pub is_plain: bool,
}

impl RowCodec for CopyRow {
    fn rebuild(&self, row: &Row<'_>, edits: &[Edit], new: &[u8], out: &mut Vec<u8>, cells: &mut Vec<Cell>) {
        let (before, cells_before) = (out.len(), cells.len());
        if self.spliced(row, edits, new, out, cells).is_some() {
            return;
        }
        out.truncate(before);
        cells.truncate(cells_before);
        write::message(out, b'd', |out| self.written(row, edits, new, out, cells));
    }
}

impl CopyRow {
    /// Other values in some cells of a row that is spelt as it is; what stands between those is copied in one piece.
    fn spliced(
        &self,
        row: &Row<'_>,
        edits: &[Edit],
        new: &[u8],
        out: &mut Vec<u8>,
        cells: &mut Vec<Cell>,
    ) -> Option<()> {
        if !self.is_plain || self.dialect.format == Format::Binary {
            return None;
        }
        let start = out.len();
        out.extend_from_slice(&[b'd', 0, 0, 0, 0]);
        let mut from = 0;
        for (index, cell) in row.cells.iter().enumerate() {
            let Some(old) = cell.range() else {
                cells.push(Cell::NULL);
                continue;
            };
            if edits.get(index) == Some(&Edit::Keep) {
                let at = out.len() + old.start.checked_sub(from)?;
                cells.push(Cell::new(u32::try_from(at).ok()?, u32::try_from(old.len()).ok()?));
                continue;
            }
            let value = edits.get(index).and_then(|edit| match edit {
                Edit::Replace(cell) => cell.of(new),
                Edit::Keep | Edit::Null => None,
            });
            out.extend_from_slice(row.bytes.get(from..old.start)?);
            cells.push(self.spelt(value, out)?);
            from = old.end;
        }
        // With the end of its line.
        out.extend_from_slice(row.bytes.get(from..)?);
        let length = u32::try_from(out.len() - start - 1).ok()?;
        out.get_mut(start + 1..start + 5)?.copy_from_slice(&length.to_be_bytes());
        Some(())
    }

    fn written(&self, row: &Row<'_>, edits: &[Edit], new: &[u8], out: &mut Vec<u8>, cells: &mut Vec<Cell>) {
        out.extend_from_slice(&self.before);
        if self.dialect.format == Format::Binary {
            let count = u16::try_from(row.cells.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&count.to_be_bytes());
        }
        for index in 0..row.cells.len() {
            let value = match edits.get(index) {
                Some(Edit::Keep) => row.get(index),
                Some(Edit::Replace(cell)) => cell.of(new),
                Some(Edit::Null) | None => None,
            };
            if self.dialect.format == Format::Binary {
                cells.push(row::put(value, out));
                continue;
            }
            if index > 0 {
                out.push(self.dialect.delimiter);
            }
            cells.push(self.spelt(value, out).unwrap_or(Cell::NULL));
        }
        if self.dialect.format != Format::Binary {
            out.push(b'\n');
        }
    }

    /// Where it stands; a null, or nothing where no cell can be so far from the start.
    fn spelt(&self, value: Option<&[u8]>, out: &mut Vec<u8>) -> Option<Cell> {
        let start = out.len();
        self.spell(value, out);
        let cell = Cell::new(u32::try_from(start).ok()?, u32::try_from(out.len() - start).ok()?);
        Some(if value.is_some() { cell } else { Cell::NULL })
    }

    fn spell(&self, value: Option<&[u8]>, out: &mut Vec<u8>) {
        let Some(value) = value else {
            out.extend_from_slice(&self.dialect.null);
            return;
        };
        if self.dialect.format == Format::Csv {
            // Quotes are allowed around any value, and keep it from reading as a null.
            out.push(self.dialect.quote);
            for byte in value {
                if *byte == self.dialect.quote || *byte == self.dialect.escape {
                    out.push(self.dialect.escape);
                }
                out.push(*byte);
            }
            out.push(self.dialect.quote);
            return;
        }
        let is_special = |byte: u8| matches!(byte, 8..=13 | b'\\') || byte == self.dialect.delimiter;
        if !value.iter().fold(false, |any, byte| any | is_special(*byte)) {
            out.extend_from_slice(value);
            return;
        }
        for byte in value {
            match byte {
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                8 => out.extend_from_slice(b"\\b"),
                12 => out.extend_from_slice(b"\\f"),
                11 => out.extend_from_slice(b"\\v"),
                byte if *byte == b'\\' || *byte == self.dialect.delimiter => {
                    out.extend_from_slice(&[b'\\', *byte])
                }
                byte => out.push(*byte),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(dialect: &Dialect, columns: usize, body: &[u8]) -> Option<Vec<Option<Vec<u8>>>> {
        let mut reader = CopyReader::with(dialect.clone(), columns);
        reader.started = true;
        let mut cells = Vec::new();
        match reader.cells(body, &mut cells).ok()? {
            Piece::Row { .. } => {
                Some(cells.iter().map(|cell| cell.of(reader.values(body)).map(<[u8]>::to_vec)).collect())
            }
            Piece::Frame => None,
        }
    }

    #[test]
    fn reads_text_with_escapes_and_nulls() {
        let row = read(&Dialect::of(Format::Text), 3, b"a\\tb\t\\N\t\n").unwrap();
        assert_eq!(row, [Some(b"a\tb".to_vec()), None, Some(vec![])]);
    }

    #[test]
    fn reads_csv_with_quotes() {
        let row = read(&Dialect::of(Format::Csv), 3, b"\"a,\"\"b\n\",,\"\"\n").unwrap();
        assert_eq!(row, [Some(b"a,\"b\n".to_vec()), None, Some(vec![])]);
    }

    #[test]
    fn two_rows_in_one_message_are_malformed() {
        assert!(read(&Dialect::of(Format::Text), 1, b"a\nb\n").is_none());
        assert!(read(&Dialect::of(Format::Csv), 1, b"a\nb\n").is_none());
    }

    proptest! {
        #[test]
        fn a_rewritten_row_reads_back(
            values in proptest::collection::vec(
                proptest::option::of(proptest::collection::vec(any::<u8>(), 0..12)), 1..5),
            format in prop::sample::select(Format::ALL.to_vec()),
        ) {
            let mut bytes = Vec::new();
            let cells: Vec<Cell> = values.iter().map(|value| match value {
                None => Cell::NULL,
                Some(value) => {
                    let start = u32::try_from(bytes.len()).unwrap();
                    bytes.extend_from_slice(value);
                    Cell::new(start, u32::try_from(value.len()).unwrap())
                }
            }).collect();
            let codec = CopyRow { dialect: Dialect::of(format), before: Vec::new(), is_plain: false };
            let edits = vec![Edit::Keep; cells.len()];
            let (mut out, mut at) = (Vec::new(), Vec::new());
            codec.rebuild(&Row { bytes: &bytes, cells: &cells }, &edits, &[], &mut out, &mut at);
            prop_assert_eq!(read(&codec.dialect, values.len(), crate::wire::body(&out)), Some(values.clone()));
            // Written again from what was read, the cells that keep their spelling still read the same.
            let mut reader = CopyReader::with(codec.dialect.clone(), values.len());
            reader.started = true;
            let body = crate::wire::body(&out);
            reader.cells(body, &mut at).unwrap();
            let codec = CopyRow { is_plain: reader.is_plain(), ..codec };
            let (mut again, mut places) = (Vec::new(), Vec::new());
            let row = Row { bytes: reader.values(body), cells: &at };
            codec.rebuild(&row, &edits, &[], &mut again, &mut places);
            prop_assert_eq!(read(&codec.dialect, values.len(), crate::wire::body(&again)), Some(values.clone()));
            // And with other values in every second cell.
            let other = |at: usize| if at.is_multiple_of(4) { Edit::Replace(Cell::new(0, 5)) } else { Edit::Null };
            let edits: Vec<Edit> = (0..values.len())
                .map(|at| if at.is_multiple_of(2) && values[at].is_some() { other(at) } else { Edit::Keep })
                .collect();
            let wanted = (0..values.len()).map(|at| match edits[at] {
                Edit::Keep => values[at].clone(),
                Edit::Replace(_) => Some(b"*\t,\"x".to_vec()),
                Edit::Null => None,
            });
            again.clear();
            codec.rebuild(&row, &edits, b"*\t,\"x", &mut again, &mut places);
            prop_assert_eq!(read(&codec.dialect, values.len(), crate::wire::body(&again)), Some(wanted.collect()));
        }
    }
}
