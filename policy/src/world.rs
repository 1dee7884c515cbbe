//! A session's facts and one effect, as the entities and the request that Cedar is asked about.
//!
//! Every object hangs below the session's own target, so a rule for another target can never match here.

use crate::classes::Declared;
use crate::schema::{Kind, action, uid};
use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression as Value};
use sallyport_core::judge::Facts;
use sallyport_core::{ApprovalFact, CallerKind, Effect, Moment, Object, ObjectKind, Sensitive, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The question could not even be put. Always answered with a denial or a mask.
#[derive(Debug, thiserror::Error)]
#[error("the rules cannot be asked: {0}")]
pub(crate) struct Unaskable(String);

impl Unaskable {
    fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// What Cedar is asked with.
pub(crate) struct Question {
    pub request: Request,
    pub entities: Entities,
}

/// The part of every question that stays the same for a session.
pub(crate) struct World {
    facts: Facts,
    pub principal: EntityUid,
    pub groups: Vec<EntityUid>,
    pub target: EntityUid,
    fixed: Vec<Entity>,
    /// `schema.table` to the classes that the target's settings give each of its columns.
    classes: ByTable,
    declared: Arc<Declared>,
}

impl World {
    pub fn new(facts: Facts, declared: Arc<Declared>) -> Result<Self, Unaskable> {
        let caller = &facts.caller;
        let kind = match caller.kind {
            CallerKind::Person => Kind::Person,
            CallerKind::Agent => Kind::Agent,
        };
        let principal = uid(kind, &caller.principal());
        let groups: Vec<_> = caller.groups.iter().map(|group| uid(Kind::Group, group)).collect();
        let target = uid(Kind::Target, facts.target.name.as_str());
        let fixed = vec![principal_entity(&facts, &principal, &groups)?, target_entity(&facts, &target)?];
        let classes = classes_by_table(&facts.target);
        Ok(Self { facts, principal, groups, target, fixed, classes, declared })
    }

    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub fn connect(&self, now: Moment) -> Result<Question, Unaskable> {
        self.question("connect", self.target.clone(), Vec::new(), self.context(now, false, &[]))
    }

    pub fn effect(
        &self,
        now: Moment,
        effect: &Effect,
        approvals: &[ApprovalFact],
    ) -> Result<Question, Unaskable> {
        let (resource, chain) = self.object(&effect.object)?;
        self.question(effect.action.as_str(), resource, chain, self.context(now, effect.whole, approvals))
    }

    /// `verb` is `see` or `filter`.
    pub fn about(&self, verb: &str, now: Moment, thing: &Sensitive<'_>) -> Result<Question, Unaskable> {
        let (resource, chain) = match thing {
            Sensitive::Column { schema, table, column } => {
                self.column(&self.facts.database, schema, table, column)?
            }
            Sensitive::Class(class) => self.class(class)?,
        };
        self.question(verb, resource, chain, self.context(now, false, &[]))
    }

    /// The columns that have classes by the target's settings, as (schema, table, column).
    pub fn classed_columns(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        self.facts.target.classes.keys().map(|path| split(path))
    }

    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    fn question(
        &self,
        name: &str,
        resource: EntityUid,
        chain: Vec<Entity>,
        context: Vec<(String, Value)>,
    ) -> Result<Question, Unaskable> {
        let verb = action(name).ok_or_else(|| Unaskable(format!("the schema has no action {name}")))?;
        let context = Context::from_pairs(context).map_err(Unaskable::because)?;
        let request = Request::new(self.principal.clone(), verb.uid(), resource, context, None)
            .map_err(Unaskable::because)?;
        let all = self.fixed.iter().cloned().chain([verb.clone()]).chain(chain);
        let entities = Entities::from_entities(all, None).map_err(Unaskable::because)?;
        Ok(Question { request, entities })
    }

    fn context(&self, now: Moment, whole: bool, approvals: &[ApprovalFact]) -> Vec<(String, Value)> {
        let attribute = |name: &str| text(self.facts.caller.attributes.get(name).map_or("", String::as_str));
        let seconds = now.as_seconds();
        // 1970-01-01 was a Thursday, the fourth day.
        let weekday = (seconds.div_euclid(86_400) + 3).rem_euclid(7) + 1;
        let groups = approvals.iter().flat_map(|fact| fact.groups.iter());
        let approvers = approvals.iter().map(|fact| &fact.approver);
        let mut pairs = vec![
            ("target", Value::new_entity_uid(self.target.clone())),
            ("database", text(&self.facts.database)),
            ("purpose", attribute("purpose")),
            ("risk_tier", attribute("risk_tier")),
            ("whole", Value::new_bool(whole)),
            ("approvals", set(groups)),
            ("approvers", set(approvers)),
            ("now", Value::new_long(seconds)),
            ("hour", Value::new_long(seconds.rem_euclid(86_400) / 3600)),
            ("weekday", Value::new_long(weekday)),
        ];
        if let Some(peer) = self.facts.peer {
            pairs.push(("peer", Value::new_ip(peer.to_canonical().to_string())));
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The name that rules have for an object.
    pub fn uid(&self, object: &Object) -> Option<EntityUid> {
        self.object(object).ok().map(|(uid, _)| uid)
    }

    fn object(&self, object: &Object) -> Result<(EntityUid, Vec<Entity>), Unaskable> {
        let path: Vec<&str> = object.path.iter().map(String::as_str).collect();
        let here = self.facts.database.as_str();
        let named = |kind| self.named(kind, &spell(&path), object.name(), [self.target.clone()]);
        match object.kind {
            ObjectKind::Target => Ok((self.target.clone(), Vec::new())),
            ObjectKind::Database => {
                let entity = self.database(path.last().copied().unwrap_or(here))?;
                Ok((entity.uid(), vec![entity]))
            }
            ObjectKind::Schema => match path.as_slice() {
                [.., database, schema] => self.schema(database, schema),
                [schema] => self.schema(here, schema),
                [] => self.schema(here, ""),
            },
            ObjectKind::Table => match path.as_slice() {
                [.., database, schema, table] => self.table(database, schema, table),
                [schema, table] => self.table(here, schema, table),
                [table] => self.table(here, "", table),
                [] => self.table(here, "", ""),
            },
            ObjectKind::Column => match path.as_slice() {
                [.., database, schema, table, column] => self.column(database, schema, table, column),
                [schema, table, column] => self.column(here, schema, table, column),
                [table, column] => self.column(here, "", table, column),
                [column] => self.column(here, "", "", column),
                [] => self.column(here, "", "", ""),
            },
            ObjectKind::Function => match path.as_slice() {
                [.., schema, name] => self.function(schema, name),
                [name] => self.function("", name),
                [] => self.function("", ""),
            },
            ObjectKind::Channel => {
                let database = self.database(here)?;
                let (uid, mut chain) =
                    self.named(Kind::Channel, &spell(&path), object.name(), [uid(Kind::Database, here)])?;
                chain.push(database);
                Ok((uid, chain))
            }
            ObjectKind::Role => named(Kind::Role),
            ObjectKind::Setting => named(Kind::Setting),
            ObjectKind::File => named(Kind::File),
            ObjectKind::Program => named(Kind::Program),
            ObjectKind::Host => named(Kind::Host),
            ObjectKind::Other => named(Kind::Other),
        }
    }

    fn named(
        &self,
        kind: Kind,
        id: &str,
        name: &str,
        parents: impl IntoIterator<Item = EntityUid>,
    ) -> Result<(EntityUid, Vec<Entity>), Unaskable> {
        let uid = uid(kind, id);
        let entity = entity(uid.clone(), [("name", text(name))], parents)?;
        Ok((uid, vec![entity]))
    }

    fn database(&self, name: &str) -> Result<Entity, Unaskable> {
        entity(uid(Kind::Database, name), [("name", text(name))], [self.target.clone()])
    }

    /// A class below every class that it is in. The others lie flat beside each other, so that declarations which name
    /// each other make no ring.
    fn class(&self, name: &str) -> Result<(EntityUid, Vec<Entity>), Unaskable> {
        let outer: Vec<&str> = self.declared.closed([name]).into_iter().filter(|one| *one != name).collect();
        let (mut parents, mut chain) = self.flat(outer)?;
        parents.push(self.target.clone());
        let uid = uid(Kind::Class, name);
        chain.push(entity(uid.clone(), [("name", text(name))], parents)?);
        Ok((uid, chain))
    }

    fn flat<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(Vec<EntityUid>, Vec<Entity>), Unaskable> {
        let each = names.into_iter().map(|name| {
            let uid = uid(Kind::Class, name);
            Ok((uid.clone(), entity(uid, [("name", text(name))], [self.target.clone()])?))
        });
        each.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().unzip())
    }

    fn schema(&self, database: &str, name: &str) -> Result<(EntityUid, Vec<Entity>), Unaskable> {
        let database = self.database(database)?;
        let uid = uid(Kind::Schema, name);
        let schema = entity(uid.clone(), [("name", text(name))], [database.uid()])?;
        Ok((uid, vec![schema, database]))
    }

    fn function(&self, schema: &str, name: &str) -> Result<(EntityUid, Vec<Entity>), Unaskable> {
        let (parent, mut chain) = self.schema(&self.facts.database, schema)?;
        let uid = uid(Kind::Function, &spell(&[schema, name]));
        let attributes = [("name", text(name)), ("schema", text(schema))];
        chain.push(entity(uid.clone(), attributes, [parent])?);
        Ok((uid, chain))
    }

    fn table(&self, database: &str, schema: &str, name: &str) -> Result<(EntityUid, Vec<Entity>), Unaskable> {
        let (parent, mut chain) = self.schema(database, schema)?;
        let id = spell(&[schema, name]);
        let given = self.classes.get(&id).into_iter().flat_map(|columns| columns.values().flatten());
        let given = given.map(String::as_str).chain(self.declared.of_table(schema, name));
        let classes = self.declared.closed(given);
        let uid = uid(Kind::Table, &id);
        let attributes = [("name", text(name)), ("schema", text(schema)), ("classes", set(classes))];
        chain.push(entity(uid.clone(), attributes, [parent])?);
        Ok((uid, chain))
    }

    fn column(
        &self,
        database: &str,
        schema: &str,
        table: &str,
        name: &str,
    ) -> Result<(EntityUid, Vec<Entity>), Unaskable> {
        let (parent, mut chain) = self.table(database, schema, table)?;
        let given = given_classes(&self.classes, schema, table, name);
        let classes = self.declared.closed(given.chain(self.declared.of_column(schema, table, name)));
        let (mut parents, entities) = self.flat(classes.iter().copied())?;
        parents.push(parent);
        chain.extend(entities);
        let uid = uid(Kind::Column, &spell(&[schema, table, name]));
        let attributes = [
            ("name", text(name)),
            ("table", text(table)),
            ("schema", text(schema)),
            ("classes", set(classes)),
        ];
        chain.push(entity(uid.clone(), attributes, parents)?);
        Ok((uid, chain))
    }
}

fn principal_entity(facts: &Facts, uid: &EntityUid, groups: &[EntityUid]) -> Result<Entity, Unaskable> {
    let caller = &facts.caller;
    let attributes = [
        ("subject", text(&caller.subject)),
        ("issuer", text(&caller.issuer)),
        ("name", text(&caller.name)),
        ("owner", text(caller.owner.as_deref().unwrap_or_default())),
        ("chain", set(&caller.chain)),
    ];
    tagged(uid.clone(), attributes, groups.iter().cloned(), &caller.attributes)
}

fn target_entity(facts: &Facts, uid: &EntityUid) -> Result<Entity, Unaskable> {
    let target = &facts.target;
    let attributes = [
        ("name", text(target.name.as_str())),
        ("protocol", text(&target.protocol)),
        ("account", text(&target.account)),
        ("env", text(target.labels.get("env").map_or("", String::as_str))),
    ];
    tagged(uid.clone(), attributes, [], &target.labels)
}

/// Every class of a column, by the target's settings and by declaration, with the classes that these are in.
pub(crate) fn classes_of(
    target: &Target,
    declared: &Declared,
    schema: &str,
    table: &str,
    name: &str,
) -> BTreeSet<String> {
    let by_table = classes_by_table(target);
    let given = given_classes(&by_table, schema, table, name);
    let all = declared.closed(given.chain(declared.of_column(schema, table, name)));
    all.into_iter().map(str::to_owned).collect()
}

type ByTable = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn given_classes<'a>(
    tables: &'a ByTable,
    schema: &str,
    table: &str,
    name: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let columns = tables.get(&spell(&[schema, table]));
    columns.and_then(|columns| columns.get(name)).into_iter().flatten().map(String::as_str)
}

fn classes_by_table(target: &Target) -> ByTable {
    let mut tables = ByTable::new();
    for (path, classes) in &target.classes {
        let parts = split(path);
        if let [schema, table, column] = parts.as_slice() {
            let columns = tables.entry(spell(&[schema, table])).or_default();
            columns.entry(column.clone()).or_default().extend(classes.iter().cloned());
        }
    }
    tables
}

fn entity(
    uid: EntityUid,
    attributes: impl IntoIterator<Item = (&'static str, Value)>,
    parents: impl IntoIterator<Item = EntityUid>,
) -> Result<Entity, Unaskable> {
    tagged(uid, attributes, parents, &BTreeMap::new())
}

fn tagged(
    uid: EntityUid,
    attributes: impl IntoIterator<Item = (&'static str, Value)>,
    parents: impl IntoIterator<Item = EntityUid>,
    tags: &BTreeMap<String, String>,
) -> Result<Entity, Unaskable> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
    let tags = tags.iter().map(|(name, value)| (name.clone(), text(value)));
    Entity::new_with_tags(uid, attributes, parents, tags).map_err(Unaskable::because)
}

fn text(value: &str) -> Value {
    Value::new_string(value.to_owned())
}

fn set<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Value {
    Value::new_set(values.into_iter().map(|value| text(value.as_ref())))
}

/// A path as an id: parts joined by dots, a part that holds a dot or a quote quoted, so that no two paths are alike.
pub(crate) fn spell(path: &[&str]) -> String {
    let quoted = |part: &&str| match part.contains(['.', '"']) {
        true => format!("\"{}\"", part.replace('"', "\"\"")),
        false => (*part).to_owned(),
    };
    path.iter().map(quoted).collect::<Vec<_>>().join(".")
}

/// The parts of a path as [`spell`] writes it.
pub(crate) fn split(path: &str) -> Vec<String> {
    split_quoted(path).into_iter().map(|(part, _)| part).collect()
}

/// The parts, and whether each has quotes.
pub(crate) fn split_quoted(path: &str) -> Vec<(String, bool)> {
    let mut parts = vec![(String::new(), false)];
    let mut quoted = false;
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some((part, has_quotes)) = parts.last_mut() else { break };
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '"' => {
                quoted = !quoted;
                *has_quotes = true;
            }
            '.' if !quoted => parts.push((String::new(), false)),
            _ => part.push(letter),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_paths_are_spelled_alike() {
        assert_eq!(spell(&["public", "customers"]), "public.customers");
        assert_ne!(spell(&["a.b", "c"]), spell(&["a", "b.c"]));
        let odd = ["a.b", "c\"d", "e"];
        assert_eq!(split(&spell(&odd)), odd);
    }
}
