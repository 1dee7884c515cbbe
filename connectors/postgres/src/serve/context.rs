//! In what a held command would run: asked of the target itself, on the session's own line, when a command has to wait
//! and again before it goes on. What a text means is decided by names, settings and definitions that only the target
//! knows; a gateway that keeps its own book of SET and ROLLBACK would be wrong about some of them.
//!
//! Asked by the extended protocol under a name of the gateway's own, so that neither the client's transaction nor its
//! unnamed statement or portal is touched. Every function and operator of the question names its schema: a caller's
//! search path must not choose what answers.
//!
//! Invariant: what the target does not answer is not guessed. Then nobody is asked and the command does not run.

use super::awaited::Awaited;
use super::holding::{MOST_BEHIND, TOO_MUCH_BEHIND};
use super::turn::Woke;
use super::{End, MOST_STATEMENT, Serving};
use crate::catalog::Snapshot;
use crate::reading::Meaning;
use crate::wire::back::{self, Back};
use crate::wire::front::Named;
use crate::wire::write;
use sallyport_core::{Action, Fault, ObjectKind};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The statement and portal of the question. No client can use them: it would have to prepare them first, and then the
/// question fails.
const OURS: &str = "sallyport asks in what a held command would run";
/// An answer longer than this is nothing that a person reads or a definition that can be compared.
const MOST_CONTEXT: usize = 1024 * 1024;

/// The relations with their triggers and rules, and the functions, by OID and by the transaction that defined them.
/// A function counts under its name in any schema: what an overload would choose is not for the gateway to say.
const QUESTION: &str = "SELECT 'schemas'::pg_catalog.text, ''::pg_catalog.text, \
        pg_catalog.current_schemas(true)::pg_catalog.text \
    UNION ALL SELECT 'user'::pg_catalog.text, ''::pg_catalog.text, current_user::pg_catalog.text \
    UNION ALL SELECT 'session user'::pg_catalog.text, ''::pg_catalog.text, session_user::pg_catalog.text \
    UNION ALL SELECT 'setting'::pg_catalog.text, s.name, s.setting FROM pg_catalog.pg_settings s \
        WHERE s.name OPERATOR(pg_catalog.=) ANY (ARRAY['DateStyle', 'IntervalStyle', 'TimeZone', 'row_security', \
            'session_replication_role', 'standard_conforming_strings', 'transform_null_equals', \
            'array_nulls', 'backslash_quote']::pg_catalog.text[]) \
    UNION ALL SELECT 'relation'::pg_catalog.text, n.name, pg_catalog.concat_ws(' '::pg_catalog.text, c.oid, c.xmin, \
        (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' '::pg_catalog.text, 'trigger', t.oid, t.xmin, \
                t.tgenabled, p.oid, p.xmin), ' '::pg_catalog.text ORDER BY t.oid) \
            FROM pg_catalog.pg_trigger t \
            LEFT JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid \
            WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid), \
        (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' '::pg_catalog.text, 'rule', r.oid, r.xmin), \
                ' '::pg_catalog.text ORDER BY r.oid) \
            FROM pg_catalog.pg_rewrite r WHERE r.ev_class OPERATOR(pg_catalog.=) c.oid), \
        (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' '::pg_catalog.text, 'policy', y.oid, y.xmin), \
                ' '::pg_catalog.text ORDER BY y.oid) \
            FROM pg_catalog.pg_policy y WHERE y.polrelid OPERATOR(pg_catalog.=) c.oid)) \
        FROM pg_catalog.unnest($1::pg_catalog.text[]) n(name) \
        LEFT JOIN pg_catalog.pg_class c \
            ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(n.name)::pg_catalog.oid \
    UNION ALL SELECT 'function'::pg_catalog.text, n.name, \
        (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' '::pg_catalog.text, p.oid, p.xmin), \
                ' '::pg_catalog.text ORDER BY p.oid) \
            FROM pg_catalog.pg_proc p WHERE p.proname OPERATOR(pg_catalog.=) n.name::pg_catalog.name) \
        FROM pg_catalog.unnest($2::pg_catalog.text[]) n(name)";

/// What has to be known of a held command besides its own text.
#[derive(Debug, Default)]
pub(super) struct Question {
    relations: BTreeSet<String>,
    functions: BTreeSet<String>,
    /// Texts that decide as well, each with what it is.
    texts: Vec<(&'static str, String)>,
}

impl Question {
    pub fn about(meaning: &Meaning, snapshot: &Snapshot) -> Self {
        let mut question = Self::default();
        let (own, inner) = (meaning.statement(), meaning.inner_or_own());
        for statement in own.into_iter().chain(inner) {
            let tables = statement.relations.reads.iter().chain(&statement.relations.writes);
            question.relations.extend(tables.map(|table| quoted(&table.path())));
            // What it does behind its text is part of what is approved.
            let footing = snapshot.footing(statement);
            question.relations.extend(footing.relations.iter().map(|path| quoted(path)));
            question.functions.extend(footing.functions);
            for effect in &statement.effects {
                match (effect.object.kind, effect.action) {
                    (ObjectKind::Table, _) => {
                        question.relations.insert(quoted(&effect.object.path));
                    }
                    (ObjectKind::Function, _) | (_, Action::Call) => {
                        question.functions.insert(effect.object.name().to_owned());
                    }
                    _ => {}
                }
            }
        }
        question
    }
    /// The text of what runs by name, or of what runs before it in the same message.
    pub fn with(mut self, what: &'static str, text: &str) -> Self {
        if !text.trim().is_empty() {
            self.texts.push((what, text.trim().to_owned()));
        }
        self
    }
    fn messages(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write::message(&mut out, b'P', |out| {
            write::text(out, OURS);
            write::text(out, QUESTION);
            out.extend_from_slice(&[0, 0]);
        });
        write::message(&mut out, b'B', |out| {
            write::text(out, OURS);
            write::text(out, OURS);
            out.extend_from_slice(&[0, 0, 0, 2]);
            for names in [&self.relations, &self.functions] {
                let list = array(names);
                out.extend_from_slice(&u32::try_from(list.len()).unwrap_or_default().to_be_bytes());
                out.extend_from_slice(list.as_bytes());
            }
            out.extend_from_slice(&[0, 0]);
        });
        write::execute(&mut out, OURS);
        for what in [Named::Portal, Named::Statement] {
            write::message(&mut out, b'C', |out| {
                out.push(what.letter());
                write::text(out, OURS);
            });
        }
        out
    }
}

/// A name as the target's own parser reads it back.
fn quoted(path: &[String]) -> String {
    let parts: Vec<String> =
        path.iter().map(|part| format!("\"{}\"", part.replace('"', "\"\"").replace('\0', ""))).collect();
    parts.join(".")
}

/// A list of texts as the target reads it, without its NULL.
fn array(names: &BTreeSet<String>) -> String {
    let each: Vec<String> = names
        .iter()
        .map(|name| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"").replace('\0', "")))
        .collect();
    format!("{{{}}}", each.join(","))
}

/// What has come of an answer so far.
#[derive(Debug, Default)]
pub(super) struct ContextAnswers {
    lines: BTreeSet<String>,
    bytes: usize,
    closed: u8,
    /// The question has a Sync of its own, since nothing of the client's was under way.
    synced: bool,
    refused: Option<Vec<u8>>,
}

/// How asking ended.
#[derive(Debug)]
pub(super) enum Learned {
    Context(String),
    /// In the target's words, as the client may read them.
    Refused(Vec<u8>),
    /// The pipeline failed, and the client has read why.
    Failed,
    Left,
    Ended(String),
}

impl Serving {
    /// Asks, and serves the answers of what was forwarded before until this one has come.
    pub(super) async fn learn(&mut self, question: Option<&Question>) -> Result<Learned, End> {
        let unasked = || Fault::ours("the gateway lost its place", "a command was held without a question");
        let question = question.ok_or_else(unasked)?;
        self.learned = None;
        self.put_question(question)?;
        loop {
            match self.turn(true).await? {
                Woke::Ended(reason) => return Ok(Learned::Ended(reason)),
                Woke::Idle | Woke::Moved => {}
            }
            self.take_answers().await?;
            if let Some(learned) = self.learned.take() {
                return Ok(match learned {
                    Learned::Context(mut lines) => {
                        for (what, text) in &question.texts {
                            _ = writeln!(lines, "{what}: {text:?}");
                        }
                        Learned::Context(lines)
                    }
                    other => other,
                });
            }
            if self.from_client.ended {
                return Ok(Learned::Left);
            }
            if self.from_client.waiting().len() > MOST_STATEMENT + MOST_BEHIND {
                return Ok(Learned::Ended(TOO_MUCH_BEHIND.into()));
            }
            if self.from_target.ended {
                return Err(Fault::Target("the target closed the connection").into());
            }
        }
    }

    fn put_question(&mut self, question: &Question) -> Result<(), Fault> {
        let mut messages = question.messages();
        // Within a pipeline a Sync would end the client's own transaction.
        let synced = !self.unsynced;
        if synced {
            write::sync(&mut messages);
        } else {
            write::flush(&mut messages);
        }
        self.forward(&messages, "context")?;
        self.queue.push(Awaited::Context(Box::new(ContextAnswers { synced, ..ContextAnswers::default() })));
        Ok(())
    }

    /// True: it was part of the answer to the gateway's own question, and no byte of it is the client's.
    pub(super) fn answers_question(&mut self, kind: Back, message: &[u8]) -> Result<bool, Fault> {
        let odd = || Fault::Target("did not answer the gateway's question as it was asked");
        let Some(Awaited::Context(answers)) = self.queue.front_mut() else { return Ok(false) };
        match kind {
            Back::ParseComplete | Back::BindComplete | Back::CommandComplete => {}
            Back::DataRow => {
                back::row_cells(message, &mut self.scratch.cells).map_err(super::answers::odd)?;
                answers.bytes += message.len();
                if answers.bytes > MOST_CONTEXT {
                    return Err(odd());
                }
                let mut cells = self.scratch.cells.iter().map(|cell| {
                    cell.of(message).map(String::from_utf8_lossy).unwrap_or_default().into_owned()
                });
                let (Some(what), Some(name), Some(value)) = (cells.next(), cells.next(), cells.next()) else {
                    return Err(odd());
                };
                let name = if name.is_empty() { name } else { format!(" {name:?}") };
                answers.lines.insert(format!("{what}{name}: {value:?}\n"));
            }
            Back::CloseComplete => {
                answers.closed += 1;
                if answers.closed == 2 && !answers.synced {
                    self.answered();
                }
            }
            Back::ReadyForQuery if answers.synced => {
                self.answered();
                self.status = back::status(crate::wire::body(message)).map_err(super::answers::odd)?;
            }
            Back::ErrorResponse if answers.synced && answers.refused.is_none() => {
                let said = self.reread(message, b'E');
                if let Some(Awaited::Context(answers)) = self.queue.front_mut().filter(|_| !said.fatal) {
                    answers.refused = Some(said.bytes);
                }
                return Ok(!said.fatal);
            }
            // Of a pipeline: it fails as it would have with the client's own command.
            Back::ErrorResponse
            | Back::NoticeResponse
            | Back::NotificationResponse
            | Back::ParameterStatus
            | Back::BackendKeyData => return Ok(false),
            Back::CopyDone
            | Back::CopyData
            | Back::CopyInResponse
            | Back::CopyOutResponse
            | Back::EmptyQueryResponse
            | Back::NoData
            | Back::PortalSuspended
            | Back::ParameterDescription
            | Back::RowDescription
            | Back::ReadyForQuery => return Err(odd()),
        }
        Ok(true)
    }

    fn answered(&mut self) {
        let Some(Awaited::Context(answers)) = self.queue.pop() else { return };
        self.learned = Some(match answers.refused {
            Some(words) => Learned::Refused(words),
            None => Learned::Context(answers.lines.into_iter().collect()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_twice_and_read_back_as_they_are() {
        let path = ["s".to_owned(), "a\"b, {\\}".to_owned()];
        assert_eq!(quoted(&path), r#""s"."a""b, {\}""#);
        let names = BTreeSet::from([quoted(&path)]);
        assert_eq!(array(&names), r#"{"\"s\".\"a\"\"b, {\\}\""}"#);
        assert_eq!(array(&BTreeSet::new()), "{}");
    }

    #[test]
    fn the_question_names_the_schema_of_everything() {
        let mut rest = QUESTION.to_owned();
        for known in ["OPERATOR(pg_catalog.=)", "ANY (", "ARRAY[", "ORDER BY", "n(name)", "ON ", "(SELECT"] {
            rest = rest.replace(known, "");
        }
        assert!(!rest.contains('=') && !rest.contains('|') && !rest.contains(" IN "), "{rest}");
        for (at, _) in rest.match_indices('(') {
            let before: String = rest[..at]
                .chars()
                .rev()
                .take_while(|letter| letter.is_alphanumeric() || "._".contains(*letter))
                .collect();
            let name: String = before.chars().rev().collect();
            assert!(name.is_empty() || name.starts_with("pg_catalog."), "{name} has no schema");
        }
    }
}
