//! Approvals: what waits for a person, and the person's word. Who may decide is the desk's law, not this file's.

use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::resources::page;
use crate::stream;
use crate::take::{Asked, Body, Checks};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use sallyport_core::{ApprovalId, HoldRequest, Moment};
use sallyport_store::{Approval, ApprovalState};
use serde::{Deserialize, Serialize};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalView {
    pub id: String,
    /// `waiting`, `approved`, `spent`, `refused`, `expired` or `withdrawn`.
    pub state: &'static str,
    pub link: String,
    pub session: String,
    pub requester: String,
    pub requester_name: String,
    /// Whom the requester acts for, nearest first.
    pub chain: Vec<String>,
    pub owner: Option<String>,
    pub target: String,
    pub database: String,
    pub protocol: String,
    pub text: String,
    /// In what it would run: what its names and settings mean there. The approval is for that and no other.
    pub context: String,
    pub parameters: Vec<Option<String>>,
    /// What it would do, in words.
    pub effects: Vec<String>,
    pub rules: Vec<String>,
    pub message: String,
    /// Who may decide: members of any of these.
    pub groups: Vec<String>,
    pub digest: String,
    /// The caller was refused and comes back with the same command.
    pub deferred: bool,
    pub asked: i64,
    pub expires: i64,
    pub decided_by: Option<String>,
    pub decided_name: Option<String>,
    pub decided_at: Option<i64>,
    pub reason: Option<String>,
    /// Why the one who asks now may not decide it; absent where they may.
    pub not_yours: Option<String>,
}

impl ApprovalView {
    fn of(house: &House, who: &Who, approval: Approval) -> Self {
        let link = house.desk.link(&approval.id);
        let not_yours = house.desk.may_decide(&approval.request, &who.caller).err().map(|no| no.to_string());
        let HoldRequest { effects, .. } = &approval.request;
        let effects = effects.iter().map(ToString::to_string).collect();
        let request = approval.request;
        Self {
            id: approval.id.to_string(),
            state: approval.state.as_str(),
            link,
            session: request.session.to_string(),
            requester: request.requester,
            requester_name: request.requester_name,
            chain: request.chain,
            owner: request.owner,
            target: request.target,
            database: request.database,
            protocol: request.protocol,
            text: request.text,
            context: request.context,
            parameters: request.parameters,
            effects,
            rules: request.rules,
            message: request.message,
            groups: request.groups,
            digest: request.digest.to_string(),
            deferred: request.defer,
            asked: request.asked.0,
            expires: request.expires.0,
            decided_by: approval.decided_by,
            decided_name: approval.decided_name,
            decided_at: approval.decided_at.map(|at| at.0),
            reason: approval.reason,
            not_yours,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFilter {
    /// `waiting` (the default), another state, or `any`.
    pub state: Option<String>,
    /// Asked before this time, in microseconds: the next page.
    pub before: Option<i64>,
    pub limit: Option<i64>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// For the one who asked, and for the record.
    #[serde(default)]
    pub reason: String,
}

/// Those that the caller may see: their own, those they may decide, or all by role.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "approvals", params(ApprovalFilter),
    responses((status = 200, body = Vec<ApprovalView>)))]
pub async fn list(
    State(house): State<Arc<House>>,
    who: Who,
    Asked(filter): Asked<ApprovalFilter>,
) -> Answer<Json<Vec<ApprovalView>>> {
    let state = match filter.state.as_deref() {
        None => Some(ApprovalState::Waiting),
        Some("any") => None,
        Some(word) => {
            Some(ApprovalState::from_word(word).ok_or_else(|| Problem::malformed("there is no such state"))?)
        }
    };
    let before = Moment(filter.before.unwrap_or(i64::MAX));
    let found = house.desk.list(state, before, page(filter.limit)).await?;
    let seen = found.into_iter().filter(|approval| sees(&house, &who, &approval.request));
    Ok(Json(seen.map(|approval| ApprovalView::of(&house, &who, approval)).collect()))
}

#[utoipa::path(get, path = "/api/v1/approvals/{id}", tag = "approvals", params(("id" = String, Path)),
    responses((status = 200, body = ApprovalView), (status = 404, body = Problem)))]
pub async fn show(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
) -> Answer<Json<ApprovalView>> {
    let approval = visible(&house, &who, &id).await?;
    Ok(Json(ApprovalView::of(&house, &who, approval)))
}

#[utoipa::path(post, path = "/api/v1/approvals/{id}/approve", tag = "approvals", params(("id" = String, Path)),
    request_body = Word,
    responses((status = 200, body = ApprovalView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn approve(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
    Body(word): Body<Word>,
) -> Answer<Json<ApprovalView>> {
    decide(&house, &who, &id, true, &word.reason).await
}

#[utoipa::path(post, path = "/api/v1/approvals/{id}/deny", tag = "approvals", params(("id" = String, Path)),
    request_body = Word,
    responses((status = 200, body = ApprovalView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn deny(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
    Body(word): Body<Word>,
) -> Answer<Json<ApprovalView>> {
    decide(&house, &who, &id, false, &word.reason).await
}

/// Each approval that changes, as a line; first those that wait.
#[utoipa::path(get, path = "/api/v1/approvals/watch", tag = "approvals",
    responses((status = 200, body = ApprovalView, content_type = "application/x-ndjson")))]
pub async fn watch(State(house): State<Arc<House>>, who: Who) -> Answer<Response> {
    let news = house.desk.news();
    let mut watcher = Watcher { house, who, news, pending: VecDeque::new(), told: HashSet::new() };
    watcher.tell_waiting().await?;
    stream::lines(watcher, |mut watcher| async move {
        let line = watcher.next().await?;
        Some((line, watcher))
    })
}

struct Watcher {
    house: Arc<House>,
    who: Who,
    news: broadcast::Receiver<ApprovalId>,
    pending: VecDeque<String>,
    /// Those that wait and were told. What is filed on another node is found by listing now and then.
    told: HashSet<ApprovalId>,
}

impl Watcher {
    /// The next line; an empty one where nothing happened for a while. Ends with the watcher's own token or account.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(line);
            }
            let heard = stream::or_heartbeat(self.news.recv()).await;
            self.who = self.house.still_stands(&self.who).await.ok()?;
            match heard {
                None => {
                    self.tell_waiting().await.ok()?;
                    self.pending.push_back(String::new());
                }
                Some(Ok(id)) => {
                    if let Ok(approval) = visible(&self.house, &self.who, id.as_str()).await {
                        self.tell(approval);
                    }
                }
                // News was missed: everything that waits is said again.
                Some(Err(RecvError::Lagged(_))) => {
                    self.told.clear();
                    self.tell_waiting().await.ok()?;
                }
                Some(Err(RecvError::Closed)) => return None,
            }
        }
    }
    async fn tell_waiting(&mut self) -> Answer<()> {
        let limit = crate::limits::MAX_PAGE;
        let waiting = self.house.desk.list(Some(ApprovalState::Waiting), Moment(i64::MAX), limit).await?;
        let still: HashSet<_> = waiting.iter().map(|approval| approval.id.clone()).collect();
        let over: Vec<_> = self.told.difference(&still).cloned().collect();
        for id in over {
            if let Ok(approval) = visible(&self.house, &self.who, id.as_str()).await {
                self.tell(approval);
            }
            self.told.remove(&id);
        }
        for approval in waiting.into_iter().rev() {
            if !self.told.contains(&approval.id) && sees(&self.house, &self.who, &approval.request) {
                self.tell(approval);
            }
        }
        Ok(())
    }
    fn tell(&mut self, approval: Approval) {
        match approval.state {
            ApprovalState::Waiting => self.told.insert(approval.id.clone()),
            _ => self.told.remove(&approval.id),
        };
        self.pending.extend(line(&self.house, &self.who, approval));
    }
}

fn line(house: &House, who: &Who, approval: Approval) -> Option<String> {
    serde_json::to_string(&ApprovalView::of(house, who, approval)).ok()
}

async fn decide(house: &House, who: &Who, id: &str, allow: bool, reason: &str) -> Answer<Json<ApprovalView>> {
    let mut checks = Checks::default();
    checks.text("reason", reason);
    checks.done()?;
    let approval = visible(house, who, id).await?;
    // Who may not is told before anything is written down as decided.
    house.desk.may_decide(&approval.request, &who.caller)?;
    let detail = serde_json::json!({
        "requester": approval.request.requester, "target": approval.request.target,
        "session": approval.request.session, "digest": approval.request.digest, "reason": reason,
    });
    let action = if allow { "approve" } else { "deny" };
    house.journal.change(&who.caller, action, &format!("approval {id}"), &detail).await?;
    let decided = house.desk.decide(id, &who.caller, allow, reason).await?;
    Ok(Json(ApprovalView::of(house, who, decided)))
}

/// What one may not see is not there.
async fn visible(house: &House, who: &Who, id: &str) -> Answer<Approval> {
    let approval = house.desk.find(id).await?;
    if sees(house, who, &approval.request) { Ok(approval) } else { Err(Problem::not_found("approval", id)) }
}

fn sees(house: &House, who: &Who, request: &HoldRequest) -> bool {
    let concerned = who.is(&request.requester)
        || request.chain.iter().any(|link| who.is(link))
        || request.owner.as_deref().is_some_and(|owner| who.is(owner));
    who.reads_all_approvals() || concerned || house.desk.may_decide(request, &who.caller).is_ok()
}
