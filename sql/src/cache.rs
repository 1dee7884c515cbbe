//! Analyses by text, and by shape where the text's literals made no difference.
//!
//! Bounded, shared by all sessions, forgetful of what was not asked for again. Invariant: an analysis is found only
//! for a text for which analysing it anew would give the same.

use crate::analysis::{Analysis, analyze};
use crate::fault::SqlFault;
use crate::shape::{self, shape};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

const SHARDS: usize = 16;
/// Longer texts are analysed each time: they are seldom repeated.
const MAX_CACHED_BYTES: usize = 64 << 10;

/// Analyses that were asked for, the least wanted forgotten first.
pub struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    per_shard: usize,
}

#[derive(Default)]
struct Shard {
    found: HashMap<[u8; 16], Slot, BuildHasherDefault<KeyIsHash>>,
    order: VecDeque<[u8; 16]>,
}

struct Slot {
    analysis: Arc<Analysis>,
    wanted: bool,
}

impl Cache {
    /// Room for `capacity` analyses.
    pub fn new(capacity: usize) -> Self {
        Self { shards: Default::default(), per_shard: (capacity / SHARDS).max(1) }
    }

    /// As [`analyze`], remembered.
    pub fn analyze(&self, text: &str) -> Result<Arc<Analysis>, SqlFault> {
        if text.len() > MAX_CACHED_BYTES {
            return analyze(text).map(Arc::new);
        }
        let shape = shape(text).map(|shape| shape.0);
        if let Some(known) = shape.and_then(|key| self.find(key)) {
            return Ok(known);
        }
        let exact = shape::key(text.as_bytes());
        if let Some(known) = self.find(exact) {
            return Ok(known);
        }
        let analysis = Arc::new(analyze(text)?);
        // Ranges of several statements move with the lengths of literals.
        let shared = !analysis.literal_sensitive && analysis.statements.len() == 1;
        self.keep(shape.filter(|_| shared).unwrap_or(exact), &analysis);
        Ok(analysis)
    }

    fn find(&self, key: [u8; 16]) -> Option<Arc<Analysis>> {
        let mut shard = self.shard(key)?.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = shard.found.get_mut(&key)?;
        slot.wanted = true;
        Some(Arc::clone(&slot.analysis))
    }

    fn keep(&self, key: [u8; 16], analysis: &Arc<Analysis>) {
        let Some(shard) = self.shard(key) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        while shard.found.len() >= self.per_shard {
            shard.forget_one();
        }
        let slot = Slot { analysis: Arc::clone(analysis), wanted: false };
        if shard.found.insert(key, slot).is_none() {
            shard.order.push_back(key);
        }
    }

    fn shard(&self, key: [u8; 16]) -> Option<&Mutex<Shard>> {
        let [.., last] = key;
        self.shards.get(usize::from(last) % SHARDS)
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(8192)
    }
}

impl Shard {
    /// The oldest that nobody asked for since it was last looked at.
    fn forget_one(&mut self) {
        while let Some(key) = self.order.pop_front() {
            match self.found.get_mut(&key) {
                Some(slot) if slot.wanted => {
                    slot.wanted = false;
                    self.order.push_back(key);
                }
                Some(_) | None => {
                    self.found.remove(&key);
                    return;
                }
            }
        }
        self.found.clear();
    }
}

/// The keys are hashes already.
#[derive(Default)]
struct KeyIsHash(u64);

impl Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
    fn write_usize(&mut self, _length: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_shape_share_an_analysis() {
        let cache = Cache::new(64);
        let one = cache.analyze("SELECT a FROM t WHERE id = 11").unwrap();
        let two = cache.analyze("SELECT a FROM t WHERE id = 22").unwrap();
        assert!(Arc::ptr_eq(&one, &two));
    }

    #[test]
    fn a_literal_that_was_looked_at_is_not_shared() {
        let cache = Cache::new(64);
        let text = |n: u32| format!("DELETE FROM t WHERE id > {n}");
        for n in [0, 5, 0, 5] {
            let cached = cache.analyze(&text(n)).unwrap();
            assert_eq!(*cached, analyze(&text(n)).unwrap());
        }
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let cache = Cache::new(32);
        for n in 0..500 {
            cache.analyze(&format!("SELECT a{n} FROM t")).unwrap();
        }
        let held: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().found.len()).sum();
        assert!(held <= 32, "{held}");
    }
}
