//! Addresses that whoever knows them may post to: the path is the key. The host stays readable.

use super::{Class, Found};

/// How far before a long word of the path its host may stand.
const NEAR: usize = 160;
const LONGEST: usize = 512;

/// Where a path begins that is a key.
const HOSTS: [(&[u8], &[&[u8]]); 5] = [
    (b"hooks.slack.com/", &[b"services/", b"workflows/", b"triggers/"]),
    (b"discord.com/api/", &[b"webhooks/"]),
    (b"discordapp.com/api/", &[b"webhooks/"]),
    (b".webhook.office.com/", &[b"webhookb2/", b"webhook/"]),
    (b"outlook.office.com/", &[b"webhook/", b"webhookb2/"]),
];

/// The key in whose path this long word stands.
pub(super) fn around(text: &[u8], start: usize) -> Option<Found> {
    if super::bytes::before(text, start, 1) != b'/' {
        return None;
    }
    let from = start.saturating_sub(NEAR);
    let head = text.get(from..start)?;
    for (host, folders) in HOSTS {
        let Some(at) = last(head, host) else { continue };
        let mut path = at + host.len();
        // `/api/v10/`
        let version = head.get(path..)?;
        if version.first() == Some(&b'v') {
            path += version.iter().take(4).position(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        }
        let rest = head.get(path..)?;
        let folder = folders.iter().find(|folder| rest.starts_with(folder))?;
        let start = from + path + folder.len();
        let tail = text.get(start..text.len().min(start + LONGEST))?;
        let in_path =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'@' | b'%');
        let length = tail.iter().position(|byte| !in_path(byte)).unwrap_or(tail.len());
        return Some(Found { class: Class::ApiKey, start, end: start + length });
    }
    None
}

fn last(text: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    memchr::memrchr_iter(first, text).find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(word)))
}
