//! Finds sensitive values in text: a count of byte classes that rejects clean cells, then hand-written readers with
//! check digits. Not a parser of any format, and no regular expression.
//!
//! Invariants: offsets are bytes, on character boundaries where the text is UTF-8; what is found is ordered and does
//! not overlap; no input panics, none is skipped for being invalid UTF-8, and nothing is allocated but room in `found`.

mod aws;
#[cfg(test)]
mod by_format;
mod bytes;
mod card;
mod context;
mod digits;
mod email;
mod iban;
mod jwt;
mod pem;
mod phone;
mod shape;
mod ssn;
#[cfg(test)]
mod tests;

pub use context::{hint, scan_named};
use shape::Shape;

/// A set of kinds of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Classes(u32);

/// A kind of value that can be recognised by its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Email,
    Card,
    Phone,
    Iban,
    Ssn,
    AwsKey,
    Jwt,
    PrivateKey,
}

impl Class {
    pub const ALL: &'static [Class] = &[
        Class::Email,
        Class::Card,
        Class::Phone,
        Class::Iban,
        Class::Ssn,
        Class::AwsKey,
        Class::Jwt,
        Class::PrivateKey,
    ];
    /// The name that rules and people use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Email => "email",
            Class::Card => "card",
            Class::Phone => "phone",
            Class::Iban => "iban",
            Class::Ssn => "ssn",
            Class::AwsKey => "aws_key",
            Class::Jwt => "jwt",
            Class::PrivateKey => "private_key",
        }
    }
}

impl Classes {
    pub const NONE: Classes = Classes(0);

    pub fn of(class: Class) -> Self {
        Self(1 << class as u32)
    }
    pub fn all() -> Self {
        Class::ALL.iter().fold(Self::NONE, |set, class| set.with(*class))
    }
    pub fn with(self, class: Class) -> Self {
        Self(self.0 | Self::of(class).0)
    }
    pub fn union(self, other: Classes) -> Self {
        Self(self.0 | other.0)
    }
    pub fn contains(self, class: Class) -> bool {
        self.0 & Self::of(class).0 != 0
    }
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Where a value stands: byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub class: Class,
    pub start: usize,
    pub end: usize,
}

/// No address is shorter: `a@b.c` has one letter fewer than any.
const SHORTEST: usize = 5;

/// Appends every value of the wanted classes in `text`, in order, without overlap.
pub fn scan(text: &[u8], wanted: Classes, found: &mut Vec<Found>) {
    if text.len() < SHORTEST || shape::is_plain(text) {
        return;
    }
    let shape = Shape::of(text);
    let first = found.len();
    if wanted.contains(Class::Email) && shape.ats > 0 {
        email::scan(text, found);
    }
    if shape.digits >= digits::FEWEST && wanted.0 & digits::KINDS != 0 {
        digits::scan(text, wanted, found);
    }
    if wanted.contains(Class::AwsKey) && text.len() >= aws::SHORTEST {
        aws::scan(text, &shape, found);
    }
    if wanted.contains(Class::Jwt) && shape.dots >= 2 && text.len() >= jwt::SHORTEST {
        jwt::scan(text, found);
    }
    if wanted.contains(Class::PrivateKey) && shape.dashes >= pem::FEWEST_DASHES {
        pem::scan(text, found);
    }
    if found.len() > first + 1 {
        settle(found, first);
    }
}

/// Orders what was found and joins what overlaps: nothing that any reader claimed stays in sight. The joined range has
/// the class of its longest part; among equals, the one whose shape proves more.
fn settle(found: &mut Vec<Found>, first: usize) {
    let Some(new) = found.get_mut(first..) else { return };
    new.sort_unstable_by_key(|one| (one.start, std::cmp::Reverse(one.end)));
    // The strongest part of the range that is being joined: its length, and what its shape proves.
    let mut strongest = (0, 0);
    let mut seen = 0;
    found.dedup_by(|next, kept| {
        seen += 1;
        let strength = (next.end - next.start, proof(next.class));
        if seen <= first || next.start >= kept.end {
            strongest = strength;
            return false;
        }
        if strongest == (0, 0) {
            strongest = (kept.end - kept.start, proof(kept.class));
        }
        if strength > strongest {
            strongest = strength;
            kept.class = next.class;
        }
        kept.end = kept.end.max(next.end);
        true
    });
}

/// How much a class's shape proves by itself.
const fn proof(class: Class) -> u8 {
    match class {
        Class::PrivateKey => 8,
        Class::Jwt => 7,
        Class::AwsKey => 6,
        Class::Iban => 5,
        Class::Card => 4,
        Class::Ssn => 3,
        Class::Email => 2,
        Class::Phone => 1,
    }
}
