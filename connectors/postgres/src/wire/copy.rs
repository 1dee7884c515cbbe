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
    /// The cells of the row as values, without escapes.
    values: Vec<u8>,
}

impl CopyReader {
    pub fn new(format: Format, columns: usize) -> Self {
        Self::with(Dialect::of(format), columns)
    }
    pub fn with(dialect: Dialect, columns: usize) -> Self {
        Self { dialect, columns, started: false, values: Vec::new() }
    }
    /// The bytes that the cells of the last row point into.
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// Reads the body of one CopyData.
    pub fn cells(&mut self, body: &[u8], cells: &mut Vec<Cell>) -> Result<Piece, Malformed> {
        cells.clear();
        self.values.clear();
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
            let cell = super::front::cell(&mut reader)?;
            cells.push(self.value(cell.of(body))?);
        }
        if reader.is_done() { Ok(Piece::Row { before }) } else { Err(NOT_ONE_ROW) }
    }

    fn value(&mut self, value: Option<&[u8]>) -> Result<Cell, Malformed> {
        let Some(value) = value else { return Ok(Cell::NULL) };
        let start = self.values.len();
        self.values.extend_from_slice(value);
        self.ended(start)
    }

    fn ended(&self, start: usize) -> Result<Cell, Malformed> {
        match (u32::try_from(start), u32::try_from(self.values.len() - start)) {
            (Ok(start), Ok(length)) => Ok(Cell::new(start, length)),
            _ => Err(Malformed("a row of COPY data is too long")),
        }
    }

    fn text(&mut self, body: &[u8], cells: &mut Vec<Cell>) -> Result<Piece, Malformed> {
        let line = body.strip_suffix(b"\n").ok_or(NOT_ONE_ROW)?;
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
}

impl RowCodec for CopyRow {
    fn rebuild(&self, row: &Row<'_>, edits: &[Edit], new: &[u8], out: &mut Vec<u8>, cells: &mut Vec<Cell>) {
        write::message(out, b'd', |out| {
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
                let start = out.len();
                self.spell(value, out);
                let (start, length) = (u32::try_from(start), u32::try_from(out.len() - start));
                cells.push(match (value, start, length) {
                    (Some(_), Ok(start), Ok(length)) => Cell::new(start, length),
                    _ => Cell::NULL,
                });
            }
            if self.dialect.format != Format::Binary {
                out.push(b'\n');
            }
        });
    }
}

impl CopyRow {
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
                Some(cells.iter().map(|cell| cell.of(reader.values()).map(<[u8]>::to_vec)).collect())
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
            let codec = CopyRow { dialect: Dialect::of(format), before: Vec::new() };
            let edits = vec![Edit::Keep; cells.len()];
            let (mut out, mut at) = (Vec::new(), Vec::new());
            codec.rebuild(&Row { bytes: &bytes, cells: &cells }, &edits, &[], &mut out, &mut at);
            prop_assert_eq!(read(&codec.dialect, values.len(), crate::wire::body(&out)), Some(values));
        }
    }
}
