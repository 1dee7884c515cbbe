//! Agents: programs with an identity, and a person who answers for each. A secret is shown once, when it is made.

use crate::accounts;
use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::take::{Body, Checks};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sallyport_identity::{Jwk, grants};
use sallyport_store::Agent;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const MAX_KEYS: usize = 8;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// Its client id and the subject of its tokens.
    pub name: String,
    #[serde(default)]
    pub display: String,
    /// The person who answers for it: a name of this house, or `issuer#subject`. The caller where nothing is said.
    pub owner: Option<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// JSON Web Keys for `private_key_jwt`.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub public_keys: Vec<serde_json::Value>,
    /// Whether it gets a secret.
    #[serde(default = "yes")]
    pub secret: bool,
}

/// What is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedAgent {
    /// The revision that was read.
    pub revision: i64,
    pub display: Option<String>,
    pub owner: Option<String>,
    pub groups: Option<Vec<String>>,
    pub attributes: Option<BTreeMap<String, String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub public_keys: Option<Vec<serde_json::Value>>,
    pub disabled: Option<bool>,
    /// Makes a new secret; the old one ends at once.
    #[serde(default)]
    pub new_secret: bool,
    /// Takes the secret away: only its keys prove it from then on.
    #[serde(default)]
    pub remove_secret: bool,
}

#[derive(Serialize, ToSchema)]
pub struct AgentView {
    pub name: String,
    /// `issuer#subject`.
    pub principal: String,
    pub display: String,
    pub owner: String,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    #[schema(value_type = Vec<Object>)]
    pub public_keys: Vec<serde_json::Value>,
    pub has_secret: bool,
    pub disabled: bool,
    pub revision: i64,
    pub created: i64,
    pub updated: i64,
    /// Only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

fn yes() -> bool {
    true
}

impl AgentView {
    fn of(house: &House, agent: Agent, secret: Option<String>) -> Self {
        Self {
            principal: house.principal(&agent.name),
            name: agent.name,
            display: agent.display,
            owner: agent.owner,
            groups: agent.groups,
            attributes: agent.attributes,
            public_keys: agent.public_keys.iter().filter_map(|key| serde_json::from_str(key).ok()).collect(),
            has_secret: agent.secret_hash.is_some(),
            disabled: agent.disabled,
            revision: agent.revision,
            created: agent.created.0,
            updated: agent.updated.0,
            secret,
        }
    }
}

/// One's own, or all by role.
#[utoipa::path(get, path = "/api/v1/agents", tag = "identity", responses((status = 200, body = Vec<AgentView>)))]
pub async fn list(State(house): State<Arc<House>>, who: Who) -> Answer<Json<Vec<AgentView>>> {
    let agents = house.store.agents().await?.into_iter();
    let seen = agents.filter(|agent| who.reads_all() || who.is(&agent.owner));
    Ok(Json(seen.map(|agent| AgentView::of(&house, agent, None)).collect()))
}

#[utoipa::path(get, path = "/api/v1/agents/{name}", tag = "identity", params(("name" = String, Path)),
    responses((status = 200, body = AgentView), (status = 404, body = Problem)))]
pub async fn show(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
) -> Answer<Json<AgentView>> {
    let agent = find(&house, &name).await?;
    if who.reads_all() || who.is(&agent.owner) {
        return Ok(Json(AgentView::of(&house, agent, None)));
    }
    Err(Problem::not_found("agent", &name))
}

#[utoipa::path(post, path = "/api/v1/agents", tag = "identity", request_body = NewAgent,
    responses((status = 201, body = AgentView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(house): State<Arc<House>>,
    who: Who,
    Body(new): Body<NewAgent>,
) -> Answer<(StatusCode, Json<AgentView>)> {
    let now = house.clock.now();
    let owner = new.owner.unwrap_or_else(|| who.caller.principal());
    let mut agent = Agent {
        display: if new.display.is_empty() { new.name.clone() } else { new.display },
        name: new.name,
        owner: owner_named(&house, &owner).await?,
        secret_hash: None,
        public_keys: keys(new.public_keys)?,
        groups: new.groups,
        attributes: new.attributes,
        disabled: false,
        revision: 0,
        created: now,
        updated: now,
    };
    check(&agent)?;
    accounts::name_is_free(&house, &agent.name).await?;
    journal(&house, &who, "create", &agent, Change { new_secret: new.secret, remove_secret: false }).await?;
    let secret = if new.secret { Some(give_secret(&mut agent).await?) } else { None };
    let stored = house.store.add_agent(&agent, now).await?;
    Ok((StatusCode::CREATED, Json(AgentView::of(&house, stored, secret))))
}

#[utoipa::path(patch, path = "/api/v1/agents/{name}", tag = "identity", request_body = ChangedAgent,
    params(("name" = String, Path)),
    responses((status = 200, body = AgentView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub async fn change(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
    Body(changed): Body<ChangedAgent>,
) -> Answer<Json<AgentView>> {
    let before = find(&house, &name).await?;
    let mut agent = Agent { revision: changed.revision, ..before.clone() };
    agent.display = changed.display.unwrap_or(agent.display);
    if let Some(owner) = changed.owner {
        agent.owner = owner_named(&house, &owner).await?;
    }
    agent.groups = changed.groups.unwrap_or(agent.groups);
    agent.attributes = changed.attributes.unwrap_or(agent.attributes);
    agent.disabled = changed.disabled.unwrap_or(agent.disabled);
    if let Some(new) = changed.public_keys {
        agent.public_keys = keys(new)?;
    }
    check(&agent)?;
    let of_secret = Change { new_secret: changed.new_secret, remove_secret: changed.remove_secret };
    of_secret.check()?;
    journal(&house, &who, "change", &agent, of_secret).await?;
    let secret = if changed.new_secret { Some(give_secret(&mut agent).await?) } else { None };
    if changed.remove_secret {
        agent.secret_hash = None;
    }
    let stored = house.store.change_agent(&agent, house.clock.now()).await?;
    let less = accounts::has_less((&before.groups, &before.attributes), (&stored.groups, &stored.attributes));
    if stored.disabled {
        accounts::end_sessions(&house, &stored.name, accounts::DISABLED);
    } else if less || stored.owner != before.owner {
        accounts::end_sessions(&house, &stored.name, accounts::CHANGED);
    }
    Ok(Json(AgentView::of(&house, stored, secret)))
}

#[utoipa::path(delete, path = "/api/v1/agents/{name}", tag = "identity", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let agent = find(&house, &name).await?;
    journal(&house, &who, "remove", &agent, Change::default()).await?;
    house.store.remove_agent(&name).await?;
    accounts::end_sessions(&house, &name, accounts::REMOVED);
    Ok(StatusCode::NO_CONTENT)
}

async fn find(house: &House, name: &str) -> Answer<Agent> {
    house.store.agent(name).await?.ok_or_else(|| Problem::not_found("agent", name))
}

/// Owners are compared with whoever decides: a misspelt one would let the real owner approve. A name has to exist here.
async fn owner_named(house: &House, owner: &str) -> Answer<String> {
    let mut checks = Checks::default();
    let (name, foreign) = match owner.strip_prefix(&house.principal("")) {
        Some(name) => (name, false),
        None => (owner, owner.contains('#')),
    };
    checks.text("owner", owner);
    if foreign {
        checks.done()?;
        return Ok(owner.to_owned());
    }
    let known = house.store.person(name).await?.is_some();
    checks.require(known, "owner", "name a person of this house, or write `issuer#subject`");
    checks.done()?;
    Ok(house.principal(name))
}

fn keys(given: Vec<serde_json::Value>) -> Answer<Vec<String>> {
    let mut checks = Checks::default();
    checks.require(given.len() <= MAX_KEYS, "public_keys", "use at most 8 keys");
    let mut kept = Vec::new();
    for key in given {
        let private = ["d", "p", "q", "k"].iter().any(|part| key.get(part).is_some());
        checks.require(
            !private,
            "public_keys",
            "a key holds its private part: make a new pair, send only the public one",
        );
        match serde_json::from_value::<Jwk>(key).map(|key| serde_json::to_string(&key)) {
            Ok(Ok(text)) => kept.push(text),
            Ok(Err(_)) | Err(_) => checks.require(false, "public_keys", "an entry is no JSON Web Key"),
        }
    }
    checks.done()?;
    Ok(kept)
}

fn check(agent: &Agent) -> Answer<()> {
    let mut checks = Checks::default();
    accounts::check(&mut checks, (&agent.name, &agent.display), &agent.groups, &agent.attributes);
    checks.done()
}

/// Only its hash is kept.
async fn give_secret(agent: &mut Agent) -> Answer<String> {
    let secret = grants::new_secret().map_err(|fault| Problem::ours("make a secret", &fault))?;
    let text = secret.expose_str().unwrap_or_default().to_owned();
    agent.secret_hash = Some(accounts::hash(secret).await?);
    Ok(text)
}

/// What a call does to the secret.
#[derive(Clone, Copy, Default)]
struct Change {
    new_secret: bool,
    remove_secret: bool,
}

impl Change {
    fn check(self) -> Answer<()> {
        let mut checks = Checks::default();
        checks.require(!(self.new_secret && self.remove_secret), "remove_secret", "say one of the two");
        checks.done()
    }
}

async fn journal(house: &House, who: &Who, action: &str, agent: &Agent, secret: Change) -> Answer<()> {
    let detail = serde_json::json!({
        "display": agent.display, "owner": agent.owner, "groups": agent.groups, "attributes": agent.attributes,
        "public_keys": agent.public_keys, "disabled": agent.disabled,
        "new_secret": secret.new_secret, "secret_removed": secret.remove_secret,
    });
    house.journal.change(&who.caller, action, &format!("agent {}", agent.name), &detail).await
}
