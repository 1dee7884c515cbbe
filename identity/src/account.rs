//! Local accounts as plain data: the store keeps them, the control plane looks them up, the grants judge them.

use crate::issuer::TokenRequest;
use crate::keys::Jwk;
use sallyport_core::{CallerKind, Moment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A person who signs in here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAccount {
    /// The subject of this person's tokens.
    pub id: String,
    /// When the account was made. With `id` it names the account for good: a name may be given anew.
    pub since: Moment,
    /// What the person types and others read.
    pub name: String,
    /// argon2id, as [`crate::password::hash`] writes it.
    pub password_hash: Option<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// The longest a token of this account may live, below the issuer's own maximum.
    #[serde(default)]
    pub max_lifetime_seconds: Option<i64>,
    #[serde(default)]
    pub disabled: bool,
}

/// A program that works for somebody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentAccount {
    /// The `client_id`, and the subject of this agent's tokens.
    pub id: String,
    /// When the account was made. With `id` it names the account for good: a name may be given anew.
    pub since: Moment,
    pub name: String,
    /// argon2id of the client secret; none where only keys are registered.
    pub secret_hash: Option<String>,
    /// Keys for `private_key_jwt`.
    #[serde(default)]
    pub public_keys: Vec<Jwk>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// The person who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub max_lifetime_seconds: Option<i64>,
    #[serde(default)]
    pub disabled: bool,
}

impl PersonAccount {
    /// What a token for this person says. The lifetime is cut to the account's own limit.
    pub fn token_request(&self, lifetime_seconds: i64) -> TokenRequest {
        TokenRequest {
            subject: self.id.clone(),
            account_since: self.since,
            name: self.name.clone(),
            kind: CallerKind::Person,
            groups: self.groups.clone(),
            attributes: self.attributes.clone(),
            owner: None,
            chain: Vec::new(),
            lifetime_seconds: shorter(lifetime_seconds, self.max_lifetime_seconds),
        }
    }
}

impl AgentAccount {
    /// What a token for this agent says. The lifetime is cut to the account's own limit.
    pub fn token_request(&self, lifetime_seconds: i64) -> TokenRequest {
        TokenRequest {
            subject: self.id.clone(),
            account_since: self.since,
            name: self.name.clone(),
            kind: CallerKind::Agent,
            groups: self.groups.clone(),
            attributes: self.attributes.clone(),
            owner: self.owner.clone(),
            chain: Vec::new(),
            lifetime_seconds: shorter(lifetime_seconds, self.max_lifetime_seconds),
        }
    }
}

fn shorter(wished: i64, limit: Option<i64>) -> i64 {
    limit.map_or(wished, |limit| wished.min(limit))
}

impl fmt::Debug for PersonAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonAccount")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AgentAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentAccount").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}
