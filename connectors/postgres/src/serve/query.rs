//! Simple queries: each statement of the message is judged by itself, and all of them cross together or none.

use super::asks::PROTOCOL;
use super::awaited::{Awaited, QueryAnswers, named_at};
use super::context::Question;
use super::meanings::no_effects;
use super::names::Prepared;
use super::{Progress, Serving, Step};
use crate::reading::{Meaning, Reading, by_name};
use crate::refusal;
use crate::wire::HEADER;
use sallyport_core::event::{Ask, Frame};
use sallyport_core::{Command, CommandKind, CommandNo, Fault, Parameters, Ruling};
use sallyport_sql::StatementKind;
use std::collections::HashMap;
use std::sync::Arc;

impl Serving {
    pub(super) fn query(
        &mut self,
        message: &[u8],
        text: &[u8],
        mut progress: Progress,
    ) -> Result<Step, Fault> {
        if self.stale {
            return Ok(Step::Refresh);
        }
        let text = match self.text_of(text) {
            Ok(text) => text,
            Err(why) => {
                self.record_unreadable(&String::from_utf8_lossy(text), why)?;
                self.refuse_simple(refusal::error(refusal::NOT_SUPPORTED, why, None))?;
                return Ok(Step::Done);
            }
        };
        let reading = match self.readings.read(text, &self.snapshot) {
            Ok(reading) => reading,
            Err(fault) => {
                self.record_unreadable(text, &fault.to_string())?;
                self.refuse_simple(refusal::unreadable(&fault))?;
                return Ok(Step::Done);
            }
        };
        if reading.names && !self.queue.is_empty() {
            return Ok(Step::Stall);
        }
        if progress.resumed.is_none() && self.calls_what_is_new(&reading) {
            return Ok(Step::Refresh);
        }
        let statements = (0..reading.count()).filter_map(|at| reading.statement(at));
        let writes_at = statements.flat_map(|statement| statement.modes.writes_at.iter().copied());
        let message = self.without_write(message, HEADER, writes_at);
        self.judge_query(&message, text, &reading, &mut progress)
    }

    fn judge_query(
        &mut self,
        message: &[u8],
        text: &str,
        reading: &Arc<Reading>,
        progress: &mut Progress,
    ) -> Result<Step, Fault> {
        // A query of nothing is one command all the same.
        let count = u64::try_from(reading.count().max(1)).unwrap_or(u64::MAX);
        let nothing = no_effects();
        let mut bound: Option<Vec<u8>> = None;
        let mut named = self.named_in(reading);
        // The gate looks at the rules in force now; all statements of one message are judged under the same.
        self.forward(&[], "query")?;
        let epoch = *progress.epoch.get_or_insert(self.gate.epoch());
        while progress.at < count {
            let at = usize::try_from(progress.at).unwrap_or(usize::MAX);
            let last = progress.at + 1 == count;
            let own = reading.effects(at).unwrap_or(&nothing);
            let runs = named_at(&named, progress.at);
            let effects = match runs {
                Some(prepared) => by_name(own, Some(prepared.meaning.effects(&self.snapshot))),
                None => own.clone(),
            };
            let statement = reading.statement(at);
            let meaning = runs.map_or_else(|| Meaning::of(reading, at), |prepared| prepared.meaning.clone());
            let mut refused = self
                .guard(&meaning)
                .or_else(|| runs.is_some().then(|| self.guard_arguments(&meaning, statement)).flatten());
            if let (None, None, Some(statement)) = (&refused, runs, statement) {
                match self.query_with_tokens(statement, text, count) {
                    Ok(None) => {}
                    // What was sent before must not fail under it: its Sync would end that failure.
                    Ok(Some(_)) if !self.queue.is_empty() => return Ok(Step::Stall),
                    Ok(message) => bound = message,
                    Err(reason) => refused = Some(reason),
                }
            }
            let part = match statement {
                Some(statement) if count > 1 => text.get(statement.range.clone()).unwrap_or(text),
                _ => text,
            };
            let context = match &progress.resumed {
                Some(_) => progress.context.take().unwrap_or_default(),
                None => String::new(),
            };
            let command = Command {
                context: &context,
                kind: match statement.map(|statement| &statement.kind) {
                    Some(StatementKind::Prepare { .. }) => CommandKind::Prepare,
                    _ => CommandKind::Run,
                },
                protocol: PROTOCOL,
                text: part,
                effects: &effects,
                parameters: Parameters::default(),
            };
            let whole = bound.as_deref().unwrap_or(message);
            let frame = Frame { bytes: if last { whole } else { &[] }, event: Ask::Command(command) };
            let ruling = match (refused, progress.resumed.take()) {
                (Some(reason), _) => Ruling::Deny(self.gate.refuse_command(&command, &reason)),
                (None, Some(hold)) => self.gate.resume(hold, frame),
                (None, None) => self.gate.ask(frame),
            };
            match ruling {
                Ruling::Clear(cleared) => {
                    if progress.first.is_none() {
                        progress.first = cleared.command();
                    }
                    if self.gate.epoch() != epoch && (progress.at > 0 || bound.is_some()) {
                        return self.refuse_changed(progress);
                    }
                    if last {
                        self.to_target.put(&cleared);
                    }
                    progress.at += 1;
                }
                Ruling::Deny(denial) => {
                    let ran = progress.first.map_or(0, |_| progress.at);
                    if let Some(first) = progress.first {
                        self.never_ran(first, ran, "another statement of the message was refused")?;
                    }
                    if denial.fatal {
                        return Err(denial.into());
                    }
                    self.refuse_simple(refusal::denied(&denial, Some((progress.at, count))))?;
                    return Ok(Step::Done);
                }
                Ruling::Hold(hold) => {
                    let before = statement.and_then(|statement| text.get(..statement.range.start));
                    let by_name = runs.map_or("", |prepared| &prepared.text);
                    let question = Question::about(&meaning, &self.snapshot)
                        .with("it runs", by_name)
                        .with("before it in the same message", before.unwrap_or_default());
                    progress.question = Some(Box::new(question));
                    let progress = std::mem::take(progress);
                    return Ok(Step::Hold(hold, progress));
                }
            }
        }
        let first = progress.first.unwrap_or(CommandNo(0));
        named.retain(|(_, prepared)| prepared.meaning.statement().is_some());
        self.queue.push(Awaited::Query(Box::new(QueryAnswers {
            reading: Arc::clone(reading),
            text: text.into(),
            first,
            count,
            at: 0,
            failed: false,
            plan: None,
            named,
            last_portal: self.names.last_portal(),
            bound: bound.is_some(),
        })));
        Ok(Step::Done)
    }

    /// A message of which one statement waited while the rules changed under the others.
    fn refuse_changed(&mut self, progress: &Progress) -> Result<Step, Fault> {
        let words = "The rules changed while a statement of this message waited. Send it again.";
        if let Some(first) = progress.first {
            self.never_ran(first, progress.at + 1, words)?;
        }
        self.refuse_simple(refusal::error(refusal::REFUSED, words, None))?;
        Ok(Step::Done)
    }

    /// What each EXECUTE and FETCH of the message stands for, after the PREPAREs and DECLAREs before it. In their order.
    fn named_in(&mut self, reading: &Arc<Reading>) -> Vec<(u64, Arc<Prepared>)> {
        let mut found = Vec::new();
        if !reading.names {
            return found;
        }
        let (mut statements, mut cursors) = (HashMap::new(), HashMap::new());
        for at in 0..reading.count() {
            let Some(statement) = reading.statement(at) else { continue };
            let number = u64::try_from(at).unwrap_or(u64::MAX);
            let inside = |serving: &Self| Arc::new(serving.prepared("", Meaning::inside(reading, at)));
            match &statement.kind {
                StatementKind::Prepare { name, .. } => _ = statements.insert(name, inside(self)),
                StatementKind::Declare { cursor, .. } => _ = cursors.insert(cursor, inside(self)),
                StatementKind::Execute { name } => {
                    let known = statements.get(name).or_else(|| self.names.statement(name));
                    found.extend(known.map(|it| (number, Arc::clone(it))));
                }
                StatementKind::Fetch { cursor, .. } => {
                    let here = cursors.get(cursor).map(Arc::clone);
                    let known = here.or_else(|| self.names.portal(cursor).map(|it| Arc::clone(&it.prepared)));
                    found.extend(known.map(|it| (number, it)));
                }
                _ => {}
            }
        }
        found
    }
}
