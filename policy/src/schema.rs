//! The vocabulary of rules, parsed once from the text that ships with the program.

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, Schema};
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;

/// The schema as text, for people and editors.
pub const SCHEMA: &str = include_str!("../schema.cedarschema");

static PARSED: LazyLock<Schema> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).expect("the schema ships with the program");
    schema
});

/// Every action with the groups it is in.
static ACTIONS: LazyLock<HashMap<String, Entity>> = LazyLock::new(|| {
    let entities = PARSED.action_entities().expect("the schema ships with the program");
    entities.into_iter().map(|entity| (entity.uid().id().unescaped().to_owned(), entity)).collect()
});

pub(crate) fn schema() -> &'static Schema {
    &PARSED
}

pub(crate) fn action(name: &str) -> Option<&'static Entity> {
    ACTIONS.get(name)
}

pub(crate) fn action_names() -> impl Iterator<Item = &'static str> {
    ACTIONS.keys().map(String::as_str)
}

/// Whether an action is `group` or in it.
pub(crate) fn action_is_in(name: &str, group: &EntityUid) -> bool {
    group.type_name().to_string() == "Action"
        && (group.id().unescaped() == name
            || PARSED_ANCESTORS.get(name).is_some_and(|groups| groups.contains(group)))
}

static PARSED_ANCESTORS: LazyLock<HashMap<String, Vec<EntityUid>>> = LazyLock::new(|| {
    let entities = PARSED.action_entities().expect("the schema ships with the program");
    let ancestors = |uid: &EntityUid| entities.ancestors(uid).into_iter().flatten().cloned().collect();
    entities
        .iter()
        .map(|entity| (entity.uid().id().unescaped().to_owned(), ancestors(&entity.uid())))
        .collect()
});

/// `Table::"public.customers"`
pub(crate) fn uid(kind: Kind, id: &str) -> EntityUid {
    let names = &*TYPE_NAMES;
    let name = names.get(&kind).expect("every kind has a name").clone();
    EntityUid::from_type_name_and_id(name, EntityId::new(id))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Group,
    Person,
    Agent,
    Target,
    Database,
    Schema,
    Table,
    Column,
    Class,
    Function,
    Role,
    Setting,
    Channel,
    File,
    Program,
    Host,
    Other,
}

const KINDS: [(Kind, &str); 17] = [
    (Kind::Group, "Group"),
    (Kind::Person, "Person"),
    (Kind::Agent, "Agent"),
    (Kind::Target, "Target"),
    (Kind::Database, "Database"),
    (Kind::Schema, "Schema"),
    (Kind::Table, "Table"),
    (Kind::Column, "Column"),
    (Kind::Class, "Class"),
    (Kind::Function, "Function"),
    (Kind::Role, "Role"),
    (Kind::Setting, "Setting"),
    (Kind::Channel, "Channel"),
    (Kind::File, "File"),
    (Kind::Program, "Program"),
    (Kind::Host, "Host"),
    (Kind::Other, "Other"),
];

static TYPE_NAMES: LazyLock<HashMap<Kind, EntityTypeName>> = LazyLock::new(|| {
    KINDS
        .iter()
        .map(|(kind, name)| (*kind, EntityTypeName::from_str(name).expect("a plain identifier")))
        .collect()
});

pub(crate) fn type_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(_, name)| *name)
}
