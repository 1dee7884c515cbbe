//! A value that must not be seen: zeroised when dropped, blank when printed, and never serialised.

use std::fmt;
use zeroize::Zeroizing;

/// A target's credential, a token or a key while it is in use.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }
    /// The bytes themselves. Each caller of this is a place to review.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
    /// The bytes as text, where they are text.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_nothing_of_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
