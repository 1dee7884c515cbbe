//! The proofs that the gate hands out. Their fields are private: holding one is the check.

use crate::approvals::Hold;
use crate::fault::Denial;
use crate::ids::CommandNo;

/// These bytes may cross. Nothing outside the gate can make one.
#[must_use = "bytes that were cleared are lost unless they are sent"]
#[derive(Debug)]
pub struct Cleared<'a> {
    bytes: &'a [u8],
    entries: u64,
    command: Option<CommandNo>,
}

impl<'a> Cleared<'a> {
    pub(super) fn new(bytes: &'a [u8], entries: u64, command: Option<CommandNo>) -> Self {
        Self { bytes, entries, command }
    }
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
    /// The number of the command that these bytes are.
    pub fn command(&self) -> Option<CommandNo> {
        self.command
    }
    /// How many entries must be in the file before these bytes may reach a target.
    pub fn entries(&self) -> u64 {
        self.entries
    }
}

/// So many entries of this session are in its file.
#[must_use = "it lets cleared bytes leave"]
#[derive(Debug)]
pub struct Settled {
    entries: u64,
}

impl Settled {
    pub(super) fn new(entries: u64) -> Self {
        Self { entries }
    }
    pub fn covers(&self, entries: u64) -> bool {
        entries <= self.entries
    }
}

/// The gate's answer to an ask: the match that a connector writes once.
#[must_use]
#[derive(Debug)]
pub enum Ruling<'a> {
    Clear(Cleared<'a>),
    Deny(Denial),
    Hold(Box<Hold>),
}
