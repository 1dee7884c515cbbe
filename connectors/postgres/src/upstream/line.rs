//! The connection while the target is not ready yet: one message at a time, each and all of them bounded.

use super::startup;
use crate::seam::Stream;
use crate::wire;
use bytes::{Bytes, BytesMut};
use sallyport_core::{Fault, TargetName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One message of a login or of a session's start.
const MAX_MESSAGE: usize = 64 * 1024;
/// All of them together, notices included.
const MAX_MESSAGES: usize = 256;
const MAX_BYTES: usize = 512 * 1024;

pub(super) const GARBLED: Fault =
    Fault::Target("the target does not speak PostgreSQL's protocol as we know it");
const CLOSED: Fault = Fault::Target("the target closed the connection before it was ready");

#[derive(Debug)]
pub(super) struct Line {
    pub stream: Stream,
    pub buffer: BytesMut,
    target: TargetName,
    messages: usize,
    bytes: usize,
}

impl Line {
    pub fn new(stream: Stream, target: TargetName) -> Self {
        Self { stream, buffer: BytesMut::new(), target, messages: 0, bytes: 0 }
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|fault| {
            tracing::warn!(target = %self.target, %fault, "the target stopped listening before it was ready");
            CLOSED
        })
    }

    /// The next message that is no notice: its tag and its body. An error of the target is a fault.
    pub async fn next(&mut self) -> Result<(u8, Bytes), Fault> {
        loop {
            let (tag, body) = self.any().await?;
            match tag {
                b'N' => {}
                b'E' => return Err(startup::refusal(&self.target, &body)),
                _ => return Ok((tag, body)),
            }
        }
    }

    async fn any(&mut self) -> Result<(u8, Bytes), Fault> {
        loop {
            if let Some(head) = wire::head(&self.buffer).map_err(|_| GARBLED)? {
                if head.total > MAX_MESSAGE {
                    return Err(Fault::Target(
                        "the target sent a message too long for the start of a session",
                    ));
                }
                if self.buffer.len() >= head.total {
                    self.count(head.total)?;
                    let message = self.buffer.split_to(head.total).freeze();
                    return Ok((head.tag, message.slice(wire::HEADER..)));
                }
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) => return Err(CLOSED),
                Ok(_) => {}
                Err(fault) => {
                    tracing::warn!(target = %self.target, %fault, "the target went away before it was ready");
                    return Err(CLOSED);
                }
            }
        }
    }

    fn count(&mut self, length: usize) -> Result<(), Fault> {
        self.messages += 1;
        self.bytes += length;
        if self.messages > MAX_MESSAGES || self.bytes > MAX_BYTES {
            return Err(Fault::Target("the target does not come to an end with the start of a session"));
        }
        Ok(())
    }
}
