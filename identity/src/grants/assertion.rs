//! Proof by a private key: `private_key_jwt` (RFC 7523, 3; OpenID Connect Core, 9).
//!
//! Invariants: an assertion proves once and for five minutes at most; it names nobody but this gateway as its audience.

use crate::account::AgentAccount;
use crate::grants::GrantRefusal;
use crate::keys::{Algorithm, KeySet, Pick};
use crate::verify::{CLOCK_SKEW_SECONDS, Token, date_of};
use sallyport_core::Moment;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const MAX_LIFETIME_SECONDS: i64 = 5 * 60;
const MAX_ID_BYTES: usize = 255;
/// Per client. One that signs more in five minutes has a loop to mend.
const MAX_REMEMBERED: usize = 2_000;

/// Judges assertions and remembers which were used.
pub struct ClientAssertions {
    audiences: Vec<String>,
    /// By client, then by assertion id: when it may be forgotten.
    used: Mutex<HashMap<String, HashMap<String, Moment>>>,
}

impl ClientAssertions {
    /// `audiences`: the token endpoint's URL and the issuer.
    pub fn new(audiences: Vec<String>) -> Self {
        Self { audiences, used: Mutex::default() }
    }

    /// Who the assertion says it is from, for looking the account up. Proves nothing.
    pub fn claimed_client(assertion: &str) -> Option<String> {
        let token = Token::parse(assertion).ok()?;
        token.claims.text("sub").filter(|id| id.len() <= MAX_ID_BYTES).map(str::to_owned)
    }

    pub fn authenticate<'a>(
        &self,
        account: Option<&'a AgentAccount>,
        assertion: &str,
        now: Moment,
    ) -> Result<&'a AgentAccount, GrantRefusal> {
        let account = account.filter(|account| !account.disabled).ok_or(GrantRefusal::Client)?;
        let token = Token::parse(assertion).map_err(|_| GrantRefusal::Client)?;
        let signed = is_signed_by(account, &token);
        let addressed =
            self.is_addressed_to_us(&token) && is_from(&account.id, &token) && is_assertion(&token);
        let forgettable = until(&token, now).filter(|_| signed && addressed).ok_or(GrantRefusal::Client)?;
        let id = token.claims.text("jti").filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
        self.use_up(&account.id, id.ok_or(GrantRefusal::Client)?, forgettable, now)?;
        Ok(account)
    }

    fn is_addressed_to_us(&self, token: &Token<'_>) -> bool {
        let ours =
            |value: &Value| value.as_str().is_some_and(|text| self.audiences.iter().any(|own| own == text));
        match token.claims.at("aud") {
            // One that is also meant for another server may have come from there.
            Some(Value::Array(all)) => !all.is_empty() && all.iter().all(ours),
            Some(one) => ours(one),
            None => false,
        }
    }

    fn use_up(&self, client: &str, id: &str, forgettable: Moment, now: Moment) -> Result<(), GrantRefusal> {
        let mut used = self.used.lock().map_err(|_| GrantRefusal::Unavailable)?;
        let of_client = used.entry(client.to_owned()).or_default();
        of_client.retain(|_, until| *until > now);
        if of_client.contains_key(id) {
            return Err(GrantRefusal::Client);
        }
        if of_client.len() >= MAX_REMEMBERED {
            return Err(GrantRefusal::TooMany { retry_after_seconds: MAX_LIFETIME_SECONDS });
        }
        of_client.insert(id.to_owned(), forgettable);
        Ok(())
    }
}

fn is_signed_by(account: &AgentAccount, token: &Token<'_>) -> bool {
    let Ok(algorithm) = token.header.algorithm(&Algorithm::all()) else { return false };
    let keys = KeySet::from_jwks(account.public_keys.iter().cloned());
    let nameless = KeySet::from_jwks(account.public_keys.iter().filter(|key| key.kid.is_none()).cloned());
    let kid = token.header.kid.as_deref();
    let picked = match keys.pick(kid, algorithm) {
        // A key may be registered without a name and be named by its client all the same.
        Pick::None => nameless.pick(None, algorithm),
        found => found,
    };
    match picked {
        Pick::One(key) => key.verifies(token.signed, token.signature),
        Pick::None | Pick::Several => false,
    }
}

fn is_from(client: &str, token: &Token<'_>) -> bool {
    token.claims.text("iss") == Some(client) && token.claims.text("sub") == Some(client)
}

/// An access token must not pass for an assertion, should a client ever sign both.
fn is_assertion(token: &Token<'_>) -> bool {
    matches!(token.header.short_type().as_deref(), None | Some("jwt" | "client-authentication+jwt"))
}

/// When the assertion may be forgotten: once it is refused for its age anyway.
fn until(token: &Token<'_>, now: Moment) -> Option<Moment> {
    let expires = date_of(&token.claims, "exp").ok()??;
    let begins = [date_of(&token.claims, "nbf").ok()?, date_of(&token.claims, "iat").ok()?];
    let latest_begin = now.plus_seconds(CLOCK_SKEW_SECONDS);
    let until = expires.plus_seconds(CLOCK_SKEW_SECONDS);
    let begun = begins.into_iter().flatten().all(|begin| begin <= latest_begin);
    let short = expires <= now.plus_seconds(MAX_LIFETIME_SECONDS + CLOCK_SKEW_SECONDS);
    (begun && short && until > now).then_some(until)
}

impl fmt::Debug for ClientAssertions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAssertions").field("audiences", &self.audiences).finish_non_exhaustive()
    }
}
