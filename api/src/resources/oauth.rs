//! The embedded issuer's endpoints. `identity` decides; this file is its HTTP, in OAuth's own words.
//!
//! RFC 6749 (client credentials), RFC 7523 (private_key_jwt), RFC 8628 (device flow), OpenID Connect Discovery.

use crate::accounts::{SignInFault, agent_account, judged, person_account};
use crate::error::Problem;
use crate::house::House;
use crate::limits::MAX_NAME;
use crate::resources::login::{LOGIN_SECONDS, peer};
use crate::take::SecretText;
use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sallyport_core::Secret;
use sallyport_identity::grants::{
    ASSERTION_TYPE, ClientAssertions, DEVICE_GRANT_TYPE, GrantRefusal, client_secret,
};
use sallyport_identity::{AgentAccount, IssuedToken, TokenRequest};
use sallyport_store::Person;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use utoipa::ToSchema;

/// What an agent's token lives where it does not ask.
const AGENT_SECONDS: i64 = 3600;

#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenForm {
    pub grant_type: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretText>,
    pub client_assertion_type: Option<String>,
    pub client_assertion: Option<SecretText>,
    pub device_code: Option<SecretText>,
    /// How long the token shall live, in seconds. Not of the standard.
    pub lifetime: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct DeviceForm {
    pub client_id: Option<String>,
    pub scope: Option<String>,
}

/// No `Debug`: it holds the token.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
}

/// No `Debug`: it holds the device code.
#[derive(Serialize, ToSchema)]
pub struct DeviceAnswer {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: String,
    pub expires_in: i64,
    pub interval: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OauthError {
    pub error: &'static str,
    pub error_description: String,
}

pub struct Refused(SignInFault);

impl<T: Into<SignInFault>> From<T> for Refused {
    fn from(fault: T) -> Self {
        Self(fault.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let refusal = match self.0 {
            SignInFault::Refused(refusal) => refusal,
            // It was logged where it happened.
            SignInFault::Problem(problem) if problem.status < 500 => {
                GrantRefusal::Request("The request is not usable.")
            }
            SignInFault::Problem(_) => GrantRefusal::Unavailable,
        };
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let body = OauthError { error: refusal.code(), error_description: refusal.to_string() };
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"sallyport\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let GrantRefusal::TooMany { retry_after_seconds } = refusal {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        }
        response
    }
}

type OauthResult<T> = Result<T, Refused>;

#[utoipa::path(get, path = "/.well-known/openid-configuration", tag = "oauth", responses((status = 200, body = Object)))]
pub async fn discovery(State(house): State<Arc<House>>) -> Json<serde_json::Value> {
    Json(house.issuer.discovery(&house.public_url))
}

#[utoipa::path(get, path = "/oauth/jwks", tag = "oauth", responses((status = 200, body = Object)))]
pub async fn jwks(State(house): State<Arc<House>>) -> Json<serde_json::Value> {
    Json(house.issuer.jwks())
}

#[utoipa::path(post, path = "/oauth/device_authorization", tag = "oauth",
    request_body(content = DeviceForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = DeviceAnswer), (status = 400, body = OauthError)))]
pub async fn device_authorization(
    State(house): State<Arc<House>>,
    extensions: Extensions,
    form: Result<Form<DeviceForm>, FormRejection>,
) -> OauthResult<Json<DeviceAnswer>> {
    let Form(form) = form.map_err(not_a_form)?;
    let client = client_name(form.client_id)?;
    let started = house.sign_ins.devices.start(&client, peer(&extensions), house.clock.now())?;
    let page = format!("{}/device", house.public_url.trim_end_matches('/'));
    Ok(Json(DeviceAnswer {
        device_code: started.device_code.expose_str().unwrap_or_default().to_owned(),
        verification_uri_complete: format!("{page}?user_code={}", started.user_code),
        verification_uri: page,
        user_code: started.user_code,
        expires_in: started.expires_in_seconds,
        interval: started.interval_seconds,
    }))
}

#[utoipa::path(post, path = "/oauth/token", tag = "oauth",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenAnswer), (status = 400, body = OauthError), (status = 401, body = OauthError)))]
pub async fn token(
    State(house): State<Arc<House>>,
    extensions: Extensions,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> OauthResult<Json<TokenAnswer>> {
    let Form(form) = form.map_err(not_a_form)?;
    let request = match form.grant_type.as_deref() {
        Some("client_credentials") => for_agent(&house, peer(&extensions), &headers, form).await?,
        Some(DEVICE_GRANT_TYPE) => for_device(&house, form).await?,
        Some(_) | None => {
            return Err(GrantRefusal::Request("Use the grant client_credentials or the device flow.").into());
        }
    };
    let issued = house.issue(&request)?;
    tracing::info!(subject = %request.subject, token = %issued.id, "a token was issued");
    answer(&house, &issued)
}

async fn for_agent(
    house: &House,
    peer: IpAddr,
    headers: &HeaderMap,
    form: TokenForm,
) -> OauthResult<TokenRequest> {
    let lifetime = house.lifetime(form.lifetime, AGENT_SECONDS);
    let now = house.clock.now();
    let attempt = house.sign_ins.attempts.take_for_address(peer, now)?;
    let account = match proof(headers, form)? {
        Proof::Secret { client, secret } => {
            let account = account(house, &client).await?;
            judged(move || client_secret(account.as_ref(), &secret).cloned()).await??
        }
        Proof::Assertion(assertion) => {
            let text = assertion.expose_str().unwrap_or_default();
            let client = ClientAssertions::claimed_client(text).ok_or(GrantRefusal::Client)?;
            let account = account(house, &client).await?;
            house.sign_ins.assertions.authenticate(account.as_ref(), text, now)?.clone()
        }
    };
    attempt.succeeded();
    Ok(account.token_request(lifetime))
}

async fn for_device(house: &House, form: TokenForm) -> OauthResult<TokenRequest> {
    let client = client_name(form.client_id)?;
    let code = form.device_code.ok_or(GrantRefusal::Request("device_code is missing."))?;
    let approved = house.sign_ins.devices.poll(code.as_secret(), &client, house.clock.now())?;
    let person = house.store.person(&approved.person).await.map_err(Problem::from)?;
    let same = |person: &Person| !person.disabled && person.created == approved.account_since;
    let person = person.filter(same).ok_or(GrantRefusal::Denied)?;
    Ok(person_account(&person).token_request(house.lifetime(form.lifetime, LOGIN_SECONDS)))
}

enum Proof {
    Secret { client: String, secret: Secret },
    Assertion(Secret),
}

/// Exactly one way of proving (RFC 6749, 2.3).
fn proof(headers: &HeaderMap, form: TokenForm) -> OauthResult<Proof> {
    let basic = basic(headers)?;
    let posted = form.client_secret.zip(form.client_id.clone());
    match (basic, posted, form.client_assertion) {
        (Some((client, secret)), None, None) if form.client_id.is_none_or(|named| named == client) => {
            Ok(Proof::Secret { client, secret })
        }
        (None, Some((secret, client)), None) => Ok(Proof::Secret { client, secret: secret.into_secret() }),
        (None, None, Some(assertion)) if form.client_assertion_type.as_deref() == Some(ASSERTION_TYPE) => {
            Ok(Proof::Assertion(assertion.into_secret()))
        }
        (None, None, None) => Err(GrantRefusal::Client.into()),
        _ => Err(GrantRefusal::Request("Prove the client in exactly one way.").into()),
    }
}

fn basic(headers: &HeaderMap) -> OauthResult<Option<(String, Secret)>> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (sent.next(), sent.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => {
            return Err(GrantRefusal::Request("There are two Authorization headers.").into());
        }
    };
    let decoded = || {
        let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let text = Secret::new(bytes);
        let (client, secret) = text.expose_str()?.split_once(':')?;
        // Both are form-encoded first (RFC 6749, 2.3.1); our names and secrets have nothing that this changes.
        Some((client.to_owned(), Secret::new(secret)))
    };
    decoded().map(Some).ok_or_else(|| GrantRefusal::Client.into())
}

async fn account(house: &House, client: &str) -> Result<Option<AgentAccount>, Problem> {
    Ok(house.store.agent(client).await?.as_ref().map(agent_account))
}

fn client_name(client: Option<String>) -> OauthResult<String> {
    let sound = |name: &String| {
        !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    client
        .filter(sound)
        .ok_or_else(|| GrantRefusal::Request("client_id is missing or not a plain name.").into())
}

fn not_a_form(_: FormRejection) -> GrantRefusal {
    GrantRefusal::Request("Send a form: Content-Type application/x-www-form-urlencoded.")
}

fn answer(house: &House, issued: &IssuedToken) -> OauthResult<Json<TokenAnswer>> {
    let access_token = issued.token.expose_str().unwrap_or_default().to_owned();
    let expires_in = issued.expires.as_seconds().saturating_sub(house.clock.now().as_seconds());
    Ok(Json(TokenAnswer { access_token, token_type: "Bearer", expires_in }))
}
