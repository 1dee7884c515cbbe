//! Which issuers are believed, for what, and how their claims become a caller. Parsed once from the server's file.

use crate::keys::Algorithm;
use reqwest::Url;
use sallyport_core::CallerKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How long a token may live at most, where the configuration does not say.
pub const DEFAULT_MAX_LIFETIME_SECONDS: i64 = 24 * 60 * 60;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Exactly as it stands in the tokens. `https`, except on loopback.
    pub issuer: String,
    /// A token has to name one of these.
    pub audiences: Vec<String>,
    /// Which clients' tokens are taken (`azp`, `client_id` or `cid`). Empty: those of any client of this issuer.
    #[serde(default)]
    pub clients: Vec<String>,
    /// Where the keys are. Without it, the issuer's discovery document says.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A PEM file with the certificate authorities to believe instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(default = "Algorithm::all")]
    pub algorithms: Vec<Algorithm>,
    /// Which kinds of tokens are taken.
    #[serde(default = "TokenUse::default_uses")]
    pub token_uses: Vec<TokenUse>,
    #[serde(default = "default_max_lifetime_seconds")]
    pub max_lifetime_seconds: i64,
    #[serde(default)]
    pub claims: ClaimMap,
}

/// What a token was made for, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenUse {
    /// Marked as an access token: header `typ` is `at+jwt`, or claim `typ` is `Bearer`.
    AccessToken,
    /// Marked as an ID token: it carries `nonce`, `at_hash` or `c_hash`, or claim `typ` is `ID`.
    IdToken,
    /// A JWT that says neither, as workload identities are.
    Plain,
}

impl TokenUse {
    fn default_uses() -> Vec<TokenUse> {
        vec![TokenUse::AccessToken, TokenUse::Plain]
    }
}

/// Which claim becomes what. A path is the name of a claim, or names joined by dots down into objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimMap {
    pub subject: String,
    pub name: String,
    /// A list of texts, or one text with spaces between.
    pub groups: String,
    /// The kind of a caller that neither of the next two says anything about.
    pub kind: CallerKind,
    pub person_when: Option<ClaimIs>,
    pub agent_when: Option<ClaimIs>,
    /// Path of a claim to the name of the attribute that rules read.
    pub attributes: BTreeMap<String, String>,
    /// Path of an object of which every member becomes an attribute.
    pub attributes_from: Option<String>,
    /// The person who answers for an agent.
    pub owner: Option<String>,
    /// A list of those the caller acts for, nearest first. The standard claim `act` is understood without this.
    pub chain: Option<String>,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self {
            subject: "sub".into(),
            name: "name".into(),
            groups: "groups".into(),
            kind: CallerKind::Agent,
            person_when: None,
            agent_when: None,
            attributes: BTreeMap::new(),
            attributes_from: None,
            owner: None,
            chain: None,
        }
    }
}

/// True where the claim is one of the values, or a list that holds one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimIs {
    pub claim: String,
    pub values: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    #[error("the issuer `{issuer}` is configured twice")]
    Twice { issuer: String },
    #[error("the issuer `{issuer}` needs at least one entry in `{key}`")]
    Empty { issuer: String, key: &'static str },
    #[error(
        "`{url}` (issuer `{issuer}`) has to be an https URL without user, query or fragment; http only on loopback"
    )]
    Url { issuer: String, url: String },
    #[error("`max_lifetime_seconds` of the issuer `{issuer}` has to be more than 0")]
    Lifetime { issuer: String },
    #[error("cannot read the certificate authorities of the issuer `{issuer}`: {reason}")]
    Authorities { issuer: String, reason: String },
    #[error("the HTTP client for the issuer `{issuer}` cannot be made: {reason}")]
    HttpClient { issuer: String, reason: String },
}

impl IssuerConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigFault> {
        let issuer = self.issuer.clone();
        let lists = [
            ("audiences", self.audiences.len()),
            ("algorithms", self.algorithms.len()),
            ("token_uses", self.token_uses.len()),
        ];
        if let Some((key, _)) = lists.into_iter().find(|(_, entries)| *entries == 0) {
            return Err(ConfigFault::Empty { issuer, key });
        }
        if self.max_lifetime_seconds <= 0 {
            return Err(ConfigFault::Lifetime { issuer });
        }
        for url in std::iter::once(&self.issuer).chain(&self.jwks_url) {
            if fetchable(url, self.on_loopback()).is_none() || (*url == self.issuer && url.contains('?')) {
                return Err(ConfigFault::Url { issuer, url: url.clone() });
            }
        }
        Ok(())
    }

    /// An issuer on this machine may do without TLS, and so may its keys.
    pub(crate) fn on_loopback(&self) -> bool {
        Url::parse(&self.issuer).is_ok_and(|url| is_loopback(&url))
    }
}

/// The URL, if the gateway may fetch from it.
pub(crate) fn fetchable(text: &str, plain_on_loopback: bool) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let safe = url.scheme() == "https" || (plain_on_loopback && url.scheme() == "http" && is_loopback(&url));
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && bare && !text.contains('#')).then_some(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn default_max_lifetime_seconds() -> i64 {
    DEFAULT_MAX_LIFETIME_SECONDS
}
