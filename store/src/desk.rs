//! Where requests are filed and people decide. It is `core::Approvals` for the gate, and [`Desk::decide`] for people.
//!
//! Invariant: no one who asked, for whom it was asked, or who answers for the one who asked, decides; and an approval has
//! one effect, however many wait, redeem or decide, on however many nodes.

use crate::approvals::{Approval, ApprovalState, Decision, MAX_REQUEST_BYTES, MAX_WAITING_PER_REQUESTER};
use crate::fault::StoreFault;
use crate::open::Store;
use sallyport_core::approvals::{BoxFuture, Filed};
use sallyport_core::time::Clock;
use sallyport_core::{
    ApprovalFact, ApprovalId, Approvals, Caller, CallerKind, Digest, Fault, HoldRequest, Moment, Outcome,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};

/// More news than this at once and a listener reads the rows again instead.
const NEWS: usize = 1024;
/// A person's decision at the last moment still reaches a session that waits for it.
const SPEND_GRACE_SECONDS: i64 = 30;
const UNREACHABLE: &str = "The approvals cannot be reached, so the command was not run. Try again.";

#[derive(Clone, Debug)]
pub struct DeskTerms {
    /// What stands before `/approvals/ID` in the link that a caller is shown.
    pub link_base: String,
    /// How long a deferred command may come back after its approval.
    pub redeem_seconds: i64,
    /// How often the store is asked for decisions made on another node.
    pub poll: Duration,
}

impl Default for DeskTerms {
    fn default() -> Self {
        Self { link_base: String::new(), redeem_seconds: 3600, poll: Duration::from_secs(1) }
    }
}

/// Why a decision was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum DeskFault {
    #[error("there is no approval `{0}`; list those that wait")]
    Unknown(String),
    #[error("only a person decides; sign in as one")]
    NotAPerson,
    #[error("only a member of {} decides this", .groups.join(" or "))]
    NotAMember { groups: Vec<String> },
    #[error("{0}: somebody else has to decide")]
    OwnRequest(&'static str),
    #[error("it was {} already, by {by}", .state.as_str())]
    Decided { state: ApprovalState, by: String },
    #[error("nobody decided in time; the command has to be sent again")]
    Expired,
    #[error("the caller took it back; there is nothing to decide any more")]
    Withdrawn,
    #[error(transparent)]
    Store(#[from] StoreFault),
}

#[derive(Clone)]
pub struct Desk {
    store: Store,
    clock: Arc<dyn Clock>,
    terms: DeskTerms,
    news: broadcast::Sender<ApprovalId>,
    runtime: Handle,
}

impl Desk {
    /// Has to be called inside the runtime that will also withdraw what is dropped.
    pub fn new(store: Store, clock: Arc<dyn Clock>, terms: DeskTerms) -> Self {
        Self { store, clock, terms, news: broadcast::channel(NEWS).0, runtime: Handle::current() }
    }
    /// Which requests changed on this node. A listener that fell behind lists again.
    pub fn news(&self) -> broadcast::Receiver<ApprovalId> {
        self.news.subscribe()
    }
    pub fn link(&self, id: &ApprovalId) -> String {
        format!("{}/approvals/{id}", self.terms.link_base.trim_end_matches('/'))
    }
    pub async fn find(&self, id: &str) -> Result<Approval, DeskFault> {
        self.store.expire_due(self.clock.now()).await?;
        self.store.approval(id).await?.ok_or_else(|| DeskFault::Unknown(id.into()))
    }
    pub async fn list(
        &self,
        state: Option<ApprovalState>,
        before: Moment,
        limit: i64,
    ) -> Result<Vec<Approval>, DeskFault> {
        self.store.expire_due(self.clock.now()).await?;
        Ok(self.store.approvals(state, before, limit).await?)
    }
    /// One person says yes or no. Of many who do at once, one is heard; the others read who was.
    pub async fn decide(
        &self,
        id: &str,
        decider: &Caller,
        allow: bool,
        reason: &str,
    ) -> Result<Approval, DeskFault> {
        let now = self.clock.now();
        let approval = self.store.approval(id).await?.ok_or_else(|| DeskFault::Unknown(id.into()))?;
        let groups = may_decide(&approval.request, decider)?;
        let by = decider.principal();
        let decision = Decision {
            state: if allow { ApprovalState::Approved } else { ApprovalState::Refused },
            by: &by,
            name: &decider.name,
            groups: &groups,
            reason,
            spend_by: self.spend_by(&approval.request, now),
        };
        let heard = self.store.decide_request(id, &decision, now).await?;
        if heard {
            self.tell(&approval.id);
        }
        let approval = self.find(id).await?;
        if heard { Ok(approval) } else { Err(too_late(&approval)) }
    }
    /// Whether `decide` would hear this person, without deciding.
    pub fn may_decide(&self, request: &HoldRequest, decider: &Caller) -> Result<(), DeskFault> {
        may_decide(request, decider).map(|_| ())
    }
    fn spend_by(&self, request: &HoldRequest, now: Moment) -> Moment {
        if request.defer {
            now.plus_seconds(self.terms.redeem_seconds)
        } else {
            request.expires.plus_seconds(SPEND_GRACE_SECONDS)
        }
    }
    /// Nobody may be listening: then there is nobody to tell.
    fn tell(&self, id: &ApprovalId) {
        let _ = self.news.send(id.clone());
    }
    async fn file_checked(&self, request: HoldRequest) -> Result<Filed, Fault> {
        let parameters: usize = request.parameters.iter().flatten().map(String::len).sum();
        if request.text.len().saturating_add(parameters) > MAX_REQUEST_BYTES {
            return Err(Fault::Client(
                "the command is too long for a person to read and approve; send it in parts",
            ));
        }
        if self.store.waiting_of(&request.requester).await.map_err(ours)? >= MAX_WAITING_PER_REQUESTER {
            return Err(Fault::Client("too many of your commands wait for approval already"));
        }
        let id = self.store.file_request(&request, self.clock.now()).await.map_err(ours)?;
        self.tell(&id);
        let link = self.link(&id);
        Ok(Filed { id, link, already: false })
    }
    /// What the row says now; `None` while it waits.
    async fn look(&self, id: &ApprovalId) -> Result<(Option<Outcome>, Moment), StoreFault> {
        loop {
            let now = self.clock.now();
            let Some(approval) = self.store.approval(id.as_str()).await? else {
                return Ok((Some(Outcome::Withdrawn), now));
            };
            let outcome = match approval.state {
                ApprovalState::Waiting if approval.request.expires > now => {
                    return Ok((None, approval.request.expires));
                }
                // The row is read again: somebody may have decided in between.
                ApprovalState::Waiting => {
                    self.store.expire_due(now).await?;
                    continue;
                }
                ApprovalState::Approved if self.store.spend(id.as_str(), now).await? => {
                    Outcome::Approved(approval.fact())
                }
                ApprovalState::Approved => {
                    self.store.expire_due(now).await?;
                    continue;
                }
                // An equal command of the same caller used it.
                ApprovalState::Spent | ApprovalState::Withdrawn => Outcome::Withdrawn,
                ApprovalState::Refused => Outcome::Refused {
                    by: approval.decided_by.unwrap_or_default(),
                    reason: approval.reason.unwrap_or_default(),
                    at: approval.decided_at.unwrap_or(now),
                },
                ApprovalState::Expired => Outcome::Expired,
            };
            self.tell(id);
            return Ok((Some(outcome), now));
        }
    }
    async fn wait_for(&self, id: ApprovalId) -> Result<Outcome, Fault> {
        // Listening begins before the first look, so that no decision falls between.
        let mut news = self.news();
        let mut deadline: Option<Moment> = None;
        loop {
            let until = match self.look(&id).await {
                Ok((Some(outcome), _)) => return Ok(outcome),
                Ok((None, until)) => *deadline.insert(until),
                // The store may come back while there is time.
                Err(fault) => match deadline.filter(|until| *until > self.clock.now()) {
                    Some(until) => {
                        tracing::warn!(approval = %id, %fault, "a decision cannot be read; trying again");
                        until
                    }
                    None => return Err(ours(fault)),
                },
            };
            let left = Duration::from_micros(until.since_us(self.clock.now()));
            let nap = tokio::time::sleep(left.min(self.terms.poll));
            tokio::select! {
                () = nap => {}
                () = heard_of(&mut news, &id) => {}
            }
        }
    }
    async fn redeem_once(&self, digest: Digest, requester: &str) -> Result<Option<ApprovalFact>, StoreFault> {
        let digest = digest.to_string();
        loop {
            let now = self.clock.now();
            let Some(approval) = self.store.redeemable(requester, &digest, now).await? else {
                return Ok(None);
            };
            if self.store.spend(approval.id.as_str(), now).await? {
                self.tell(&approval.id);
                return Ok(Some(approval.fact()));
            }
        }
    }
}

impl Approvals for Desk {
    fn file(&self, request: HoldRequest) -> BoxFuture<'_, Result<Filed, Fault>> {
        let desk = self.clone();
        Box::pin(async move {
            // Filing goes on without its caller, so that what came of it is known and can be taken back.
            let (tell, told) = oneshot::channel();
            let runtime = desk.runtime.clone();
            runtime.spawn(async move {
                let filed = desk.file_checked(request).await;
                _ = tell.send(filed.map(|filed| Unclaimed { desk, filed: Some(filed) }));
            });
            let unclaimed = told.await.map_err(|fault| Fault::ours(UNREACHABLE, fault))??;
            unclaimed.claim().ok_or(Fault::ours(UNREACHABLE, "a request was claimed twice"))
        })
    }
    fn wait(&self, id: ApprovalId) -> BoxFuture<'_, Result<Outcome, Fault>> {
        Box::pin(self.wait_for(id))
    }
    fn redeem(
        &self,
        digest: Digest,
        requester: String,
    ) -> BoxFuture<'_, Result<Option<ApprovalFact>, Fault>> {
        Box::pin(async move { self.redeem_once(digest, &requester).await.map_err(ours) })
    }
    fn withdraw(&self, id: &ApprovalId, why: &str) {
        let (store, news, id, why) = (self.store.clone(), self.news.clone(), id.clone(), why.to_string());
        self.runtime.spawn(async move {
            match store.leave_request(id.as_str(), &why).await {
                Ok(()) => {
                    let _ = news.send(id);
                }
                // It still ends: by its deadline.
                Err(error) => tracing::error!(approval = %id, %error, "a request could not be withdrawn"),
            }
        });
    }
}

/// A request that nobody answers for yet. Dropping it takes the request back.
struct Unclaimed {
    desk: Desk,
    filed: Option<Filed>,
}

impl Unclaimed {
    fn claim(mut self) -> Option<Filed> {
        self.filed.take()
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(filed) = &self.filed {
            self.desk.withdraw(&filed.id, "the caller left before it could be told");
        }
    }
}

/// Returns on news of `id`, and also when news was missed.
async fn heard_of(news: &mut broadcast::Receiver<ApprovalId>, id: &ApprovalId) {
    loop {
        match news.recv().await {
            Ok(other) if other != *id => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            // The desk itself holds the sender: this is not reached while it lives.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The groups for which this person may decide.
fn may_decide(request: &HoldRequest, decider: &Caller) -> Result<Vec<String>, DeskFault> {
    if decider.kind != CallerKind::Person {
        return Err(DeskFault::NotAPerson);
    }
    let is_decider = |who: &str| who == decider.principal() || who == decider.subject || who == decider.name;
    if request.requester == decider.principal() || decider.chain.contains(&request.requester) {
        return Err(DeskFault::OwnRequest("you asked for this"));
    }
    if request.chain.iter().any(|who| is_decider(who)) {
        return Err(DeskFault::OwnRequest("this was asked on your behalf"));
    }
    if request.owner.as_deref().is_some_and(is_decider) {
        return Err(DeskFault::OwnRequest("you answer for the one who asked"));
    }
    let groups: Vec<String> =
        request.groups.iter().filter(|group| decider.groups.contains(group)).cloned().collect();
    if groups.is_empty() {
        return Err(DeskFault::NotAMember { groups: request.groups.clone() });
    }
    Ok(groups)
}

fn too_late(approval: &Approval) -> DeskFault {
    match approval.state {
        ApprovalState::Expired | ApprovalState::Waiting => DeskFault::Expired,
        ApprovalState::Withdrawn => DeskFault::Withdrawn,
        state @ (ApprovalState::Approved | ApprovalState::Spent | ApprovalState::Refused) => {
            DeskFault::Decided { state, by: approval.decided_name.clone().unwrap_or_default() }
        }
    }
}

fn ours(fault: StoreFault) -> Fault {
    Fault::ours(UNREACHABLE, fault)
}
