//! From text to what its statements would do.

use crate::assigns::{Assignment, Destination, Place};
use crate::fault::SqlFault;
use crate::filters::Filters;
use crate::kind::StatementKind;
use crate::modes::Modes;
use crate::outputs::Outputs;
use crate::pairs::Pair;
use crate::relations::Relations;
use crate::routines::Routines;
use crate::{parse, walk};
use sallyport_core::{Action, Effect, Effects, Object, ObjectKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// All statements of one text, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    pub statements: Vec<Statement>,
    /// The result looked at the value of a literal: it holds for exactly this text, not for others of its shape.
    pub literal_sensitive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Bytes of this statement in the text.
    pub range: Range<usize>,
    pub kind: StatementKind,
    pub effects: Vec<Effect>,
    pub relations: Relations,
    pub routines: Routines,
    pub outputs: Outputs,
    /// The values that it writes. A table of `relations.writes` that none of them names gets nobody knows what.
    pub assigns: Vec<Assignment>,
    /// What decides which rows come, in which order and how many.
    pub filters: Filters,
    /// The same without what stands in [`Statement::pairs`].
    pub unpaired: Filters,
    /// Columns with what the caller wrote directly against them, where that may be a token.
    pub pairs: Vec<Pair>,
    /// How often each parameter stands in the text. Only where there are pairs.
    pub parameters: BTreeMap<usize, usize>,
    /// Every column name referenced anywhere.
    pub all_columns: BTreeSet<String>,
    /// Values may reach the result under no name of `all_columns`: nested stars, whole rows, NATURAL and USING joins,
    /// renamed column lists, functions of unknown body.
    pub wide: bool,
    pub creates: Vec<Change>,
    /// What it says of whether transactions may write.
    pub modes: Modes,
}

/// Something whose definition changes when the statement runs: what a catalog must look at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    /// As written; `None` of a schema means the first of the search path (or the temporary one).
    pub schema: Option<String>,
    pub name: String,
    /// Created for the session only: it hides tables of the same name.
    pub temporary: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Relation,
    Function,
    /// Schemas, types, roles, settings of roles: anything else that can move a name or a meaning.
    Other,
}

/// What the text leaves open, answered by a catalog.
pub trait Names {
    /// Every relation of that name, in every schema where none is given: sound whatever the search path is.
    fn relations(&self, schema: Option<&str>, name: &str) -> Vec<(String, String)>;

    /// Whether there is such a function, other than those of PostgreSQL itself.
    fn has_function(&self, _schema: Option<&str>, _name: &str) -> bool {
        false
    }

    /// Whether a function of this name takes one row: PostgreSQL lets `t.name` call it like a column.
    fn is_row_function(&self, _name: &str) -> bool {
        false
    }

    /// What the target does behind the text, besides these effects: through views, triggers, rules, keys and the bodies
    /// of functions.
    fn behind(&self, _statement: &Statement, _effects: &[Effect]) -> Vec<Effect> {
        Vec::new()
    }
}

/// Says what each statement of `text` would do. An error means that nothing of it may run.
pub fn analyze(text: &str) -> Result<Analysis, SqlFault> {
    parse::with_tree(text, |tree| walk::analysis(text, tree))
}

impl Statement {
    /// The effects with every table that the text left without a schema replaced by all that it may mean, and with what
    /// is done behind the text.
    pub fn effects_with(&self, names: &dyn Names) -> Effects {
        let mut list = Vec::with_capacity(self.effects.len());
        for effect in &self.effects {
            resolve(effect, names, &mut list);
        }
        for column in self.all_columns.iter().filter(|column| names.is_row_function(column)) {
            list.push(Effect::new(Action::Call, Object::new(ObjectKind::Function, [column.as_str()])));
        }
        let behind = names.behind(self, &list);
        list.extend(behind);
        Effects::new(list)
    }
}

impl Statement {
    /// The columns that it gives new values, of the table that it writes under this name. `None`: any of them.
    pub fn updates(&self, path: &[String]) -> Option<BTreeSet<&str>> {
        let mut columns = BTreeSet::new();
        for assignment in &self.assigns {
            let Destination::Column { table, column } = &assignment.into else { continue };
            if !table.schema.iter().chain([&table.name]).eq(path) {
                continue;
            }
            match column {
                Place::Named(name) => columns.insert(name.as_str()),
                Place::At(_) | Place::Any => return None,
            };
        }
        (!columns.is_empty()).then_some(columns)
    }
}

fn resolve(effect: &Effect, names: &dyn Names, list: &mut Vec<Effect>) {
    if effect.is_unlisted_function() {
        let (name, schemas) =
            effect.object.path.split_last().map_or(("", [].as_slice()), |(name, rest)| (name, rest));
        if !names.has_function(schemas.last().map(String::as_str), name) {
            list.push(effect.clone());
        }
        return;
    }
    let [name] = effect.object.path.as_slice() else {
        list.push(effect.clone());
        return;
    };
    if effect.object.kind != ObjectKind::Table || effect.action == Action::Create {
        list.push(effect.clone());
        return;
    }
    let found = names.relations(None, name);
    if found.is_empty() {
        list.push(effect.clone());
    }
    for (schema, name) in found {
        let object = Object::new(ObjectKind::Table, [schema, name]);
        list.push(Effect { object, ..effect.clone() });
    }
}
