//! Free text of the target: errors, notices, notifications. It may hold values that the caller may not see.

use super::awaited::Awaited;
use super::context::Learned;
use super::opinion::with_hint;
use super::{Copying, Serving};
use crate::columns::touches_masked;
use crate::reading::Meaning;
use crate::refusal;
use crate::wire::{back, body, write};
use sallyport_core::event::{Answer, Done};
use sallyport_core::mask::forms::REDACTED;
use sallyport_core::{CommandNo, Fault};
use sallyport_sql::StatementKind;
use std::borrow::Cow;
use std::sync::Arc;

/// Classes of errors whose messages name things, never values.
const PLAIN: [&str; 12] = ["08", "0A", "25", "26", "28", "34", "3D", "3F", "40", "42", "53", "57"];

/// Those of them that also come while rows are computed, about names that are values: `email::regclass`. What is wrong
/// with the statement itself has a position in its text.
const NAMES: [&str; 5] = ["0A", "28", "3D", "3F", "42"];

/// A text of the target as the caller may read it.
pub(super) struct Said {
    pub bytes: Vec<u8>,
    pub code: String,
    message: String,
    pub fatal: bool,
}

impl Serving {
    pub(super) fn failed(&mut self, message: &[u8]) -> Result<(), Fault> {
        let mut said = self.reread(message, b'E');
        if let Some(words) = self.refused_copy.take().filter(|_| said.code == refusal::CANCELLED) {
            said.bytes = words;
        } else if let Some(hint) = self.disagreement(&said.code)? {
            said.bytes = with_hint(&said.bytes, hint);
        }
        let outcome = Done { tag: "", rows: None, error: Some((&said.code, &said.message)) };
        match self.queue.front_mut() {
            // Not an answer to anything: the target is going away, or a transaction could not end.
            None | Some(Awaited::Sync { .. }) => self.put(&said.bytes, Answer::Words { of: None })?,
            Some(Awaited::Query(query)) => {
                query.failed = true;
                let (no, left) = (query.no(), query.count.saturating_sub(query.at + 1));
                self.put(&said.bytes, Answer::Done { of: no, outcome })?;
                self.never_ran(CommandNo(no.0 + 1), left, "an earlier statement of the message failed")?;
            }
            Some(_) => self.pipeline_failed(&said)?,
        }
        self.copying = Copying::None;
        if said.fatal {
            self.target_said_why = true;
            tracing::info!(code = said.code, "the target ended the session");
        }
        Ok(())
    }

    /// Everything up to the next Sync is not going to be answered; what it did to names is undone.
    fn pipeline_failed(&mut self, said: &Said) -> Result<(), Fault> {
        let mut taken = Vec::new();
        let synced = self.queue.take_until_sync(&mut taken);
        self.discarding |= !synced;
        let mut first = true;
        for entry in &taken {
            let no = match entry {
                Awaited::Parse { no, .. } | Awaited::Bind { no, .. } | Awaited::Execute { no, .. } => {
                    Some(*no)
                }
                Awaited::Context(_) => {
                    self.learned = Some(Learned::Failed);
                    None
                }
                Awaited::Query(query) => {
                    self.never_ran(query.first, query.count, "an earlier message of the pipeline failed")?;
                    None
                }
                _ => None,
            };
            if let Some(of) = no {
                let error = if std::mem::take(&mut first) {
                    (said.code.as_str(), said.message.as_str())
                } else {
                    (said.code.as_str(), "an earlier message of the pipeline failed")
                };
                self.done(of, Done { error: Some(error), ..Done::default() })?;
            }
        }
        let refusal = match taken.first() {
            Some(Awaited::Refused(refusal)) => Some(refusal),
            _ => None,
        };
        match refusal {
            // The error was asked for, to stand in for this one.
            Some(refusal) => self.put(refusal, Answer::Words { of: None })?,
            None => self.put(&said.bytes, Answer::Words { of: None })?,
        }
        while let Some(entry) = taken.pop() {
            self.undo(entry);
        }
        Ok(())
    }

    /// Puts back what a message changed in the book of names; where a later message changed the same name, that one
    /// inherits what there was before.
    fn undo(&mut self, entry: Awaited) {
        match entry {
            Awaited::Parse { name, before, .. } | Awaited::CloseStatement { name, before } => {
                let later = self.queue.iter_mut().find_map(|later| match later {
                    Awaited::Parse { name: other, before, .. }
                    | Awaited::CloseStatement { name: other, before }
                        if *other == name =>
                    {
                        Some(before)
                    }
                    _ => None,
                });
                match later {
                    Some(place) => *place = before,
                    None => drop(self.names.set_statement(&name, before)),
                }
            }
            Awaited::Bind { name, before, .. } | Awaited::ClosePortal { name, before } => {
                let later = self.queue.iter_mut().find_map(|later| match later {
                    Awaited::Bind { name: other, before, .. }
                    | Awaited::ClosePortal { name: other, before }
                        if *other == name =>
                    {
                        Some(before)
                    }
                    _ => None,
                });
                match later {
                    Some(place) => *place = before,
                    None => drop(self.names.set_portal(&name, before)),
                }
            }
            Awaited::Query(_)
            | Awaited::DescribeStatement { .. }
            | Awaited::DescribePortal { .. }
            | Awaited::Execute { .. }
            | Awaited::Context(_)
            | Awaited::Refused(_)
            | Awaited::Opinion
            | Awaited::Sync { .. } => {}
        }
    }

    pub(super) fn notice(&mut self, message: &[u8]) -> Result<(), Fault> {
        let said = self.reread(message, b'N');
        self.put(&said.bytes, Answer::Words { of: None })
    }

    pub(super) fn notification(&mut self, message: &[u8]) -> Result<(), Fault> {
        let mut reader = crate::wire::Reader::of_message(message);
        let read = (|| Ok((reader.uint32()?, reader.zero_ended()?, reader.zero_ended()?)))();
        let (pid, channel, payload) = read.map_err(super::answers::odd)?;
        let (channel, payload) = (String::from_utf8_lossy(channel), String::from_utf8_lossy(payload));
        let shown = self.gate.words(&payload).map_or(payload, Cow::Owned);
        let mut out = Vec::new();
        write::message(&mut out, b'A', |out| {
            out.extend_from_slice(&pid.to_be_bytes());
            write::text(out, &channel);
            write::text(out, &shown);
        });
        self.put(&out, Answer::Words { of: None })
    }

    /// May the words that come now hold a value that the caller may not see? What ends a transaction speaks of any table
    /// that it touched, and a function's context means that its code chose the words.
    fn is_delicate(&mut self, has_context: bool) -> bool {
        let snapshot = Arc::clone(&self.snapshot);
        if !self.plans.is_strict(&mut self.gate, &snapshot) {
            return false;
        }
        if has_context || matches!(self.queue.front(), None | Some(Awaited::Sync { .. })) {
            return true;
        }
        let meanings: Vec<Meaning> = match self.queue.front() {
            Some(Awaited::Query(query)) => {
                let at = usize::try_from(query.at).unwrap_or(usize::MAX);
                let own = Meaning::of(&query.reading, at);
                query.named().map(|prepared| prepared.meaning.clone()).into_iter().chain([own]).collect()
            }
            Some(Awaited::Execute { prepared, .. } | Awaited::DescribePortal { prepared, .. }) => {
                vec![prepared.meaning.clone()]
            }
            Some(Awaited::Bind { name, .. }) => {
                let name = name.clone();
                self.names.portal(&name).map(|portal| portal.prepared.meaning.clone()).into_iter().collect()
            }
            Some(Awaited::Parse { name, .. }) => {
                self.names.statement(name).map(|prepared| prepared.meaning.clone()).into_iter().collect()
            }
            _ => Vec::new(),
        };
        let statements = meanings.iter().filter_map(Meaning::statement);
        let mut delicate = false;
        for statement in statements {
            delicate |= matches!(statement.kind, StatementKind::Transaction(_))
                || touches_masked(&mut self.gate, statement, &snapshot, true);
        }
        delicate
    }

    pub(super) fn reread(&mut self, message: &[u8], tag: u8) -> Said {
        let has_context = back::texts(body(message)).any(|(letter, _)| letter == b'W');
        let delicate = self.is_delicate(has_context);
        let fields: Vec<(u8, Cow<'_, str>)> = back::texts(body(message))
            .map(|(letter, text)| (letter, String::from_utf8_lossy(text)))
            .collect();
        let field =
            |wanted| fields.iter().find(|(letter, _)| *letter == wanted).map(|(_, text)| text.as_ref());
        let code = field(b'C').unwrap_or("XX000").to_owned();
        let severity = field(b'V').or(field(b'S')).unwrap_or_default();
        let fatal = tag == b'E' && matches!(severity, "FATAL" | "PANIC");
        // A context means that a function's own code chose the words.
        let withheld = delicate && field(b'W').is_some();
        let class = code.get(..2).unwrap_or_default();
        let of_rows = NAMES.contains(&class) && field(b'P').is_none();
        let plain = (PLAIN.contains(&class) || class == "23") && !of_rows;
        let mut said = String::new();
        let mut bytes = Vec::with_capacity(message.len());
        write::message(&mut bytes, tag, |out| {
            for (letter, text) in &fields {
                let is_free = matches!(letter, b'M' | b'D' | b'H' | b'W' | b'q');
                if delicate && is_free && *letter != b'M' {
                    continue;
                }
                let mut shown = Cow::Borrowed(text.as_ref());
                if *letter == b'M' && withheld {
                    shown = Cow::Borrowed("The text of this message is withheld: it may hold masked values.");
                } else if *letter == b'M' && delicate && !plain {
                    shown = Cow::Owned(without_values(&shown));
                }
                if is_free && let Some(masked) = self.gate.words(&shown) {
                    shown = Cow::Owned(masked);
                }
                if *letter == b'M' {
                    shown.as_ref().clone_into(&mut said);
                }
                out.push(*letter);
                write::text(out, &shown);
            }
            if field(b'C').is_none() {
                out.push(b'C');
                write::text(out, &code);
            }
            out.push(0);
        });
        Said { bytes, code, message: said, fatal }
    }
}

/// What such a text says whatever the values were. From the first quote to the last, after a colon, and in words with
/// digits, it may quote a value; a value may hold quotes itself.
fn without_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    match text.split_once('"') {
        None => plain_words(text, &mut out),
        Some((before, rest)) => {
            plain_words(before, &mut out);
            out.push('"');
            out.push_str(REDACTED);
            out.push('"');
            plain_words(rest.rsplit_once('"').map_or("", |(_, after)| after), &mut out);
        }
    }
    out
}

fn plain_words(text: &str, out: &mut String) {
    let (before, after) = text.split_once(':').map_or((text, None), |(before, after)| (before, Some(after)));
    for word in before.split_inclusive(' ') {
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            out.push_str(REDACTED);
            out.push_str(if word.ends_with(' ') { " " } else { "" });
        } else {
            out.push_str(word);
        }
    }
    if let Some(after) = after {
        out.push_str(": ");
        out.push_str(if after.trim().is_empty() { "" } else { REDACTED });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_quotes_go() {
        assert_eq!(
            without_values(r#"invalid input syntax for type integer: "a@b.c"#),
            r#"invalid input syntax for type integer: "[redacted]""#
        );
        assert_eq!(without_values(r#"x "1" y "2" z"#), r#"x "[redacted]" z"#);
    }

    #[test]
    fn values_without_quotes_go_too() {
        assert_eq!(without_values("operator does not exist: ada"), "operator does not exist: [redacted]");
        assert_eq!(
            without_values("role with OID 42 does not exist"),
            "role with OID [redacted] does not exist"
        );
        assert_eq!(
            without_values(r#"invalid byte sequence for encoding "UTF8": 0xf0 0x61"#),
            r#"invalid byte sequence for encoding "[redacted]": [redacted]"#
        );
    }
}
