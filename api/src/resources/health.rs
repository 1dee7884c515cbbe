//! Whether the house stands, and which version it is.

use crate::auth::Who;
use crate::error::Answer;
use crate::house::House;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    pub status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    pub name: &'static str,
    pub version: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// `issuer#subject`: how records and rules spell you.
    pub principal: String,
    pub name: String,
    pub kind: &'static str,
    pub groups: Vec<String>,
    pub roles: Vec<&'static str>,
    pub chain: Vec<String>,
    pub owner: Option<String>,
    pub expires: i64,
}

/// Ready to work: the store answers.
#[utoipa::path(get, path = "/api/v1/health", tag = "house",
    responses((status = 200, body = Health), (status = 503, body = crate::Problem)))]
pub async fn health(State(house): State<Arc<House>>) -> Answer<Json<Health>> {
    house.store.ping().await?;
    Ok(Json(Health { status: "ok" }))
}

#[utoipa::path(get, path = "/api/v1/version", tag = "house", responses((status = 200, body = Version)))]
pub async fn version() -> Json<Version> {
    Json(Version { name: "sallyport", version: env!("CARGO_PKG_VERSION") })
}

/// Who the gateway takes the caller for.
#[utoipa::path(get, path = "/api/v1/me", tag = "house", responses((status = 200, body = Me)))]
pub async fn me(who: Who) -> Json<Me> {
    let roles = who.roles();
    let caller = who.caller;
    Json(Me {
        principal: caller.principal(),
        name: caller.name,
        kind: caller.kind.as_str(),
        groups: caller.groups,
        roles,
        chain: caller.chain,
        owner: caller.owner,
        expires: caller.expires.0,
    })
}
