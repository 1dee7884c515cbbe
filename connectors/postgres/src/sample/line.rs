//! One question of ours at a time and its answer, with a limit on everything that the target chooses.

use crate::seam::TargetSide;
use crate::wire::{self, back, write};
use sallyport_core::Cell;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

/// A message longer than this is none that we asked for.
const MAX_MESSAGE: usize = 8 * 1024 * 1024;
/// The same of one whole answer.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// Why a question has no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The target refused, with this SQLSTATE. The connection goes on.
    Said(String),
    /// It did not answer in time.
    Late,
    /// It is gone, or what it says is nothing that was asked for.
    Broken,
}

pub(super) struct Line {
    pub side: TargetSide,
    cells: Vec<Cell>,
}

impl Line {
    pub fn new(side: TargetSide) -> Self {
        Self { side, cells: Vec::new() }
    }

    /// `row` is called for each row, of which there may be `most`. Nothing of a caller is ever part of a question.
    pub async fn ask(
        &mut self,
        sql: &str,
        most: usize,
        until: Instant,
        row: impl FnMut(&[u8], &[Cell]),
    ) -> Result<(), Trouble> {
        timeout_at(until, self.answer(sql, most, row)).await.map_err(|_| Trouble::Late)?
    }

    async fn answer(
        &mut self,
        sql: &str,
        most: usize,
        mut row: impl FnMut(&[u8], &[Cell]),
    ) -> Result<(), Trouble> {
        let mut question = Vec::new();
        write::query(&mut question, sql);
        self.side.stream.write_all(&question).await.map_err(|_| Trouble::Broken)?;
        self.side.stream.flush().await.map_err(|_| Trouble::Broken)?;
        let (mut rows, mut bytes) = (0, 0usize);
        let mut refused = None;
        loop {
            let head = wire::head(&self.side.leftover).map_err(|_| Trouble::Broken)?;
            match head {
                Some(head) if head.total > MAX_MESSAGE => return Err(Trouble::Broken),
                Some(head) if self.side.leftover.len() >= head.total => {
                    let message = self.side.leftover.split_to(head.total);
                    bytes += head.total;
                    if bytes > MAX_ANSWER {
                        return Err(Trouble::Broken);
                    }
                    match head.tag {
                        b'D' => {
                            rows += 1;
                            back::row_cells(&message, &mut self.cells).map_err(|_| Trouble::Broken)?;
                            if rows > most {
                                return Err(Trouble::Broken);
                            }
                            row(&message, &self.cells);
                        }
                        b'E' => refused = Some(state(wire::body(&message))),
                        b'Z' => return refused.map_or(Ok(()), |state| Err(Trouble::Said(state))),
                        b'T' | b'C' | b'N' | b'S' | b'I' => {}
                        _ => return Err(Trouble::Broken),
                    }
                    continue;
                }
                _ => {}
            }
            let read = self.side.stream.read_buf(&mut self.side.leftover).await;
            if read.map_err(|_| Trouble::Broken)? == 0 {
                return Err(Trouble::Broken);
            }
        }
    }
}

/// The SQLSTATE and nothing else of an error.
fn state(body: &[u8]) -> String {
    let code = back::texts(body).find(|(field, _)| *field == b'C').map_or(&b""[..], |(_, code)| code);
    let plain = code.len() == 5 && code.iter().all(u8::is_ascii_alphanumeric);
    if plain { String::from_utf8_lossy(code).into_owned() } else { "none".to_owned() }
}
