//! Protocol 3 as bytes: where a message ends, what it says, how one is written.
//!
//! Not here: sockets, state, judgement. Invariant: any bytes at all give a value or a [`Malformed`], never a panic,
//! and no length that a peer names is believed before that many bytes are here.
//!
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

pub mod back;
pub mod copy;
pub mod front;
pub mod list;
pub mod reader;
pub mod row;
pub mod write;

pub use reader::Reader;

/// The tag and the length of a message.
pub const HEADER: usize = 5;

/// The bytes do not say what the protocol lets them say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// The start of a message: what it is, and how long it is with its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub tag: u8,
    pub total: usize,
}

/// Reads the start of a message, once enough of it is here.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    let Some((&tag, rest)) = bytes.split_first() else { return Ok(None) };
    let Some(length) = rest.first_chunk::<4>() else { return Ok(None) };
    let length =
        usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Malformed("a message is too long"))?;
    if !(4..=0x7fff_ffff).contains(&length) {
        return Err(Malformed("a message has an impossible length"));
    }
    Ok(Some(Head { tag, total: length + 1 }))
}

/// The first message of `bytes`, if all of it is here.
pub fn whole(bytes: &[u8]) -> Result<Option<(Head, &[u8])>, Malformed> {
    let Some(head) = head(bytes)? else { return Ok(None) };
    Ok(bytes.get(..head.total).map(|message| (head, message)))
}

/// What follows the header.
pub fn body(message: &[u8]) -> &[u8] {
    message.get(HEADER..).unwrap_or_default()
}

/// Reads any bytes as messages of both directions. For fuzzing: it must return.
pub fn fuzz_wire(data: &[u8]) {
    let mut rest = data;
    let mut cells = Vec::new();
    let mut binary = Vec::new();
    let mut results = Vec::new();
    while let Ok(Some((head, message))) = whole(rest) {
        _ = front::read(head.tag, message);
        _ = front::read_bind(message, &mut cells, &mut binary, &mut results);
        if back::row_cells(message, &mut cells).is_ok() {
            let edits: Vec<_> = cells.iter().map(|_| sallyport_core::event::Edit::Null).collect();
            let row = sallyport_core::Row { bytes: message, cells: &cells };
            let (mut out, mut at) = (Vec::new(), Vec::new());
            sallyport_core::RowCodec::rebuild(&row::DataRow, &row, &edits, &[], &mut out, &mut at);
        }
        back::fields(body(message)).for_each(drop);
        back::texts(body(message)).for_each(drop);
        _ = back::tag(body(message));
        for format in copy::Format::ALL {
            let mut reader = copy::CopyReader::new(format, 3);
            _ = reader.cells(body(message), &mut cells);
        }
        rest = rest.get(head.total..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_is_whole_or_not_yet() {
        let sync = b"S\0\0\0\x04";
        assert_eq!(whole(&sync[..4]), Ok(None));
        assert_eq!(whole(sync), Ok(Some((Head { tag: b'S', total: 5 }, &sync[..]))));
    }

    #[test]
    fn impossible_lengths_are_malformed() {
        assert!(head(b"Q\0\0\0\x03").is_err());
        assert!(head(b"Q\xff\xff\xff\xff").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz_wire(&data);
        }

        #[test]
        fn any_body_under_any_tag_is_read_without_panic(
            tag in prop::sample::select(b"QPBDECHSdcfXFpTDCZKERNAtn123sIVGW".to_vec()),
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut message = vec![tag];
            message.extend_from_slice(&(u32::try_from(body.len()).unwrap() + 4).to_be_bytes());
            message.extend_from_slice(&body);
            fuzz_wire(&message);
        }
    }
}
