//! A command that waits for people: the client is told at once, and whatever ends the wait ends it cleanly.

use super::turn::Woke;
use super::{End, Progress, Serving, Step};
use crate::cancel::Registered;
use crate::refusal;
use crate::wire::write::Report;
use futures_util::FutureExt;
use sallyport_core::{Fault, Hold};
use std::time::Duration;

/// The store ends a wait at its time. If it does not, the session does, so much later.
const GRACE: Duration = Duration::from_secs(5);
/// What a client may send behind a command that waits. All of it is read, because the end of the connection comes last;
/// none of it is looked at.
const MOST_BEHIND: usize = 16 * 1024 * 1024;

enum Waited {
    Decided,
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
            let filed = hold.file().await?;
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
                Waited::Cancelled => {
                    self.gate.abandon(hold, "cancelled by the client").map_err(Fault::from)?;
                    let words = "canceling statement due to user request: it waited for an approval";
                    self.refuse_held(size, &mut progress, refusal::error(refusal::CANCELLED, words, None))?;
                    return Ok(());
                }
                Waited::Left => {
                    self.gate.abandon(hold, "the client left").map_err(Fault::from)?;
                    return Err(End::Left("the client left while a command waited for approval"));
                }
                Waited::Ended(reason) => {
                    self.gate.abandon(hold, "the session was ended").map_err(Fault::from)?;
                    return Err(End::Ended(reason));
                }
            }
            progress.resumed = Some(hold);
            let inbox = std::mem::take(&mut self.from_client);
            let looked = self.look_at_ask(inbox.waiting(), progress);
            self.from_client = inbox;
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
                    self.refresh().await?;
                    return Ok(());
                }
                Some((_, Step::Over)) | None => {
                    return Err(Fault::ours("the gateway lost its place", "a held message is gone").into());
                }
            }
        }
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
                    decided?;
                    return Ok(Waited::Decided);
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
                let reason = "More than 16 MiB were sent behind a command that waits for an approval.";
                return Ok(Waited::Ended(reason.into()));
            }
            if self.from_target.ended {
                return Err(Fault::Target("the target closed the connection"));
            }
            self.take_answers().await?;
        }
    }
}
