//! A row as JSON, straight from the bytes of its message. No event is built and nothing is allocated.
//!
//! Text becomes a JSON string; bytes that are no text become `{"hex": "…"}`; a cell longer than the limit becomes
//! `{"cut": "…", "bytes": N}` or `{"hex": "…", "bytes": N}`, where N is its whole length.

use crate::frame::MAX_BODY_BYTES;
use sallyport_core::{Cell, CommandNo};
use serde_json::Value;
use std::io::{self, Write};

/// How much of one cell is kept.
pub(crate) const MAX_CELL_BYTES: usize = 16 * 1024;

/// Appends to a buffer and refuses at the limit, so that no event makes the buffer grow without bound.
pub(crate) struct Limited<'a> {
    pub out: &'a mut Vec<u8>,
    pub room: usize,
}

impl<'a> Limited<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, room: MAX_BODY_BYTES }
    }
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.room.checked_sub(bytes.len()) {
            Some(room) => {
                self.room = room;
                self.out.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn row(
    out: &mut Vec<u8>,
    of: CommandNo,
    bytes: &[u8],
    cells: &[Cell],
    binary: &[bool],
) -> io::Result<()> {
    let mut out = Limited::new(out);
    write!(out, "{{\"event\":\"row\",\"of\":{},\"cells\":[", of.0)?;
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        match cell.of(bytes) {
            None if cell.is_null() => out.write_all(b"null")?,
            // A range outside of the message is a connector's error; it must not look like a null.
            None => out.write_all(b"{\"hex\":\"\",\"bytes\":-1}")?,
            Some(value) => write_cell(&mut out, value, binary.get(index).copied().unwrap_or(false))?,
        }
    }
    out.write_all(b"]}")
}

fn write_cell(out: &mut Limited<'_>, value: &[u8], binary: bool) -> io::Result<()> {
    let kept = value.get(..MAX_CELL_BYTES).unwrap_or(value);
    let is_cut = kept.len() < value.len();
    let text = if binary { None } else { text_of(kept, is_cut) };
    match (text, is_cut) {
        (Some(text), false) => write_text(out, text),
        (Some(text), true) => {
            out.write_all(b"{\"cut\":")?;
            write_text(out, text)?;
            write!(out, ",\"bytes\":{}}}", value.len())
        }
        (None, _) => {
            out.write_all(b"{\"hex\":\"")?;
            write_hex(out, kept)?;
            match is_cut {
                true => write!(out, "\",\"bytes\":{}}}", value.len()),
                false => out.write_all(b"\"}"),
            }
        }
    }
}

/// The bytes as text. Where they were cut, a character may have been cut too: its beginning is left out.
fn text_of(kept: &[u8], is_cut: bool) -> Option<&str> {
    match std::str::from_utf8(kept) {
        Ok(text) => Some(text),
        Err(fault) if is_cut && fault.error_len().is_none() => {
            kept.get(..fault.valid_up_to()).and_then(|whole| std::str::from_utf8(whole).ok())
        }
        Err(_) => None,
    }
}

fn write_text(out: &mut Limited<'_>, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

fn write_hex(out: &mut Limited<'_>, bytes: &[u8]) -> io::Result<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut chunk = [0u8; 128];
    for part in bytes.chunks(64) {
        for (pair, byte) in chunk.chunks_exact_mut(2).zip(part) {
            let digits = [DIGITS.get(usize::from(byte >> 4)), DIGITS.get(usize::from(byte & 15))];
            if let [Some(high), Some(low)] = digits {
                pair.copy_from_slice(&[*high, *low]);
            }
        }
        out.write_all(chunk.get(..part.len() * 2).unwrap_or_default())?;
    }
    Ok(())
}

/// How a person is shown a cell that is not plain text. `None`: it is plain, or null.
pub(crate) fn shown_cell(cell: &Value) -> Option<String> {
    let cell = cell.as_object()?;
    let bytes = cell.get("bytes").and_then(Value::as_i64);
    let tail = bytes.map(|bytes| format!("… ({bytes} bytes)")).unwrap_or_default();
    if let Some(cut) = cell.get("cut").and_then(Value::as_str) {
        return Some(format!("{cut}{tail}"));
    }
    let hex = cell.get("hex").and_then(Value::as_str)?;
    Some(format!("\\x{hex}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8], cells: &[Cell], binary: &[bool]) -> String {
        let mut out = Vec::new();
        row(&mut out, CommandNo(7), bytes, cells, binary).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_null_bytes_and_invalid_text() {
        let bytes = b"a\"\n\xff\x01\x02";
        let cells = [Cell::new(0, 3), Cell::NULL, Cell::new(3, 1), Cell::new(4, 2), Cell::new(0, 0)];
        let got = json(bytes, &cells, &[false, false, false, true, false]);
        insta::assert_snapshot!(got, @r#"{"event":"row","of":7,"cells":["a\"\n",null,{"hex":"ff"},{"hex":"0102"},""]}"#);
    }

    #[test]
    fn a_range_outside_is_no_null() {
        let got = json(b"ab", &[Cell::new(1, 9)], &[]);
        insta::assert_snapshot!(got, @r#"{"event":"row","of":7,"cells":[{"hex":"","bytes":-1}]}"#);
    }

    #[test]
    fn a_long_cell_says_how_long_it_was() {
        // The limit falls into the middle of a two-byte character.
        let text = format!("x{}", "ä".repeat(MAX_CELL_BYTES));
        let got = json(text.as_bytes(), &[Cell::new(0, text.len() as u32)], &[]);
        let value: Value = serde_json::from_str(&got).unwrap();
        let cell = &value["cells"][0];
        assert_eq!(cell["bytes"], text.len());
        assert_eq!(cell["cut"].as_str().unwrap().len(), MAX_CELL_BYTES - 1);
        assert!(shown_cell(cell).unwrap().ends_with("bytes)"));
    }
}
