//! Entries as they are written, for people who watch. A watcher never slows a session: one that is too slow loses
//! entries and is told how many.

use crate::frame::{Entry, HASH_BYTES, HEAD_BYTES, Hash, Head};
use sallyport_core::SessionId;
use std::sync::Arc;
use tokio::sync::broadcast;

/// How many entries a watcher may lag behind.
const LAG: usize = 1024;
/// A larger entry is announced, not carried.
const CARRIED_BYTES: usize = 16 * 1024;

/// What a watcher hears.
#[derive(Clone, Debug)]
pub enum News {
    Entry {
        session: SessionId,
        entry: Arc<Entry>,
    },
    /// An entry too large to carry. It stands in the recording.
    Large {
        session: SessionId,
        no: u64,
        bytes: usize,
    },
    /// The watcher was too slow for this many.
    Lost(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Feed(broadcast::Sender<News>);

impl Feed {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(LAG).0)
    }

    /// Called with whole entries that are in the file by now. Costs nothing while nobody watches.
    pub(crate) fn publish(&self, session: &SessionId, frames: &[u8]) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let mut rest = frames;
        while let Some((head, body, hash, after)) = split(rest) {
            rest = after;
            let session = session.clone();
            let news = if body.len() > CARRIED_BYTES {
                News::Large { session, no: head.no, bytes: body.len() }
            } else {
                let entry =
                    Entry { no: head.no, at: head.at, before: head.before, hash, body: body.to_vec() };
                News::Entry { session, entry: Arc::new(entry) }
            };
            // An error means that the last watcher has just left.
            _ = self.0.send(news);
        }
    }

    pub(crate) fn follow(&self, session: Option<SessionId>) -> Follow {
        Follow { receiver: self.0.subscribe(), session }
    }
}

fn split(frames: &[u8]) -> Option<(Head, &[u8], Hash, &[u8])> {
    let (head, rest) = frames.split_first_chunk::<HEAD_BYTES>()?;
    let head = Head::parse(head)?;
    let (body, rest) = rest.split_at_checked(head.length)?;
    let (hash, rest) = rest.split_first_chunk::<HASH_BYTES>()?;
    Some((head, body, Hash(*hash), rest))
}

/// One watcher, of one session or of all.
#[derive(Debug)]
pub struct Follow {
    receiver: broadcast::Receiver<News>,
    session: Option<SessionId>,
}

impl Follow {
    /// The next news. `None`: the recorder is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            let news = match self.receiver.recv().await {
                Ok(news) => news,
                Err(broadcast::error::RecvError::Lagged(lost)) => return Some(News::Lost(lost)),
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            if self.is_meant(&news) {
                return Some(news);
            }
        }
    }

    fn is_meant(&self, news: &News) -> bool {
        let about = match news {
            News::Entry { session, .. } | News::Large { session, .. } => session,
            News::Lost(_) => return true,
        };
        self.session.as_ref().is_none_or(|mine| mine == about)
    }
}
