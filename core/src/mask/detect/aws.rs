//! Access keys of AWS. The id is known by its prefix; the secret is forty letters of base64 and is taken for one only
//! where its name or its id stands before it.

use super::bytes::at;
use super::{Class, Found};

/// Length of an access key id.
const SHORTEST: usize = 20;
const SECRET: usize = 40;
/// How far before a secret its name may stand.
const NEAR: usize = 96;

pub(super) fn scan(text: &[u8], found: &mut Vec<Found>) {
    ids(text, found);
    if text.len() > SECRET {
        secrets(text, found);
    }
}

fn ids(text: &[u8], found: &mut Vec<Found>) {
    for start in memchr::memchr_iter(b'A', text) {
        if let Some(end) = id_at(text, start) {
            found.push(Found { class: Class::AwsKey, start, end });
        }
    }
}

fn id_at(text: &[u8], start: usize) -> Option<usize> {
    let end = start + SHORTEST;
    let id = text.get(start..end)?;
    let named = matches!(id.get(..4)?, b"AKIA" | b"ASIA" | b"ABIA" | b"ACCA");
    let letters = id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let alone = !super::bytes::is_word_before(text, start) && !at(text, end).is_ascii_alphanumeric();
    (named && letters && alone).then_some(end)
}

/// A run of forty covers every fortieth byte once: only those are looked at.
fn secrets(text: &[u8], found: &mut Vec<Found>) {
    let mut probe = SECRET - 1;
    while probe < text.len() {
        let (start, end) = run_around(text, probe);
        if end - start == SECRET
            && is_mixed(text.get(start..end).unwrap_or_default())
            && is_named(text, start)
        {
            found.push(Found { class: Class::AwsKey, start, end });
        }
        probe = end.max(probe) + SECRET - usize::from(end > probe);
    }
}

fn run_around(text: &[u8], probe: usize) -> (usize, usize) {
    let tail = text.get(probe..).unwrap_or_default();
    let after = tail.iter().take(SECRET + 1).take_while(|byte| is_base64(**byte)).count();
    if after == 0 {
        return (probe, probe);
    }
    let head = text.get(..probe).unwrap_or_default();
    let ahead = head.iter().rev().take(SECRET + 1).take_while(|byte| is_base64(**byte)).count();
    (probe - ahead, probe + after)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Not a hash in hexadecimal, nor a long word.
fn is_mixed(secret: &[u8]) -> bool {
    secret.iter().any(u8::is_ascii_uppercase)
        && secret.iter().any(u8::is_ascii_lowercase)
        && secret.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'/'))
}

/// Its name, or the id that it belongs to, stands shortly before it.
fn is_named(text: &[u8], start: usize) -> bool {
    let near = text.get(start.saturating_sub(NEAR)..start).unwrap_or_default();
    let says = |word: &[u8]| near.windows(word.len()).any(|here| here.eq_ignore_ascii_case(word));
    let secret = says(b"secret") && (says(b"aws") || says(b"key"));
    secret || (0..near.len()).any(|at| id_at(near, at).is_some())
}
