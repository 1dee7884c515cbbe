//! Text to PostgreSQL's own parse tree, and never past the end of a stack.
//!
//! What it is: limits, the parser, and a thread with room for what nests. Invariant: the tree lives and dies inside
//! [`with_tree`], on a stack that was sized for it, so that neither decoding, walking nor dropping it can overflow.

use crate::fault::SqlFault;
use crate::nesting::{self, MAX_NESTING};
use pg_query::protobuf::ParseResult;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Longer texts are refused: the tree of one takes up to a hundred times its bytes.
pub(crate) const MAX_TEXT_BYTES: usize = 4 << 20;
/// What a caller's stack surely holds (a worker's two megabytes, unoptimised code).
const SHALLOW: usize = 12;
/// Room for `MAX_NESTING` levels of unoptimised code; pages that are never touched cost nothing.
const DEEP_STACK_BYTES: usize = 768 << 20;

pub(crate) fn with_tree<T: Send>(
    text: &str,
    walk: impl FnOnce(&ParseResult) -> T + Send,
) -> Result<T, SqlFault> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(SqlFault::TooLong { bytes: text.len(), limit: MAX_TEXT_BYTES });
    }
    if let Some(position) = memchr::memchr(0, text.as_bytes()) {
        return Err(SqlFault::ZeroByte { position });
    }
    if is_shallow(text)? { parse(text, walk) } else { on_a_deep_stack(|| parse(text, walk)) }
}

fn is_shallow(text: &str) -> Result<bool, SqlFault> {
    if nesting::at_most(text) <= SHALLOW {
        return Ok(true);
    }
    let tokens = pg_query::scan(text).map_err(|fault| syntax(text, fault))?;
    match nesting::depth(&tokens.tokens) {
        depth if depth > MAX_NESTING => Err(SqlFault::TooDeep { limit: MAX_NESTING }),
        depth => Ok(depth <= SHALLOW),
    }
}

fn parse<T>(text: &str, walk: impl FnOnce(&ParseResult) -> T) -> Result<T, SqlFault> {
    // The parser's wrapper has panics of its own for trees it did not foresee.
    let parsed = catch_unwind(AssertUnwindSafe(|| pg_query::parse(text, 0))).map_err(|_| SqlFault::Ours)?;
    let tree = parsed.map_err(|fault| syntax(text, fault))?;
    catch_unwind(AssertUnwindSafe(|| walk(&tree.protobuf))).map_err(|_| SqlFault::Ours)
}

fn on_a_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, SqlFault> + Send) -> Result<T, SqlFault> {
    thread::scope(|scope| {
        let deep = thread::Builder::new().stack_size(DEEP_STACK_BYTES).spawn_scoped(scope, work);
        deep.map_err(|_| SqlFault::Ours)?.join().map_err(|_| SqlFault::Ours)?
    })
}

fn syntax(text: &str, fault: pg_query::Error) -> SqlFault {
    let message = match fault {
        pg_query::Error::Parse(message)
        | pg_query::Error::Scan(message)
        | pg_query::Error::Split(message) => message,
        pg_query::Error::Conversion(_) => return SqlFault::ZeroByte { position: 0 },
        pg_query::Error::Decode(_)
        | pg_query::Error::InvalidJson(_)
        | pg_query::Error::InvalidPointer
        | pg_query::Error::IsUtility(_) => return SqlFault::Ours,
    };
    let deep = ["stack depth limit", "nested too deeply", "memory exhausted"];
    if deep.iter().any(|sign| message.contains(sign)) {
        return SqlFault::TooDeep { limit: MAX_NESTING };
    }
    let position = offender(&message).and_then(|word| only_place(text, word));
    SqlFault::Syntax { message, position }
}

/// The word in `syntax error at or near "word"`.
fn offender(message: &str) -> Option<&str> {
    message.split_once("at or near \"")?.1.strip_suffix('"')
}

fn only_place(text: &str, word: &str) -> Option<usize> {
    let first = text.find(word)?;
    (text.rfind(word) == Some(first)).then_some(first)
}
