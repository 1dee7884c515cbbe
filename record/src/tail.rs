//! What follows the last whole entry of a living file: the beginning of an entry that a dying gateway could not finish,
//! or the remains of a change.
//!
//! A tear leaves a part of an entry, or zeros where a machine that lost power never wrote. A whole entry behind the bad
//! place is never left by a tear.

use crate::frame::{HASH_BYTES, HEAD_BYTES, Head, MAX_BODY_BYTES};
use crate::read::ReadFault;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A flush writes at most one buffer and one entry more.
const MAX_TEAR_BYTES: u64 = (MAX_BODY_BYTES + 1024 * 1024) as u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The file ends with a whole entry.
    Whole,
    Torn {
        bytes: u64,
    },
    Changed,
}

/// `fault` is what reading the first `length` bytes stopped with, behind `whole_bytes` of whole entries. What a living
/// session has written since is not looked at.
pub(crate) fn look(
    path: &Path,
    (whole_bytes, length): (u64, u64),
    no: u64,
    fault: &ReadFault,
) -> io::Result<Tail> {
    let mut file = File::open(path)?;
    let bytes = length.saturating_sub(whole_bytes);
    if bytes == 0 {
        return Ok(Tail::Whole);
    }
    if bytes > MAX_TEAR_BYTES {
        return Ok(Tail::Changed);
    }
    file.seek(SeekFrom::Start(whole_bytes))?;
    let mut tail = Vec::new();
    file.take(bytes).read_to_end(&mut tail)?;
    let may_be_torn = match fault {
        ReadFault::Torn { .. } => true,
        ReadFault::Changed { .. } | ReadFault::TooLarge { .. } => ends_in_zeros(&tail),
        _ => false,
    };
    if may_be_torn && !holds_entry(&tail, no) { Ok(Tail::Torn { bytes }) } else { Ok(Tail::Changed) }
}

fn ends_in_zeros(tail: &[u8]) -> bool {
    let end = tail.len().saturating_sub(HASH_BYTES);
    tail.get(end..).is_some_and(|end| end.iter().all(|byte| *byte == 0))
}

/// Is there a whole entry, number `no` or a later one, anywhere in these bytes?
fn holds_entry(tail: &[u8], no: u64) -> bool {
    (0..tail.len()).any(|start| {
        let Some(rest) = tail.get(start..) else { return false };
        let Some(head) = rest.first_chunk::<HEAD_BYTES>().and_then(Head::parse) else { return false };
        // Numbers grow by one, and an entry takes at least its head and its hash.
        let most = no.saturating_add((tail.len() / (HEAD_BYTES + HASH_BYTES)) as u64);
        if head.no < no || head.no > most || head.length > MAX_BODY_BYTES {
            return false;
        }
        let Some((entry, after)) = rest.split_at_checked(HEAD_BYTES + head.length) else { return false };
        let hash = after.first_chunk::<HASH_BYTES>();
        hash.is_some_and(|hash| blake3::hash(entry).as_bytes() == hash)
    })
}
