//! The six kinds of events. A connector turns its protocol into these; nothing else in the house knows the protocol.

use crate::command::Command;
use crate::ids::CommandNo;
use crate::mask::plan::Plan;

/// An event together with the bytes that mean it. Only the gate turns it back into bytes that may cross.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a, E> {
    pub bytes: &'a [u8],
    pub event: E,
}

/// From the caller to the target.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    Command(Command<'a>),
    /// Bytes of a command that was cleared before: COPY data, stdin, a body.
    Input(CommandNo),
    /// An entry of the protocol's own reviewed list, by name. An unknown message is a fault, never this.
    Housekeeping(&'static str),
}

/// From the target to the caller, or from the gateway itself to the caller.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// Names and origins of what follows. The plan was made by [`crate::Gate::plan`].
    Columns { of: CommandNo, plan: &'a Plan },
    /// One row whose cells were read. Masked here; recorded here.
    Row { of: CommandNo, plan: &'a Plan, row: Row<'a>, codec: &'a dyn RowCodec },
    /// A run of whole rows that nobody looked into. Refused unless the plan is empty and the recording is full.
    Rows { of: CommandNo, plan: &'a Plan, count: u64 },
    /// A byte stream without rows, such as COPY data whose lines were read and masked by the connector's reader.
    Output { of: CommandNo },
    /// Free text of the target (an error, a notice, a notification) that already went through [`crate::Gate::words`].
    Words { of: Option<CommandNo> },
    /// The outcome of a command.
    Done { of: CommandNo, outcome: Done<'a> },
    /// An entry of the protocol's own reviewed list, by name.
    Housekeeping(&'static str),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done<'a> {
    /// The target's own word for it: `UPDATE 3`.
    pub tag: &'a str,
    /// Rows changed or returned, where the target says so.
    pub rows: Option<u64>,
    /// Code and text (masked) of an error.
    pub error: Option<(&'a str, &'a str)>,
}

/// A range of bytes within a message, or no value at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    start: u32,
    len: u32,
}

impl Cell {
    pub const NULL: Cell = Cell { start: u32::MAX, len: u32::MAX };

    pub const fn new(start: u32, len: u32) -> Self {
        Self { start, len }
    }
    pub const fn is_null(self) -> bool {
        self.start == u32::MAX && self.len == u32::MAX
    }
    /// Where it stands; nothing for a null.
    pub fn range(self) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(self.start).ok().filter(|_| !self.is_null())?;
        Some(start..start.checked_add(usize::try_from(self.len).ok()?)?)
    }
    /// The bytes of this cell within `message`; nothing for a null, and nothing where the range lies outside.
    pub fn of(self, message: &[u8]) -> Option<&[u8]> {
        message.get(self.range()?)
    }
}

/// One row: the message and where its cells are. Ranges are relative to the start of `bytes`.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub bytes: &'a [u8],
    pub cells: &'a [Cell],
}

impl<'a> Row<'a> {
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.cells.get(index)?.of(self.bytes)
    }
}

/// What a masked cell becomes. Ranges point into the edits' own buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Keep,
    Null,
    Replace(Cell),
}

/// How a protocol writes a row whose cells changed. Pure; its output is still not allowed to cross by itself.
pub trait RowCodec: std::fmt::Debug + Send + Sync {
    /// Writes the whole message to the empty `out`, and where its cells are to the empty `cells`: `edits[i]` says what
    /// becomes of cell `i`; replaced bytes are in `new`.
    fn rebuild(&self, row: &Row<'_>, edits: &[Edit], new: &[u8], out: &mut Vec<u8>, cells: &mut Vec<Cell>);
}
