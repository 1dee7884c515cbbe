//! What a target says once it is ready.

use super::{Malformed, Reader, front};
use sallyport_core::Cell;

/// Every message a target may send to an admitted session. One that is not here is a fault of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    ParseComplete,
    BindComplete,
    CloseComplete,
    NotificationResponse,
    CopyDone,
    CopyData,
    CommandComplete,
    DataRow,
    ErrorResponse,
    CopyInResponse,
    CopyOutResponse,
    EmptyQueryResponse,
    NoData,
    NoticeResponse,
    PortalSuspended,
    ParameterStatus,
    BackendKeyData,
    ParameterDescription,
    RowDescription,
    ReadyForQuery,
}

impl Back {
    pub fn from_tag(tag: u8) -> Option<Self> {
        Some(match tag {
            b'1' => Back::ParseComplete,
            b'2' => Back::BindComplete,
            b'3' => Back::CloseComplete,
            b'A' => Back::NotificationResponse,
            b'c' => Back::CopyDone,
            b'd' => Back::CopyData,
            b'C' => Back::CommandComplete,
            b'D' => Back::DataRow,
            b'E' => Back::ErrorResponse,
            b'G' => Back::CopyInResponse,
            b'H' => Back::CopyOutResponse,
            b'I' => Back::EmptyQueryResponse,
            b'n' => Back::NoData,
            b'N' => Back::NoticeResponse,
            b's' => Back::PortalSuspended,
            b'S' => Back::ParameterStatus,
            b'K' => Back::BackendKeyData,
            b't' => Back::ParameterDescription,
            b'T' => Back::RowDescription,
            b'Z' => Back::ReadyForQuery,
            _ => return None,
        })
    }
}

/// One column of a RowDescription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a [u8],
    /// Zero where it is no plain column of a table.
    pub table: u32,
    pub attribute: i16,
    pub kind: u32,
    pub binary: bool,
}

/// The columns of a RowDescription's body. Ends at the first malformed one, with the error.
pub fn fields(body: &[u8]) -> impl Iterator<Item = Result<Field<'_>, Malformed>> {
    let mut reader = Reader::new(body);
    let count = reader.count();
    let (mut left, mut failed) = match count {
        Ok(count) => (count, None),
        Err(malformed) => (1, Some(malformed)),
    };
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let read = match failed.take() {
            Some(malformed) => Err(malformed),
            None => field(&mut reader),
        };
        if read.is_err() {
            left = 0;
        }
        Some(read)
    })
}

fn field<'a>(reader: &mut Reader<'a>) -> Result<Field<'a>, Malformed> {
    let name = reader.zero_ended()?;
    let (table, attribute, kind) = (reader.uint32()?, reader.int16()?, reader.uint32()?);
    reader.take(6)?;
    let binary = reader.int16()? != 0;
    Ok(Field { name, table, attribute, kind, binary })
}

/// How many columns the beginning of a RowDescription announces, where that much of it is here.
pub fn width(message: &[u8]) -> Option<usize> {
    Reader::of_message(message).count().ok()
}

/// Where the cells of a DataRow are, relative to the start of the message.
pub fn row_cells(message: &[u8], cells: &mut Vec<Cell>) -> Result<(), Malformed> {
    cells.clear();
    let mut reader = Reader::of_message(message);
    for _ in 0..reader.count()? {
        cells.push(front::cell(&mut reader)?);
    }
    if reader.is_done() { Ok(()) } else { Err(Malformed("a row is longer than what it says")) }
}

/// The tag of a CommandComplete's body and the rows that it counts.
pub fn tag(body: &[u8]) -> Result<(&str, Option<u64>), Malformed> {
    let tag = Reader::new(body).text()?;
    let rows = tag.rsplit_once(' ').and_then(|(_, last)| last.parse().ok());
    Ok((tag, rows))
}

/// The fields of an ErrorResponse's or NoticeResponse's body: a letter and a text each.
pub fn texts(body: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut reader = Reader::new(body);
    std::iter::from_fn(move || {
        let letter = reader.byte().ok().filter(|letter| *letter != 0)?;
        Some((letter, reader.zero_ended().ok()?))
    })
}

/// The transaction status of a ReadyForQuery's body.
pub fn status(body: &[u8]) -> Result<u8, Malformed> {
    match body {
        [status @ (b'I' | b'T' | b'E')] => Ok(*status),
        _ => Err(Malformed("the target is ready in no known way")),
    }
}

/// Name and value of a ParameterStatus's body.
pub fn parameter(body: &[u8]) -> Result<(&str, &str), Malformed> {
    let mut reader = Reader::new(body);
    Ok((reader.text()?, reader.text()?))
}

/// The body of a CopyOutResponse: whether it is binary, and how many columns it has.
pub fn copy_shape(body: &[u8]) -> Result<(bool, usize), Malformed> {
    let mut reader = Reader::new(body);
    let binary = reader.byte()? != 0;
    Ok((binary, reader.count()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_rows_of_a_tag() {
        assert_eq!(tag(b"INSERT 0 12\0"), Ok(("INSERT 0 12", Some(12))));
        assert_eq!(tag(b"BEGIN\0"), Ok(("BEGIN", None)));
    }

    #[test]
    fn a_row_with_a_length_beyond_its_end_is_malformed() {
        let mut cells = Vec::new();
        let row = b"D\0\0\0\x0e\0\x01\x7f\xff\xff\xff1234";
        assert!(row_cells(row, &mut cells).is_err());
    }
}
