//! The text of a token taken apart, before anything of it is believed.
//!
//! Stricter than the standard where the standard invites confusion: one spelling (compact), no member twice, no
//! critical extensions, no encryption, no token inside a token.

use crate::keys::Algorithm;
use crate::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt;

/// A token with hundreds of groups fits; the password field of most protocols' clients ends sooner.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

const PARTS_OF_AN_ENCRYPTED_TOKEN: usize = 5;

pub(crate) struct Token<'a> {
    pub(crate) header: Header,
    pub(crate) claims: Claims,
    pub(crate) signed: &'a [u8],
    pub(crate) signature: &'a str,
}

/// Every member that decides something. Key material and addresses that a header may carry (`jwk`, `jku`, `x5u`) are
/// not even read.
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default)]
    pub(crate) kid: Option<String>,
    #[serde(default)]
    pub(crate) typ: Option<String>,
    #[serde(default)]
    cty: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
    #[serde(default)]
    enc: Option<Value>,
    #[serde(default)]
    zip: Option<Value>,
    #[serde(default)]
    b64: Option<Value>,
}

impl<'a> Token<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLarge { limit: MAX_TOKEN_BYTES });
        }
        let parts = text.split('.').take(PARTS_OF_AN_ENCRYPTED_TOKEN + 1).collect::<Vec<_>>();
        let (header, claims, signature) = match parts.as_slice() {
            [header, claims, signature] => (*header, *claims, *signature),
            [header, ..] if parts.len() == PARTS_OF_AN_ENCRYPTED_TOKEN && decode(header).is_ok() => {
                return Err(Refusal::Encrypted);
            }
            _ => return Err(Refusal::NotAToken),
        };
        let head: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Refusal::NotAToken)?;
        head.check()?;
        let body: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Refusal::NotAToken)?;
        let signed = text.as_bytes().get(..header.len() + 1 + claims.len()).ok_or(Refusal::NotAToken)?;
        Ok(Self { header: head, claims: body, signed, signature })
    }
}

impl Header {
    fn check(&self) -> Result<(), Refusal> {
        let nested = self.cty.as_deref().is_some_and(|cty| {
            let cty = cty.to_ascii_lowercase();
            cty == "jwt" || cty == "jwe" || cty.ends_with("/jwt") || cty.ends_with("+jwt")
        });
        if nested || self.enc.is_some() || self.zip.is_some() {
            return Err(Refusal::Encrypted);
        }
        if self.crit.is_some() || self.b64.is_some() {
            return Err(Refusal::Critical);
        }
        Ok(())
    }

    pub(crate) fn algorithm(&self, allowed: &[Algorithm]) -> Result<Algorithm, Refusal> {
        Algorithm::named(&self.alg)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or_else(|| Refusal::Algorithm { allowed: allowed.to_vec() })
    }

    /// `application/at+jwt` and `at+jwt` are the same type.
    pub(crate) fn short_type(&self) -> Option<String> {
        let typ = self.typ.as_ref()?.to_ascii_lowercase();
        Some(typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ))
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::NotAToken)
}

/// The claims, each at most once: two readers of one token must not see two tokens.
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    pub(crate) fn at(&self, path: &str) -> Option<&Value> {
        // A claim's name may itself have dots, as the URL-like names of some issuers do.
        self.0.get(path).or_else(|| {
            let mut names = path.split('.');
            let first = self.0.get(names.next()?)?;
            names.try_fold(first, |value, name| value.get(name))
        })
    }
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(Value::as_str)
    }
    pub(crate) fn has(&self, path: &str) -> bool {
        self.at(path).is_some_and(|value| !value.is_null())
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Claims;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(de::Error::custom("a claim stands twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Once)
    }
}
