//! The check at the door. Holding a [`Grant`] *is* the check: this caller may open this target, as this account,
//! until then. Dialling, unsealing the credential and building a gate all need one.

use crate::caller::Caller;
use crate::fault::Denial;
use crate::ids::{RuleId, SessionId};
use crate::judge::{Facts, Judge};
use crate::target::Target;
use crate::time::Moment;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Names its target, so that nobody resolves another one later.
#[derive(Clone, Debug)]
pub struct Grant {
    session: SessionId,
    facts: Facts,
    until: Arc<AtomicI64>,
    rules: Vec<RuleId>,
}

impl Grant {
    /// Asks the rules whether this session may exist. There is no other way to make a grant.
    pub fn admit(
        judge: &mut dyn Judge,
        facts: Facts,
        session: SessionId,
        now: Moment,
    ) -> Result<Grant, Denial> {
        if facts.caller.expires <= now {
            return Err(Denial::of_house(
                "token-expired",
                "The token has expired. Get a new one and connect again.",
            ));
        }
        let rules = judge.connect(now).map_err(Denial::new)?;
        let until = Arc::new(AtomicI64::new(facts.caller.expires.0));
        Ok(Grant { session, facts, until, rules })
    }

    pub fn session(&self) -> &SessionId {
        &self.session
    }
    pub fn caller(&self) -> &Arc<Caller> {
        &self.facts.caller
    }
    pub fn target(&self) -> &Arc<Target> {
        &self.facts.target
    }
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
    pub fn database(&self) -> &str {
        &self.facts.database
    }
    /// When the identity behind it ends.
    pub fn until(&self) -> Moment {
        Moment(self.until.load(Ordering::Relaxed))
    }
    /// A later proof of the same identity moves the end. All clones of this grant see it.
    pub fn renew(&self, proven: &Caller) -> Result<Moment, Denial> {
        let caller = self.caller();
        if proven.principal() != caller.principal()
            || proven.chain != caller.chain
            || proven.kind != caller.kind
            || proven.account_since != caller.account_since
        {
            return Err(Denial::of_house(
                "renewal-of-another",
                "Only a token of the same identity renews a session.",
            ));
        }
        self.until.fetch_max(proven.expires.0, Ordering::Relaxed);
        Ok(self.until())
    }
    /// The permits that let it in.
    pub fn rules(&self) -> &[RuleId] {
        &self.rules
    }
}
