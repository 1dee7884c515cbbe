//! What calling a function amounts to, besides computing: the words that the table is written in.
//!
//! Not the functions themselves (the table has them) and not what the words mean as effects (the walk says that).

/// A function of PostgreSQL or of an extension that comes with it: one name, for all its overloads and versions.
#[derive(Debug)]
pub struct Known {
    pub name: &'static str,
    /// `pg_catalog`, `information_schema`, or names of extensions.
    pub homes: &'static [&'static str],
    /// The versions that have it, a bit for each; the lowest is [`super::OLDEST`]. None where only older or newer ones do.
    pub majors: u8,
    /// Volatile in at least one version and overload.
    pub volatile: bool,
    pub does: Does,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Computes a value and nothing else.
    Nothing,
    /// Has to be permitted by its name, and does these besides.
    Call(&'static [Reach]),
}

/// What a call is, besides a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Reads files of the server: the one named by the argument of that place, or its own.
    FileRead(Option<usize>),
    /// Writes a file of the server, named by the argument of that place.
    FileWrite(usize),
    /// Opens or uses a connection to another server; what it runs there is not known.
    ConnectOut,
    /// Runs text that it is given, or reads or writes what only its arguments name.
    Dynamic,
    /// Shows what that relation shows: schema and name.
    Reads(Option<&'static str>, &'static str),
    /// Sets the setting named by its first argument.
    SetSetting,
    /// Reads the setting named by its first argument.
    ReadSetting,
    /// Moves the sequence named by its first argument.
    Sequence,
    Lock,
    /// Speaks on the channel named by its first argument.
    Notify,
    /// Acts on the server as a whole: signals, WAL, replication, statistics, configuration.
    Admin,
    Maintenance,
    /// Reads, creates, changes or removes large objects.
    LargeRead,
    LargeCreate,
    LargeWrite,
    LargeDrop,
}

impl Known {
    pub fn is_of(&self, home: &str) -> bool {
        self.homes.contains(&home)
    }

    /// Whether it has a place in that schema. Extensions are made in whatever schema their owner likes.
    pub fn may_stand_in(&self, schema: &str) -> bool {
        self.is_of(schema) || self.is_of_extension()
    }

    pub fn is_of_extension(&self) -> bool {
        self.homes.iter().any(|home| !matches!(*home, "pg_catalog" | "information_schema"))
    }
}
