//! A rule in force: a Cedar policy with what its annotations say.

use crate::schema::{action_is_in, action_names};
use cedar_policy::{ActionConstraint, Effect, Policy};
use sallyport_core::RuleId;
use sallyport_core::mask::forms::Form;

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub id: RuleId,
    /// Its place among all rules, so that answers name rules in the order they were written.
    pub index: usize,
    pub policy: Policy,
    pub message: Option<String>,
    pub hold: Option<HoldNote>,
    pub mask: Option<Form>,
    pub limit_rows: Option<u64>,
    pub limit_bytes: Option<u64>,
    /// Its answer can change while nothing but time does.
    pub timed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct HoldNote {
    pub groups: Vec<String>,
    pub expires_seconds: u32,
    pub defer: bool,
}

impl Rule {
    pub fn forbids(&self) -> bool {
        self.policy.effect() == Effect::Forbid
    }
    /// What a value that this rule hides looks like.
    pub fn form(&self) -> Form {
        self.mask.unwrap_or(Form::Redact)
    }
    pub fn speaks_of(&self, action: &str) -> bool {
        speaks_of(&self.policy, action)
    }
}

/// Whether a policy's scope lets it apply to an action.
pub(crate) fn speaks_of(policy: &Policy, action: &str) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => {
            one.type_name().to_string() == "Action" && one.id().unescaped() == action
        }
        ActionConstraint::In(groups) => groups.iter().any(|group| action_is_in(action, group)),
    }
}

/// Whether it can apply to any command at all.
pub(crate) fn speaks_of_commands(policy: &Policy) -> bool {
    action_names().any(|name| !matches!(name, "see" | "filter" | "connect") && speaks_of(policy, name))
}
