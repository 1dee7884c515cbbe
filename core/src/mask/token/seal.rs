//! Deterministic authenticated encryption: a keyed hash of the value is both its seal and the start of the key stream
//! that hides it, so that equal values are equal and any other change is found out.
//!
//! Invariant: values are padded, so that a token tells their length only in steps of [`STEP`] bytes.

use crate::ids::RuleId;
use subtle::ConstantTimeEq;

/// Of the seal's bytes, so many are kept: nobody finds one by trying.
pub(super) const TAG: usize = 12;
pub(super) const STEP: usize = 16;

pub(super) struct Seal {
    mac: [u8; 32],
    stream: [u8; 32],
    draw: [u8; 32],
}

impl Drop for Seal {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        self.mac.zeroize();
        self.stream.zeroize();
        self.draw.zeroize();
    }
}

/// A key for these words and no others.
pub(super) fn key(root: &[u8; 32], what: &str, words: &[&str]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(root);
    [what].iter().chain(words).for_each(|word| add(&mut hasher, word.as_bytes()));
    *hasher.finalize().as_bytes()
}

fn add(hasher: &mut blake3::Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

impl Seal {
    pub(super) fn of(root: &[u8; 32], scope: &str, words: &[&str]) -> Self {
        let own = key(root, scope, words);
        Self { mac: key(&own, "mac", &[]), stream: key(&own, "stream", &[]), draw: key(&own, "draw", &[]) }
    }

    /// The value under its seal. Made for one rule: under another it does not open.
    pub(super) fn seal(&self, rule: &RuleId, value: &[u8]) -> Vec<u8> {
        let mut padded = Vec::with_capacity(TAG + value.len() + STEP);
        padded.extend_from_slice(&[0; TAG]);
        padded.extend_from_slice(value);
        padded.push(0x80);
        while !(padded.len() - TAG).is_multiple_of(STEP) {
            padded.push(0);
        }
        let (head, body) = padded.split_at_mut(TAG);
        head.copy_from_slice(&self.tag(rule, body));
        self.hide(head, body);
        padded
    }

    pub(super) fn open(&self, rule: &RuleId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (head, body) = sealed.split_at_checked(TAG)?;
        let mut body = body.to_vec();
        self.hide(head, &mut body);
        if !bool::from(self.tag(rule, &body).ct_eq(head)) {
            return None;
        }
        let end = body.iter().rposition(|byte| *byte == 0x80)?;
        body.truncate(end);
        Some(body)
    }

    fn tag(&self, rule: &RuleId, padded: &[u8]) -> [u8; TAG] {
        let mut hasher = blake3::Hasher::new_keyed(&self.mac);
        add(&mut hasher, rule.as_str().as_bytes());
        add(&mut hasher, padded);
        let mut tag = [0; TAG];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }

    fn hide(&self, tag: &[u8], body: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.stream);
        hasher.update(tag);
        let mut stream = vec![0; body.len()];
        hasher.finalize_xof().fill(&mut stream);
        body.iter_mut().zip(stream).for_each(|(byte, with)| *byte ^= with);
    }

    /// Bytes from which a token of another shape is made.
    pub(super) fn draw(&self, rule: &RuleId, shape: &str, turn: u8, value: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.draw);
        add(&mut hasher, rule.as_str().as_bytes());
        add(&mut hasher, shape.as_bytes());
        add(&mut hasher, &[turn]);
        add(&mut hasher, value);
        *hasher.finalize().as_bytes()
    }
}
