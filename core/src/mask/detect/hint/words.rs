//! The words of a name: `homePhone`, `home_phone` and `HOME PHONE1` are the same two.

use super::vocabulary::{BESIDE, MOST_WORDS, NOT_ALONE, PEOPLE, Said, said_by};

/// Longer names are read up to here.
const LONGEST: usize = 96;

/// The words of a name in lower case, with an underscore around each, and what they say, alone and together.
pub(super) struct Words {
    bytes: [u8; LONGEST],
    len: usize,
    said: Said,
}

impl Words {
    pub(super) fn of(name: &str) -> Self {
        let mut words = Self { bytes: [0; LONGEST], len: 0, said: Said::NOTHING };
        words.push(b'_');
        let mut lower = false;
        for sign in name.chars() {
            if (sign.is_uppercase() && lower) || !sign.is_alphanumeric() {
                words.part();
            }
            lower = sign.is_lowercase() || sign.is_numeric();
            if sign.is_alphabetic() {
                let mut room = [0; 4];
                for small in sign.to_lowercase() {
                    small.encode_utf8(&mut room).bytes().for_each(|byte| words.push(byte));
                }
            }
        }
        words.part();
        words.said = words.together();
        words
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    fn part(&mut self) {
        if self.len.checked_sub(1).and_then(|last| self.bytes.get(last)) != Some(&b'_') {
            self.push(b'_');
        }
    }

    fn all(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// What each word says, and each run of words.
    fn together(&self) -> Said {
        let all = self.all();
        let mut said = Said::NOTHING;
        for (start, _) in all.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
            let rest = all.get(start + 1..).unwrap_or_default();
            let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'_').map(|(end, _)| end);
            for end in ends.take(MOST_WORDS) {
                said = said.and(said_by(rest.get(..end).unwrap_or_default()));
            }
        }
        said
    }

    /// A word of one of these lists stands in the name.
    pub(super) fn any(&self, of: Said) -> bool {
        self.said.is_any(of)
    }

    /// The name is one of these and nothing else.
    pub(super) fn is(&self, names: &[&str]) -> bool {
        let inside = self.all().strip_prefix(b"_").and_then(|all| all.strip_suffix(b"_")).unwrap_or_default();
        names.iter().any(|name| name.as_bytes() == inside)
    }

    /// `contact`, `account_owner`: persons and nothing else.
    pub(super) fn are_people(&self) -> bool {
        let each = || self.all().split(|byte| *byte == b'_').filter(|word| !word.is_empty()).map(said_by);
        each().all(|said| said.is_any(PEOPLE.and(BESIDE)))
            && each().any(|said| said.is_any(PEOPLE) && !said.is_any(NOT_ALONE))
    }
}
