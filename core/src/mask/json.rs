//! Masks what is found within a JSON document and leaves a JSON document.
//!
//! Strings are read as what they say and not as how they are spelt, so an escape hides nothing. Invariant: every
//! token that changes becomes a string, or a null in the place of a whole value.

use super::detect::{self, Class, Classes, Found, Hint};
use super::forms::{Form, MaskKey, REDACTED};

/// What the rewriting needs to know, and room that is used again.
pub(super) struct Rewriting<'a> {
    pub(super) wanted: Classes,
    /// What the column's name says: it speaks of a value that stands in no object.
    pub(super) hint: Hint,
    pub(super) form_of: &'a dyn Fn(Class) -> Form,
    pub(super) key: &'a MaskKey,
    pub(super) found: &'a mut Vec<Found>,
}

/// Appends the masked document to `out`. False: nothing had to change, and `out` is as it was.
pub(super) fn rewrite(document: &[u8], rewriting: &mut Rewriting<'_>, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    match rewriting.document(document, out) {
        Some(true) => true,
        Some(false) => {
            out.truncate(start);
            false
        }
        // Not JSON after all: nobody knows where a value ends.
        None => {
            out.truncate(start);
            rewriting.found.clear();
            detect::scan_named(document, rewriting.wanted, rewriting.hint, rewriting.found);
            if !rewriting.found.is_empty() {
                write_string(REDACTED, out);
            }
            !rewriting.found.is_empty()
        }
    }
}

impl Rewriting<'_> {
    /// Whether anything changed; nothing where this is no JSON.
    fn document(&mut self, document: &[u8], out: &mut Vec<u8>) -> Option<bool> {
        let mut changed = false;
        let mut hint = self.hint;
        let mut rest = document;
        while let Some((first, behind)) = rest.split_first() {
            let token = match first {
                b'"' => rest.split_at(string_length(rest)?),
                b'-' | b'0'..=b'9' => rest.split_at(number_length(rest)),
                b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'a'..=b'z' => {
                    // A name speaks of one value, or of all in its list.
                    if matches!(first, b'{' | b'}' | b']') {
                        hint = Hint::NONE;
                    }
                    out.push(*first);
                    rest = behind;
                    continue;
                }
                _ => return None,
            };
            let (token, behind) = token;
            let text = content(token)?;
            let is_name = behind.trim_ascii_start().first() == Some(&b':');
            if is_name {
                // Whoever builds the document chooses its names: they rule nothing out.
                hint = detect::hint(&text).adds_only();
            }
            let is_number = *first != b'"';
            let masked =
                self.token(&text, if is_name { Hint::NONE } else { hint }, (is_name, is_number), out);
            if !masked {
                out.extend_from_slice(token);
            }
            changed |= masked;
            rest = behind;
        }
        Some(changed)
    }

    /// Writes the masked token, if it must be masked.
    fn token(
        &mut self,
        text: &str,
        hint: Hint,
        (is_name, is_number): (bool, bool),
        out: &mut Vec<u8>,
    ) -> bool {
        self.found.clear();
        detect::scan_named(text.as_bytes(), self.wanted, hint, self.found);
        if is_number && self.found.is_empty() {
            let class = detect::read_number(text.as_bytes(), self.wanted, hint, self.found);
            self.found.extend(class.map(|class| Found { class, start: 0, end: text.len() }));
        }
        if self.found.is_empty() {
            return false;
        }
        let mut masked = Vec::with_capacity(text.len());
        let mut from = 0;
        for one in self.found.iter() {
            masked.extend_from_slice(text.as_bytes().get(from..one.start).unwrap_or_default());
            let value = text.as_bytes().get(one.start..one.end).unwrap_or_default();
            if !(self.form_of)(one.class).write(value, self.key, &mut masked) {
                if !is_name && value.len() == text.len() {
                    out.extend_from_slice(b"null");
                    return true;
                }
                masked.extend_from_slice(REDACTED.as_bytes());
            }
            from = one.end;
        }
        masked.extend_from_slice(text.as_bytes().get(from..).unwrap_or_default());
        write_string(&String::from_utf8_lossy(&masked), out);
        true
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// With both quotes.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut index = 1;
    loop {
        match text.get(index)? {
            b'"' => return Some(index + 1),
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
}

fn number_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count()
}

/// What a token says: a string without its escapes, a number as it is written.
fn content(token: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    if token.first() == Some(&b'"') {
        let inside = token.get(1..token.len().checked_sub(1)?)?;
        if memchr::memchr(b'\\', inside).is_none() {
            return std::str::from_utf8(inside).ok().map(std::borrow::Cow::Borrowed);
        }
        // A lone surrogate has no text: its document is treated as unreadable.
        return serde_json::from_slice::<String>(token).ok().map(std::borrow::Cow::Owned);
    }
    std::str::from_utf8(token).ok().map(std::borrow::Cow::Borrowed)
}
