//! Client to target: each message is named, judged, and only then forwarded.

use super::awaited::{Awaited, QueryAnswers};
use super::names::{MOST, MOST_BYTES, Portal, Prepared};
use super::{Copying, End, MOST_STATEMENT, MOST_WAITING, Progress, Serving, Step};
use crate::cancel::Registered;
use crate::reading::{Meaning, Reading, by_name};
use crate::refusal;
use crate::wire::{self, front, front::Front};
use sallyport_core::event::{Answer, Ask, Done, Frame};
use sallyport_core::{Command, CommandKind, CommandNo, Effects, Fault, Parameters, Ruling};
use sallyport_sql::{CloseWhich, DiscardWhich, Statement, StatementKind};
use std::sync::{Arc, LazyLock};

pub(super) const PROTOCOL: &str = "postgres";

const UNANSWERED: Fault = Fault::Client("too many messages wait for their answers; read some first");

impl Serving {
    /// Deals with every whole message that is here.
    pub(super) async fn take_asks(&mut self, registered: &Registered) -> Result<(), End> {
        self.stalled = false;
        if self.from_client.waiting().is_empty() {
            return Ok(());
        }
        self.look_at_catalog();
        let mut refreshed = false;
        while self.to_target.waiting() < MOST_WAITING && !self.over {
            let inbox = std::mem::take(&mut self.from_client);
            let looked = self.look_at_ask(inbox.waiting(), Progress::default());
            self.from_client = inbox;
            match looked? {
                None => break,
                Some((size, Step::Done)) => {
                    self.from_client.consume(size);
                    refreshed = false;
                }
                Some((size, Step::Over)) => {
                    self.from_client.consume(size);
                    self.over = true;
                }
                Some((_, Step::Stall)) => {
                    self.hurry()?;
                    self.stalled = true;
                    break;
                }
                Some((_, Step::Refresh)) => {
                    if refreshed {
                        return Err(Fault::Target("its tables change too fast to be read").into());
                    }
                    self.refresh().await?;
                    refreshed = true;
                }
                Some((size, Step::Hold(hold, progress))) => {
                    self.hold(size, hold, progress, registered).await?;
                }
            }
        }
        Ok(())
    }

    /// The first message, its size and what to do. Nothing: it is not whole yet.
    pub(super) fn look_at_ask(
        &mut self,
        waiting: &[u8],
        progress: Progress,
    ) -> Result<Option<(usize, Step)>, Fault> {
        if self.passing_in > 0 {
            return self.pass_in(waiting);
        }
        let malformed = |_| Fault::Client("sent a message that is no message of the protocol");
        let Some(head) = wire::head(waiting).map_err(malformed)? else { return Ok(None) };
        if head.tag == b'd' {
            return self.copy_data(waiting, head.total);
        }
        if head.total > MOST_STATEMENT {
            return Err(Fault::Client("sent a statement of more than 64 MiB"));
        }
        let Some(message) = waiting.get(..head.total) else {
            // What nobody may say is not waited for.
            return match front::read(head.tag, &[]) {
                Ok(front @ (Front::Unknown(_) | Front::Password)) => {
                    self.ask(&[], front, progress).map(|step| Some((0, step)))
                }
                Ok(_) | Err(_) => Ok(None),
            };
        };
        let front = front::read(head.tag, message)
            .map_err(|_| Fault::Client("sent a message that does not say what it should"))?;
        let step = self.ask(message, front, progress)?;
        Ok(Some((head.total, step)))
    }

    fn ask(&mut self, message: &[u8], front: Front<'_>, progress: Progress) -> Result<Step, Fault> {
        if let Copying::In(no) = self.copying {
            return self.ask_while_copying(message, front, no);
        }
        if self.queue.is_full() {
            return Err(UNANSWERED);
        }
        match front {
            Front::Sync => return self.sync(message),
            Front::Terminate => {
                self.forward(message, "terminate")?;
                return Ok(Step::Over);
            }
            Front::Password => return Err(Fault::Client("sent a password after it was admitted")),
            Front::Unknown(tag) => {
                let what = format!("a message of type {:?}", char::from(tag));
                let denial =
                    self.gate.refuse(&what, "unknown-message", "This message is not part of the protocol.");
                return Err(denial.fatal().into());
            }
            Front::FunctionCall => {
                if !self.discarding {
                    let message = "Fast-path function calls are not allowed. Use SELECT.";
                    let denial = self.gate.refuse("a fast-path function call", "function-call", message);
                    if denial.fatal {
                        return Err(denial.into());
                    }
                    self.refuse_simple(refusal::denied(&denial, None))?;
                }
                return Ok(Step::Done);
            }
            _ if self.discarding => return Ok(Step::Done),
            _ => {}
        }
        if self.queue.naming > 0 && !matches!(front, Front::Flush) {
            // What the names mean is known when the target has answered.
            return Ok(Step::Stall);
        }
        match front {
            Front::Query { text } => self.query(message, text, progress),
            Front::Parse { name, text } => self.parse(message, name, text),
            Front::Bind { portal, statement } => self.bind(message, portal, statement, progress),
            Front::Describe { what, name } => self.describe(message, what, name),
            Front::Execute { portal } => self.execute(message, portal),
            Front::Close { what, name } => self.close_name(message, what, name),
            Front::Flush => {
                self.forward(message, "flush")?;
                Ok(Step::Done)
            }
            // Left over from a COPY that failed, or sent ahead of one: the target decides when it has answered.
            Front::CopyDone | Front::CopyFail | Front::CopyData => {
                Ok(if self.queue.is_empty() { Step::Done } else { Step::Stall })
            }
            Front::Sync | Front::Terminate | Front::Password | Front::Unknown(_) | Front::FunctionCall => {
                Ok(Step::Done)
            }
        }
    }

    /// A message of the reviewed list of those that carry nothing to judge.
    pub(super) fn forward(&mut self, bytes: &[u8], what: &'static str) -> Result<(), Fault> {
        match self.gate.ask(Frame { bytes, event: Ask::Housekeeping(what) }) {
            Ruling::Clear(cleared) => {
                self.to_target.put(&cleared);
                Ok(())
            }
            Ruling::Deny(denial) => Err(denial.fatal().into()),
            Ruling::Hold(_) => Err(Fault::ours("the gateway held a message that cannot wait", what)),
        }
    }

    pub(super) fn sync(&mut self, message: &[u8]) -> Result<Step, Fault> {
        self.forward(message, "sync")?;
        self.discarding = false;
        self.unsynced = false;
        self.queue.push(Awaited::Sync { last_portal: self.names.last_portal() });
        Ok(Step::Done)
    }

    /// The text of a statement, where it can be read as the target would read it.
    pub(super) fn text_of<'t>(&self, text: &'t [u8]) -> Result<&'t str, &'static str> {
        if !self.utf8 && !text.is_ascii() {
            return Err("Outside of ASCII the gateway reads UTF-8 only. SET client_encoding TO 'UTF8'.");
        }
        std::str::from_utf8(text).map_err(|_| "The statement is not valid UTF-8. Send it in UTF-8.")
    }

    /// Records a text that cannot be analysed. Whatever the rules say of unknown effects, it does not run.
    pub(super) fn record_unreadable(&mut self, text: &str, why: &str) -> Result<(), Fault> {
        let effects = Effects::unknown();
        let command = Command {
            kind: CommandKind::Run,
            protocol: PROTOCOL,
            text,
            effects: &effects,
            parameters: Parameters::default(),
            context: "",
        };
        match self.gate.ask(Frame { bytes: &[], event: Ask::Command(command) }) {
            Ruling::Clear(cleared) => match cleared.command() {
                Some(no) => self.done(no, Done { error: Some(("42601", why)), ..Done::default() }),
                None => Ok(()),
            },
            Ruling::Deny(denial) if denial.fatal => Err(denial.into()),
            Ruling::Deny(_) => Ok(()),
            Ruling::Hold(hold) => self.gate.abandon(hold, "it cannot be read").map_err(Fault::from),
        }
    }

    /// Records the outcome of a command without saying anything.
    pub(super) fn done(&mut self, of: CommandNo, outcome: Done<'_>) -> Result<(), Fault> {
        let cleared = self.gate.answer(Frame { bytes: &[], event: Answer::Done { of, outcome } })?;
        self.to_client.put(&cleared);
        Ok(())
    }

    pub(super) fn never_ran(&mut self, first: CommandNo, count: u64, why: &str) -> Result<(), Fault> {
        for at in 0..count {
            self.done(
                CommandNo(first.0 + at),
                Done { error: Some((refusal::REFUSED, why)), ..Done::default() },
            )?;
        }
        Ok(())
    }

    fn query(&mut self, message: &[u8], text: &[u8], mut progress: Progress) -> Result<Step, Fault> {
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
        self.judge_query(message, text, &reading, &mut progress)
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
        let mut named = self.named_in(reading);
        // The gate looks at the rules in force now; all statements of one message are judged under the same.
        self.forward(&[], "query")?;
        let epoch = *progress.epoch.get_or_insert(self.gate.epoch());
        while progress.at < count {
            let at = usize::try_from(progress.at).unwrap_or(usize::MAX);
            let last = progress.at + 1 == count;
            let own = reading.effects(at).unwrap_or(&nothing);
            let effects = match named.iter().find(|(statement, _)| *statement == progress.at) {
                Some((_, prepared)) => by_name(own, Some(prepared.meaning.effects(&self.snapshot))),
                None => own.clone(),
            };
            let statement = reading.statement(at);
            let runs = named.iter().find(|(statement, _)| *statement == progress.at);
            let meaning =
                runs.map_or_else(|| Meaning::of(reading, at), |(_, prepared)| prepared.meaning.clone());
            if let Some(denial) = self.guard(&meaning)? {
                if let Some(first) = progress.first {
                    self.never_ran(first, progress.at, "another statement of the message was refused")?;
                }
                self.refuse_simple(refusal::denied(&denial, Some((progress.at, count))))?;
                return Ok(Step::Done);
            }
            let part = match statement {
                Some(statement) if count > 1 => text.get(statement.range.clone()).unwrap_or(text),
                _ => text,
            };
            let command = Command {
                context: &self.context,
                kind: match statement.map(|statement| &statement.kind) {
                    Some(StatementKind::Prepare { .. }) => CommandKind::Prepare,
                    _ => CommandKind::Run,
                },
                protocol: PROTOCOL,
                text: part,
                effects: &effects,
                parameters: Parameters::default(),
            };
            let frame = Frame { bytes: if last { message } else { &[] }, event: Ask::Command(command) };
            let ruling = match progress.resumed.take() {
                Some(hold) => self.gate.resume(hold, frame),
                None => self.gate.ask(frame),
            };
            match ruling {
                Ruling::Clear(cleared) => {
                    if progress.first.is_none() {
                        progress.first = cleared.command();
                    }
                    if self.gate.epoch() != epoch && progress.at > 0 {
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

    /// What each EXECUTE and FETCH of the message stands for, after the PREPAREs and DECLAREs before it.
    fn named_in(&mut self, reading: &Arc<Reading>) -> Vec<(u64, Arc<Prepared>)> {
        let mut found = Vec::new();
        if !reading.names {
            return found;
        }
        let (mut statements, mut cursors) = (Vec::new(), Vec::new());
        for at in 0..reading.count() {
            let Some(statement) = reading.statement(at) else { continue };
            let number = u64::try_from(at).unwrap_or(u64::MAX);
            let inside = |serving: &Self| Arc::new(serving.prepared("", Meaning::inside(reading, at)));
            match &statement.kind {
                StatementKind::Prepare { name, .. } => statements.push((name, inside(self))),
                StatementKind::Declare { cursor, .. } => cursors.push((cursor, inside(self))),
                StatementKind::Execute { name } => {
                    let here = statements.iter().rev().find(|(known, _)| *known == name).map(|(_, it)| it);
                    found.extend(
                        here.or_else(|| self.names.statement(name)).map(|it| (number, Arc::clone(it))),
                    );
                }
                StatementKind::Fetch { cursor, .. } => {
                    let here = cursors.iter().rev().find(|(known, _)| *known == cursor);
                    let here = here.map(|(_, it)| Arc::clone(it));
                    let known = here.or_else(|| self.names.portal(cursor).map(|it| Arc::clone(&it.prepared)));
                    found.extend(known.map(|it| (number, it)));
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn prepared(&self, text: &str, meaning: Meaning) -> Prepared {
        let effects = meaning.effects(&self.snapshot);
        Prepared { text: text.into(), meaning, effects, version: self.snapshot.version() }
    }

    /// A statement succeeded: what it does to names, settings and definitions holds from now on.
    pub(super) fn succeeded(&mut self, statement: &Statement, meaning: &Meaning, text: &str) {
        match &statement.kind {
            StatementKind::Prepare { name, .. } if !self.names.is_full() => {
                let prepared = Arc::new(self.prepared(text, meaning.within()));
                self.names.set_statement(name, Some(prepared));
            }
            StatementKind::Declare { cursor, .. } if !self.names.is_full() => {
                let portal = Portal {
                    id: self.names.next_portal(),
                    prepared: Arc::new(self.prepared(text, meaning.within())),
                    no: None,
                    epoch: self.gate.epoch(),
                    described: false,
                    began: true,
                    running: 0,
                    cursor: true,
                };
                self.names.set_portal(cursor, Some(portal));
            }
            StatementKind::Deallocate(CloseWhich::Named(name)) => {
                self.names.set_statement(name, None);
            }
            StatementKind::Close(CloseWhich::Named(name)) => {
                self.names.set_portal(name, None);
            }
            StatementKind::Deallocate(CloseWhich::All) => self.names.forget_statements(),
            StatementKind::Close(CloseWhich::All) => self.names.close_cursors(),
            StatementKind::Set { name, .. } if name == "search_path" => {
                let set = text.get(statement.range.clone()).unwrap_or(text);
                set.trim().clone_into(&mut self.context);
            }
            StatementKind::Reset { .. } => self.context.clear(),
            StatementKind::Discard(DiscardWhich::All) => {
                self.context.clear();
                self.names.forget_statements();
                self.names.close_cursors();
            }
            _ => {}
        }
        if !statement.creates.is_empty() || matches!(statement.kind, StatementKind::Ddl | StatementKind::Do) {
            self.stale = true;
            self.stale_inside = true;
        }
    }

    pub(super) fn refuse_full(&mut self) -> Result<Step, Fault> {
        let megabytes = MOST_BYTES >> 20;
        let text = format!(
            "More than {MOST} prepared statements or portals, or {megabytes} MiB of them. Close some."
        );
        self.refuse_extended(refusal::error("54000", &text, None))?;
        Ok(Step::Done)
    }
}

/// What an empty statement does. Shared: it is needed at every query.
pub(super) fn no_effects() -> Effects {
    static NONE: LazyLock<Effects> = LazyLock::new(|| Effects::new(Vec::new()));
    NONE.clone()
}
