//! A token's way to a caller: taken apart, its issuer found, its signature proven, its claims checked, in this order.
//!
//! Invariant: nothing of a token is used before its signature is proven, except to find out whose it claims to be; and
//! that only ever selects among the issuers of the configuration.

mod caller;
mod checks;
mod token;

pub use checks::CLOCK_SKEW_SECONDS;
pub(crate) use checks::date as date_of;
pub use token::MAX_TOKEN_BYTES;
pub(crate) use token::Token;

use crate::config::{ConfigFault, IssuerConfig};
use crate::issuer::Issuer;
use crate::keys::{KeySource, Pick, RemoteKeys};
use crate::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sallyport_core::{Caller, Moment};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use token::Claims;

const TOKEN_NAME_BYTES: usize = 16;
const MAX_TOKEN_ID_BYTES: usize = 128;

pub struct Verifier {
    issuers: Vec<KnownIssuer>,
}

struct KnownIssuer {
    config: IssuerConfig,
    keys: KeySource,
    skew_seconds: i64,
}

impl Verifier {
    /// Foreign issuers by configuration, and the embedded one where there is one. Nothing is fetched yet.
    pub fn new(configs: Vec<IssuerConfig>, embedded: Option<Arc<Issuer>>) -> Result<Self, ConfigFault> {
        let mut issuers: Vec<KnownIssuer> = embedded.into_iter().map(KnownIssuer::embedded).collect();
        for config in configs {
            config.check()?;
            if issuers.iter().any(|known| known.config.issuer == config.issuer) {
                return Err(ConfigFault::Twice { issuer: config.issuer });
            }
            issuers.push(KnownIssuer::remote(config)?);
        }
        Ok(Self { issuers })
    }

    /// Proves a token. Fetches its issuer's keys where they are not known yet.
    pub async fn verify(&self, token: &str, now: Moment) -> Result<Caller, Refusal> {
        let token = Token::parse(token)?;
        let issuer = self.issuer_of(&token.claims)?;
        let algorithm = token.header.algorithm(&issuer.config.algorithms)?;
        let kid = token.header.kid.as_deref();
        let keys = issuer.keys.keys_for(kid, algorithm, now).await.map_err(|unavailable| {
            Refusal::IssuerUnavailable { issuer: issuer.config.issuer.clone(), reason: unavailable.0 }
        })?;
        let key = match keys.pick(kid, algorithm) {
            Pick::One(key) => key,
            Pick::None => return Err(Refusal::UnknownKey),
            Pick::Several => return Err(Refusal::AmbiguousKey),
        };
        if !key.verifies(token.signed, token.signature) {
            return Err(Refusal::Signature);
        }
        issuer.admit(&token, now)
    }

    /// The issuers whose tokens are taken, for checks and for the form that signs people in.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(|known| known.config.issuer.as_str())
    }

    fn issuer_of(&self, claims: &Claims) -> Result<&KnownIssuer, Refusal> {
        let named = claims.text("iss").ok_or(Refusal::UnknownIssuer)?;
        self.issuers.iter().find(|known| known.config.issuer == named).ok_or(Refusal::UnknownIssuer)
    }
}

impl KnownIssuer {
    fn remote(config: IssuerConfig) -> Result<Self, ConfigFault> {
        let keys = KeySource::Remote(Arc::new(RemoteKeys::new(&config)?));
        Ok(Self { config, keys, skew_seconds: CLOCK_SKEW_SECONDS })
    }

    fn embedded(issuer: Arc<Issuer>) -> Self {
        Self { config: issuer.as_known(), keys: KeySource::Embedded(issuer), skew_seconds: 0 }
    }

    fn admit(&self, token: &Token<'_>, now: Moment) -> Result<Caller, Refusal> {
        let (config, claims) = (&self.config, &token.claims);
        checks::token_use(&token.header, claims, config)?;
        checks::audience(claims, config)?;
        checks::client(claims, config)?;
        let until = checks::time(claims, self.skew_seconds, config.max_lifetime_seconds, now)?;
        let mut caller =
            caller::from_claims(claims, &config.claims, &config.issuer, until, Some(token_name(token)))?;
        // Only our own issuer speaks of our own accounts; from a foreign one the claim means nothing here.
        if let KeySource::Embedded(_) = self.keys {
            caller.account_since = Some(caller::account_since(claims)?);
        }
        Ok(caller)
    }
}

/// The token's own id; where it has none, a part of its digest, so that a record can name it all the same.
fn token_name(token: &Token<'_>) -> String {
    let plain =
        |id: &&str| !id.is_empty() && id.len() <= MAX_TOKEN_ID_BYTES && !id.chars().any(char::is_control);
    match token.claims.text("jti").filter(plain) {
        Some(id) => id.to_owned(),
        None => {
            let digest = Sha256::digest(token.signed);
            let start: Vec<u8> = digest.iter().copied().take(TOKEN_NAME_BYTES).collect();
            format!("sha256-{}", URL_SAFE_NO_PAD.encode(start))
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.issuers()).finish()
    }
}
