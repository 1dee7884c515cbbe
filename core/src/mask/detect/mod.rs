//! Finds sensitive values in text: a count of byte classes that rejects clean cells, then hand-written readers with
//! check digits. Not a parser of any format, and no regular expression.
//!
//! Invariants: offsets are bytes, on character boundaries where the text is UTF-8; what is found is ordered and does
//! not overlap; no input panics, none is skipped for being invalid UTF-8, and nothing is allocated but room in `found`.

mod aws;
mod base58;
mod bech32;
#[cfg(test)]
mod by_format;
mod bytes;
mod card;
mod class;
mod coin;
mod cpf;
mod digits;
mod email;
mod hint;
mod iban;
mod jwt;
mod keys;
mod label;
mod lanes;
mod mac;
mod named;
mod net;
mod number;
mod pem;
mod person;
mod phone;
mod place;
mod plain;
mod plans;
mod query;
mod shape;
mod ssn;
#[cfg(test)]
mod tests;
mod tokens;
mod url;
mod webhook;
mod written_date;

pub use class::{Class, Classes, Found};
pub use hint::{Hint, hint};
pub use named::scan_named;
pub use number::read_number;
use shape::Signs;

/// Nothing is shorter: `::1`.
const SHORTEST: usize = 3;

/// Appends every value of the wanted classes in `text`, in order, without overlap.
#[inline]
pub fn scan(text: &[u8], wanted: Classes, found: &mut Vec<Found>) {
    if text.len() < SHORTEST || plain::is_plain(text) {
        return;
    }
    let signs = Signs::of(text);
    if !signs.is_quiet() || signs.colon && query::may_be_in(text) {
        read(text, signs, wanted, found);
    }
}

/// Asks each reader that has something to read.
#[inline(never)]
fn read(text: &[u8], signs: Signs, wanted: Classes, found: &mut Vec<Found>) {
    let first = found.len();
    if signs.at {
        if signs.colon && wanted.contains(Class::UrlPassword) {
            url::scan(text, found);
        }
        if wanted.contains(Class::Email) {
            email::scan(text, found, first);
        }
    }
    if wanted.meets(query::KINDS) && query::may_be_in(text) {
        query::scan(text, wanted, found);
    }
    if signs.account && text.len() >= iban::SHORTEST && wanted.contains(Class::Iban) {
        iban::scan(text, found);
    }
    if signs.number && wanted.meets(digits::KINDS) {
        digits::scan(text, wanted, found);
    }
    if signs.four && wanted.contains(Class::Ip) {
        net::scan_four(text, found);
    }
    if signs.six && wanted.contains(Class::Ip) {
        net::scan_six(text, found);
    }
    if signs.hardware && wanted.contains(Class::Mac) {
        mac::scan(text, found);
    }
    if signs.long {
        if wanted.meets(tokens::KINDS) {
            tokens::scan(text, wanted, found);
        }
        if wanted.contains(Class::Jwt) {
            jwt::scan(text, found);
        }
    }
    if (signs.long || signs.secret) && wanted.contains(Class::AwsKey) {
        aws::scan(text, found);
    }
    if signs.armour && wanted.contains(Class::PrivateKey) {
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
        let strength = (next.end - next.start, next.class.proof());
        if seen <= first || next.start >= kept.end {
            strongest = strength;
            return false;
        }
        if strongest == (0, 0) {
            strongest = (kept.end - kept.start, kept.class.proof());
        }
        if strength > strongest {
            strongest = strength;
            kept.class = next.class;
        }
        kept.end = kept.end.max(next.end);
        true
    });
}
