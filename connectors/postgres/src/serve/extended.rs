//! The extended protocol: judged when parsed, again when bound, and looked at again when executed.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY>

use super::asks::PROTOCOL;
use super::awaited::Awaited;
use super::bound::{PutBack, Values, bind_of};
use super::context::Question;
use super::meanings::no_effects;
use super::names::{LONGEST, Portal, Prepared};
use super::{Progress, Serving, Step};
use crate::reading::{Meaning, by_name};
use crate::refusal;
use crate::wire::front::{self, Named};
use crate::wire::{HEADER, write};
use sallyport_core::event::{Ask, Done, Frame};
use sallyport_core::{Command, CommandKind, CommandNo, Effects, Fault, Parameters, Reason, Ruling};
use sallyport_sql::StatementKind;
use std::sync::Arc;

impl Serving {
    pub(super) fn parse(&mut self, message: &[u8], name: &str, text: &[u8]) -> Result<Step, Fault> {
        if name.len() > LONGEST {
            return self.refuse_long_name();
        }
        if self.stale {
            return Ok(Step::Refresh);
        }
        if self.names.is_full() {
            return self.refuse_full();
        }
        let text = match self.text_of(text) {
            Ok(text) => text,
            Err(why) => {
                self.record_unreadable(&String::from_utf8_lossy(text), why)?;
                self.refuse_extended(refusal::error(refusal::NOT_SUPPORTED, why, None))?;
                return Ok(Step::Done);
            }
        };
        let reading = match self.readings.read(text, &self.snapshot) {
            Ok(reading) => reading,
            Err(fault) => {
                self.record_unreadable(text, &fault.to_string())?;
                self.refuse_extended(refusal::unreadable(&fault))?;
                return Ok(Step::Done);
            }
        };
        if self.calls_what_is_new(&reading) {
            return Ok(Step::Refresh);
        }
        if reading.count() > 1 {
            let words = "cannot insert multiple commands into a prepared statement";
            self.record_unreadable(text, words)?;
            self.refuse_extended(refusal::error("42601", words, None))?;
            return Ok(Step::Done);
        }
        let meaning = Meaning::of(&reading, 0);
        let writes_at = meaning.statement().into_iter().flat_map(|it| it.modes.writes_at.iter().copied());
        let read_only = self.without_write(message, HEADER + name.len() + 1, writes_at);
        let mut refused = self.guard(&meaning);
        let mut prepared = self.prepared(text, meaning);
        let rewritten = match (&refused, reading.statement(0)) {
            (None, Some(statement)) => self.parse_with_tokens(&read_only, statement, &mut prepared),
            _ => Ok(None),
        };
        let rewritten = rewritten.unwrap_or_else(|reason| {
            refused = Some(reason);
            None
        });
        let message = rewritten.as_deref().unwrap_or(&read_only);
        let prepared = Arc::new(prepared);
        let effects = if reading.count() == 0 { no_effects() } else { self.effects_now(&prepared) };
        let prepared = if reading.count() == 0 {
            Arc::new(Prepared { effects: effects.clone(), ..Prepared::clone(&prepared) })
        } else {
            prepared
        };
        let command = Command {
            kind: CommandKind::Prepare,
            protocol: PROTOCOL,
            text,
            effects: &effects,
            parameters: Parameters::default(),
            context: "",
        };
        let ruling = match refused {
            Some(reason) => Ruling::Deny(self.gate.refuse_command(&command, &reason)),
            None => self.gate.ask(Frame { bytes: message, event: Ask::Command(command) }),
        };
        match ruling {
            Ruling::Clear(cleared) => {
                let no = cleared.command().unwrap_or(CommandNo(0));
                self.to_target.put(&cleared);
                self.unsynced = true;
                let before = self.names.set_statement(name, Some(prepared));
                self.queue.push(Awaited::Parse { no, name: name.to_owned(), before });
            }
            Ruling::Deny(denial) if denial.fatal => return Err(denial.into()),
            Ruling::Deny(denial) => self.refuse_extended(refusal::denied(&denial, None))?,
            Ruling::Hold(hold) => self.gate.abandon(hold, "preparing cannot wait")?,
        }
        Ok(Step::Done)
    }

    /// What it would do now: names are resolved again where the catalog changed, and what runs by name is what the
    /// name stands for.
    fn effects_now(&mut self, prepared: &Arc<Prepared>) -> Effects {
        let own = if prepared.version == self.snapshot.version() {
            prepared.effects.clone()
        } else {
            prepared.meaning.effects(&self.snapshot)
        };
        match prepared.meaning.statement().map(|statement| &statement.kind) {
            Some(StatementKind::Execute { name }) => {
                let named = self.names.statement(name).map(|it| it.meaning.effects(&self.snapshot));
                by_name(&own, named)
            }
            Some(StatementKind::Fetch { cursor, .. }) => {
                let named = self.names.portal(cursor).map(|it| Arc::clone(&it.prepared));
                by_name(&own, named.map(|it| it.meaning.effects(&self.snapshot)))
            }
            _ => own,
        }
    }

    /// The statement itself, or what its name in SQL stands for.
    fn runs(&mut self, prepared: &Arc<Prepared>) -> Meaning {
        match prepared.meaning.statement().map(|statement| &statement.kind) {
            Some(StatementKind::Execute { name }) => {
                self.names.statement(name).map_or_else(|| prepared.meaning.clone(), |it| it.meaning.clone())
            }
            _ => prepared.meaning.clone(),
        }
    }

    /// What decides what it does besides its text; that of the statement which it runs by name included.
    fn question_of(&mut self, prepared: &Arc<Prepared>) -> Question {
        let question = Question::about(&self.runs(prepared), &self.snapshot);
        let named = match prepared.meaning.statement().map(|statement| &statement.kind) {
            Some(StatementKind::Execute { name }) => {
                self.names.statement(name).map(|it| Arc::clone(&it.text))
            }
            Some(StatementKind::Fetch { cursor, .. }) => {
                self.names.portal(cursor).map(|it| Arc::clone(&it.prepared.text))
            }
            _ => None,
        };
        question.with("it runs", named.as_deref().unwrap_or_default())
    }

    pub(super) fn bind(
        &mut self,
        message: &[u8],
        portal: &str,
        statement: &str,
        mut progress: Progress,
    ) -> Result<Step, Fault> {
        if portal.len() > LONGEST || statement.len() > LONGEST {
            return self.refuse_long_name();
        }
        if self.stale {
            return Ok(Step::Refresh);
        }
        if self.names.is_full() {
            return self.refuse_full();
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = front::read_bind(message, &mut scratch.cells, &mut scratch.binary, &mut scratch.results);
        if read.is_err() {
            return Err(Fault::Client("sent a Bind that does not say what it should"));
        }
        // The gate looks at the rules in force now, under which the guard then looks at the statement.
        self.forward(&[], "bind")?;
        let unknown = "A prepared statement of this name was not made through the gateway.";
        let prepared = self.names.statement(statement).cloned();
        let values =
            Values { message, cells: &scratch.cells, binary: &scratch.binary, results: &scratch.results };
        let (refused, rewritten) = match &prepared {
            Some(prepared) if self.writes_again(prepared).is_some() => (self.writes_again(prepared), None),
            Some(prepared) => match self.bound(prepared, (portal, statement), values) {
                Ok(rewritten) => (None, rewritten),
                Err(reason) => (Some(reason), None),
            },
            None => (None, None),
        };
        let effects = prepared.as_ref().map_or_else(Effects::unknown, |prepared| self.effects_now(prepared));
        let text = prepared.as_ref().map_or(unknown, |prepared| &prepared.text);
        let context = progress.context.take().unwrap_or_default();
        let command = Command {
            kind: CommandKind::Run,
            protocol: PROTOCOL,
            text,
            effects: &effects,
            parameters: Parameters { bytes: message, cells: &scratch.cells, binary: &scratch.binary },
            context: &context,
        };
        let bytes = rewritten.as_deref().unwrap_or(message);
        let frame = Frame { bytes, event: Ask::Command(command) };
        let ruling = match (refused, progress.resumed.take()) {
            (Some(reason), _) => Ruling::Deny(self.gate.refuse_command(&command, &reason)),
            (None, Some(hold)) => self.gate.resume(hold, frame),
            (None, None) => self.gate.ask(frame),
        };
        let step = match (ruling, prepared) {
            (Ruling::Clear(cleared), Some(prepared)) => {
                let no = cleared.command().unwrap_or(CommandNo(0));
                self.to_target.put(&cleared);
                self.unsynced = true;
                let new = Portal {
                    id: self.names.next_portal(),
                    prepared,
                    no: Some(no),
                    epoch: self.gate.epoch(),
                    described: false,
                    began: false,
                    running: 0,
                    cursor: false,
                };
                let before = self.names.set_portal(portal, Some(new));
                self.end_portal(before.as_ref())?;
                self.queue.push(Awaited::Bind { no, name: portal.to_owned(), before });
                Ok(Step::Done)
            }
            // Rules may allow the unknown; what a statement of an unknown name returns could still not be masked.
            (Ruling::Clear(cleared), None) => {
                if let Some(no) = cleared.command() {
                    self.done(no, Done { error: Some(("26000", unknown)), ..Done::default() })?;
                }
                let words = format!("prepared statement \"{statement}\" does not exist");
                self.refuse_extended(refusal::error("26000", &words, None))?;
                Ok(Step::Done)
            }
            (Ruling::Deny(denial), _) if denial.fatal => Err(denial.into()),
            (Ruling::Deny(_), None) => {
                let words = format!("prepared statement \"{statement}\" does not exist");
                self.refuse_extended(refusal::error("26000", &words, None))?;
                Ok(Step::Done)
            }
            (Ruling::Deny(denial), Some(_)) => {
                self.refuse_extended(refusal::denied(&denial, None))?;
                Ok(Step::Done)
            }
            (Ruling::Hold(hold), Some(prepared)) => {
                progress.question = Some(Box::new(self.question_of(&prepared)));
                Ok(Step::Hold(hold, progress))
            }
            // Nobody is asked about what cannot be told.
            (Ruling::Hold(hold), None) => {
                self.gate.abandon(hold, unknown)?;
                let words = format!("prepared statement \"{statement}\" does not exist");
                self.refuse_extended(refusal::error("26000", &words, None))?;
                Ok(Step::Done)
            }
        };
        self.scratch = scratch;
        step
    }

    /// What is against binding these values, or the message with what their tokens stand for where any is one.
    fn bound(
        &mut self,
        prepared: &Arc<Prepared>,
        names: (&str, &str),
        values: Values<'_>,
    ) -> Result<Option<Vec<u8>>, Reason> {
        let runs = self.runs(prepared);
        if let Some(reason) = self.guard(&runs) {
            return Err(reason);
        }
        if prepared.meaning.is_of_names() {
            let reason = self.guard_arguments(&runs, prepared.meaning.statement());
            return reason.map_or(Ok(None), Err);
        }
        let statement = runs.statement().filter(|statement| !statement.pairs.is_empty());
        let (put, lifts) = match statement {
            Some(statement) => (self.put_back(statement, values)?, self.lifts(statement)?),
            None => (PutBack::new(), Vec::new()),
        };
        let given =
            |at: usize| values.cells.get(at).and_then(|cell| cell.of(values.message)).into_iter().collect();
        if let Some(reason) = self.guard_values(&runs, &given, &put) {
            return Err(reason);
        }
        if put.is_empty() && lifts.is_empty() && prepared.lifts.is_empty() {
            return Ok(None);
        }
        bind_of(names, prepared, values, (&put, &lifts)).map(Some)
    }

    pub(super) fn describe(&mut self, message: &[u8], what: Named, name: &str) -> Result<Step, Fault> {
        if name.len() > LONGEST {
            return self.refuse_long_name();
        }
        self.forward(message, "describe")?;
        self.unsynced = true;
        match what {
            Named::Statement => {
                let known = self.names.statement(name).filter(|known| !known.lifts.is_empty());
                self.queue.push(Awaited::DescribeStatement { own: known.map(|known| known.own) });
            }
            Named::Portal => match self.names.portal(name) {
                Some(portal) => {
                    portal.described = true;
                    self.queue.push(Awaited::DescribePortal {
                        portal: portal.id,
                        no: portal.no,
                        prepared: Arc::clone(&portal.prepared),
                        hidden: false,
                    });
                }
                // The target knows none of this name either and says so.
                None => self.queue.push(Awaited::DescribeStatement { own: None }),
            },
        }
        Ok(Step::Done)
    }

    pub(super) fn execute(&mut self, message: &[u8], name: &str) -> Result<Step, Fault> {
        if name.len() > LONGEST {
            return self.refuse_long_name();
        }
        let Some(portal) = self.names.portal(name).cloned() else {
            let words = format!("portal \"{name}\" does not exist");
            self.refuse_extended(refusal::error("34000", &words, None))?;
            return Ok(Step::Done);
        };
        if portal.prepared.meaning.is_of_names() && !self.queue.is_empty() {
            return Ok(Step::Stall);
        }
        // The gate looks at the rules in force now.
        self.forward(&[], "execute")?;
        // What a Bind was judged as goes on until its portal is done, unless the rules changed since.
        let same = portal.epoch == self.gate.epoch();
        let first = portal.no.filter(|no| same && self.gate.is_in_flight(*no));
        let mut described = Vec::new();
        if !portal.described {
            write::describe(&mut described, Named::Portal, name);
        }
        let no = match first {
            Some(no) => {
                self.describe_hidden(&described, &portal, Some(no))?;
                self.forward(message, "execute")?;
                no
            }
            None => {
                let effects = self.effects_now(&portal.prepared);
                let command = Command {
                    kind: CommandKind::Continue,
                    protocol: PROTOCOL,
                    text: &portal.prepared.text,
                    effects: &effects,
                    parameters: Parameters::default(),
                    context: "",
                };
                match self.gate.ask(Frame { bytes: message, event: Ask::Command(command) }) {
                    Ruling::Clear(cleared) => {
                        let no = cleared.command().unwrap_or(CommandNo(0));
                        self.describe_hidden(&described, &portal, Some(no))?;
                        self.to_target.put(&cleared);
                        // What it goes on with has its outcome, unless rows of it are still on their way.
                        self.end_portal(Some(&portal))?;
                        no
                    }
                    Ruling::Deny(denial) if denial.fatal => return Err(denial.into()),
                    Ruling::Deny(denial) => {
                        self.refuse_extended(refusal::denied(&denial, None))?;
                        return Ok(Step::Done);
                    }
                    // An approval is for values that are bound: the question has to be put with them.
                    Ruling::Hold(hold) => {
                        self.gate.abandon(hold, "it has to be bound again")?;
                        let words =
                            "This portal needs an approval under the rules in force now. Bind it again.";
                        self.refuse_extended(refusal::error(refusal::REFUSED, words, None))?;
                        return Ok(Step::Done);
                    }
                }
            }
        };
        self.executing(name, &portal, no);
        Ok(Step::Done)
    }

    fn executing(&mut self, name: &str, portal: &Portal, no: CommandNo) {
        self.unsynced = true;
        if let Some(place) = self.names.portal(name) {
            place.described = true;
            place.began = true;
            place.running += 1;
        }
        self.queue.push(Awaited::Execute { no, portal: portal.id, prepared: Arc::clone(&portal.prepared) });
    }

    /// A portal ends, and with it a command that nothing runs any more.
    fn end_portal(&mut self, portal: Option<&Portal>) -> Result<(), Fault> {
        match portal.and_then(Portal::ends) {
            Some((no, tag)) => self.done(no, Done { tag, ..Done::default() }),
            None => Ok(()),
        }
    }

    fn describe_hidden(&mut self, bytes: &[u8], portal: &Portal, no: Option<CommandNo>) -> Result<(), Fault> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.forward(bytes, "describe")?;
        self.queue.push(Awaited::DescribePortal {
            portal: portal.id,
            no,
            prepared: Arc::clone(&portal.prepared),
            hidden: true,
        });
        Ok(())
    }

    pub(super) fn close_name(&mut self, message: &[u8], what: Named, name: &str) -> Result<Step, Fault> {
        if name.len() > LONGEST {
            return self.refuse_long_name();
        }
        self.forward(message, "close")?;
        self.unsynced = true;
        match what {
            Named::Statement => {
                let before = self.names.set_statement(name, None);
                self.queue.push(Awaited::CloseStatement { name: name.to_owned(), before });
            }
            Named::Portal => {
                let before = self.names.set_portal(name, None);
                self.end_portal(before.as_ref())?;
                self.queue.push(Awaited::ClosePortal { name: name.to_owned(), before });
            }
        }
        Ok(Step::Done)
    }
    /// The target would shorten it and might find another statement under what is left.
    fn refuse_long_name(&mut self) -> Result<Step, Fault> {
        let words = format!("A prepared statement or portal has a name of at most {LONGEST} bytes.");
        self.refuse_extended(refusal::error("42622", &words, None))?;
        Ok(Step::Done)
    }
}
