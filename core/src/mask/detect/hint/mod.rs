//! What the name of a column or key says about its values. It adds kinds that the value alone does not show, and says of
//! some shapes that they are something else.
//!
//! Invariant: a name that the caller of a statement can choose only ever adds: see [`Hint::adds_only`].

mod vocabulary;
mod words;

use super::class::{Class, Classes};
use vocabulary as say;
use words::Words;

/// What a name says. The default says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The kind of the values, where the name leaves no doubt.
    pub(in crate::mask::detect) class: Option<Class>,
    /// The name is weaker evidence: the value has to look the part.
    pub(in crate::mask::detect) doubtful: bool,
    /// What its values are not, whatever they look like.
    pub(in crate::mask::detect) never: Classes,
}

impl Hint {
    pub const NONE: Hint = Hint { class: None, doubtful: false, never: Classes::NONE };

    /// The same without what it rules out: for a name that whoever is masked has chosen.
    pub const fn adds_only(self) -> Self {
        Self { class: self.class, doubtful: self.doubtful, never: Classes::NONE }
    }
    /// These kinds without those that the name rules out.
    pub const fn rules_out(self, kinds: Classes) -> Classes {
        kinds.without(self.never)
    }
    /// The kind that the name promises.
    pub const fn class(self) -> Option<Class> {
        self.class
    }
    /// Whether other things are called so as well.
    pub const fn is_doubtful(self) -> bool {
        self.doubtful
    }
    const fn of(class: Class) -> Self {
        Self { class: Some(class), doubtful: false, never: Classes::NONE }
    }
    const fn perhaps(class: Class) -> Self {
        Self { class: Some(class), doubtful: true, never: Classes::NONE }
    }
}

/// What a column or key of this name holds.
pub fn hint(name: &str) -> Hint {
    let words = Words::of(name);
    let promised = promised(&words);
    Hint { never: never(&words, promised.class), ..promised }
}

fn promised(words: &Words) -> Hint {
    if words.any(say::BIRTH) && !words.any(say::NO_BIRTH) {
        return Hint::of(Class::BirthDate);
    }
    if words.any(say::PLACE) && !words.any(say::NO_PLACE) {
        return Hint::of(Class::Address);
    }
    if let Some(hint) = person(words) {
        return hint;
    }
    if words.any(say::OTHER_THINGS) {
        return Hint::NONE;
    }
    let card = words.any(say::CARD) || words.any(say::NUMBER) && words.any(say::CARD_ITSELF);
    let phone = words.any(say::PHONE) || words.is(&["contact_number", "whatsapp_number", "cell_number"]);
    // The first that is so counts.
    let kinds = [
        (words.any(say::SSN), Class::Ssn),
        (card, Class::Card),
        (words.any(say::CPF), Class::Cpf),
        (phone, Class::Phone),
        (words.any(say::IBAN), Class::Iban),
        (words.any(say::EMAIL), Class::Email),
        (words.any(say::MAC), Class::Mac),
        (words.any(say::COIN), Class::Coin),
        (words.any(say::AWS), Class::AwsKey),
        (words.any(say::KEYS), Class::ApiKey),
    ];
    kinds.iter().find(|(is_so, _)| *is_so).map_or(Hint::NONE, |(_, class)| Hint::of(*class))
}

fn person(words: &Words) -> Option<Hint> {
    let named = words.any(say::NAME);
    if words.any(say::NAMES) && !words.any(say::NO_NAMES) {
        return Some(Hint::of(Class::Person));
    }
    if !named && words.are_people() {
        return Some(Hint::perhaps(Class::Person));
    }
    if words.any(say::NO_PERSON) {
        return None;
    }
    if named && words.any(say::PEOPLE) {
        return Some(Hint::of(Class::Person));
    }
    let alone = words.is(&["name", "names"]);
    let by = words.is(&[
        "signed_by",
        "approved_by",
        "requested_by",
        "prepared_by",
        "written_by",
        "attention",
        "attn",
    ]);
    (alone || by).then(|| Hint::perhaps(Class::Person))
}

/// What counts goods, papers, times and places is no number of a person; what names a version is no address.
fn never(words: &Words, promised: Option<Class>) -> Classes {
    const NUMBERS: Classes = Classes::of(Class::Phone).with(Class::Ssn).with(Class::Cpf);
    let mut never = Classes::NONE;
    if promised.is_some() {
        return never;
    }
    if words.any(say::GOODS) {
        never = never.union(NUMBERS).with(Class::Card);
    }
    if words.any(say::PAPERS) {
        never = never.union(NUMBERS);
    }
    if words.any(say::VERSIONS) {
        never = never.union(NUMBERS).with(Class::Ip);
    }
    never
}
