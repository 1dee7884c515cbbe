//! What the gate asks of the rules. `policy` answers with Cedar; nothing else in the house knows Cedar.

use crate::approvals::ApprovalFact;
use crate::caller::Caller;
use crate::effect::{Action, Effects, Object};
use crate::ids::{Epoch, RuleId};
use crate::mask::forms::Form;
use crate::time::Moment;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The answer to one command. Shared, because equal commands get equal verdicts from a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow(Obligations),
    Deny(Reason),
    Hold(HoldTerms),
}

/// What allowing obliges the gateway to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obligations {
    /// The permits that decided, for the record.
    pub rules: Vec<RuleId>,
    /// More rows than this end the command with an error.
    pub max_rows: Option<u64>,
    pub max_bytes: Option<u64>,
}

/// Why not, in words that the caller reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub rules: Vec<RuleId>,
    pub message: String,
    /// The effect that was refused, as text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effect: Option<String>,
}

impl Reason {
    /// Why not, said of a statement that filters by this column.
    pub fn of_filter(self, column: &str) -> Self {
        let message =
            format!("Rows may not be chosen, joined, ordered or grouped by {column}. {}", self.message);
        Self { rules: self.rules, message, effect: Some(format!("filter {column}")) }
    }
}

/// On what terms a command may wait for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    /// Why it waits; shown to the caller and to the approver.
    pub reason: Reason,
    /// Any member of any of these groups may decide.
    pub groups: Vec<String>,
    /// How long it waits.
    pub expires_seconds: u32,
    /// Refuse at once and let the same command pass after approval, once.
    pub defer: bool,
}

/// Something a caller may or may not see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sensitive<'a> {
    /// A column of a table, by name.
    Column { schema: &'a str, table: &'a str, column: &'a str },
    /// A kind of value, wherever it is found: `email`, `card`.
    Class(&'a str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    Clear,
    Masked { form: Form, rule: RuleId },
}

/// Whether any rule of a session forbids to filter by anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    None,
    /// What it answers holds as long as the rules do.
    Lasting,
    /// It can change while nothing but time does.
    Timed,
}

/// The rules that can apply to one session. Pure: time is handed in, and no call does I/O.
pub trait Judge: Send {
    /// The edition of the rules in force now. Cheap: asked for every command.
    fn epoch(&self) -> Epoch;
    /// May this session exist? Asked at admission, and again whenever the epoch changed.
    fn connect(&mut self, now: Moment) -> Result<Vec<RuleId>, Reason>;
    /// May a command with these effects run? `approvals` are the approvals given for exactly this command.
    fn judge(&mut self, now: Moment, effects: &Effects, approvals: &[ApprovalFact]) -> Arc<Verdict>;
    /// May this value be seen? Anything that cannot be answered is answered with a mask.
    fn see(&mut self, now: Moment, thing: &Sensitive<'_>) -> Sight;
    /// Whether it is worth asking [`Judge::filter`].
    fn guard(&mut self) -> Guard {
        Guard::None
    }
    /// Why rows may not be chosen, joined, ordered or grouped by this value, if so.
    fn filter(&mut self, _now: Moment, _thing: &Sensitive<'_>) -> Option<Reason> {
        None
    }
    /// Whether some command with this action could be permitted, or held for people, on any object besides these, at any
    /// time while these rules are in force. In doubt it could.
    fn could_permit(&mut self, _action: Action, _besides: &[Object]) -> bool {
        true
    }
    /// The session fell idle: gives memory back that can be made again.
    fn rest(&mut self) {}
}

/// Who and what the rules are asked about for the length of a session.
#[derive(Clone, Debug)]
pub struct Facts {
    pub caller: Arc<Caller>,
    pub target: Arc<crate::target::Target>,
    pub database: String,
    /// The caller's address, for rules that restrict it.
    pub peer: Option<std::net::IpAddr>,
}
