//! What a target does behind the text of a statement: views, triggers, rules, keys, functions, and the expressions of
//! tables and types that run code.
//!
//! `ask` holds the questions, `build` makes a graph of the answers, `follow` walks it for one statement. Invariant: code
//! that is not read is the effect `unknown`, and a walk that would go on too long ends in it; cycles end by themselves.

pub(super) mod ask;
mod build;
mod follow;
mod texts;

pub(super) use build::build;
pub use follow::Footing;
pub(super) use follow::{follow, footing};
pub use texts::Texts;

use sallyport_core::Effect;
use sallyport_sql::Code;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What reading or writing a relation sets going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Event {
    Read,
    Insert,
    Update,
    Delete,
    Truncate,
    /// With CASCADE what stands on it goes as well; without, the target refuses.
    Drop,
    /// It is altered or kept in order: its expressions are computed anew.
    Upkeep,
}

/// What follows on an event.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub on: Event,
    /// `trigger audit_cards of public.orders`. Absent where it is the relation itself in another shape.
    pub label: Option<Arc<str>>,
    pub what: What,
    /// It happens only where one of these columns gets a new value.
    pub columns: Option<Vec<String>>,
    /// What is done to all of the relation is done to all of what follows.
    pub keeps_whole: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The same, or another thing, happens to another relation.
    Relation(u32, Event, Columns),
    Function(u32),
    /// Values become ones of this type.
    Type(u32),
    /// Values of this type may become ones of another.
    Casts(u32),
    Code(Arc<Code>),
    Effect(Effect),
}

/// Which columns of a relation that follows get new values.
#[derive(Clone, Debug)]
pub(super) enum Columns {
    Same,
    Any,
    These(Arc<BTreeSet<String>>),
}

/// A function of the target's own.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub schema: String,
    pub name: String,
    pub label: Arc<str>,
    /// Its body, and the defaults of its arguments.
    pub code: Vec<Arc<Code>>,
    /// Aggregates run others.
    pub runs: Vec<u32>,
    /// Of its arguments and result.
    pub types: Vec<u32>,
    /// The path that its names are looked up in, where it sets one itself.
    pub path: Option<Arc<Vec<String>>>,
}

/// What a value runs by becoming one of this type.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeCode {
    pub label: Arc<str>,
    pub code: Vec<Arc<Code>>,
    pub casts: Vec<u32>,
    /// What it is made of.
    pub of: Vec<u32>,
}

/// The graph. What has nothing behind it is not in it.
#[derive(Debug, Default)]
pub(super) struct Behind {
    pub relations: HashMap<u32, Vec<Step>>,
    pub functions: HashMap<u32, Function>,
    pub functions_named: HashMap<String, Vec<u32>>,
    pub operators: HashMap<String, Vec<u32>>,
    pub types: HashMap<u32, TypeCode>,
    pub types_named: HashMap<String, Vec<u32>>,
    /// What every definition sets going.
    pub event_triggers: Vec<(Arc<str>, u32)>,
}

impl Behind {
    /// The target's own functions of that name.
    pub fn functions_named<'b>(
        &'b self,
        schema: Option<&'b str>,
        name: &str,
    ) -> impl Iterator<Item = u32> + use<'b> {
        let oids = self.functions_named.get(name).map(Vec::as_slice).unwrap_or_default();
        oids.iter().copied().filter(move |oid| {
            let own = self.functions.get(oid).map(|function| function.schema.as_str());
            schema.is_none() || schema == own || schema == Some("pg_temp")
        })
    }

    pub fn has_function(&self, schema: Option<&str>, name: &str) -> bool {
        self.functions_named(schema, name).next().is_some()
    }
}
