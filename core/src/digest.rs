//! Canonical hashes: SHA-256 over length-prefixed fields, so that no two different lists of fields hash alike.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0u8; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(NotADigest);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotADigest)?;
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(NotADigest);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotADigest)?;
        }
        Ok(Self(bytes))
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a digest is 64 hexadecimal digits")]
pub struct NotADigest;

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Feeds fields into a [`Digest`]; each field carries its length.
pub struct Digester(Sha256);

impl Digester {
    /// `purpose` keeps hashes of different things apart.
    pub fn new(purpose: &str) -> Self {
        let mut digester = Self(Sha256::new());
        digester.text(purpose);
        digester
    }
    pub fn bytes(&mut self, field: &[u8]) -> &mut Self {
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
        self
    }
    pub fn text(&mut self, field: &str) -> &mut Self {
        self.bytes(field.as_bytes())
    }
    pub fn count(&mut self, number: usize) -> &mut Self {
        self.0.update((number as u64).to_be_bytes());
        self
    }
    pub fn flag(&mut self, value: bool) -> &mut Self {
        self.0.update([u8::from(value)]);
        self
    }
    pub fn optional(&mut self, field: Option<&[u8]>) -> &mut Self {
        self.flag(field.is_some());
        if let Some(field) = field {
            self.bytes(field);
        }
        self
    }
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_together() {
        let mut one = Digester::new("test");
        one.text("ab").text("c");
        let mut two = Digester::new("test");
        two.text("a").text("bc");
        assert_ne!(one.finish(), two.finish());
    }

    #[test]
    fn reads_back_what_it_writes() {
        let digest = Digester::new("test").finish();
        assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        assert_eq!("+1".repeat(32).parse::<Digest>(), Err(NotADigest));
    }
}
