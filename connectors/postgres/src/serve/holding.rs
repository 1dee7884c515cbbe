//! A command that waits for people: the client is told at once, and whatever ends the wait ends it cleanly.

use super::context::Learned;
use super::lengthy::is_long_ask;
use super::turn::Woke;
use super::{End, Progress, Serving, Step};
use crate::cancel::Registered;
use crate::refusal;
use crate::wire::write::Report;
use futures_util::FutureExt;
use sallyport_core::{Fault, Hold};
use sallyport_relay::at_length;
use std::time::Duration;

/// The store ends a wait at its time. If it does not, the session does, so much later.
const GRACE: Duration = Duration::from_secs(5);
/// What a client may send behind a command that waits. All of it is read, because the end of the connection comes last;
/// none of it is looked at.
pub(super) const MOST_BEHIND: usize = 16 * 1024 * 1024;

pub(super) const TOO_MUCH_BEHIND: &str =
    "More than 16 MiB were sent behind a command that waits for an approval.";
const PIPELINE_FAILED: &str = "an earlier message of the pipeline failed";
const NOTHING_RAN: &str = "The command was not run. The session goes on; send it again later.";

enum Waited {
    Decided,
    Failed(Fault),
    Cancelled,
    Left,
    Ended(String),
}

impl Serving {
    /// The message of `size` bytes at the start of the inbox is held; afterwards it is dealt with.
    pub(super) async fn hold(
        &mut self,
        size: usize,
        mut hold: Box<Hold>,
        mut progress: Progress,
        registered: &Registered,
    ) -> Result<(), End> {
        loop {
            // The entry of the question is on disk before anybody is asked.
            _ = self.gate.settle().await?;
            hold = match self.put_in_context(hold, size, &mut progress).await? {
                Some(hold) => hold,
                None => return Ok(()),
            };
            let filed = match hold.file().await {
                Ok(filed) => filed,
                Err(fault) => return Ok(self.give_up(hold, size, &mut progress, &fault)?),
            };
            self.gate.held(&hold, &filed).map_err(Fault::from)?;
            // And the entry of the wait: whoever watches the session learns of it now, not when it is over.
            _ = self.gate.settle().await?;
            if hold.is_deferred() && !filed.already {
                let denial = hold.into_deferral();
                self.refuse_held(size, &mut progress, refusal::denied(&denial, None))?;
                return Ok(());
            }
            if !filed.already {
                self.announce(&hold, &filed)?;
            }
            // A cancel that came for an earlier wait is not one for this.
            _ = registered.entry.asked().now_or_never();
            registered.entry.hold(true);
            let waited = self.wait_for_people(&mut hold, size, registered).await;
            registered.entry.hold(false);
            match waited? {
                Waited::Decided => {}
                Waited::Failed(fault) => return Ok(self.give_up(hold, size, &mut progress, &fault)?),
                Waited::Cancelled => {
                    self.gate.abandon(hold, "cancelled by the client").map_err(Fault::from)?;
                    let words = "canceling statement due to user request: it waited for an approval";
                    self.refuse_held(size, &mut progress, refusal::error(refusal::CANCELLED, words, None))?;
                    return Ok(());
                }
                Waited::Left => return Err(self.left(hold)?),
                Waited::Ended(reason) => return Err(self.ended(hold, reason)?),
            }
            if self.stale {
                self.refresh().await?;
            }
            if hold.is_approved() {
                progress.context = match self.learn(progress.question.as_deref()).await? {
                    Learned::Context(context) => Some(context),
                    // The approval was for another context than one that cannot be told: the gate says so.
                    Learned::Refused(_) => None,
                    Learned::Failed => {
                        self.gate.abandon(hold, PIPELINE_FAILED).map_err(Fault::from)?;
                        self.drop_held(size, &progress)?;
                        return Ok(());
                    }
                    Learned::Left => return Err(self.left(hold)?),
                    Learned::Ended(reason) => return Err(self.ended(hold, reason)?),
                };
            }
            progress.resumed = Some(hold);
            let looked = if is_long_ask(self.from_client.waiting()) {
                // Not in turn: the approval was for now.
                at_length(|| self.look_at_first_ask(progress))
            } else {
                self.look_at_first_ask(progress)
            };
            match looked? {
                Some((size, Step::Done)) => {
                    self.from_client.consume(size);
                    return Ok(());
                }
                Some((_, Step::Hold(next, further))) => {
                    hold = next;
                    progress = further;
                }
                // A catalog that moved meanwhile changes what was approved: the question is put anew.
                Some((_, Step::Refresh | Step::Stall)) => {
                    Box::pin(self.refresh()).await?;
                    return Ok(());
                }
                Some((_, Step::Over)) | None => {
                    return Err(Fault::ours("the gateway lost its place", "a held message is gone").into());
                }
            }
        }
    }

    /// Asks the target in what the command would run. Nothing: it does not run, and the client knows why.
    async fn put_in_context(
        &mut self,
        mut hold: Box<Hold>,
        size: usize,
        progress: &mut Progress,
    ) -> Result<Option<Box<Hold>>, End> {
        let why = match self.learn(progress.question.as_deref()).await? {
            Learned::Context(context) => {
                hold.in_context(context);
                return Ok(Some(hold));
            }
            Learned::Refused(error) => {
                self.gate
                    .abandon(hold, "the target did not say in what it would run")
                    .map_err(Fault::from)?;
                self.refuse_held(size, progress, error)?;
                return Ok(None);
            }
            Learned::Left => return Err(self.left(hold)?),
            Learned::Ended(reason) => return Err(self.ended(hold, reason)?),
            Learned::Failed => PIPELINE_FAILED,
        };
        self.gate.abandon(hold, why).map_err(Fault::from)?;
        self.drop_held(size, progress)?;
        Ok(None)
    }

    fn left(&mut self, hold: Box<Hold>) -> Result<End, Fault> {
        self.gate.abandon(hold, "the client left")?;
        Ok(End::Left("the client left while a command waited for approval"))
    }

    fn ended(&mut self, hold: Box<Hold>, reason: String) -> Result<End, Fault> {
        self.gate.abandon(hold, "the session was ended")?;
        Ok(End::Ended(reason))
    }

    /// Nobody can be asked, or nobody can answer: this command does not run, and the session goes on.
    fn give_up(
        &mut self,
        hold: Box<Hold>,
        size: usize,
        progress: &mut Progress,
        fault: &Fault,
    ) -> Result<(), Fault> {
        let session = self.gate.grant().session().clone();
        tracing::warn!(%session, %fault, "a command that needs an approval was refused");
        let words = fault.public();
        self.gate.abandon(hold, &words)?;
        self.refuse_held(size, progress, refusal::error(refusal::REFUSED, &words, Some(NOTHING_RAN)))
    }

    /// The message is ignored, as everything up to the next Sync.
    fn drop_held(&mut self, size: usize, progress: &Progress) -> Result<(), Fault> {
        if let Some(first) = progress.first {
            self.never_ran(first, progress.at, PIPELINE_FAILED)?;
        }
        self.from_client.consume(size);
        Ok(())
    }

    fn refuse_held(&mut self, size: usize, progress: &mut Progress, error: Vec<u8>) -> Result<(), Fault> {
        if let Some(first) = progress.first {
            self.never_ran(first, progress.at, "another statement of the message was refused")?;
        }
        let is_query = self.from_client.waiting().first() == Some(&b'Q');
        self.from_client.consume(size);
        if is_query { self.refuse_simple(error) } else { self.refuse_extended(error) }
    }

    fn announce(&mut self, hold: &Hold, filed: &sallyport_core::approvals::Filed) -> Result<(), Fault> {
        let request = hold.request();
        let message = format!("{} This command waits for approval {}.", request.message, filed.id);
        let groups = request.groups.join(", ");
        let detail = match filed.link.as_str() {
            "" => format!("Any member of {groups} can decide until {}.", request.expires),
            link => format!("{link} (any member of {groups}, until {})", request.expires),
        };
        let hint =
            format!("sallyport approvals approve {}. Cancel (Ctrl-C) takes the request back.", filed.id);
        let mut out = Vec::new();
        let report = Report {
            severity: "NOTICE",
            code: "00000",
            message: &message,
            detail: Some(&detail),
            hint: Some(&hint),
        };
        report.notice(&mut out);
        self.tell(&out)?;
        self.hurry()
    }

    async fn wait_for_people(
        &mut self,
        hold: &mut Hold,
        size: usize,
        registered: &Registered,
    ) -> Result<Waited, Fault> {
        let left = hold.request().expires.since_us(self.gate.now());
        let deadline = tokio::time::sleep(Duration::from_micros(left) + GRACE);
        let decision = hold.wait();
        tokio::pin!(deadline, decision);
        loop {
            tokio::select! {
                decided = &mut decision => {
                    return Ok(decided.map_or_else(Waited::Failed, |()| Waited::Decided));
                }
                () = &mut deadline => return Ok(Waited::Decided),
                () = registered.entry.asked() => return Ok(Waited::Cancelled),
                woke = self.turn(true) => match woke? {
                    Woke::Ended(reason) => return Ok(Waited::Ended(reason)),
                    Woke::Idle => {}
                    Woke::Moved => {}
                },
            }
            if self.from_client.ended {
                return Ok(Waited::Left);
            }
            if self.from_client.waiting().len() > size + MOST_BEHIND {
                return Ok(Waited::Ended(TOO_MUCH_BEHIND.into()));
            }
            if self.from_target.ended {
                return Err(Fault::Target("the target closed the connection"));
            }
            self.take_answers().await?;
        }
    }
}
