//! Bytes on their way to a peer. Only what the gate cleared gets in; nothing leaves for a target before its entries
//! are in the recording.

use sallyport_core::{Cleared, Fault, Settled};
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// What an idle outbox keeps.
const REST_BYTES: usize = 4 * 1024;

#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    owes: u64,
}

impl Outbox {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn put(&mut self, cleared: &Cleared<'_>) {
        self.owes = self.owes.max(cleared.entries());
        self.bytes.extend_from_slice(cleared.bytes());
    }
    pub fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }
    /// Bytes that wait to leave: where this passes a limit, the pump stops reading from the other side.
    pub fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }
    /// Writes some bytes towards a target. `settled` must cover every entry behind what is in here.
    pub async fn send_ask<W: AsyncWrite + Unpin>(
        &mut self,
        peer: &mut W,
        settled: &Settled,
    ) -> Result<(), Fault> {
        if !settled.covers(self.owes) {
            return Err(Fault::ours(
                "the session cannot be recorded",
                "bytes were about to leave before their entries",
            ));
        }
        self.write(peer).await.map_err(|_| Fault::Target("the target closed the connection"))
    }
    /// Writes some bytes towards the caller. Cancel-safe: what was not written stays.
    pub async fn send_answer<W: AsyncWrite + Unpin>(&mut self, peer: &mut W) -> Result<(), Fault> {
        self.write(peer).await.map_err(|_| Fault::Client("the client closed the connection"))
    }

    async fn write<W: AsyncWrite + Unpin>(&mut self, peer: &mut W) -> io::Result<()> {
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let written = peer.write(rest).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.sent += written;
        }
        self.bytes.clear();
        self.sent = 0;
        peer.flush().await
    }

    /// Gives memory back while the session is idle.
    pub fn rest(&mut self) {
        if self.is_empty() && self.bytes.capacity() > REST_BYTES {
            self.bytes = Vec::new();
            self.sent = 0;
        }
    }
}
