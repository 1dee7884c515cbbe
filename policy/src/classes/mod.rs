//! Declared classes: which kinds of values and which columns a class stands for, beside the rules that speak of it.
//!
//! They stand in files of their own (`*.classes`) among the files of rules, are checked with them and come into force
//! with them. What they are not: rules. A class hides nothing until a rule says so. Invariant: a class only ever adds; no
//! declaration takes a kind or a column out of another class.

mod pattern;
mod read;

pub(crate) use pattern::{Name, Pattern};
pub(crate) use read::read;

use sallyport_core::mask::detect::Class;
use std::collections::BTreeSet;

/// Files of this ending hold classes; all others hold rules.
pub const CLASSES_ENDING: &str = ".classes";

/// More is no vocabulary but a mistake, and would make every session slow.
const MAX_TERMS: usize = 10_000;

#[derive(Debug)]
pub(crate) struct DeclaredClass {
    pub name: String,
    /// Names of kinds that are recognised by what values look like.
    pub kinds: Vec<&'static str>,
    pub columns: Vec<Pattern>,
    /// Where it is declared: file and line.
    pub file: String,
    pub line: usize,
}

/// Every class that the files declare.
#[derive(Debug, Default)]
pub(crate) struct Declared(Vec<DeclaredClass>);

impl Declared {
    pub fn all(&self) -> &[DeclaredClass] {
        &self.0
    }

    /// The classes that a column of this name has by declaration.
    pub fn of_column(&self, schema: &str, table: &str, column: &str) -> impl Iterator<Item = &str> {
        let (schema, table, column) = (Name::of(schema), Name::of(table), Name::of(column));
        let has = move |class: &&DeclaredClass| {
            class.columns.iter().any(|one| one.matches(&schema, &table, &column))
        };
        self.0.iter().filter(has).map(|class| class.name.as_str())
    }

    /// The classes that name this table: a pattern that holds for any table says nothing of one.
    pub fn of_table(&self, schema: &str, table: &str) -> impl Iterator<Item = &str> {
        let (schema, table) = (Name::of(schema), Name::of(table));
        let has =
            move |class: &&DeclaredClass| class.columns.iter().any(|one| one.names_table(&schema, &table));
        self.0.iter().filter(has).map(|class| class.name.as_str())
    }

    /// These classes and every class that they are in: the other name of a kind, the classes declared to hold the kind,
    /// and for `pii.email` also `pii`.
    pub fn closed<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut all = BTreeSet::new();
        let mut next: Vec<&str> = names.into_iter().collect();
        while let Some(name) = next.pop() {
            if !all.insert(name) {
                continue;
            }
            next.extend(Class::other_name(name));
            next.extend(name.rsplit_once('.').map(|(outer, _)| outer));
            let holders = self.0.iter().filter(|class| class.kinds.contains(&name));
            next.extend(holders.map(|class| class.name.as_str()));
        }
        all
    }

    /// Adds what a file declares; false where that is more than there may be.
    fn add(&mut self, class: DeclaredClass) -> bool {
        self.0.push(class);
        self.0.iter().map(|class| class.kinds.len() + class.columns.len()).sum::<usize>() <= MAX_TERMS
    }

    fn named(&self, name: &str) -> Option<&DeclaredClass> {
        self.0.iter().find(|class| class.name == name)
    }
}
