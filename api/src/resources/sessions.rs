//! Sessions: searched in the store's index, shown, ended and renewed.

use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::{House, LiveSession};
use crate::resources::page;
use crate::take::{Asked, Body, Checks};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sallyport_core::{Moment, SessionId};
use sallyport_store::{Cursor, SessionFilter, SessionRow, Verdicts};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    pub id: String,
    /// `issuer#subject`.
    pub caller: String,
    pub caller_name: String,
    pub caller_kind: String,
    pub target: String,
    pub protocol: String,
    pub account: String,
    pub database: String,
    pub peer: Option<String>,
    pub started: i64,
    pub ended: Option<i64>,
    /// Why it ended.
    pub reason: Option<String>,
    pub commands: i64,
    pub denied: i64,
    pub held: i64,
    /// The hash of the recording's last entry.
    pub head: Option<String>,
    /// It goes on now, on the node that answers.
    pub live: Option<LiveSession>,
}

impl SessionView {
    fn of(row: SessionRow, live: Option<LiveSession>) -> Self {
        Self {
            id: row.id,
            caller: row.caller,
            caller_name: row.caller_name,
            caller_kind: row.caller_kind,
            target: row.target,
            protocol: row.protocol,
            account: row.account,
            database: row.database,
            peer: row.peer,
            started: row.started.0,
            ended: row.ended.map(|at| at.0),
            reason: row.reason,
            commands: row.commands,
            denied: row.denied,
            held: row.held,
            head: row.head,
            live,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SessionPage {
    pub sessions: Vec<SessionView>,
    /// What to pass as `after` for the next page; absent on the last.
    pub next: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct SessionQuery {
    /// Principal or name.
    pub caller: Option<String>,
    pub target: Option<String>,
    /// `denied` or `held`: sessions with at least one such command.
    pub verdict: Option<String>,
    /// Part of what was said in it. Ended sessions only.
    pub text: Option<String>,
    /// Microseconds since 1970.
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// Only those that have not ended.
    pub open: Option<bool>,
    pub after: Option<String>,
    pub limit: Option<i64>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// The caller reads it.
    #[serde(default)]
    pub reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Renewed {
    pub until: i64,
}

/// One's own, or all by role. Newest first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", params(SessionQuery),
    responses((status = 200, body = SessionPage)))]
pub async fn list(
    State(house): State<Arc<House>>,
    who: Who,
    Asked(query): Asked<SessionQuery>,
) -> Answer<Json<SessionPage>> {
    let limit = page(query.limit);
    let filter = SessionFilter {
        caller: about(&house, &who, query.caller).await?,
        target: query.target.unwrap_or_default(),
        verdict: verdict(query.verdict.as_deref())?,
        text: query.text.unwrap_or_default(),
        since: query.since.map(Moment),
        until: query.until.map(Moment),
        open_only: query.open.unwrap_or(false),
        after: query.after.as_deref().map(cursor).transpose()?,
        limit,
    };
    // A name is not an identity: where not all are shown, the principal has to match.
    let own = |row: &SessionRow| who.reads_all() || row.caller == filter.caller;
    let rows = house.store.sessions(&filter).await?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    let next = rows.last().filter(|_| full).map(|row| format!("{}.{}", row.started.0, row.id));
    let mut live = house.live.list();
    let sessions = rows.into_iter().filter(own).map(|row| {
        let living = live.iter().position(|live| live.id.as_str() == row.id).map(|at| live.swap_remove(at));
        SessionView::of(row, living)
    });
    Ok(Json(SessionPage { sessions: sessions.collect(), next }))
}

/// Those that go on now, on the node that answers.
#[utoipa::path(get, path = "/api/v1/sessions/live", tag = "sessions", responses((status = 200, body = Vec<LiveSession>)))]
pub async fn live(State(house): State<Arc<House>>, who: Who) -> Json<Vec<LiveSession>> {
    let living = house.live.list().into_iter();
    Json(living.filter(|live| who.reads_all() || who.is(&live.caller)).collect())
}

#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = SessionView), (status = 404, body = Problem)))]
pub async fn show(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
) -> Answer<Json<SessionView>> {
    visible(&house, &who, &id).await?;
    let row = house.store.session(&id).await?.ok_or_else(|| Problem::not_found("session", &id))?;
    let live = house.live.list().into_iter().find(|live| live.id.as_str() == row.id);
    Ok(Json(SessionView::of(row, live)))
}

#[utoipa::path(post, path = "/api/v1/sessions/{id}/kill", tag = "sessions", params(("id" = String, Path)),
    request_body = Kill, responses((status = 204), (status = 404, body = Problem)))]
pub async fn kill(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
    Body(kill): Body<Kill>,
) -> Answer<StatusCode> {
    let mut checks = Checks::default();
    checks.text("reason", &kill.reason);
    checks.done()?;
    let detail = serde_json::json!({ "reason": kill.reason });
    house.journal.change(&who.caller, "kill", &format!("session {id}"), &detail).await?;
    let reason = match kill.reason.as_str() {
        "" => format!("ended by {}", who.caller.name),
        said => format!("ended by {}: {said}", who.caller.name),
    };
    if house.live.kill(&SessionId::new(id.as_str()), &reason) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("live session", &id))
    }
}

/// The token of this very call is the later proof of the session's identity.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/renew", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = Renewed), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn renew(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
) -> Answer<Json<Renewed>> {
    let session = SessionId::new(id.as_str());
    let known = house.live.list().into_iter().any(|live| live.id == session && who.is(&live.caller));
    if !known {
        return Err(Problem::not_found("live session of yours", &id));
    }
    let detail = serde_json::json!({ "token": who.caller.token_id, "until": who.caller.expires });
    house.journal.change(&who.caller, "renew", &format!("session {id}"), &detail).await?;
    match house.live.renew(&session, &who.caller) {
        None => Err(Problem::not_found("live session of yours", &id)),
        Some(Err(denial)) => {
            Err(Problem::forbidden(denial.to_string(), "Renew with a token of the identity that opened it."))
        }
        Some(Ok(until)) => Ok(Json(Renewed { until: until.0 })),
    }
}

/// The id of a session that the caller may look into: their own, one of an agent they answer for, or any by role.
/// Recordings of the house itself are in no index.
pub(crate) async fn visible(house: &House, who: &Who, id: &str) -> Answer<SessionId> {
    if !who.reads_all() {
        let absent = || Problem::not_found("session", id);
        let row = house.store.session(id).await?.ok_or_else(absent)?;
        if !who.is(&row.caller) && !answers_for(house, who, &row.caller).await? {
            return Err(absent());
        }
    }
    Ok(SessionId::new(id))
}

/// Whose sessions are listed: anybody's by role, else one's own or those of an agent one answers for.
async fn about(house: &House, who: &Who, asked: Option<String>) -> Answer<String> {
    let own = who.caller.principal();
    match asked {
        asked if who.reads_all() => Ok(asked.unwrap_or_default()),
        None => Ok(own),
        Some(asked) => {
            let principal = if asked.contains('#') { asked } else { house.principal(&asked) };
            Ok(if answers_for(house, who, &principal).await? { principal } else { own })
        }
    }
}

/// Only a person answers for an agent, and only an agent of this house is known to belong to somebody.
async fn answers_for(house: &House, who: &Who, caller: &str) -> Answer<bool> {
    let Some(name) = caller.strip_prefix(&house.principal("")) else { return Ok(false) };
    let agent = house.store.agent(name).await?;
    Ok(who.is_person() && agent.is_some_and(|agent| who.is(&agent.owner)))
}

fn verdict(word: Option<&str>) -> Answer<Verdicts> {
    match word {
        None | Some("any") => Ok(Verdicts::Any),
        Some("denied") => Ok(Verdicts::Denied),
        Some("held") => Ok(Verdicts::Held),
        Some(_) => Err(Problem::malformed("`verdict` is `any`, `denied` or `held`")),
    }
}

fn cursor(text: &str) -> Answer<Cursor> {
    let parts = text.split_once('.').and_then(|(started, id)| Some((started.parse().ok()?, id)));
    match parts {
        Some((started, id)) => Ok(Cursor { started: Moment(started), id: id.into() }),
        None => Err(Problem::malformed("`after` is not one that an earlier page gave")),
    }
}
