//! Why a token was not taken, in words for whoever presented it. Never a part of the token.

use crate::keys::Algorithm;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("The token has more than {limit} bytes. Ask the issuer for one with fewer claims.")]
    TooLarge { limit: usize },
    #[error("This is not a token. Pass a signed JWT: three parts with dots between.")]
    NotAToken,
    #[error("The token is encrypted or wraps another token. Pass a signed JWT.")]
    Encrypted,
    #[error(
        "The token names critical header fields that the gateway does not know. Ask the issuer for one without."
    )]
    Critical,
    #[error("The token is signed with an algorithm that is not allowed. Allowed here: {}.", list(.allowed))]
    Algorithm { allowed: Vec<Algorithm> },
    #[error(
        "The token's issuer is not known here. Get a token from an issuer that the gateway is configured for."
    )]
    UnknownIssuer,
    #[error("The token's signing key is not among its issuer's keys. Get a new token.")]
    UnknownKey,
    #[error(
        "The issuer publishes several keys that fit the token. Its administrator has to give each its own kid."
    )]
    AmbiguousKey,
    #[error(
        "The keys of the issuer {issuer} cannot be had now ({reason}). Try again; tell the administrator if it stays."
    )]
    IssuerUnavailable { issuer: String, reason: &'static str },
    #[error("The token's signature is wrong. Get a new token.")]
    Signature,
    #[error("The token has no expiry. Ask the issuer for one that ends.")]
    NoExpiry,
    #[error("The token has expired. Get a new one and connect again.")]
    Expired,
    #[error("The token is not valid yet. Check the clocks of the issuer and of the gateway.")]
    NotYet,
    #[error(
        "The token lives longer than the {limit_seconds} seconds allowed here. Ask for one that ends sooner."
    )]
    TooLongLived { limit_seconds: i64 },
    #[error(
        "The token is for somebody else: its audience is not this gateway. Ask for one with the audience {expected}."
    )]
    Audience { expected: String },
    #[error("The token was given to a client that may not use this gateway.")]
    Client,
    #[error("This kind of token is not taken here. Pass an access token for the gateway.")]
    TokenUse,
    #[error("The token's claim `{claim}` is missing or not of the kind the gateway is configured for.")]
    Claim { claim: String },
}

impl Refusal {
    /// Nothing is wrong with the token as far as anybody knows: the same one may pass later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Refusal::IssuerUnavailable { .. })
    }
}

fn list(allowed: &[Algorithm]) -> String {
    allowed.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(", ")
}
