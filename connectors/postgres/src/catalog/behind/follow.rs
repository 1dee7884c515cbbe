//! The walk for one statement: from what its text does to what that sets going, and so on.
//!
//! What was seen once is not walked again, so that cycles end. Invariant: a walk that is given up says `unknown`.

use super::{Behind, Columns, Event, What};
use crate::catalog::Snapshot;
use sallyport_core::{Action, Effect, Object, ObjectKind};
use sallyport_sql::{Code, Statement, StatementKind};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

/// How many things may be set going by one statement, and how many effects they may have.
const MOST_STEPS: usize = 20_000;
const MOST_EFFECTS: usize = 2_000;
/// How many of the things between a statement and an effect are named.
const MOST_NAMED: u8 = 3;

pub(in crate::catalog) fn follow(snapshot: &Snapshot, statement: &Statement) -> Vec<Effect> {
    walked(snapshot, statement).found
}

/// The relations and functions that a statement stands on besides those it names.
#[derive(Debug, Default)]
pub struct Footing {
    pub relations: BTreeSet<Vec<String>>,
    pub functions: BTreeSet<String>,
}

pub(in crate::catalog) fn footing(snapshot: &Snapshot, statement: &Statement) -> Footing {
    let walk = walked(snapshot, statement);
    let mut footing = Footing::default();
    for effect in walk.found.into_iter().filter(|effect| effect.object.kind == ObjectKind::Table) {
        footing.relations.insert(effect.object.path);
    }
    for seen in walk.seen {
        match seen {
            Seen::Relation(oid, ..) => {
                let relation = snapshot.relation(oid);
                footing.relations.extend(relation.map(|one| vec![one.schema.clone(), one.name.clone()]));
            }
            Seen::Function(oid, _) => {
                footing.functions.extend(walk.behind.functions.get(&oid).map(|one| one.name.clone()));
            }
            Seen::Type(_) | Seen::Casts(_) | Seen::Code(..) => {}
        }
    }
    footing
}

fn walked<'s>(snapshot: &'s Snapshot, statement: &Statement) -> Walk<'s> {
    let mut walk = Walk {
        snapshot,
        behind: &snapshot.behind,
        found: Vec::new(),
        acts: HashSet::new(),
        seen: HashSet::new(),
        next: VecDeque::new(),
        steps: 0,
    };
    walk.sets_going(statement, &Way::default());
    loop {
        let next = walk.next.pop_front();
        walk.steps += 1;
        if walk.steps > MOST_STEPS || walk.found.len() > MOST_EFFECTS {
            walk.next.clear();
            let effect = Effect::new(Action::Unknown, Object::none(ObjectKind::Other));
            walk.found.push(effect.through("more than the gateway follows".into()));
            break;
        }
        match next {
            Some((task, way)) => walk.take(task, &way),
            None => break,
        }
    }
    walk
}

/// How a thing was reached.
#[derive(Clone, Default)]
struct Way {
    said: Option<Arc<str>>,
    named: u8,
    /// All of what set it going was written to.
    whole: bool,
    /// The path in which the code's names are looked up.
    path: Option<Arc<Vec<String>>>,
}

impl Way {
    fn through(&self, label: Option<&Arc<str>>) -> Self {
        let Some(label) = label else { return self.clone() };
        let said = match &self.said {
            None => Arc::clone(label),
            Some(said) if self.named < MOST_NAMED => format!("{label}, {said}").into(),
            Some(said) if self.named == MOST_NAMED => format!("others, {said}").into(),
            Some(said) => Arc::clone(said),
        };
        Self {
            said: Some(said),
            named: self.named.saturating_add(1),
            whole: self.whole,
            path: self.path.clone(),
        }
    }
}

/// `None` of columns: any.
enum Task<'s> {
    Relation(u32, Event, Option<Arc<BTreeSet<String>>>),
    Function(u32),
    Type(u32),
    Casts(u32),
    Code(&'s Code),
}

#[derive(PartialEq, Eq, Hash)]
enum Seen {
    Relation(u32, Event, bool, Option<Arc<BTreeSet<String>>>),
    Function(u32, bool),
    Type(u32),
    Casts(u32),
    Code(usize, bool),
}

struct Walk<'s> {
    snapshot: &'s Snapshot,
    behind: &'s Behind,
    found: Vec<Effect>,
    acts: HashSet<(Action, Object, bool)>,
    seen: HashSet<Seen>,
    next: VecDeque<(Task<'s>, Way)>,
    steps: usize,
}

impl<'s> Walk<'s> {
    fn take(&mut self, task: Task<'s>, way: &Way) {
        match task {
            Task::Relation(oid, event, columns) => self.relation(oid, event, columns, way),
            Task::Function(oid) => self.function(oid, way),
            Task::Type(oid) => self.kind(oid, way),
            Task::Casts(oid) => {
                if self.seen.insert(Seen::Casts(oid))
                    && let Some(kind) = self.behind.types.get(&oid)
                {
                    let way = way.through(Some(&kind.label));
                    self.go(kind.casts.iter().map(|cast| Task::Function(*cast)), &way);
                    self.go(kind.of.iter().map(|part| Task::Casts(*part)), &way);
                }
            }
            Task::Code(code) => self.code(code, way),
        }
    }

    fn go(&mut self, tasks: impl Iterator<Item = Task<'s>>, way: &Way) {
        self.next.extend(tasks.map(|task| (task, way.clone())));
    }

    fn relation(&mut self, oid: u32, event: Event, columns: Option<Arc<BTreeSet<String>>>, way: &Way) {
        let Some(steps) = self.behind.relations.get(&oid) else { return };
        if !self.seen.insert(Seen::Relation(oid, event, way.whole, columns.clone())) {
            return;
        }
        for step in steps.iter().filter(|step| step.on == event) {
            if let (Some(of), Some(given)) = (&step.columns, &columns)
                && !of.iter().any(|column| given.contains(column))
            {
                continue;
            }
            let mut way = way.through(step.label.as_ref());
            way.whole &= step.keeps_whole;
            match &step.what {
                What::Relation(other, event, of) => {
                    let columns = match of {
                        Columns::Same => columns.clone(),
                        Columns::Any => None,
                        Columns::These(these) => Some(Arc::clone(these)),
                    };
                    self.does_to(*other, *event, &way);
                    self.next.push_back((Task::Relation(*other, *event, columns), way));
                }
                What::Function(function) => self.next.push_back((Task::Function(*function), way)),
                What::Type(kind) => self.next.push_back((Task::Type(*kind), way)),
                What::Casts(kind) => self.next.push_back((Task::Casts(*kind), way)),
                What::Code(code) => self.next.push_back((Task::Code(code), way)),
                What::Effect(effect) => self.says(effect.clone(), &way),
            }
        }
    }

    fn does_to(&mut self, oid: u32, event: Event, way: &Way) {
        let (action, whole) = match event {
            Event::Read => (Action::Read, false),
            Event::Insert => (Action::Insert, false),
            Event::Update => (Action::Update, way.whole),
            Event::Delete => (Action::Delete, way.whole),
            Event::Truncate => (Action::Truncate, true),
            Event::Drop => (Action::Drop, false),
            Event::Upkeep => return,
        };
        if let Some(relation) = self.snapshot.relation(oid) {
            let object = Object::new(ObjectKind::Table, [&relation.schema, &relation.name]);
            self.says(Effect::new(action, object).whole(whole), way);
        }
    }

    fn says(&mut self, effect: Effect, way: &Way) {
        if self.acts.insert((effect.action, effect.object.clone(), effect.whole)) {
            self.found.push(match &way.said {
                Some(said) => effect.through(Arc::clone(said)),
                None => effect,
            });
        }
    }

    fn unknown(&mut self, object: Object, way: &Way) {
        self.says(Effect::new(Action::Unknown, object), way);
    }

    fn function(&mut self, oid: u32, way: &Way) {
        let Some(function) = self.behind.functions.get(&oid) else { return };
        if !self.seen.insert(Seen::Function(oid, way.whole)) {
            return;
        }
        let mut way = way.through(Some(&function.label));
        self.go(function.types.iter().map(|kind| Task::Type(*kind)), &way);
        self.go(function.runs.iter().map(|other| Task::Function(*other)), &way);
        way.path = function.path.clone();
        if function.code.iter().any(|code| code.unknown) {
            self.unknown(Object::new(ObjectKind::Function, [&function.schema, &function.name]), &way);
        }
        // Each for itself: the body may be that of another function as well, which sets another path.
        for code in &function.code {
            self.statements(code, &way);
        }
    }

    fn kind(&mut self, oid: u32, way: &Way) {
        let Some(kind) = self.behind.types.get(&oid) else { return };
        if !self.seen.insert(Seen::Type(oid)) {
            return;
        }
        let way = way.through(Some(&kind.label));
        self.go(kind.casts.iter().map(|cast| Task::Function(*cast)), &way);
        self.go(kind.of.iter().map(|part| Task::Type(*part)), &way);
        self.go(kind.code.iter().map(|code| Task::Code(code)), &way);
    }

    fn code(&mut self, code: &'s Code, way: &Way) {
        if !self.seen.insert(Seen::Code(std::ptr::from_ref(code) as usize, way.whole)) {
            return;
        }
        if code.unknown {
            self.unknown(Object::none(ObjectKind::Other), way);
        }
        self.statements(code, way);
    }

    fn statements(&mut self, code: &'s Code, way: &Way) {
        for statement in &code.statements {
            for effect in &statement.effects {
                self.done_in_code(effect, way);
            }
            self.sets_going(statement, way);
        }
    }

    /// An effect of code, under the names that it may mean. A call of a function that is followed is what that does.
    fn done_in_code(&mut self, effect: &Effect, way: &Way) {
        let path = effect.object.path.as_slice();
        match (effect.object.kind, effect.action, path) {
            (ObjectKind::Function, Action::Call, [.., name]) => {
                let own = self.behind.functions_named.contains_key(name)
                    || self.behind.operators.contains_key(name)
                    || self.behind.types_named.contains_key(name);
                if !own && name != "nextval" {
                    self.says(effect.clone(), way);
                }
            }
            (ObjectKind::Function, Action::Unknown, [schema @ .., name]) => {
                if !self.behind.has_function(schema.last().map(String::as_str), name) {
                    self.says(effect.clone(), way);
                }
            }
            (ObjectKind::Table, action, [name]) if action != Action::Create => {
                let whole = effect.whole || way.whole && matches!(action, Action::Update | Action::Delete);
                let found = self.named(None, name, way);
                if found.is_empty() {
                    self.says(effect.clone().whole(whole), way);
                }
                for oid in found {
                    if let Some(relation) = self.snapshot.relation(oid) {
                        let object = Object::new(ObjectKind::Table, [&relation.schema, &relation.name]);
                        self.says(Effect::new(action, object).whole(whole), way);
                    }
                }
            }
            (_, action, _) => {
                let whole = effect.whole || way.whole && matches!(action, Action::Update | Action::Delete);
                self.says(effect.clone().whole(whole), way);
            }
        }
    }

    /// Every relation of that name; within a path of the code's own, those that it leads to.
    fn named(&self, schema: Option<&str>, name: &str, way: &Way) -> Vec<u32> {
        let all: Vec<_> = self.snapshot.named(schema, name).collect();
        let narrowed: Vec<u32> = match &way.path {
            Some(path) if schema.is_none() => all
                .iter()
                .filter(|(_, relation)| {
                    path.contains(&relation.schema)
                        || relation.schema == "pg_catalog"
                        || relation.schema.starts_with("pg_temp")
                })
                .map(|(oid, _)| *oid)
                .collect(),
            Some(_) | None => Vec::new(),
        };
        if narrowed.is_empty() { all.into_iter().map(|(oid, _)| oid).collect() } else { narrowed }
    }

    /// What a statement's own effects, names and kind set going.
    fn sets_going(&mut self, statement: &Statement, way: &Way) {
        self.tables(statement, way);
        self.names(statement, way);
        if statement.kind == StatementKind::Ddl {
            for (label, function) in &self.behind.event_triggers {
                self.next.push_back((Task::Function(*function), way.through(Some(label))));
            }
        }
    }

    fn tables(&mut self, statement: &Statement, way: &Way) {
        for effect in &statement.effects {
            let event = match effect.action {
                Action::Read => Event::Read,
                Action::Insert => Event::Insert,
                Action::Update => Event::Update,
                Action::Delete => Event::Delete,
                Action::Truncate => Event::Truncate,
                Action::Drop => Event::Drop,
                Action::Alter | Action::Maintenance => Event::Upkeep,
                _ => continue,
            };
            if let (Event::Drop, ObjectKind::Schema, [schema]) =
                (event, effect.object.kind, effect.object.path.as_slice())
            {
                self.drops_schema(schema, way);
                continue;
            }
            let (ObjectKind::Table, [schema @ .., name]) =
                (effect.object.kind, effect.object.path.as_slice())
            else {
                continue;
            };
            for oid in self.named(schema.last().map(String::as_str), name, way) {
                if !self.behind.relations.contains_key(&oid) {
                    continue;
                }
                let columns =
                    (event == Event::Update).then(|| statement.updates(&effect.object.path)).flatten();
                let columns = columns.map(|names| Arc::new(names.into_iter().map(str::to_owned).collect()));
                let way = Way { whole: way.whole || effect.whole, path: None, ..way.clone() };
                self.next.push_back((Task::Relation(oid, event, columns), way));
            }
        }
    }

    /// Only with CASCADE, where there is anything in it.
    fn drops_schema(&mut self, schema: &str, way: &Way) {
        let way = way.through(Some(&format!("its schema {schema}").into()));
        for relation in self.snapshot.relations().filter(|relation| relation.schema == schema) {
            let object = Object::new(ObjectKind::Table, [&relation.schema, &relation.name]);
            self.says(Effect::new(Action::Drop, object), &way);
            if self.found.len() > MOST_EFFECTS {
                return;
            }
        }
    }

    fn names(&mut self, statement: &Statement, way: &Way) {
        let way = &Way { path: None, ..way.clone() };
        for path in &statement.routines.functions {
            let [schema @ .., name] = path.as_slice() else { continue };
            let schema = schema.last().map(String::as_str);
            for function in self.behind.functions_named(schema, name) {
                self.next.push_back((Task::Function(function), way.clone()));
            }
        }
        let operators = statement.routines.operators.iter().filter_map(|path| path.last());
        for function in operators.filter_map(|name| self.behind.operators.get(name)).flatten() {
            self.next.push_back((Task::Function(*function), way.clone()));
        }
        let types = statement.routines.types.iter().filter_map(|path| path.last());
        for kind in types.filter_map(|name| self.behind.types_named.get(name)).flatten() {
            self.next.push_back((Task::Type(*kind), way.clone()));
        }
        use sallyport_sql::Names;
        for column in statement.all_columns.iter().filter(|column| self.snapshot.is_row_function(column)) {
            for function in self.behind.functions_named.get(column).into_iter().flatten() {
                self.next.push_back((Task::Function(*function), way.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Step;
    use super::*;
    use crate::catalog::Relation;
    use sallyport_sql::analyze;
    use std::collections::HashMap;

    /// Relations `t1`, `t2`, … of which reading one reads the others that `steps` says.
    fn snapshot(count: u32, steps: &[(u32, u32)]) -> Snapshot {
        let relation = |oid| Relation { schema: "s".into(), name: format!("t{oid}"), ..Relation::default() };
        let mut behind = Behind::default();
        for (of, other) in steps {
            behind.relations.entry(*of).or_default().push(Step {
                on: Event::Read,
                label: Some(format!("view s.t{of}").into()),
                what: What::Relation(*other, Event::Read, Columns::Any),
                columns: None,
                keeps_whole: true,
            });
        }
        Snapshot {
            version: 1,
            taken: std::time::Instant::now(),
            relations: (1..=count).map(|oid| (oid, relation(oid))).collect(),
            by_name: (1..=count).map(|oid| (format!("t{oid}"), vec![oid])).collect(),
            types: HashMap::new(),
            composites: HashMap::new(),
            row_functions: HashSet::new(),
            behind,
        }
    }

    fn said(snapshot: &Snapshot, text: &str) -> Vec<String> {
        let effects = analyze(text).unwrap().statements[0].effects_with(snapshot);
        effects.list().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_circle_is_walked_once() {
        let snapshot = snapshot(3, &[(1, 2), (2, 3), (3, 1)]);
        assert_eq!(
            said(&snapshot, "SELECT * FROM t1"),
            ["read s.t1", "read s.t2 through view s.t1", "read s.t3 through view s.t2, view s.t1"]
        );
    }

    #[test]
    fn a_walk_that_is_given_up_says_unknown() {
        let many: Vec<_> = (2..=3_000).map(|other| (1, other)).collect();
        let unknown = "unknown through more than the gateway follows".to_owned();
        assert!(said(&snapshot(3_000, &many), "SELECT * FROM t1").contains(&unknown));
        let some: Vec<_> = (2..=1_000).map(|other| (1, other)).collect();
        let effects = said(&snapshot(1_000, &some), "SELECT * FROM t1");
        assert!(effects.len() == 1_000 && !effects.contains(&unknown));
    }

    #[test]
    fn a_long_way_names_what_is_nearest() {
        let chain: Vec<_> = (1..=9).map(|of| (of, of + 1)).collect();
        let effects = said(&snapshot(10, &chain), "SELECT * FROM t1");
        assert!(effects.iter().all(|effect| effect.matches("view").count() <= 4), "{effects:?}");
        assert!(
            effects.contains(&"read s.t4 through view s.t3, view s.t2, view s.t1".to_owned()),
            "{effects:?}"
        );
    }
}
