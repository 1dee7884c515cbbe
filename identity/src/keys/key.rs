//! A public key that can verify one algorithm and no other.
//!
//! Invariant: the algorithm follows from the key's own type, never from a token's header. An RSA key therefore cannot
//! serve as an HMAC secret, and a symmetric key cannot be one at all.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
const MAX_RSA_EXPONENT_BYTES: usize = 8;
const COORDINATE_BYTES: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    RS256,
    ES256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    pub fn all() -> Vec<Algorithm> {
        vec![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDsa]
    }
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::RS256 => "RS256",
            Algorithm::ES256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }
    /// `Ed25519` is the newer name of the same signature (RFC 9864).
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Algorithm::RS256),
            "ES256" => Some(Algorithm::ES256),
            "EdDSA" | "Ed25519" => Some(Algorithm::EdDsa),
            _ => None,
        }
    }
    pub(crate) fn in_jsonwebtoken(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// A key as JSON (RFC 7517), public members only: what an agent registers and what a key set lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    pub kty: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
}

impl Jwk {
    /// Whether the gateway can verify signatures with it: for the form that registers an agent's key.
    pub fn is_usable(&self) -> bool {
        PublicKey::from_jwk(self).is_some()
    }

    /// The key's name by its content (RFC 7638).
    pub fn thumbprint(&self) -> Option<String> {
        let text = |member: &Option<String>| member.as_deref().map(|text| text.replace(['"', '\\'], ""));
        let members = match self.kty.as_str() {
            "RSA" => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(&self.e)?, text(&self.n)?),
            "EC" => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                text(&self.crv)?,
                text(&self.x)?,
                text(&self.y)?
            ),
            "OKP" => format!(r#"{{"crv":"{}","kty":"OKP","x":"{}"}}"#, text(&self.crv)?, text(&self.x)?),
            _ => return None,
        };
        Some(URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes())))
    }
}

#[derive(Clone)]
pub(crate) struct PublicKey {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    thumbprint: String,
    key: DecodingKey,
}

impl PublicKey {
    /// None where the key is not one that signs in an algorithm we verify, or is too weak.
    pub(crate) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let signs = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs || !verifies {
            return None;
        }
        let (algorithm, key) = material(jwk)?;
        if jwk.alg.as_deref().is_some_and(|named| Algorithm::named(named) != Some(algorithm)) {
            return None;
        }
        Some(Self { kid: jwk.kid.clone(), algorithm, thumbprint: jwk.thumbprint()?, key })
    }

    pub(crate) fn is_same_key(&self, other: &PublicKey) -> bool {
        self.algorithm == other.algorithm && self.thumbprint == other.thumbprint
    }

    pub(crate) fn verifies(&self, signed: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, signed, &self.key, self.algorithm.in_jsonwebtoken())
            .unwrap_or(false)
    }
}

fn material(jwk: &Jwk) -> Option<(Algorithm, DecodingKey)> {
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let (n, e) = (decode(&jwk.n)?, decode(&jwk.e)?);
            let strong = RSA_MODULUS_BYTES.contains(&n.len()) && n.first() != Some(&0);
            let exponent =
                e.len() <= MAX_RSA_EXPONENT_BYTES && e.last().is_some_and(|low| low & 1 == 1) && e != [1];
            (strong && exponent).then(|| (Algorithm::RS256, DecodingKey::from_rsa_raw_components(&n, &e)))
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (decode(&jwk.x)?, decode(&jwk.y)?);
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            (x.len() == COORDINATE_BYTES && y.len() == COORDINATE_BYTES)
                .then(|| (Algorithm::ES256, DecodingKey::from_ec_der(&point)))
        }
        ("OKP", Some("Ed25519")) => {
            let x = decode(&jwk.x)?;
            (x.len() == COORDINATE_BYTES).then(|| (Algorithm::EdDsa, DecodingKey::from_ed_der(&x)))
        }
        _ => None,
    }
}

fn decode(member: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(member.as_ref()?).ok()
}
