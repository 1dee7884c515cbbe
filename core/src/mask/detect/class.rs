//! The kinds of values, their names, and sets of them. A name never changes its meaning: rules are written with it.

/// A set of kinds of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Classes(pub(super) u32);

/// A kind of value that is recognised by its shape, or by its shape and the name of its column.
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
    Ip,
    Mac,
    Cpf,
    ApiKey,
    UrlPassword,
    Coin,
    Person,
    Address,
    BirthDate,
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
        Class::Ip,
        Class::Mac,
        Class::Cpf,
        Class::ApiKey,
        Class::UrlPassword,
        Class::Coin,
        Class::Person,
        Class::Address,
        Class::BirthDate,
    ];

    /// The name that rules and people use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Email => "email",
            Class::Card => "credit_card",
            Class::Phone => "phone",
            Class::Iban => "iban",
            Class::Ssn => "us_ssn",
            Class::AwsKey => "aws_access_key",
            Class::Jwt => "jwt",
            Class::PrivateKey => "private_key",
            Class::Ip => "ip_address",
            Class::Mac => "mac_address",
            Class::Cpf => "br_cpf",
            Class::ApiKey => "api_key",
            Class::UrlPassword => "url_password",
            Class::Coin => "crypto_address",
            Class::Person => "person",
            Class::Address => "postal_address",
            Class::BirthDate => "date_of_birth",
        }
    }

    /// The other name of a kind that has two: rules and targets written with either mean the same.
    pub fn other_name(name: &str) -> Option<&'static str> {
        const BOTH: [(&str, &str); 3] =
            [("credit_card", "card"), ("us_ssn", "ssn"), ("aws_access_key", "aws_key")];
        BOTH.iter().find_map(|(now, before)| match name {
            _ if name == *now => Some(*before),
            _ if name == *before => Some(*now),
            _ => None,
        })
    }

    /// How much the shape proves by itself: of two readings of the same bytes the higher one counts.
    pub(super) const fn proof(self) -> u8 {
        match self {
            Class::PrivateKey => 17,
            Class::Jwt => 16,
            Class::AwsKey => 15,
            Class::ApiKey => 14,
            Class::UrlPassword => 13,
            Class::Coin => 12,
            Class::Iban => 11,
            Class::Card => 10,
            Class::Mac => 9,
            Class::Ip => 8,
            Class::Cpf => 7,
            Class::Ssn => 6,
            Class::Email => 5,
            Class::Phone => 4,
            Class::BirthDate => 3,
            Class::Address => 2,
            Class::Person => 1,
        }
    }
}

impl Classes {
    pub const NONE: Classes = Classes(0);
    /// What bare digits may be without any name.
    pub const OF_DIGITS: Classes =
        Classes::of(Class::Card).with(Class::Cpf).with(Class::Phone).with(Class::Ssn);
    /// What a number may be under a name that says so.
    pub const IN_NUMBERS: Classes = Classes::OF_DIGITS.with(Class::BirthDate);

    pub const fn of(class: Class) -> Self {
        Self(1 << class as u32)
    }
    pub fn all() -> Self {
        Class::ALL.iter().fold(Self::NONE, |set, class| set.with(*class))
    }
    pub const fn with(self, class: Class) -> Self {
        Self(self.0 | Self::of(class).0)
    }
    pub const fn union(self, other: Classes) -> Self {
        Self(self.0 | other.0)
    }
    pub const fn without(self, other: Classes) -> Self {
        Self(self.0 & !other.0)
    }
    pub const fn contains(self, class: Class) -> bool {
        self.0 & Self::of(class).0 != 0
    }
    pub const fn both(self, other: Classes) -> Self {
        Self(self.0 & other.0)
    }
    pub const fn meets(self, other: Classes) -> bool {
        self.0 & other.0 != 0
    }
    pub const fn is_empty(self) -> bool {
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
