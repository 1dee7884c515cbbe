//! From the target's answers to the graph of what follows on what.

use super::ask::Answers;
use super::texts::Language;
use super::{Behind, Columns, Event, Function, Step, Texts, TypeCode, What};
use crate::catalog::load::{Line, number, word};
use crate::catalog::{Relation, Type};
use sallyport_core::{Action, Effect, Fault, Object, ObjectKind};
use sallyport_sql::Code;
use sallyport_sql::functions::{self, Does};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use Event::{Delete, Drop, Insert, Read, Truncate, Update, Upkeep};

/// What PostgreSQL itself has is numbered below.
const OWN: u32 = 16384;

/// Libraries of compiled functions that compute values and nothing else, besides those that the table of functions knows
/// by name.
const LIBRARIES: [&str; 23] = [
    "_int",
    "autoinc",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "isn",
    "ltree",
    "moddatetime",
    "pg_stat_statements",
    "pg_trgm",
    "pgcrypto",
    "plpgsql",
    "seg",
    "unaccent",
    "uuid-ossp",
    "vector",
];

pub(in crate::catalog) fn build(
    relations: &HashMap<u32, Relation>,
    types: &HashMap<u32, Type>,
    answers: &Answers,
    dependencies: &[Line],
    texts: &mut Texts,
) -> Result<Behind, Fault> {
    let mut build = Build { relations, texts, behind: Behind::default() };
    build.children(&answers.children)?;
    build.dependents(dependencies)?;
    let replaced = build.rules(&answers.rules)?;
    build.views(&answers.views, &replaced)?;
    let restless = build.triggers(&answers.triggers)?;
    build.keys(&answers.keys, &restless)?;
    build.expressions(&answers.expressions, &answers.used)?;
    build.foreign(&answers.foreign)?;
    build.functions(&answers.functions)?;
    build.types(types, answers)?;
    for line in &answers.operators {
        build.behind.operators.entry(word(line, 0)?.to_owned()).or_default().push(number(line, 1)?);
    }
    for line in &answers.event_triggers {
        let label = format!("event trigger {}", word(line, 0)?).into();
        build.behind.event_triggers.push((label, number(line, 1)?));
    }
    let behind = build.behind;
    texts.settle();
    Ok(behind)
}

struct Build<'b> {
    relations: &'b HashMap<u32, Relation>,
    texts: &'b mut Texts,
    behind: Behind,
}

impl Build<'_> {
    fn step(&mut self, of: u32, on: Event, label: Option<&Arc<str>>, what: What) {
        let label = label.map(Arc::clone);
        let step = Step { on, label, what, columns: None, keeps_whole: true };
        self.behind.relations.entry(of).or_default().push(step);
    }

    fn name(&self, oid: u32) -> String {
        match self.relations.get(&oid) {
            Some(relation) => format!("{}.{}", relation.schema, relation.name),
            None => format!("relation {oid}"),
        }
    }

    fn columns(&self, of: u32, numbers: &str) -> Vec<String> {
        let Some(relation) = self.relations.get(&of) else { return Vec::new() };
        let numbers = numbers.split_ascii_whitespace().filter_map(|number| number.parse().ok());
        numbers.filter_map(|number| relation.column(number)).map(|(_, name, _)| name.clone()).collect()
    }

    /// Partitions and heirs hold rows of their parents.
    fn children(&mut self, lines: &[Line]) -> Result<(), Fault> {
        for line in lines {
            let (parent, child): (u32, u32) = (number(line, 0)?, number(line, 1)?);
            // Indexes have heirs as well.
            if !self.relations.contains_key(&child) {
                continue;
            }
            let label: Arc<str> = format!("its parent {}", self.name(parent)).into();
            for event in [Read, Insert, Update, Delete, Truncate, Drop, Upkeep] {
                self.step(parent, event, Some(&label), What::Relation(child, event, Columns::Same));
            }
        }
        Ok(())
    }

    /// Views on tables and on each other.
    fn dependents(&mut self, lines: &[Line]) -> Result<(), Fault> {
        for line in lines {
            let (view, parent): (u32, u32) = (number(line, 0)?, number(line, 1)?);
            let label: Arc<str> = format!("what it stands on, {}", self.name(parent)).into();
            self.step(parent, Drop, Some(&label), What::Relation(view, Drop, Columns::Any));
        }
        Ok(())
    }

    /// Says as well which writes to which relations a rule does something else instead of.
    fn rules(&mut self, lines: &[Line]) -> Result<HashSet<(u32, Event)>, Fault> {
        let mut replaced = HashSet::new();
        for line in lines {
            let of = number(line, 0)?;
            let event = match word(line, 2)? {
                "2" => Update,
                "3" => Insert,
                "4" => Delete,
                _ => continue,
            };
            if word(line, 3)? == "t" {
                replaced.insert((of, event));
            }
            let label: Arc<str> = format!("rule {} of {}", word(line, 1)?, self.name(of)).into();
            // What was dropped since the question began has no text any more.
            let Some(text) = said(line, 4) else { continue };
            let code = self.texts.code(Language::Defined, text);
            self.step(of, event, Some(&label), What::Code(code));
        }
        Ok(replaced)
    }

    fn views(&mut self, lines: &[Line], replaced: &HashSet<(u32, Event)>) -> Result<(), Fault> {
        for line in lines {
            let of = number(line, 0)?;
            let (Some(definition), bits) = (said(line, 1), number::<u32>(line, 2)?) else {
                continue;
            };
            let kind = if word(line, 5)? == "m" { "materialized view" } else { "view" };
            let label: Arc<str> = format!("{kind} {}", self.name(of)).into();
            let code = self.texts.code(Language::Sql, definition);
            for event in [Read, Insert, Update, Delete] {
                self.step(of, event, Some(&label), What::Code(Arc::clone(&code)));
            }
            if kind != "view" {
                continue;
            }
            for (event, bit) in [(Update, 4), (Insert, 8), (Delete, 16)] {
                if bits & bit == 0 || replaced.contains(&(of, event)) {
                    continue;
                }
                for what in self.base(definition, event) {
                    self.step(of, event, Some(&label), what);
                }
            }
        }
        Ok(())
    }

    /// The relation that a view passes its writes on to. Its columns may have other names there.
    fn base(&self, definition: &str, event: Event) -> Vec<What> {
        let Some(base) = Code::base_of_view(definition) else {
            return vec![What::Code(Arc::new(Code::unknown()))];
        };
        let named = self.relations.iter().filter(|(_, relation)| {
            relation.name == base.name && base.schema.as_ref().is_none_or(|schema| *schema == relation.schema)
        });
        named.map(|(oid, _)| What::Relation(*oid, event, Columns::Any)).collect()
    }

    /// Says as well which relations have a trigger that can change the row that an UPDATE gave.
    fn triggers(&mut self, lines: &[Line]) -> Result<HashSet<u32>, Fault> {
        const ROW: u16 = 1;
        const BEFORE: u16 = 2;
        let mut restless = HashSet::new();
        for line in lines {
            let (of, kind, function) = (number(line, 0)?, number::<u16>(line, 2)?, number(line, 3)?);
            let label: Arc<str> = format!("trigger {} of {}", word(line, 1)?, self.name(of)).into();
            let columns = self.columns(of, word(line, 4)?);
            let condition = said(line, 5).map(|text| self.texts.code(Language::Defined, text));
            for (event, bit) in [(Insert, 4), (Delete, 8), (Update, 16), (Truncate, 32)] {
                if kind & bit == 0 {
                    continue;
                }
                if event == Update && kind & ROW != 0 && kind & BEFORE != 0 {
                    restless.insert(of);
                }
                let generated = self.relations.get(&of).is_some_and(|relation| !relation.behind.is_empty());
                let columns = (event == Update && !columns.is_empty() && !generated).then(|| columns.clone());
                let whats = condition.iter().map(|code| What::Code(Arc::clone(code)));
                for what in whats.chain([What::Function(function)]) {
                    let label = Some(Arc::clone(&label));
                    let keeps_whole = kind & ROW != 0;
                    let step = Step { on: event, label, what, columns: columns.clone(), keeps_whole };
                    self.behind.relations.entry(of).or_default().push(step);
                }
            }
        }
        Ok(restless)
    }

    fn keys(&mut self, lines: &[Line], restless: &HashSet<u32>) -> Result<(), Fault> {
        for line in lines {
            let (child, parent): (u32, u32) = (number(line, 1)?, number(line, 2)?);
            let label: Arc<str> = format!("foreign key {} of {}", word(line, 0)?, self.name(child)).into();
            let own: Arc<_> = Arc::new(self.columns(child, word(line, 5)?).into_iter().collect());
            let updated = |own| What::Relation(child, Update, Columns::These(own));
            match word(line, 3)? {
                "c" => self.step(parent, Delete, Some(&label), What::Relation(child, Delete, Columns::Any)),
                "n" | "d" => self.step(parent, Delete, Some(&label), updated(Arc::clone(&own))),
                _ => {}
            }
            if matches!(word(line, 4)?, "c" | "n" | "d") {
                let generated =
                    self.relations.get(&parent).is_some_and(|relation| !relation.behind.is_empty());
                let sure = !restless.contains(&parent) && !generated;
                let columns = sure.then(|| self.columns(parent, word(line, 6).unwrap_or_default()));
                let step = Step {
                    on: Update,
                    label: Some(Arc::clone(&label)),
                    what: updated(own),
                    columns,
                    keeps_whole: true,
                };
                self.behind.relations.entry(parent).or_default().push(step);
            }
            // Only with CASCADE; without, the target refuses.
            self.step(parent, Truncate, Some(&label), What::Relation(child, Truncate, Columns::Any));
        }
        Ok(())
    }

    /// Defaults, generated columns, checks, indexes, partition keys and policies.
    fn expressions(&mut self, lines: &[Line], used: &[Line]) -> Result<(), Fault> {
        let mut functions: HashMap<(&str, u32), Vec<u32>> = HashMap::new();
        for line in used {
            functions.entry((word(line, 0)?, number(line, 1)?)).or_default().push(number(line, 2)?);
        }
        for line in lines {
            let of = number(line, 0)?;
            let (what, class, sort) = (word(line, 1)?, word(line, 3)?, word(line, 5)?);
            let Some(text) = said(line, 2) else { continue };
            let code = self.texts.code(Language::Expression, text);
            let functions = functions.get(&(class, number(line, 4)?)).map(Vec::as_slice).unwrap_or_default();
            if code.is_harmless() && functions.is_empty() {
                continue;
            }
            let label: Arc<str> = format!("{what} of {}", self.name(of)).into();
            let events: &[Event] = match (class, sort) {
                ("pg_policy", "p") => &[Read, Insert, Update, Delete],
                ("pg_policy", _) => &[Insert, Update],
                ("pg_attrdef", "v") => &[Read, Insert, Update, Upkeep],
                _ => &[Insert, Update, Upkeep],
            };
            for event in events {
                self.step(of, *event, Some(&label), What::Code(Arc::clone(&code)));
                for function in functions {
                    self.step(of, *event, Some(&label), What::Function(*function));
                }
            }
        }
        Ok(())
    }

    /// Rows of a foreign table are on another server, or in a file.
    fn foreign(&mut self, lines: &[Line]) -> Result<(), Fault> {
        for line in lines {
            let of = number(line, 0)?;
            let label: Arc<str> = format!("foreign table {}", self.name(of)).into();
            let effect = match word(line, 2)? {
                "file_fdw" => Effect::new(Action::FileRead, Object::none(ObjectKind::File)),
                _ => Effect::new(Action::ConnectOut, Object::new(ObjectKind::Host, [word(line, 1)?])),
            };
            for event in [Read, Insert, Update, Delete, Truncate] {
                self.step(of, event, Some(&label), What::Effect(effect.clone()));
            }
        }
        Ok(())
    }

    fn functions(&mut self, lines: &[Line]) -> Result<(), Fault> {
        for line in lines {
            let oid: u32 = number(line, 0)?;
            let (schema, name) = (word(line, 1)?.to_owned(), word(line, 2)?.to_owned());
            let said = |at| said(line, at);
            let mut code = Vec::new();
            let aggregate = word(line, 10)? == "t";
            if !aggregate {
                code.push(self.body(&name, word(line, 3)?, said(4).unwrap_or_default(), said(5), said(7)));
            }
            code.extend(said(8).map(|defaults| self.texts.code(Language::Expression, defaults)));
            let numbers = |text: &str| -> Vec<u32> {
                text.split_ascii_whitespace()
                    .filter_map(|one| one.parse().ok())
                    .filter(|one| *one != 0)
                    .collect()
            };
            let function = Function {
                label: format!("function {schema}.{name}").into(),
                code,
                runs: if aggregate { numbers(said(11).unwrap_or_default()) } else { Vec::new() },
                types: numbers(said(9).unwrap_or_default()),
                path: said(6).and_then(own_path),
                schema,
                name: name.clone(),
            };
            self.behind.functions_named.entry(name).or_default().push(oid);
            self.behind.functions.insert(oid, function);
        }
        Ok(())
    }

    fn body(
        &mut self,
        name: &str,
        language: &str,
        source: &str,
        library: Option<&str>,
        definition: Option<&str>,
    ) -> Arc<Code> {
        match (language, definition) {
            ("sql", Some(definition)) => self.texts.code(Language::Defined, definition),
            ("sql", None) => self.texts.code(Language::Sql, source),
            ("plpgsql", _) => self.texts.code(Language::PlPgSql, source),
            ("internal", _) => Arc::new(alias_of(source)),
            ("c", _) => Arc::new(compiled(name, library.and_then(name_of_library))),
            _ => Arc::new(Code::unknown()),
        }
    }

    fn types(&mut self, types: &HashMap<u32, Type>, answers: &Answers) -> Result<(), Fault> {
        let mut found: HashMap<u32, TypeCode> = HashMap::new();
        for line in &answers.domains {
            let Some(text) = said(line, 1) else { continue };
            let code = self.texts.code(Language::Expression, text);
            if !code.is_harmless() {
                found.entry(number(line, 0)?).or_default().code.push(code);
            }
        }
        for line in &answers.casts {
            let (source, target, function): (u32, u32, u32) =
                (number(line, 0)?, number(line, 1)?, number(line, 2)?);
            // Each integer may be cast to a type of the target's own: it is that type's.
            let either = source < OWN && target < OWN;
            for own in [source, target].into_iter().filter(|kind| either || *kind >= OWN) {
                found.entry(own).or_default().casts.push(function);
            }
        }
        let mut parts: Vec<(u32, u32)> = Vec::new();
        for (oid, kind) in types {
            parts.extend(
                [kind.base, kind.element].into_iter().filter(|part| *part != 0).map(|part| (*oid, part)),
            );
        }
        for line in &answers.rows {
            let (oid, relation): (u32, u32) = (number(line, 0)?, number(line, 1)?);
            let columns = self.relations.get(&relation).into_iter().flat_map(Relation::visible);
            parts.extend(columns.map(|(_, _, kind)| (oid, *kind)));
        }
        // What is made of a type that runs code runs it as well.
        loop {
            let before = found.len();
            for (whole, part) in &parts {
                if found.contains_key(part) {
                    found.entry(*whole).or_default();
                }
            }
            if found.len() == before {
                break;
            }
        }
        for (whole, part) in parts {
            if found.contains_key(&part) {
                found.entry(whole).or_default().of.push(part);
            }
        }
        for (oid, code) in &mut found {
            let name = types.get(oid).map_or("", |kind| kind.name.as_str());
            code.label = format!("type {name}").into();
            self.behind.types_named.entry(name.to_owned()).or_default().push(*oid);
        }
        for (oid, relation) in self.relations {
            if relation.is_of_system() {
                continue;
            }
            for kind in relation.visible().map(|(_, _, kind)| *kind).filter(|kind| found.contains_key(kind)) {
                self.step(*oid, Read, None, What::Casts(kind));
                for event in [Insert, Update, Upkeep] {
                    self.step(*oid, event, None, What::Type(kind));
                }
            }
        }
        self.behind.types = found;
        Ok(())
    }
}

/// Another name for what PostgreSQL itself has, under one name or several.
fn alias_of(names: &str) -> Code {
    let mut code = Code { unknown: names.is_empty(), ..Code::default() };
    for name in names.split(' ').filter(|name| !name.is_empty()) {
        match functions::known(name).map(|known| known.does) {
            Some(Does::Nothing) => {}
            Some(Does::Call(_)) => {
                code.statements.extend(besides(&format!("pg_catalog.\"{name}\"()")).statements)
            }
            None => code.unknown = true,
        }
    }
    code
}

/// What calling a compiled function does besides being a call.
fn besides(call: &str) -> Code {
    let mut code = Code::of_expression(call);
    for statement in &mut code.statements {
        statement.effects.retain(|effect| effect.action != Action::Call && !effect.is_unlisted_function());
        statement.routines = sallyport_sql::Routines::default();
    }
    code
}

fn said(line: &Line, at: usize) -> Option<&str> {
    line.get(at).and_then(Option::as_deref)
}

/// `search_path` among the settings of a function, one a line. A path that depends on who asks is none.
fn own_path(settings: &str) -> Option<Arc<Vec<String>>> {
    let path = settings.lines().find_map(|line| line.strip_prefix("search_path="))?;
    let names: Vec<String> = path.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect();
    (!names.iter().any(|name| name == "$user")).then(|| Arc::new(names))
}

/// A compiled function does what the table says of its name only where it is of the library that the name is from.
fn compiled(name: &str, library: Option<&str>) -> Code {
    let Some(library) = library else { return Code::unknown() };
    let pure = LIBRARIES.contains(&library);
    match functions::known(name)
        .filter(|known| pure || known.homes.contains(&library))
        .map(|known| known.does)
    {
        Some(Does::Nothing) => Code::default(),
        Some(Does::Call(_)) => besides(&format!("\"{name}\"()")),
        None if pure => Code::default(),
        None => Code::unknown(),
    }
}

/// The name of a library where the server keeps its own. One from anywhere else is somebody's.
fn name_of_library(path: &str) -> Option<&str> {
    let name = path.strip_prefix("$libdir/").unwrap_or(path);
    (!name.contains('/')).then(|| name.strip_suffix(".so").unwrap_or(name))
}
