//! Time is a fact that is handed in. Only the edge of the process owns a clock.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A point in time: microseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
    /// Microseconds from `earlier` to `self`; zero where the clock went backwards.
    pub fn since_us(self, earlier: Moment) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
}

/// RFC 3339 in UTC, to the millisecond.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// Where a session reads the time. The process has one; tests have a still one.
pub trait Clock: Send + Sync {
    fn now(&self) -> Moment;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_as_rfc3339() {
        assert_eq!(Moment(1_700_000_000_123_456).to_string(), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn a_clock_that_went_back_measures_zero() {
        assert_eq!(Moment(5).since_us(Moment(9)), 0);
    }
}
