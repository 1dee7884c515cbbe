//! Signing in with a name and a password of this house. The answer is a short-lived token.

use crate::accounts::sign_in;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::limits::{MAX_NAME, MAX_PASSWORD};
use crate::resources::tokens::TokenView;
use crate::take::{Body, Checks, SecretText};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::Extensions;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use utoipa::ToSchema;

pub(crate) const LOGIN_SECONDS: i64 = 3600;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub name: String,
    pub password: SecretText,
    /// How long the token shall live; an hour where nothing is said.
    pub seconds: Option<i64>,
}

#[utoipa::path(post, path = "/api/v1/login", tag = "house", request_body = Login,
    responses((status = 200, body = TokenView), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn login(
    State(house): State<Arc<House>>,
    extensions: Extensions,
    Body(login): Body<Login>,
) -> Answer<Json<TokenView>> {
    let mut checks = Checks::default();
    checks.require(login.name.len() <= MAX_NAME, "name", "no name is that long");
    let length = login.password.as_secret().expose().len();
    checks.require(length <= MAX_PASSWORD, "password", "no password is that long");
    checks.done()?;
    let person = sign_in(&house, &login.name, login.password.into_secret(), peer(&extensions)).await?;
    let lifetime = house.lifetime(login.seconds, LOGIN_SECONDS);
    let token = house.issue(&person.token_request(lifetime))?;
    TokenView::of(token).map(Json)
}

/// The address of the other side, as the listener tells it. No header is believed; where the listener tells nothing, all
/// share one address and its attempts.
pub(crate) fn peer(extensions: &Extensions) -> IpAddr {
    let told = extensions.get::<ConnectInfo<SocketAddr>>();
    told.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}
