//! The embedded issuer: short-lived access tokens (RFC 9068) for local people and agents, under keys that rotate.
//!
//! It decides nothing about accounts: [`crate::grants`] does, and the control plane calls both. Invariant: no token lives
//! longer than the issuer's maximum, and every key that may have signed a live token is still published.

mod ring;

use crate::config::{ClaimIs, ClaimMap, IssuerConfig, TokenUse};
use crate::keys::{Algorithm, KeySet};
use crate::random::{self, NoRandomness};
use arc_swap::ArcSwap;
use jsonwebtoken::Header;
use ring::Ring;
use sallyport_core::{CallerKind, Moment, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A day of work with an agent, without a token that outlives it.
pub const DEFAULT_MAX_LIFETIME_SECONDS: i64 = 12 * 60 * 60;
const ROTATE_AFTER_SECONDS: i64 = 30 * 24 * 60 * 60;
const MAX_CHAIN: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// The issuer's name in tokens: the URL under which its discovery document is served.
    pub issuer: String,
    /// The audience of its tokens: this gateway.
    pub audience: String,
    #[serde(default = "default_max_lifetime_seconds")]
    pub max_lifetime_seconds: i64,
    #[serde(default = "default_algorithm")]
    pub algorithm: Algorithm,
}

/// What a token is to say. The caller of [`Issuer::issue`] has authenticated the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub subject: String,
    /// When the subject's account was made: whoever looks the account up compares it.
    pub account_since: Moment,
    pub name: String,
    pub kind: CallerKind,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub owner: Option<String>,
    /// Whom the subject acts for, nearest first.
    pub chain: Vec<String>,
    pub lifetime_seconds: i64,
}

#[derive(Clone, Debug)]
pub struct IssuedToken {
    pub token: Secret,
    pub expires: Moment,
    pub id: String,
}

#[derive(Debug, thiserror::Error)]
pub enum IssuerFault {
    #[error("cannot {action} the issuer's keys in {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the issuer's keys in {} can be read by others (mode {mode:03o}). Run `chmod 600` on the file, then rotate", path.display())]
    NotPrivate { path: PathBuf, mode: u32 },
    #[error("the issuer's keys in {} are damaged. Restore the file, or remove it: then all tokens issued so far end", path.display())]
    Damaged { path: PathBuf },
    #[error("the issuer's keys in {} are of a newer format. Start the newer version of Sallyport", path.display())]
    Newer { path: PathBuf },
    #[error("a token may live from 1 to {limit_seconds} seconds")]
    Lifetime { limit_seconds: i64 },
    #[error("the token's {what} is not one that can be issued")]
    Request { what: &'static str },
    #[error("the issuer's settings are not usable: {what}")]
    Settings { what: &'static str },
    #[error("the token could not be signed")]
    Signing,
    #[error("the keys could not be made")]
    KeyMaking,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

pub struct Issuer {
    settings: IssuerSettings,
    path: PathBuf,
    ring: ArcSwap<Live>,
    /// One rotation at a time.
    rotating: Mutex<()>,
}

/// The ring, and what is made of it once.
struct Live {
    ring: Ring,
    key_set: Arc<KeySet>,
}

impl Issuer {
    /// Opens the keys in this folder; makes the folder and the first key where there are none.
    pub fn open(
        folder: impl AsRef<Path>,
        settings: IssuerSettings,
        now: Moment,
    ) -> Result<Self, IssuerFault> {
        settings.check()?;
        let path = folder.as_ref().join(ring::FILE_NAME);
        let ring = ring::open(&path, settings.algorithm, now)?;
        Ok(Self { settings, path, ring: ArcSwap::from_pointee(Live::of(ring)), rotating: Mutex::new(()) })
    }

    pub fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    pub fn issue(&self, request: &TokenRequest, now: Moment) -> Result<IssuedToken, IssuerFault> {
        self.check(request)?;
        let live = self.ring.load();
        let key = live.ring.newest();
        let id = random::id()?;
        let issued = now.as_seconds();
        let expires = issued.saturating_add(request.lifetime_seconds);
        let claims = Claims {
            iss: &self.settings.issuer,
            sub: &request.subject,
            account_since: request.account_since,
            aud: &self.settings.audience,
            client_id: &request.subject,
            iat: issued,
            exp: expires,
            jti: &id,
            name: &request.name,
            kind: request.kind,
            groups: &request.groups,
            attributes: &request.attributes,
            owner: request.owner.as_deref(),
            chain: &request.chain,
        };
        let mut header = Header::new(key.algorithm.in_jsonwebtoken());
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid.clone());
        let token =
            jsonwebtoken::encode(&header, &claims, &key.signing_key()).map_err(|_| IssuerFault::Signing)?;
        Ok(IssuedToken { token: Secret::new(token), expires: Moment::from_seconds(expires), id })
    }

    /// A new key signs from now on. Keys that can have signed no live token are dropped.
    pub fn rotate(&self, now: Moment) -> Result<(), IssuerFault> {
        let _one = self.rotating.lock().map_err(|_| IssuerFault::KeyMaking)?;
        let keep_for = self.settings.max_lifetime_seconds;
        let next = self.ring.load().ring.rotated(self.settings.algorithm, now, keep_for)?;
        ring::save(&self.path, &next)?;
        self.ring.store(Arc::new(Live::of(next)));
        Ok(())
    }

    /// Rotates when the newest key has signed long enough. To be called now and then.
    pub fn rotate_if_due(&self, now: Moment) -> Result<bool, IssuerFault> {
        let created = self.ring.load().ring.newest().created;
        let due = now.as_seconds().saturating_sub(created.as_seconds()) >= ROTATE_AFTER_SECONDS;
        if due {
            self.rotate(now)?;
        }
        Ok(due)
    }

    /// The key set document (RFC 7517).
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.ring.load().ring.public() })
    }

    /// The discovery document. `base_url` is where the control plane answers; the endpoints are below it.
    pub fn discovery(&self, base_url: &str) -> Value {
        let base = base_url.trim_end_matches('/');
        json!({
            "issuer": self.settings.issuer,
            "jwks_uri": format!("{base}/oauth/jwks"),
            "token_endpoint": format!("{base}/oauth/token"),
            "device_authorization_endpoint": format!("{base}/oauth/device_authorization"),
            "grant_types_supported": ["client_credentials", crate::grants::DEVICE_GRANT_TYPE],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": Algorithm::all(),
            "id_token_signing_alg_values_supported": [self.settings.algorithm],
            "response_types_supported": ["none"],
            "subject_types_supported": ["public"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "jti", "name", "kind", "groups", "attributes", "owner", "chain", "account_since"],
        })
    }

    pub(crate) fn key_set(&self) -> Arc<KeySet> {
        Arc::clone(&self.ring.load().key_set)
    }

    /// How the verifier is to read this issuer's tokens.
    pub(crate) fn as_known(&self) -> IssuerConfig {
        IssuerConfig {
            issuer: self.settings.issuer.clone(),
            audiences: vec![self.settings.audience.clone()],
            clients: Vec::new(),
            jwks_url: None,
            ca_file: None,
            // Keys made before the setting changed still verify.
            algorithms: vec![Algorithm::EdDsa, Algorithm::ES256],
            token_uses: vec![TokenUse::AccessToken],
            max_lifetime_seconds: self.settings.max_lifetime_seconds,
            claims: ClaimMap {
                person_when: Some(ClaimIs { claim: "kind".into(), values: vec!["person".into()] }),
                attributes_from: Some("attributes".into()),
                owner: Some("owner".into()),
                chain: Some("chain".into()),
                ..ClaimMap::default()
            },
        }
    }

    fn check(&self, request: &TokenRequest) -> Result<(), IssuerFault> {
        let limit_seconds = self.settings.max_lifetime_seconds;
        if !(1..=limit_seconds).contains(&request.lifetime_seconds) {
            return Err(IssuerFault::Lifetime { limit_seconds });
        }
        let sound =
            |text: &str| !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
        if !sound(&request.subject) || request.subject.len() > 255 {
            return Err(IssuerFault::Request { what: "subject" });
        }
        if request.chain.len() > MAX_CHAIN || !request.chain.iter().all(|link| sound(link)) {
            return Err(IssuerFault::Request { what: "chain" });
        }
        if request.owner.as_deref().is_some_and(|owner| !sound(owner)) {
            return Err(IssuerFault::Request { what: "owner" });
        }
        Ok(())
    }
}

impl Live {
    fn of(ring: Ring) -> Self {
        let key_set = Arc::new(KeySet::from_jwks(ring.public()));
        Self { ring, key_set }
    }
}

impl IssuerSettings {
    fn check(&self) -> Result<(), IssuerFault> {
        let fault = |what| Err(IssuerFault::Settings { what });
        if self.issuer.is_empty() || self.issuer.contains(['#', '?']) {
            return fault("`issuer` has to be a URL without query and fragment");
        }
        if self.audience.is_empty() {
            return fault("`audience` has to name this gateway");
        }
        if self.max_lifetime_seconds <= 0 {
            return fault("`max_lifetime_seconds` has to be more than 0");
        }
        match self.algorithm {
            Algorithm::EdDsa | Algorithm::ES256 => Ok(()),
            Algorithm::RS256 => fault("`algorithm` has to be EdDSA or ES256"),
        }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Issuer").field(&self.settings.issuer).finish()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    account_since: Moment,
    aud: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    name: &'a str,
    kind: CallerKind,
    groups: &'a [String],
    attributes: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    chain: &'a [String],
}

fn default_max_lifetime_seconds() -> i64 {
    DEFAULT_MAX_LIFETIME_SECONDS
}

fn default_algorithm() -> Algorithm {
    Algorithm::EdDsa
}
