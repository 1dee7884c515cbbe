//! What a command would do: a list of (action, object), and whether to all of the object.
//!
//! Connectors name effects; rules judge them; people read them on an approval. A part that cannot be understood is
//! the effect `unknown`, which no rule permits by accident: it has to be named.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

words!(
    /// Every verb that a rule can speak of.
    Action {
        Read = "read",
        Insert = "insert",
        Update = "update",
        Delete = "delete",
        Truncate = "truncate",
        Create = "create",
        Alter = "alter",
        Drop = "drop",
        Grant = "grant",
        Revoke = "revoke",
        Call = "call",
        Do = "do",
        CopyProgram = "copy_program",
        FileRead = "file_read",
        FileWrite = "file_write",
        ConnectOut = "connect_out",
        Set = "set",
        RoleChange = "role_change",
        Transaction = "transaction",
        Listen = "listen",
        Notify = "notify",
        Lock = "lock",
        Maintenance = "maintenance",
        Admin = "admin",
        Unknown = "unknown",
    }
);

words!(
    /// What sort of thing an action is done to.
    ObjectKind {
        Target = "target",
        Database = "database",
        Schema = "schema",
        Table = "table",
        Column = "column",
        Function = "function",
        Role = "role",
        Setting = "setting",
        Channel = "channel",
        File = "file",
        Program = "program",
        Host = "host",
        Other = "other",
    }
);

/// The thing an action is done to: `["public", "customers"]` of kind table. A schema is absent where the command
/// named none and nothing could resolve it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    pub kind: ObjectKind,
    pub path: Vec<String>,
}

impl Object {
    pub fn new<S: Into<String>>(kind: ObjectKind, path: impl IntoIterator<Item = S>) -> Self {
        Self { kind, path: path.into_iter().map(Into::into).collect() }
    }
    pub fn none(kind: ObjectKind) -> Self {
        Self { kind, path: Vec::new() }
    }
    /// The last part of the path: a table's own name.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }
}

/// `public.customers`
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path.join("."))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Effect {
    pub action: Action,
    pub object: Object,
    /// A write to all of the object: a DELETE whose WHERE filters nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
    /// What does it, where the command's own text does not say it: `trigger audit_cards of public.orders`. No rule looks
    /// at it; people read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Arc<str>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Effect {
    pub fn new(action: Action, object: Object) -> Self {
        Self { action, object, whole: false, through: None }
    }
    pub fn whole(mut self, whole: bool) -> Self {
        self.whole = whole;
        self
    }
    /// A function of which only the name is known, and nobody has looked yet whether there is one.
    pub fn is_unlisted_function(&self) -> bool {
        self.action == Action::Unknown && self.object.kind == ObjectKind::Function && self.through.is_none()
    }
    pub fn through(mut self, what: Arc<str>) -> Self {
        self.through = Some(what);
        self
    }
    fn is_same_act(&self, other: &Self) -> bool {
        (self.action, &self.object, self.whole) == (other.action, &other.object, other.whole)
    }
}

/// `delete public.customers (all of it)`, `insert public.audit through trigger noted of public.orders`
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action)?;
        if !self.object.path.is_empty() {
            write!(f, " {}", self.object)?;
        }
        if self.whole {
            f.write_str(" (all of it)")?;
        }
        if let Some(what) = &self.through {
            write!(f, " through {what}")?;
        }
        Ok(())
    }
}

/// The effects of one command, sorted, each act once (what the text says itself before what is done behind it), shared between the cache and the sessions that run it.
/// `key` is a hash of the list: equal effects have equal keys, so a verdict is cached by key and rules epoch.
#[derive(Clone, Debug)]
pub struct Effects(Arc<EffectList>);

#[derive(Debug)]
struct EffectList {
    key: [u8; 16],
    list: Vec<Effect>,
}

impl Effects {
    pub fn new(mut list: Vec<Effect>) -> Self {
        list.sort();
        list.dedup_by(|later, kept| kept.is_same_act(later));
        let mut hasher = blake3::Hasher::new();
        for effect in &list {
            for part in [effect.action.as_str(), effect.object.kind.as_str()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            hasher.update(&(effect.object.path.len() as u64).to_le_bytes());
            for part in &effect.object.path {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            hasher.update(&[u8::from(effect.whole) | u8::from(effect.through.is_some()) << 1]);
            // What is said of it is part of a remembered verdict.
            if let Some(through) = &effect.through {
                hasher.update(&(through.len() as u64).to_le_bytes());
                hasher.update(through.as_bytes());
            }
        }
        let mut key = [0u8; 16];
        hasher.finalize_xof().fill(&mut key);
        Self(Arc::new(EffectList { key, list }))
    }
    /// Nothing could be understood: the one effect `unknown`.
    pub fn unknown() -> Self {
        Self::new(vec![Effect::new(Action::Unknown, Object::none(ObjectKind::Other))])
    }
    pub fn key(&self) -> [u8; 16] {
        self.0.key
    }
    pub fn list(&self) -> &[Effect] {
        &self.0.list
    }
    pub fn is_unknown(&self) -> bool {
        self.list().iter().any(|effect| effect.action == Action::Unknown)
    }
}

impl PartialEq for Effects {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str) -> Effect {
        Effect::new(Action::Read, Object::new(ObjectKind::Table, ["public", table]))
    }

    #[test]
    fn equal_lists_have_equal_keys_in_any_order() {
        let a = Effects::new(vec![read("a"), read("b"), read("a")]);
        let b = Effects::new(vec![read("b"), read("a")]);
        assert_eq!(a, b);
        assert_eq!(a.list().len(), 2);
    }

    #[test]
    fn what_the_text_says_itself_stands_for_what_is_done_behind_it() {
        let behind = read("a").through("view public.v".into());
        let both = Effects::new(vec![behind.clone(), read("a")]);
        assert_eq!(both.list(), [read("a")]);
        let said: Vec<_> = Effects::new(vec![behind]).list().iter().map(ToString::to_string).collect();
        assert_eq!(said, ["read public.a through view public.v"]);
    }

    #[test]
    fn names_do_not_run_together() {
        let joined =
            Effects::new(vec![Effect::new(Action::Read, Object::new(ObjectKind::Table, ["ab", "c"]))]);
        let split =
            Effects::new(vec![Effect::new(Action::Read, Object::new(ObjectKind::Table, ["a", "bc"]))]);
        assert_ne!(joined, split);
    }
}
