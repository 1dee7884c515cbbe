//! Short-lived tokens for agents, given by an admin or by the person who answers for the agent.

use crate::accounts::agent_account;
use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::take::{Body, Checks};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sallyport_identity::IssuedToken;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const TOKEN_SECONDS: i64 = 3600;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    pub agent: String,
    /// How long it shall live; an hour where nothing is said.
    pub seconds: Option<i64>,
    /// What the agent is to do with it: added to its attributes for rules and the record. Never replaces one.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// Shown once. No `Debug`: it holds the token.
#[derive(Serialize, ToSchema)]
pub struct TokenView {
    pub token: String,
    /// The token's own id, as records name it.
    pub id: String,
    pub expires: i64,
}

impl TokenView {
    pub(crate) fn of(issued: IssuedToken) -> Answer<Self> {
        let text = issued.token.expose_str().map(str::to_owned);
        let token = text.ok_or_else(|| Problem::ours("issue a token", &"the token is not text"))?;
        Ok(Self { token, id: issued.id, expires: issued.expires.0 })
    }
}

#[utoipa::path(post, path = "/api/v1/tokens", tag = "identity", request_body = NewToken,
    responses((status = 201, body = TokenView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(house): State<Arc<House>>,
    who: Who,
    Body(new): Body<NewToken>,
) -> Answer<(StatusCode, Json<TokenView>)> {
    let agent = house.store.agent(&new.agent).await?;
    // Whoever may not use an agent does not learn that it exists.
    let agent = agent
        .filter(|agent| who.is_admin() || who.is(&agent.owner))
        .ok_or_else(|| Problem::not_found("agent of yours", &new.agent))?;
    let mut checks = Checks::default();
    checks.require(!agent.disabled, "agent", "the agent is disabled");
    checks.map("attributes", &new.attributes);
    for key in new.attributes.keys() {
        let free = !agent.attributes.contains_key(key);
        checks.require(free, "attributes", "an attribute of the agent cannot be replaced for one token");
    }
    checks.done()?;
    let lifetime = house.lifetime(new.seconds, TOKEN_SECONDS);
    let mut request = agent_account(&agent).token_request(lifetime);
    let detail = serde_json::json!({ "seconds": lifetime, "attributes": new.attributes });
    request.attributes.extend(new.attributes);
    house.journal.change(&who.caller, "issue token", &format!("agent {}", agent.name), &detail).await?;
    let issued = house.issue(&request)?;
    Ok((StatusCode::CREATED, Json(TokenView::of(issued)?)))
}
