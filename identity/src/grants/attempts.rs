//! How often somebody may guess: a bucket of attempts per account and one per address, refilled slowly.
//!
//! An attempt is taken before the password is looked at, so that guesses in parallel count too, and given back when it
//! was right. Invariant: a bounded number of buckets; who comes when all are taken shares one.

use crate::grants::GrantRefusal;
use sallyport_core::Moment;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;

const PER_ACCOUNT: Terms = Terms { capacity: 10, refill_seconds: 30 };
const PER_ADDRESS: Terms = Terms { capacity: 30, refill_seconds: 10 };
const MAX_BUCKETS: usize = 10_000;
const MAX_ACCOUNT_BYTES: usize = 255;

#[derive(Clone, Copy)]
struct Terms {
    capacity: i64,
    refill_seconds: i64,
}

/// Shared by everything that takes a guess: sign-in, client secrets, user codes.
#[derive(Default)]
pub struct Attempts {
    buckets: Mutex<HashMap<Holder, Bucket>>,
}

/// One attempt, taken. Say so if it succeeded; otherwise it stays spent.
#[must_use = "say whether the attempt succeeded"]
pub struct Attempt<'a> {
    attempts: &'a Attempts,
    holders: Vec<Holder>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Holder {
    Account(String),
    Address(IpAddr),
    /// Whoever finds no bucket left.
    Everybody,
}

struct Bucket {
    used: i64,
    since: Moment,
}

impl Attempts {
    pub fn new() -> Self {
        Self::default()
    }

    /// For a person's account, whether it exists or not, from this address.
    pub fn take(&self, account: &str, address: IpAddr, now: Moment) -> Result<Attempt<'_>, GrantRefusal> {
        let account = account.trim().to_lowercase().chars().take(MAX_ACCOUNT_BYTES).collect();
        self.take_all(vec![Holder::Address(network(address)), Holder::Account(account)], now)
    }

    /// For what a stranger must not be able to use up for others: client secrets and user codes.
    pub fn take_for_address(&self, address: IpAddr, now: Moment) -> Result<Attempt<'_>, GrantRefusal> {
        self.take_all(vec![Holder::Address(network(address))], now)
    }

    fn take_all(&self, holders: Vec<Holder>, now: Moment) -> Result<Attempt<'_>, GrantRefusal> {
        let mut buckets = self.buckets.lock().map_err(|_| GrantRefusal::Unavailable)?;
        make_room(&mut buckets, now);
        let room = buckets.len() + holders.len() <= MAX_BUCKETS;
        let settle =
            |holder: Holder| if room || buckets.contains_key(&holder) { holder } else { Holder::Everybody };
        let holders: Vec<Holder> = holders.into_iter().map(settle).collect();
        for holder in &holders {
            let bucket = buckets.entry(holder.clone()).or_insert(Bucket { used: 0, since: now });
            bucket.refill(holder.terms(), now);
            if bucket.used >= holder.terms().capacity {
                let retry_after_seconds = bucket.retry_after_seconds(holder.terms(), now);
                return Err(GrantRefusal::TooMany { retry_after_seconds });
            }
        }
        for holder in &holders {
            if let Some(bucket) = buckets.get_mut(holder) {
                bucket.used += 1;
            }
        }
        Ok(Attempt { attempts: self, holders })
    }
}

impl Attempt<'_> {
    pub fn succeeded(self) {
        // Not being able to give one back costs its holder an attempt, nothing else.
        let Ok(mut buckets) = self.attempts.buckets.lock() else { return };
        for holder in &self.holders {
            if let Some(bucket) = buckets.get_mut(holder) {
                bucket.used = (bucket.used - 1).max(0);
            }
        }
    }
}

impl Bucket {
    fn refill(&mut self, terms: Terms, now: Moment) {
        let earned = (now.as_seconds() - self.since.as_seconds()).max(0) / terms.refill_seconds;
        self.used = self.used.saturating_sub(earned).max(0);
        self.since =
            if self.used == 0 { now } else { self.since.plus_seconds(earned * terms.refill_seconds) };
    }
    fn retry_after_seconds(&self, terms: Terms, now: Moment) -> i64 {
        (terms.refill_seconds - (now.as_seconds() - self.since.as_seconds())).clamp(1, terms.refill_seconds)
    }
}

impl Holder {
    fn terms(&self) -> Terms {
        match self {
            Holder::Account(_) => PER_ACCOUNT,
            Holder::Address(_) | Holder::Everybody => PER_ADDRESS,
        }
    }
}

/// Buckets that are full again remember nothing. Looked for only when the room gets short.
fn make_room(buckets: &mut HashMap<Holder, Bucket>, now: Moment) {
    if buckets.len() + 2 > MAX_BUCKETS {
        buckets.retain(|holder, bucket| {
            bucket.refill(holder.terms(), now);
            bucket.used > 0
        });
    }
}

/// A single host holds a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}
