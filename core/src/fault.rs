//! Whose fault it is, and what a caller may read of it.

use crate::ids::{ApprovalId, RuleId};
use crate::judge::Reason;
use serde::Serialize;
use std::fmt;

/// Why something ended. Only [`Fault::public`] of it ever reaches a client; the rest is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The caller broke the protocol or went over a limit. The text is ours and may be shown.
    #[error("the client: {0}")]
    Client(&'static str),
    /// The target broke the protocol, could not be reached or refused the gateway. The text is ours and may be shown.
    #[error("the target: {0}")]
    Target(&'static str),
    /// A rule or the door said no.
    #[error("denied: {0}")]
    Denied(Box<Denial>),
    /// The gateway itself: no record, no traffic. The detail stays in the log.
    #[error("the gateway: {public} ({detail})")]
    Ours { public: &'static str, detail: String },
}

impl Fault {
    pub fn ours(public: &'static str, detail: impl fmt::Display) -> Self {
        Self::Ours { public, detail: detail.to_string() }
    }
    /// The allow-listed text.
    pub fn public(&self) -> String {
        match self {
            Fault::Client(text) => text.to_string(),
            Fault::Target(text) => text.to_string(),
            Fault::Denied(denial) => denial.to_string(),
            Fault::Ours { public, .. } => public.to_string(),
        }
    }
}

impl From<Denial> for Fault {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}

/// A no, with everything that the caller may know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Denial {
    #[serde(flatten)]
    pub reason: Reason,
    /// Set where a person was or can be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalId>,
    /// The approval can still be given: the same command passes then, once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// The session cannot go on: no record, no traffic; or the grant is gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fatal: bool,
}

impl Denial {
    pub fn new(reason: Reason) -> Self {
        Self { reason, approval: None, pending: false, fatal: false }
    }
    /// A denial that no written rule made: default deny, or a limit of the house. `rule` names it for search.
    pub fn of_house(rule: &str, message: impl Into<String>) -> Self {
        Self::new(Reason { rules: vec![RuleId::new(rule)], message: message.into(), effect: None })
    }
    pub fn fatal(mut self) -> Self {
        self.fatal = true;
        self
    }
    pub fn with_approval(mut self, id: ApprovalId) -> Self {
        self.approval = Some(id);
        self
    }
    /// Machine-readable form, one line of JSON, for the place a protocol has for it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }
}

/// `Deleting a whole table is not allowed. (rule no-whole-table-delete)`
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason.message)?;
        let mut rules = self.reason.rules.iter();
        if let Some(first) = rules.next() {
            write!(f, " (rule {first}")?;
            rules.try_for_each(|rule| write!(f, ", {rule}"))?;
            f.write_str(")")?;
        }
        Ok(())
    }
}
