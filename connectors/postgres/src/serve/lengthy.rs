//! Messages that take long to look at. The other connections of the thread go on meanwhile, and only a few of them are
//! looked at in one moment: the tree of a statement takes up to a hundred times its bytes.

use super::{End, Serving};
use crate::wire;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Texts are parsed, walked and judged statement by statement: a millisecond for so many bytes, at worst.
const LONG_TEXT: usize = 8 * 1024;
/// Values are only looked through.
const LONG: usize = 256 * 1024;

/// Statements that are looked at in one moment, of all sessions, and answers.
static ASKS: Semaphore = Semaphore::const_new(2);
static ANSWERS: Semaphore = Semaphore::const_new(4);

/// The first message of a client.
pub(super) fn is_long_ask(waiting: &[u8]) -> bool {
    is_long(waiting, |tag| matches!(tag, b'Q' | b'P'))
}

/// The first message of a target. A description of rows decides what is masked, column by column.
pub(super) fn is_long_answer(waiting: &[u8]) -> bool {
    is_long(waiting, |tag| tag == b'T')
}

fn is_long(waiting: &[u8], is_text: impl Fn(u8) -> bool) -> bool {
    // Nearly always: not one message of them all can be long.
    if waiting.len() <= LONG_TEXT {
        return false;
    }
    let Ok(Some(head)) = wire::head(waiting) else { return false };
    let most = if is_text(head.tag) { LONG_TEXT } else { LONG };
    let is_here = waiting.len() >= head.total || head.tag == b'd';
    is_here && head.total.min(waiting.len()) > most
}

impl Serving {
    /// Waits for its turn to look at a long message of its client. The session can be ended meanwhile.
    pub(super) async fn turn_to_ask(&mut self) -> Result<Option<SemaphorePermit<'static>>, End> {
        tokio::select! {
            turn = ASKS.acquire() => Ok(turn.ok()),
            reason = &mut self.ending => Err(End::Ended(reason)),
        }
    }
}

/// As above, for an answer.
pub(super) async fn turn_to_answer() -> Option<SemaphorePermit<'static>> {
    // Nobody closes it.
    ANSWERS.acquire().await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, length: usize) -> Vec<u8> {
        let total = u32::try_from(length + 4).unwrap();
        [&[tag][..], &total.to_be_bytes(), &vec![b'x'; length]].concat()
    }

    #[test]
    fn only_a_whole_message_is_long_and_texts_are_sooner() {
        assert!(is_long_ask(&message(b'Q', LONG_TEXT)));
        assert!(is_long_ask(&message(b'P', LONG_TEXT)));
        assert!(!is_long_ask(&message(b'Q', LONG_TEXT)[..LONG_TEXT + 1]));
        assert!(!is_long_ask(&message(b'B', LONG_TEXT)));
        assert!(is_long_ask(&message(b'B', LONG)));
        assert!(is_long_answer(&message(b'T', LONG_TEXT)));
        assert!(is_long_answer(&message(b'D', LONG)));
        assert!(!is_long_answer(&message(b'D', LONG_TEXT)));
        // Data of a COPY is looked at as it comes.
        assert!(is_long_answer(&message(b'd', LONG * 2)[..LONG + 10]));
        let many = message(b'Q', 20).repeat(LONG_TEXT);
        assert!(!is_long_ask(&many), "many short ones are not a long one");
    }
}
