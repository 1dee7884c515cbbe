//! The keys of one issuer at one time, and which of them fits a token.

use crate::keys::key::{Algorithm, Jwk, PublicKey};
use serde::Deserialize;
use serde_json::Value;

/// More keys than any issuer rotates through.
const MAX_KEYS: usize = 100;

#[derive(Clone, Default)]
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

pub(crate) enum Pick<'a> {
    One(&'a PublicKey),
    None,
    /// Two different keys fit. Trying both would let the weaker one answer for the other.
    Several,
}

impl KeySet {
    /// Reads a key set document. Keys for other uses are passed over; a document that is not a key set is none.
    pub(crate) fn from_json(document: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(document).ok()?;
        if document.keys.len() > MAX_KEYS {
            return None;
        }
        let jwks = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Some(Self::from_jwks(jwks))
    }

    pub(crate) fn from_jwks(jwks: impl IntoIterator<Item = Jwk>) -> Self {
        let mut keys: Vec<PublicKey> = Vec::new();
        for key in jwks.into_iter().filter_map(|jwk| PublicKey::from_jwk(&jwk)) {
            if !keys.iter().any(|known| known.kid == key.kid && known.is_same_key(&key)) {
                keys.push(key);
            }
        }
        Self { keys }
    }

    /// The key with this kid, or the only one where the token names none. The kid is compared and used for nothing else.
    pub(crate) fn pick(&self, kid: Option<&str>, algorithm: Algorithm) -> Pick<'_> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Pick::One(key),
            (Some(_), Some(_)) => Pick::Several,
            (None, _) => Pick::None,
        }
    }
}
