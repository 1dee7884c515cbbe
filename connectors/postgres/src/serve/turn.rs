//! One wait for both peers: writes what can be written, reads what is there.

use super::{IDLE, MOST_WAITING, Serving};
use sallyport_core::Fault;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

pub enum Woke {
    /// Something was read, or room was made.
    Moved,
    Ended(String),
    /// Nothing moved for a while.
    Idle,
}

/// A rested session is woken by its peers, not by this.
const LONG: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
/// How often a busy session looks whether it was ended.
const LOOK_EVERY: u32 = 32;

impl Serving {
    /// Cancel-safe. `holding`: a command waits for people; the client is read only to see whether it is still there.
    pub(super) async fn turn(&mut self, holding: bool) -> Result<Woke, Fault> {
        let settled = if self.to_target.is_empty() { None } else { Some(self.gate.settle().await?) };
        poll_fn(|cx| {
            let full = self.is_full();
            if let Some(settled) = &settled
                && let Poll::Ready(Err(fault)) =
                    pin!(self.to_target.send_ask(&mut self.target, settled)).poll(cx)
            {
                return Poll::Ready(Err(fault));
            }
            if !self.to_client.is_empty()
                && let Poll::Ready(Err(fault)) = pin!(self.to_client.send_answer(&mut self.client)).poll(cx)
            {
                return Poll::Ready(Err(fault));
            }
            // Room that was made lets messages move that were read before.
            let room = full && !self.is_full();
            let moved = match self.read(cx, holding) {
                Ok(moved) => moved || room,
                Err(fault) => return Poll::Ready(Err(fault)),
            };
            self.busy |= moved;
            self.turns = self.turns.wrapping_add(1);
            if (!moved || self.turns.is_multiple_of(LOOK_EVERY))
                && let Poll::Ready(reason) = self.ending.as_mut().poll(cx)
            {
                return Poll::Ready(Ok(Woke::Ended(reason)));
            }
            if moved { Poll::Ready(Ok(Woke::Moved)) } else { self.watch_idleness(cx) }
        })
        .await
    }

    fn is_full(&self) -> bool {
        self.to_client.waiting() >= MOST_WAITING || self.to_target.waiting() >= MOST_WAITING
    }

    fn read(&mut self, cx: &mut Context<'_>, holding: bool) -> Result<bool, Fault> {
        let mut moved = false;
        if self.to_client.waiting() < MOST_WAITING && !self.from_target.ended {
            match self.from_target.poll_fill(cx, &mut self.target) {
                Poll::Ready(Ok(read)) => {
                    self.carried += read;
                    moved = true;
                }
                Poll::Ready(Err(_)) => return Err(Fault::Target("the connection to the target broke")),
                Poll::Pending => {}
            }
        }
        // Behind a held command all is read, up to the hold's own limit: else nobody would see the client leave.
        let room = holding || !self.stalled || self.from_client.waiting().len() < MOST_WAITING;
        if room && self.to_target.waiting() < MOST_WAITING && !self.from_client.ended {
            match self.from_client.poll_fill(cx, &mut self.client) {
                Poll::Ready(Ok(_)) => moved = true,
                // A client that vanishes without a goodbye has left all the same.
                Poll::Ready(Err(_)) => {
                    self.from_client.ended = true;
                    moved = true;
                }
                Poll::Pending => {}
            }
        }
        Ok(moved)
    }

    fn watch_idleness(&mut self, cx: &mut Context<'_>) -> Poll<Result<Woke, Fault>> {
        if self.rested && self.busy {
            self.rested = false;
            self.idle.as_mut().reset(tokio::time::Instant::now() + IDLE);
        }
        while self.idle.as_mut().poll(cx).is_ready() {
            if !std::mem::take(&mut self.busy) {
                // Nothing is left to give back until something happens.
                self.rested = true;
                self.idle.as_mut().reset(tokio::time::Instant::now() + LONG);
                return Poll::Ready(Ok(Woke::Idle));
            }
            self.idle.as_mut().reset(tokio::time::Instant::now() + IDLE);
        }
        self.carried = 0;
        Poll::Pending
    }
}
