//! Bytes that a peer sent and nobody has looked at yet. Holds no memory while there are none: they are read straight
//! into a buffer that is borrowed for as long as something is in it.

use crate::seam::Stream;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;
/// With less room than this behind what is there already, more is made.
const LEAST_ROOM: usize = 16 * 1024;
/// Buffers that a thread keeps for whichever session reads next.
const SPARES: usize = 4;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

fn borrow_buffer() -> Vec<u8> {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; READ_BYTES])
}

fn give_back(buffer: Vec<u8>) {
    if buffer.len() == READ_BYTES {
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < SPARES {
                spare.push(buffer);
            }
        });
    }
}

/// What waits is `bytes[start..end]`; what stands around it is of no meaning.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    pub ended: bool,
}

impl Inbox {
    pub fn with(leftover: &[u8]) -> Self {
        Self { bytes: leftover.to_vec(), start: 0, end: leftover.len(), ended: false }
    }
    pub fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        self.let_go();
    }
    /// What is left of a message that does not come keeps no more than its own length.
    pub fn rest(&mut self) {
        self.let_go();
        if !self.bytes.is_empty() {
            let left = self.waiting().to_vec();
            give_back(std::mem::replace(&mut self.bytes, left));
            (self.start, self.end) = (0, self.bytes.len());
        }
    }
    /// Reads what is there. Zero bytes mean that the peer says no more.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<usize>> {
        self.make_room();
        let mut buffer = ReadBuf::new(self.bytes.get_mut(self.end..).unwrap_or_default());
        let polled = Pin::new(stream).poll_read(cx, &mut buffer);
        let read = buffer.filled().len();
        self.end += read;
        self.let_go();
        ready!(polled)?;
        self.ended |= read == 0;
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = borrow_buffer();
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < LEAST_ROOM {
            self.bytes.resize((2 * self.bytes.len()).max(READ_BYTES), 0);
        }
    }

    fn let_go(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            give_back(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn what_was_read_waits_in_order_and_nothing_is_kept_behind_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (own, _) = listener.accept().await.unwrap();
        let (mut own, mut sender) = (Stream::Plain(own), sender);
        let sent: Vec<u8> = (0..5 * READ_BYTES).map(|at| (at % 251) as u8).collect();
        let copy = sent.clone();
        let sending = tokio::spawn(async move {
            sender.write_all(&copy).await.unwrap();
        });
        let mut inbox = Inbox::with(b"left");
        let mut got = Vec::new();
        while !inbox.ended {
            poll_fn(|cx| inbox.poll_fill(cx, &mut own)).await.unwrap();
            // Something of a message is always left, then a rest in between, and in the middle much of it waits.
            if got.len() < READ_BYTES || got.len() > 2 * READ_BYTES {
                let take = inbox.waiting().len().saturating_sub(7);
                got.extend_from_slice(&inbox.waiting()[..take]);
                inbox.consume(take);
            }
            inbox.rest();
        }
        sending.await.unwrap();
        got.extend_from_slice(inbox.waiting());
        inbox.consume(usize::MAX / 2);
        assert_eq!(got, [&b"left"[..], &sent].concat());
        assert_eq!((inbox.bytes.capacity(), inbox.waiting()), (0, &b""[..]));
    }
}
