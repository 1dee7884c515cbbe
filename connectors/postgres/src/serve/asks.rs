//! Client to target: each message is named, judged, and only then forwarded.

use super::awaited::Awaited;
use super::lengthy::is_long_ask;
use super::names::{MOST, MOST_BYTES};
use super::{Copying, End, MOST_STATEMENT, MOST_WAITING, Progress, Serving, Step};
use crate::cancel::Registered;
use crate::refusal;
use crate::wire::{self, front, front::Front};
use sallyport_core::event::{Answer, Ask, Done, Frame};
use sallyport_core::{Command, CommandKind, CommandNo, Effects, Fault, Parameters, Ruling};
use sallyport_relay::at_length;
use tokio::task::consume_budget;

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
        if self.follow_rules()? {
            self.hurry()?;
            self.stalled = true;
            return Ok(());
        }
        let mut refreshed = false;
        while self.to_target.waiting() < MOST_WAITING && !self.over {
            consume_budget().await;
            let looked = if is_long_ask(self.from_client.waiting()) {
                let _turn = Box::pin(self.turn_to_ask()).await?;
                at_length(|| self.look_at_first_ask(Progress::default()))
            } else {
                self.look_at_first_ask(Progress::default())
            };
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
                    Box::pin(self.refresh()).await?;
                    refreshed = true;
                }
                Some((size, Step::Hold(hold, progress))) => {
                    Box::pin(self.hold(size, hold, progress, registered)).await?;
                }
            }
        }
        Ok(())
    }

    /// The first message, its size and what to do. Nothing: it is not whole yet.
    pub(super) fn look_at_first_ask(&mut self, progress: Progress) -> Result<Option<(usize, Step)>, Fault> {
        let inbox = std::mem::take(&mut self.from_client);
        let looked = self.look_at_ask(inbox.waiting(), progress);
        self.from_client = inbox;
        looked
    }

    fn look_at_ask(&mut self, waiting: &[u8], progress: Progress) -> Result<Option<(usize, Step)>, Fault> {
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

    pub(super) fn refuse_full(&mut self) -> Result<Step, Fault> {
        let megabytes = MOST_BYTES >> 20;
        let text = format!(
            "More than {MOST} prepared statements or portals, or {megabytes} MiB of them. Close some."
        );
        self.refuse_extended(refusal::error("54000", &text, None))?;
        Ok(Step::Done)
    }
}
