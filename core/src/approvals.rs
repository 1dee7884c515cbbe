//! A command that waits for people. A [`Hold`] is not `Cleared`, so it cannot be forwarded; what waiting yields goes
//! back through [`crate::Gate::resume`], where the same rules are asked again with the approval as a fact.

use crate::command::in_context;
use crate::digest::Digest;
use crate::effect::Effect;
use crate::fault::{Denial, Fault};
use crate::ids::{ApprovalId, CommandNo, SessionId};
use crate::judge::HoldTerms;
use crate::time::Moment;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An approval that was given, as a fact for the rules: for which groups it counts, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalFact {
    pub id: ApprovalId,
    pub digest: Digest,
    pub approver: String,
    pub groups: Vec<String>,
    pub at: Moment,
    /// In the approver's words; empty where none were given.
    #[serde(default)]
    pub reason: String,
}

/// What an approver is shown and what the approval is bound to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HoldRequest {
    pub session: SessionId,
    pub command: CommandNo,
    pub digest: Digest,
    /// `issuer#subject` of the requester, and everyone it acts for. None of them may decide.
    pub requester: String,
    pub requester_name: String,
    pub chain: Vec<String>,
    pub owner: Option<String>,
    pub attributes: std::collections::BTreeMap<String, String>,
    pub target: String,
    pub database: String,
    pub protocol: String,
    pub text: String,
    /// In what it would run: see [`crate::Command::context`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub context: String,
    pub parameters: Vec<Option<String>>,
    pub effects: Vec<Effect>,
    pub rules: Vec<String>,
    pub message: String,
    pub groups: Vec<String>,
    pub defer: bool,
    pub asked: Moment,
    pub expires: Moment,
}

/// How waiting ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Given, and spent by this very wait: nobody can spend it again.
    Approved(ApprovalFact),
    Refused {
        by: String,
        reason: String,
        at: Moment,
    },
    Expired,
    /// The session or an administrator took the request back.
    Withdrawn,
}

impl Outcome {
    /// The word for it in a record.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Approved(_) => "approved",
            Outcome::Refused { .. } => "refused",
            Outcome::Expired => "expired",
            Outcome::Withdrawn => "withdrawn",
        }
    }
}

/// Where requests are kept and people decide. `store` and the page are behind it.
pub trait Approvals: Send + Sync {
    /// Files the request durably. An equal request (same digest) of the same requester that still waits is reused.
    /// Cancel-safe: where the future is dropped before it said under which id, nothing stays that could be approved.
    fn file(&self, request: HoldRequest) -> BoxFuture<'_, Result<Filed, Fault>>;
    /// Waits until it is decided. An approval is spent in the same step: single use.
    fn wait(&self, id: ApprovalId) -> BoxFuture<'_, Result<Outcome, Fault>>;
    /// An approval given earlier for exactly this digest (a deferred command that came back), spent by this call.
    fn redeem(&self, digest: Digest, requester: String)
    -> BoxFuture<'_, Result<Option<ApprovalFact>, Fault>>;
    /// Nobody waits any more. Never blocks.
    fn withdraw(&self, id: &ApprovalId, why: &str);
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    pub id: ApprovalId,
    /// Where a person decides.
    pub link: String,
    /// Set where the store already holds an approval for it.
    pub already: bool,
}

/// A command that has not been cleared. Made only by the gate; dropping it withdraws the request.
#[must_use = "a hold that is dropped is withdrawn"]
pub struct Hold {
    pub(crate) request: HoldRequest,
    /// The command's digest without its context.
    pub(crate) act: Digest,
    pub(crate) terms: HoldTerms,
    pub(crate) approvals: Arc<dyn Approvals>,
    pub(crate) filed: Option<Filed>,
    pub(crate) outcome: Option<Outcome>,
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").field("command", &self.request.command).field("filed", &self.filed).finish()
    }
}

impl Hold {
    pub fn request(&self) -> &HoldRequest {
        &self.request
    }
    pub fn terms(&self) -> &HoldTerms {
        &self.terms
    }
    /// The rules ask for a refusal now and a pass later.
    pub fn is_deferred(&self) -> bool {
        self.terms.defer
    }
    /// What the target says of the context in which the command would run. The approval will be for that and no other:
    /// the same has to be said again when it is resumed. Changes nothing once the request is filed.
    pub fn in_context(&mut self, context: String) {
        if self.filed.is_none() {
            self.request.digest = in_context(self.act, &context);
            self.request.context = context;
        }
    }
    /// Waiting ended with a yes.
    pub fn is_approved(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Approved(_)))
    }
    /// Files the request, after looking for an approval that a deferred command already has. A future that is dropped
    /// leaves nothing behind, or a hold that knows what to take back.
    pub async fn file(&mut self) -> Result<Filed, Fault> {
        if let Some(filed) = &self.filed {
            return Ok(filed.clone());
        }
        let redeemed = self.approvals.redeem(self.request.digest, self.request.requester.clone()).await?;
        let filed = match redeemed {
            Some(fact) => {
                let filed = Filed { id: fact.id.clone(), link: String::new(), already: true };
                self.outcome = Some(Outcome::Approved(fact));
                filed
            }
            None => self.approvals.file(self.request.clone()).await?,
        };
        self.filed = Some(filed.clone());
        Ok(filed)
    }
    /// Waits for the decision. Cancel-safe: dropping the future leaves the request filed and the hold intact.
    pub async fn wait(&mut self) -> Result<(), Fault> {
        if self.outcome.is_some() {
            return Ok(());
        }
        let filed = self.file().await?;
        if self.outcome.is_none() {
            self.outcome = Some(self.approvals.wait(filed.id).await?);
        }
        Ok(())
    }
    /// Leaves a deferred request standing, and says so to the caller.
    pub fn into_deferral(mut self) -> Denial {
        let id = self.filed.take().map(|filed| filed.id);
        let mut denial = Denial::new(self.terms.reason.clone());
        denial.pending = id.is_some();
        denial.approval = id;
        denial
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let (Some(filed), None) = (&self.filed, &self.outcome) {
            self.approvals.withdraw(&filed.id, "the caller is gone");
        }
    }
}
