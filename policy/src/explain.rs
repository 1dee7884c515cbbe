//! What would happen to a command, by which rules, and who could approve it.

use crate::decide::combine;
use crate::rule::Rule;
use crate::session::{View, admission};
use crate::slice::Rules;
use crate::world::World;
use sallyport_core::judge::Facts;
use sallyport_core::mask::detect::Class;
use sallyport_core::mask::forms::Form;
use sallyport_core::{Effect, Effects, Moment, Reason, RuleId, Sensitive, Sight, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub caller: String,
    pub target: String,
    pub database: String,
    pub connect: Outcome,
    /// The whole command: the same words as its verdict.
    pub command: Outcome,
    pub effects: Vec<EffectOutcome>,
    /// What would be masked in results: kinds of values, and columns with data classes.
    pub masks: Vec<MaskOutcome>,
    /// By what rows may not be chosen, joined, ordered or grouped: columns with data classes.
    #[serde(default)]
    pub filters: Vec<FilterOutcome>,
}

/// `allow`, `deny` or `hold`, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub verdict: String,
    pub rules: Vec<RuleId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Any member of any of these could approve.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectOutcome {
    pub effect: Effect,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Every rule that spoke of this effect.
    pub permits: Vec<Cited>,
    pub forbids: Vec<Cited>,
    pub holds: Vec<Cited>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cited {
    pub rule: RuleId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskOutcome {
    /// `class email` or `column public.customers.email`.
    pub what: String,
    pub form: Form,
    pub rule: RuleId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterOutcome {
    /// `column public.customers.email`
    pub what: String,
    pub rules: Vec<RuleId>,
    pub message: String,
}

pub(crate) fn explain(
    rules: Arc<Rules>,
    facts: &Facts,
    effects: &Effects,
    compared: &[Vec<String>],
    now: Moment,
) -> Explanation {
    let header = |connect, command, effects, masks| Explanation {
        caller: facts.caller.principal(),
        target: facts.target.name.as_str().to_owned(),
        database: facts.database.clone(),
        connect,
        command,
        effects,
        masks,
        filters: Vec::new(),
    };
    let world = match World::new(facts.clone(), Arc::clone(&rules.declared)) {
        Ok(world) => world,
        Err(unaskable) => {
            let no = Outcome::deny(vec![RuleId::new("default-deny")], unaskable.to_string());
            return header(no.clone(), no, Vec::new(), Vec::new());
        }
    };
    let view = View::of(rules, &world);
    let connect = match admission(&view.connect(&world, now), facts) {
        Ok(rules) => Outcome { verdict: "allow".into(), rules, ..Outcome::default() },
        Err(reason) => Outcome::deny(reason.rules, reason.message),
    };
    let place = format!("{}/{}", facts.target.name, facts.database);
    let command = match forbidden_filter(&view, &world, now, compared) {
        Some(reason) => Outcome::deny(reason.rules, reason.message),
        None => Outcome::of(view.verdict(&world, now, effects, &[])),
    };
    let each = effects.list().iter().map(|effect| {
        let finding = view.effect(&world, now, effect, &[]);
        let (permits, forbids, holds) =
            (cite(&finding.permits), cite(&finding.forbids), cite(&finding.holds));
        let outcome = Outcome::of(combine(&[(effect, finding)], &place));
        EffectOutcome { effect: effect.clone(), outcome, permits, forbids, holds }
    });
    let each = each.collect();
    let filters = filters(&view, &world, now);
    Explanation { filters, ..header(connect, command, each, masks(&view, &world, now)) }
}

/// What the command compares, among the columns with classes.
fn forbidden_filter(view: &View, world: &World, now: Moment, compared: &[Vec<String>]) -> Option<Reason> {
    let given = world.classed_columns().find_map(|path| {
        let [schema, table, column] = path.as_slice() else { return None };
        let is_meant = |said: &Vec<String>| {
            let Some((last, place)) = said.split_last() else { return false };
            let here = match place {
                [.., its_schema, its_table] => its_schema == schema && its_table == table,
                [its_table] => its_table == table,
                [] => false,
            };
            here && (last == column || last == "*")
        };
        if !compared.iter().any(is_meant) {
            return None;
        }
        let reason = view.filter(world, now, &Sensitive::Column { schema, table, column })?;
        Some(reason.of_filter(&format!("{schema}.{table}.{column}")))
    });
    given.or_else(|| compared.iter().find_map(|said| forbidden_pattern(view, world, now, said)))
}

/// The same for a column that a declared class names by a pattern.
fn forbidden_pattern(view: &View, world: &World, now: Moment, said: &[String]) -> Option<Reason> {
    let [place @ .., table, column] = said else { return None };
    let mut declared = world.declared().all().iter();
    declared.find_map(|class| {
        class.columns.iter().find(|pattern| {
            // A schema that the statement leaves out may be any.
            place.last().is_none_or(|schema| pattern.may_mean_schema(schema))
                && pattern.may_mean(table, column)
        })?;
        let reason = view.filter(world, now, &Sensitive::Class(&class.name))?;
        Some(reason.of_filter(&said.join(".")))
    })
}

fn filters(view: &View, world: &World, now: Moment) -> Vec<FilterOutcome> {
    let mut filters = Vec::new();
    for (what, thing) in classed(world) {
        if let Some(reason) = view.filter(world, now, &thing.sensitive()) {
            filters.push(FilterOutcome { what, rules: reason.rules, message: reason.message });
        }
    }
    filters
}

/// A column with a class: one, or all that a pattern with stars names, for which their class answers.
enum Classed {
    Column([String; 3]),
    Pattern { class: String },
}

impl Classed {
    fn sensitive(&self) -> Sensitive<'_> {
        match self {
            Classed::Column([schema, table, column]) => Sensitive::Column { schema, table, column },
            Classed::Pattern { class } => Sensitive::Class(class),
        }
    }
}

/// Every column with a class, as it is called.
fn classed(world: &World) -> Vec<(String, Classed)> {
    let given = world.classed_columns().filter_map(|path| <[String; 3]>::try_from(path).ok());
    let mut columns: Vec<[String; 3]> = given.collect();
    let mut patterns = Vec::new();
    for class in world.declared().all() {
        for pattern in &class.columns {
            match pattern.only() {
                Some((schema, table, column)) => columns.push([schema, table, column].map(str::to_owned)),
                None => {
                    let what = format!("column {} ({})", pattern.text, class.name);
                    patterns.push((what, Classed::Pattern { class: class.name.clone() }));
                }
            }
        }
    }
    columns.sort();
    columns.dedup();
    let columns =
        columns.into_iter().map(|path| (format!("column {}", path.join(".")), Classed::Column(path)));
    columns.chain(patterns).collect()
}

fn cite(rules: &[&Rule]) -> Vec<Cited> {
    rules.iter().map(|rule| Cited { rule: rule.id.clone(), message: rule.message.clone() }).collect()
}

fn masks(view: &View, world: &World, now: Moment) -> Vec<MaskOutcome> {
    let mut masks = Vec::new();
    let mut look = |what: String, thing: Sensitive<'_>| {
        if let Sight::Masked { form, rule } = view.sight(world, now, &thing) {
            masks.push(MaskOutcome { what, form, rule });
        }
    };
    for class in Class::ALL {
        look(format!("class {}", class.as_str()), Sensitive::Class(class.as_str()));
    }
    let kinds = |name: &str| Class::ALL.iter().any(|class| class.as_str() == name);
    for class in world.declared().all().iter().filter(|class| !kinds(&class.name)) {
        look(format!("class {}", class.name), Sensitive::Class(&class.name));
    }
    for (what, thing) in classed(world) {
        look(what, thing.sensitive());
    }
    masks
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            verdict: "deny".into(),
            rules: Vec::new(),
            message: None,
            groups: Vec::new(),
            max_rows: None,
            max_bytes: None,
        }
    }
}

impl Outcome {
    fn deny(rules: Vec<RuleId>, message: String) -> Self {
        Self { rules, message: Some(message), ..Self::default() }
    }

    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow(obligations) => Self {
                verdict: "allow".into(),
                rules: obligations.rules,
                max_rows: obligations.max_rows,
                max_bytes: obligations.max_bytes,
                ..Self::default()
            },
            Verdict::Deny(reason) => Self::deny(reason.rules, reason.message),
            Verdict::Hold(terms) => Self {
                verdict: "hold".into(),
                rules: terms.reason.rules,
                message: Some(terms.reason.message),
                groups: terms.groups,
                ..Self::default()
            },
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.verdict)?;
        let rules: Vec<&str> = self.rules.iter().map(RuleId::as_str).collect();
        if !rules.is_empty() {
            write!(f, "  by {}", rules.join(", "))?;
        }
        if !self.groups.is_empty() {
            write!(f, "  approvers: {}", self.groups.join(", "))?;
        }
        if let Some(rows) = self.max_rows {
            write!(f, "  at most {rows} rows")?;
        }
        if let Some(bytes) = self.max_bytes {
            write!(f, "  at most {bytes} bytes")?;
        }
        match &self.message {
            Some(message) => write!(f, "\n    {message}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}/{}", self.caller, self.target, self.database)?;
        writeln!(f, "connect: {}", self.connect)?;
        writeln!(f, "command: {}", self.command)?;
        for effect in &self.effects {
            writeln!(f, "  {}: {}", effect.effect, effect.outcome)?;
        }
        for mask in &self.masks {
            writeln!(f, "masked: {} as {} by {}", mask.what, mask.form, mask.rule)?;
        }
        for filter in &self.filters {
            let rules: Vec<&str> = filter.rules.iter().map(RuleId::as_str).collect();
            writeln!(f, "not filtered by: {} by {}", filter.what, rules.join(", "))?;
        }
        Ok(())
    }
}
