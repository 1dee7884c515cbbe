//! What a client says after it was admitted.

use super::{Malformed, Reader};
use sallyport_core::Cell;

/// A statement or a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    Statement,
    Portal,
}

impl Named {
    pub fn letter(self) -> u8 {
        match self {
            Named::Statement => b'S',
            Named::Portal => b'P',
        }
    }
    fn from_letter(letter: u8) -> Result<Self, Malformed> {
        match letter {
            b'S' => Ok(Named::Statement),
            b'P' => Ok(Named::Portal),
            _ => Err(Malformed("a message names neither a statement nor a portal")),
        }
    }
}

/// Texts are bytes as they came: whether they are valid in the session's encoding is asked by who judges them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front<'a> {
    Query { text: &'a [u8] },
    Parse { name: &'a str, text: &'a [u8] },
    Bind { portal: &'a str, statement: &'a str },
    Describe { what: Named, name: &'a str },
    Execute { portal: &'a str },
    Close { what: Named, name: &'a str },
    Flush,
    Sync,
    CopyData,
    CopyDone,
    CopyFail,
    Terminate,
    FunctionCall,
    Password,
    Unknown(u8),
}

pub fn read(tag: u8, message: &[u8]) -> Result<Front<'_>, Malformed> {
    let mut reader = Reader::of_message(message);
    let front = match tag {
        b'Q' => Front::Query { text: reader.zero_ended()? },
        b'P' => {
            let (name, text) = (reader.text()?, reader.zero_ended()?);
            let types = reader.count()?;
            reader.take(types * 4)?;
            Front::Parse { name, text }
        }
        // The rest of it is read by `read_bind`.
        b'B' => return Ok(Front::Bind { portal: reader.text()?, statement: reader.text()? }),
        b'D' => Front::Describe { what: Named::from_letter(reader.byte()?)?, name: reader.text()? },
        b'E' => {
            let portal = reader.text()?;
            reader.int32()?;
            Front::Execute { portal }
        }
        b'C' => Front::Close { what: Named::from_letter(reader.byte()?)?, name: reader.text()? },
        b'H' => Front::Flush,
        b'S' => Front::Sync,
        b'd' => return Ok(Front::CopyData),
        b'c' => Front::CopyDone,
        b'f' => {
            reader.zero_ended()?;
            Front::CopyFail
        }
        b'X' => Front::Terminate,
        b'F' => return Ok(Front::FunctionCall),
        b'p' => return Ok(Front::Password),
        other => return Ok(Front::Unknown(other)),
    };
    if !reader.is_done() {
        return Err(Malformed("a message is longer than what it says"));
    }
    Ok(front)
}

/// The values of a Bind: where they are within the message, which are not text, and the formats asked for.
pub fn read_bind<'a>(
    message: &'a [u8],
    cells: &mut Vec<Cell>,
    binary: &mut Vec<bool>,
    results: &mut Vec<bool>,
) -> Result<(), Malformed> {
    cells.clear();
    binary.clear();
    results.clear();
    let mut reader: Reader<'a> = Reader::of_message(message);
    reader.zero_ended()?;
    reader.zero_ended()?;
    formats(&mut reader, binary)?;
    let count = reader.count()?;
    for _ in 0..count {
        cells.push(cell(&mut reader)?);
    }
    match (binary.len(), count) {
        (0, _) => {}
        // One format for all.
        (1, _) => {
            let all = binary.first().copied().unwrap_or(false);
            binary.resize(count.max(1), all);
        }
        (given, wanted) if given == wanted => {}
        _ => return Err(Malformed("a Bind has formats for other parameters than it brings")),
    }
    formats(&mut reader, results)?;
    if reader.is_done() { Ok(()) } else { Err(Malformed("a Bind is longer than what it says")) }
}

fn formats(reader: &mut Reader<'_>, binary: &mut Vec<bool>) -> Result<(), Malformed> {
    for _ in 0..reader.count()? {
        binary.push(match reader.int16()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed("a value has a format that is neither text nor binary")),
        });
    }
    Ok(())
}

/// A length and so many bytes; a length of -1 is a null.
pub(super) fn cell(reader: &mut Reader<'_>) -> Result<Cell, Malformed> {
    let length = reader.int32()?;
    if length == -1 {
        return Ok(Cell::NULL);
    }
    let length = usize::try_from(length).map_err(|_| Malformed("a value has a negative length"))?;
    let start = reader.position();
    reader.take(length)?;
    match (u32::try_from(start), u32::try_from(length)) {
        (Ok(start), Ok(length)) => Ok(Cell::new(start, length)),
        _ => Err(Malformed("a value is too long")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::write;

    #[test]
    fn reads_a_bind_with_one_format_for_all() {
        let mut message = Vec::new();
        write::message(&mut message, b'B', |out| {
            out.extend_from_slice(b"p\0s\0");
            out.extend_from_slice(&[0, 1, 0, 1]);
            out.extend_from_slice(&[0, 2, 0, 0, 0, 1, b'x', 0xff, 0xff, 0xff, 0xff]);
            out.extend_from_slice(&[0, 0]);
        });
        let (mut cells, mut binary, mut results) = (vec![], vec![], vec![]);
        read_bind(&message, &mut cells, &mut binary, &mut results).unwrap();
        assert_eq!(cells[0].of(&message), Some(&b"x"[..]));
        assert!(cells[1].is_null());
        assert_eq!(binary, [true, true]);
        assert_eq!(read(b'B', &message), Ok(Front::Bind { portal: "p", statement: "s" }));
    }

    #[test]
    fn a_message_with_more_than_it_says_is_malformed() {
        let mut message = Vec::new();
        write::message(&mut message, b'Q', |out| out.extend_from_slice(b"SELECT 1\0DROP TABLE t\0"));
        assert!(read(b'Q', &message).is_err());
    }
}
