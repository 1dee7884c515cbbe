//! Tokens: a pseudonym that a caller can give back, and that the gateway alone can turn into the value it stands for.
//!
//! A text becomes a sealed token: the value itself, encrypted and authenticated under a key of the scope, so that
//! nothing is kept and nothing can be made up. Numbers, UUIDs, cards and phones have no room for a seal in their own
//! shape: theirs come out of a range that is kept for tokens and stand in a book of the session. Not a place where
//! it is decided who may use one, and never a way from a value that a caller chose to its token: only columns get them.
//!
//! Invariants: the same value has the same token within its scope and under one rule, and two values never have one
//! token; a token of another scope or rule is told from a text that is none; what is not certain is no token.

mod narrow;
mod seal;
mod spell;

pub use narrow::Narrow;

use super::forms::MaskKey;
use crate::access::Grant;
use crate::ids::RuleId;
use crate::secret::Secret;
use narrow::Shape;
use seal::Seal;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Within what a value has one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One session, and with it gone the token means nothing.
    Session,
    /// All sessions of one tenant in one database of one target: of the callers who have the same attribute `tenant`
    /// of the same issuer, or of the one caller who has none.
    Tenant,
}

/// The attribute of a caller that says whose it is.
pub const TENANT: &str = "tenant";

/// Longer values have no token: they are redacted.
pub const LONGEST: usize = 512;

/// As many tokens of a session are kept in its book. Further numbers read as their type's stand-in.
const MOST_KEPT: usize = 65_536;
/// Tries to find a token that is not another value's.
const TRIES: u8 = 16;

/// What a column holds, as far as its tokens are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Text,
    Narrow(Narrow),
}

/// What a caller's value turned out to be.
#[derive(Debug)]
pub enum Meant {
    /// The caller's own value.
    Plain,
    /// A token of this caller, and what it stands for, spelt as the token was.
    Own(Secret),
    /// A token of another session, tenant or rule, or of a value that was forgotten.
    Foreign,
}

/// The keys of a session, and the tokens that cannot say themselves what they stand for.
pub(crate) struct Tokens {
    session: Seal,
    tenant: Seal,
    house: [u8; 32],
    book: HashMap<Box<str>, Box<[u8]>>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("kept", &self.book.len()).finish_non_exhaustive()
    }
}

impl Tokens {
    pub(crate) fn of(key: &MaskKey, grant: &Grant) -> Self {
        let (caller, target) = (grant.caller(), grant.target());
        let place = [target.name.as_str(), grant.database()];
        let tenant = match caller.attributes.get(TENANT) {
            Some(tenant) => ["tenant", &caller.issuer, tenant],
            None => ["caller", &caller.issuer, &caller.subject],
        };
        let since = caller.account_since.map(|since| since.0.to_string()).unwrap_or_default();
        let since = if caller.attributes.contains_key(TENANT) { "" } else { since.as_str() };
        let all = [tenant[0], tenant[1], tenant[2], since, place[0], place[1]];
        Self::keyed(key, &[grant.session().as_str(), place[0], place[1]], &all)
    }

    pub(crate) fn keyed(key: &MaskKey, session: &[&str], tenant: &[&str]) -> Self {
        let root = blake3::derive_key("sallyport tokens v1", key.bytes());
        Self {
            session: Seal::of(&root, "session", session),
            tenant: Seal::of(&root, "tenant", tenant),
            house: seal::key(&root, "house", &[]),
            book: HashMap::new(),
        }
    }

    fn seal(&self, scope: Scope) -> &Seal {
        match scope {
            Scope::Session => &self.session,
            Scope::Tenant => &self.tenant,
        }
    }

    /// Appends the token of a text. False: it has none.
    pub(crate) fn write_text(
        &mut self,
        scope: Scope,
        rule: &RuleId,
        value: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        if value.len() > LONGEST {
            return false;
        }
        let looks = spell::looks(value);
        if scope == Scope::Session
            && let Some(shape) = Shape::of_text(looks, value)
            && let Some(token) = self.kept(rule, &shape, value)
        {
            out.extend_from_slice(token.as_bytes());
            return true;
        }
        let sealed = self.seal(scope).seal(rule, value);
        let token = spell::spelt(&sealed, looks == spell::Looks::Email);
        out.extend_from_slice(token.as_bytes());
        true
    }

    /// Appends the token of a number or UUID in its own format. False: it has none.
    pub(crate) fn write_narrow(
        &mut self,
        scope: Scope,
        rule: &RuleId,
        (sort, binary): (Narrow, bool),
        value: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        if scope == Scope::Tenant {
            return false;
        }
        let Some(text) = sort.spelt(value, binary) else { return false };
        let Some(shape) = Shape::of_typed(sort, &text) else { return false };
        let Some(token) = self.kept(rule, &shape, text.as_bytes()) else { return false };
        sort.write(&token, binary, out)
    }

    /// The token of a value, from the book or new in it.
    fn kept(&mut self, rule: &RuleId, shape: &Shape<'_>, value: &[u8]) -> Option<String> {
        let sealed = self.session.seal(rule, value);
        for turn in 0..TRIES {
            let token = shape.token(&self.session.draw(rule, shape.name(), turn, value), &self.house);
            let name = shape.canonical(&token);
            match self.book.get(name.as_str()) {
                Some(known) if **known == *sealed => return Some(token),
                Some(_) => {}
                None if self.book.len() >= MOST_KEPT => return None,
                None => {
                    self.book.insert(name.into(), sealed.into());
                    return Some(token);
                }
            }
        }
        None
    }

    /// What a caller's value stands for, where a column of this sort is masked by this rule.
    pub(crate) fn meant(
        &self,
        scope: Scope,
        rule: &RuleId,
        sort: Sort,
        (given, binary): (&[u8], bool),
    ) -> Meant {
        match sort {
            Sort::Text => self.text_meant(scope, rule, given),
            Sort::Narrow(narrow) => {
                let narrow = narrow.as_wide_as(given, binary);
                let Some(text) = narrow.spelt(given, binary) else { return Meant::Plain };
                let Some(name) = narrow.token_name(&text, &self.house) else { return Meant::Plain };
                match self.read(rule, &name) {
                    Some(value) if scope == Scope::Session => {
                        let mut out = Vec::new();
                        let spelt =
                            std::str::from_utf8(&value).is_ok_and(|it| narrow.write(it, binary, &mut out));
                        if spelt { Meant::Own(Secret::new(out)) } else { Meant::Foreign }
                    }
                    _ => Meant::Foreign,
                }
            }
        }
    }

    fn text_meant(&self, scope: Scope, rule: &RuleId, given: &[u8]) -> Meant {
        if let Some(sealed) = spell::read(given) {
            return match self.seal(scope).open(rule, &sealed) {
                Some(value) => Meant::Own(Secret::new(value)),
                None => Meant::Foreign,
            };
        }
        match narrow::text_name(given) {
            Some(name) => match self.read(rule, &name) {
                Some(value) if scope == Scope::Session => Meant::Own(Secret::new(value)),
                _ => Meant::Foreign,
            },
            None if is_token(given) => Meant::Foreign,
            None => Meant::Plain,
        }
    }

    fn read(&self, rule: &RuleId, name: &str) -> Option<Vec<u8>> {
        self.session.open(rule, self.book.get(name)?)
    }
}

/// Whether a text has the look of a token, whoever made it. Cheap where it has not.
pub fn is_token(text: &[u8]) -> bool {
    spell::is_marked(text) || narrow::text_name(text).is_some()
}

/// Whether a text holds a sealed token anywhere, or is one of the others.
pub fn holds_token(text: &[u8]) -> bool {
    memchr::memmem::find(text, spell::MARK.as_bytes()).is_some_and(|at| {
        let rest = text.get(at + spell::MARK.len()..).unwrap_or_default();
        rest.iter().take_while(|byte| spell::is_letter(**byte)).count() >= spell::SHORTEST
    }) || narrow::text_name(text).is_some()
}

/// Whether a literal of a statement may be a token of any sort, so that it is worth keeping where it stands.
pub fn may_be_token(text: &[u8]) -> bool {
    is_token(text) || narrow::may_be_typed(text)
}

#[cfg(test)]
mod tests;
