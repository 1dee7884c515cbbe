//! Private keys in their armour (RFC 7468, RFC 4716, OpenPGP). A key whose end is missing is masked to the end of the
//! text. Certificates and public keys are none.

use super::{Class, Found};
use memchr::memmem;

/// Of the shortest armour: four on each side.
pub(super) const FEWEST_DASHES: u32 = 8;
const LONGEST_LABEL: usize = 64;
const KEY: &[u8] = b"PRIVATE KEY";

pub(super) fn scan(text: &[u8], found: &mut Vec<Found>) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| memmem::find(rest, b"BEGIN ")) {
        let begin = from + at;
        from = begin + 6;
        let Some(start) = opens_at(text, begin) else { continue };
        let end = closes_at(text, from).unwrap_or(text.len());
        found.push(Found { class: Class::PrivateKey, start, end });
        from = end;
    }
}

/// Where the dashes before `BEGIN` start, if it is the armour of a private key.
fn opens_at(text: &[u8], begin: usize) -> Option<usize> {
    let head = text.get(..begin)?;
    let head = head.strip_suffix(b" ").unwrap_or(head);
    let dashes = head.iter().rev().take(5).take_while(|byte| **byte == b'-').count();
    let label = text.get(begin..)?;
    let label = label.get(..label.len().min(LONGEST_LABEL))?;
    let label = label.get(..memmem::find(label, b"---").unwrap_or(0))?;
    (dashes >= 4 && memmem::find(label, KEY).is_some()).then_some(head.len() - dashes)
}

/// Where the last dash of the first `END … PRIVATE KEY` after `from` ends.
fn closes_at(text: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let end = from + memmem::find(text.get(from..)?, b"END ")?;
        from = end + 4;
        let rest = text.get(from..)?;
        let label = rest.get(..rest.len().min(LONGEST_LABEL))?;
        let Some(dashes) = memmem::find(label, b"---") else { continue };
        if memmem::find(label.get(..dashes)?, KEY).is_some() {
            let trail = rest.get(dashes..)?.iter().take(5).take_while(|byte| **byte == b'-').count();
            return Some(from + dashes + trail);
        }
    }
}
