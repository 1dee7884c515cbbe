//! What has to hold of the claims of a token whose signature is good.

use crate::config::{IssuerConfig, TokenUse};
use crate::refusal::Refusal;
use crate::verify::token::{Claims, Header};
use sallyport_core::Moment;
use serde_json::Value;

/// How far an issuer's clock and ours may differ. The embedded issuer reads our clock: none for it.
pub const CLOCK_SKEW_SECONDS: i64 = 60;

/// The last second JSON dates may name here: the year 9999. Beyond it arithmetic would decide, not time.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Returns until when the identity holds.
pub(crate) fn time(
    claims: &Claims,
    skew_seconds: i64,
    max_lifetime_seconds: i64,
    now: Moment,
) -> Result<Moment, Refusal> {
    let expires = date(claims, "exp")?.ok_or(Refusal::NoExpiry)?;
    let not_before = date(claims, "nbf")?;
    let issued = date(claims, "iat")?;
    let until = expires.plus_seconds(skew_seconds);
    if until <= now {
        return Err(Refusal::Expired);
    }
    let latest_begin = now.plus_seconds(skew_seconds);
    if not_before.into_iter().chain(issued).any(|begin| begin > latest_begin) {
        return Err(Refusal::NotYet);
    }
    if expires > issued.unwrap_or(now).plus_seconds(max_lifetime_seconds) {
        return Err(Refusal::TooLongLived { limit_seconds: max_lifetime_seconds });
    }
    Ok(until)
}

/// A NumericDate: seconds, perhaps with a fraction. Anything else in its place is refused, never taken as absent.
pub(crate) fn date(claims: &Claims, claim: &'static str) -> Result<Option<Moment>, Refusal> {
    let refusal = || Refusal::Claim { claim: claim.into() };
    let Some(value) = claims.at(claim) else { return Ok(None) };
    let seconds =
        value.as_f64().filter(|seconds| (0.0..=LAST_SECOND).contains(seconds)).ok_or_else(refusal)?;
    Ok(Some(Moment((seconds * 1_000_000.0) as i64)))
}

pub(crate) fn audience(claims: &Claims, config: &IssuerConfig) -> Result<(), Refusal> {
    let wanted =
        |value: &Value| value.as_str().is_some_and(|text| config.audiences.iter().any(|own| own == text));
    let meant = match claims.at("aud") {
        Some(Value::Array(all)) => all.iter().any(wanted),
        Some(one) => wanted(one),
        None => false,
    };
    if meant { Ok(()) } else { Err(Refusal::Audience { expected: config.audiences.join(" or ") }) }
}

/// All names a token gives its client have to be allowed, and there has to be one.
pub(crate) fn client(claims: &Claims, config: &IssuerConfig) -> Result<(), Refusal> {
    if config.clients.is_empty() {
        return Ok(());
    }
    let mut named = ["azp", "client_id", "cid"].into_iter().filter_map(|claim| claims.at(claim)).peekable();
    let some = named.peek().is_some();
    let all =
        named.all(|value| value.as_str().is_some_and(|text| config.clients.iter().any(|own| own == text)));
    if some && all { Ok(()) } else { Err(Refusal::Client) }
}

pub(crate) fn token_use(header: &Header, claims: &Claims, config: &IssuerConfig) -> Result<(), Refusal> {
    let found = classify(header, claims).ok_or(Refusal::TokenUse)?;
    if config.token_uses.contains(&found) { Ok(()) } else { Err(Refusal::TokenUse) }
}

/// None for what is a JWT of another trade: a logout notice, a proof of possession, a refresh token.
fn classify(header: &Header, claims: &Claims) -> Option<TokenUse> {
    let of_a_sign_in = ["nonce", "at_hash", "c_hash", "s_hash"].into_iter().any(|claim| claims.has(claim));
    match (header.short_type().as_deref(), claims.text("typ")) {
        (Some("at+jwt"), None | Some("Bearer")) => Some(TokenUse::AccessToken),
        (None | Some("jwt"), Some("Bearer")) if !of_a_sign_in => Some(TokenUse::AccessToken),
        (None | Some("jwt"), Some("ID")) => Some(TokenUse::IdToken),
        (None | Some("jwt"), None) if of_a_sign_in => Some(TokenUse::IdToken),
        (None | Some("jwt"), None) if claims.has("events") => None,
        (None | Some("jwt"), None) => Some(TokenUse::Plain),
        _ => None,
    }
}
