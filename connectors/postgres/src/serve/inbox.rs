//! Bytes that a peer sent and nobody has looked at yet. Holds no memory while there are none.

use crate::seam::Stream;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// How much is read at once, into a buffer that all sessions of a thread share.
const READ_BYTES: usize = 32 * 1024;

/// What an inbox keeps between messages.
const KEEP_BYTES: usize = 2 * 1024;

thread_local! {
    static LANDING: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    pub ended: bool,
}

impl Inbox {
    pub fn with(leftover: &[u8]) -> Self {
        Self { bytes: leftover.to_vec(), start: 0, ended: false }
    }
    pub fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
        if self.start == self.bytes.len() {
            self.start = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEEP_BYTES {
                self.bytes = Vec::new();
            }
        }
    }
    pub fn rest(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }
    /// Reads what is there. Zero bytes mean that the peer says no more.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<usize>> {
        LANDING.with_borrow_mut(|landing| {
            let mut buffer = ReadBuf::new(landing);
            ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
            let read = buffer.filled();
            if self.start > 0 {
                self.bytes.drain(..self.start);
                self.start = 0;
            }
            self.bytes.extend_from_slice(read);
            self.ended |= read.is_empty();
            Poll::Ready(Ok(read.len()))
        })
    }
}
