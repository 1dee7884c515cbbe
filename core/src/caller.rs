//! Who asks, as proven by a token or a certificate.

use crate::time::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    Person,
    Agent,
}

impl CallerKind {
    pub fn as_str(self) -> &'static str {
        match self {
            CallerKind::Person => "person",
            CallerKind::Agent => "agent",
        }
    }
}

/// A proven identity. Only `identity` makes one from outside data, and only after every check passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Unique within the issuer; what rules and approvals compare.
    pub subject: String,
    pub issuer: String,
    pub kind: CallerKind,
    /// What people read. Never compared.
    pub name: String,
    pub groups: Vec<String>,
    /// Claims mapped by configuration: purpose, risk tier, ticket.
    pub attributes: BTreeMap<String, String>,
    /// Whom this caller acts for, nearest first.
    pub chain: Vec<String>,
    /// The person who answers for an agent; may never approve the agent's commands.
    pub owner: Option<String>,
    pub expires: Moment,
    /// The token's own id, so that a record can name it without holding it.
    pub token_id: Option<String>,
    /// When the account of this house behind it was made. One made anew under the same name is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_since: Option<Moment>,
}

impl Caller {
    /// The one spelling of an identity in records, rules and approvals: `issuer#subject`.
    pub fn principal(&self) -> String {
        format!("{}#{}", self.issuer, self.subject)
    }
}
