//! The journal hears what the gate decides before it happens. `record` keeps it; an append error poisons the session.

use crate::approvals::BoxFuture;
use crate::caller::Caller;
use crate::digest::Digest;
use crate::effect::Effect;
use crate::event::Cell;
use crate::ids::{ApprovalId, CommandNo, RuleId, SessionId};
use crate::time::Moment;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One thing that happened, as it stands in a recording. Borrowed while written, owned when read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "the large one is made once for each session")]
pub enum Event<'a> {
    Opened {
        session: SessionId,
        caller: Caller,
        target: Cow<'a, str>,
        protocol: Cow<'a, str>,
        account: Cow<'a, str>,
        database: Cow<'a, str>,
        peer: Option<Cow<'a, str>>,
        /// What the client says it is; never trusted, often useful.
        client: Option<Cow<'a, str>>,
        rules: Vec<RuleId>,
        epoch: u64,
    },
    /// Written before the command's bytes leave.
    Command {
        no: CommandNo,
        kind: Cow<'a, str>,
        #[serde(borrow)]
        text: Cow<'a, str>,
        /// Masked like results.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parameters: Vec<Option<Cow<'a, str>>>,
        #[serde(default, skip_serializing_if = "slice_is_empty")]
        effects: Cow<'a, [Effect]>,
        verdict: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "slice_is_empty")]
        rules: Cow<'a, [RuleId]>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Cow<'a, str>>,
        /// In recordings where [`Event::Held`] has none yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
    },
    /// The command waits for people.
    Held {
        no: CommandNo,
        approval: ApprovalId,
        groups: Vec<String>,
        expires: Moment,
        /// What an approval would be for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
        /// In what the command would run, where its connector asked.
        #[serde(default, skip_serializing_if = "str_is_empty")]
        context: Cow<'a, str>,
    },
    /// How the wait ended, and what the rules said then.
    Resolved {
        no: CommandNo,
        approval: Option<ApprovalId>,
        outcome: Cow<'a, str>,
        by: Option<Cow<'a, str>>,
        /// In the words of whoever decided, or why nobody did.
        reason: Option<Cow<'a, str>>,
        verdict: Cow<'a, str>,
        /// When it was decided, where a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Moment>,
    },
    /// They hold for the rows of later commands too, until another entry of this kind.
    Columns {
        of: CommandNo,
        names: Vec<Cow<'a, str>>,
        /// For each column the rule that masks it.
        masked: Vec<Option<RuleId>>,
    },
    /// What the caller saw, in masked form.
    Row {
        of: CommandNo,
        cells: Vec<Option<Cow<'a, str>>>,
    },
    /// What is not kept, because the result is larger than the target's limit.
    Truncated {
        of: CommandNo,
        after_rows: u64,
    },
    Done {
        of: CommandNo,
        tag: Cow<'a, str>,
        rows: u64,
        bytes_out: u64,
        bytes_in: u64,
        duration_us: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Cow<'a, str>>,
        /// How many cells were masked, if any.
        #[serde(default, skip_serializing_if = "is_zero")]
        masked: u64,
    },
    /// Something worth an auditor's eye that is no command: a refused message, a cancel, a reload of the rules.
    Notice {
        text: Cow<'a, str>,
    },
    /// A change made through the control plane.
    Change {
        by: Cow<'a, str>,
        /// What was done to what: `create`, `target prod`.
        action: Cow<'a, str>,
        object: Cow<'a, str>,
        /// JSON, without secrets.
        detail: Cow<'a, str>,
    },
    Closed {
        reason: Cow<'a, str>,
        commands: u64,
        bytes_in: u64,
        bytes_out: u64,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[allow(clippy::ptr_arg, reason = "serde calls it with the field as it is")]
fn str_is_empty(value: &Cow<'_, str>) -> bool {
    value.is_empty()
}

#[allow(clippy::ptr_arg, reason = "serde calls it with the field as it is")]
fn slice_is_empty<T: Clone>(value: &Cow<'_, [T]>) -> bool {
    value.is_empty()
}

#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    #[error("the recording cannot be written: {0}")]
    Io(#[from] std::io::Error),
    #[error("the recording was poisoned by an earlier error")]
    Poisoned,
    #[error("the entry is larger than {max} bytes")]
    TooLarge { max: usize },
}

/// What [`Journal::flush`] leaves to wait for.
pub enum Flush {
    /// The entries are in the file.
    Done,
    /// The target is strict: wait for the disk.
    Wait(BoxFuture<'static, Result<(), JournalFault>>),
}

/// One session's recording. Appending goes to a buffer; nothing that it describes may cross before `flush`.
pub trait Journal: Send {
    /// Numbers the event, chains it and puts it in the buffer. The number returned counts from 0 without gaps.
    fn append(&mut self, at: Moment, event: &Event<'_>) -> Result<u64, JournalFault>;
    /// A masked row, the same as [`Event::Row`] without building one. `binary[i]` says that cell `i` is not text.
    fn append_row(
        &mut self,
        at: Moment,
        of: CommandNo,
        bytes: &[u8],
        cells: &[Cell],
        binary: &[bool],
    ) -> Result<u64, JournalFault>;
    /// Puts every entry so far into the file.
    fn flush(&mut self) -> Result<Flush, JournalFault>;
    /// Closes the chain and hands the head to the log of sessions. Nothing can be appended afterwards.
    fn close(&mut self, at: Moment, reason: &str) -> Result<(), JournalFault>;
}
