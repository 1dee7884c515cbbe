//! From files to rules that may be in force, or to everything that is wrong with them.

use crate::annotations;
use crate::classes::{self, CLASSES_ENDING, Declared};
use crate::diagnostics::{Diagnostics, Place, Severity, nearest};
use crate::rule::Rule;
use crate::schema::{action_names, schema, type_names};
use crate::shape::looks_at_time;
use cedar_policy::{
    Policy, PolicyId, PolicySet, ValidationError, ValidationMode, ValidationWarning, Validator,
};
use miette::Diagnostic;
use sallyport_core::RuleId;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

/// A file of rules by name, as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFile {
    pub name: String,
    pub text: String,
}

impl RuleFile {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
    fn at(&self, offset: usize) -> Place<'_> {
        Place { file: &self.name, text: &self.text, offset }
    }
}

/// More is no policy but a mistake, and would make every session slow.
const MAX_RULES: usize = 10_000;

/// Reads and checks everything. Warnings come with the rules; an error leaves none.
pub(crate) fn load(files: &[RuleFile]) -> (Vec<Rule>, Declared, Diagnostics) {
    let mut found = Diagnostics::default();
    let mut rules = Vec::new();
    let mut declared = Declared::default();
    let mut places: HashMap<String, Place<'_>> = HashMap::new();
    for file in files {
        if file.name.ends_with(CLASSES_ENDING) {
            classes::read(file, &mut declared, &mut found);
            continue;
        }
        let set = match PolicySet::from_str(&file.text) {
            Ok(set) => set,
            Err(errors) => {
                errors.iter().for_each(|error| parse_error(&mut found, file, error));
                continue;
            }
        };
        for template in set.templates() {
            let place = file.at(template.as_ref().loc().map_or(0, |loc| loc.start()));
            let help =
                "name the principal and the resource: a rule with ?principal or ?resource is never filled in";
            found.add(&place, "a template is no rule", Some(help.into()));
        }
        let mut policies: Vec<_> = set.policies().cloned().collect();
        policies.sort_by_key(start_of);
        for policy in policies {
            let place = file.at(start_of(&policy));
            if let Some(rule) = read_rule(&mut found, place, policy, rules.len(), &places) {
                places.insert(rule.id.as_str().to_owned(), place);
                rules.push(rule);
            }
        }
    }
    if rules.len() > MAX_RULES {
        let place = Place { file: files.last().map_or("", |file| &file.name), text: "", offset: 0 };
        found.add(&place, format!("{} rules; {MAX_RULES} is the most", rules.len()), None);
        return (Vec::new(), Declared::default(), found);
    }
    validate(&mut found, &rules, &places);
    if found.has_errors() { (Vec::new(), Declared::default(), found) } else { (rules, declared, found) }
}

fn start_of(policy: &Policy) -> usize {
    policy.as_ref().loc().map_or(0, |loc| loc.start())
}

fn parse_error(found: &mut Diagnostics, file: &RuleFile, error: &cedar_policy::ParseError) {
    let is_class = file.text.lines().any(|line| line.trim_start().starts_with("class "));
    let ours = is_class.then(|| format!("classes stand in a file whose name ends in {CLASSES_ENDING}"));
    let help = ours.or_else(|| error.help().map(|help| help.to_string()));
    found.add(&file.at(span_start(error).unwrap_or(0)), error.to_string(), help);
}

fn span_start(diagnostic: &dyn Diagnostic) -> Option<usize> {
    diagnostic.labels().and_then(|mut labels| labels.next()).map(|label| label.offset())
}

fn read_rule<'a>(
    found: &mut Diagnostics,
    place: Place<'a>,
    policy: Policy,
    index: usize,
    places: &HashMap<String, Place<'a>>,
) -> Option<Rule> {
    let Some(id) = policy.annotation("id").map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned)
    else {
        let help = "begin it with @id(\"a-name-of-its-own\"): callers and auditors read it";
        found.add(&place, "a rule without @id", Some(help.into()));
        return None;
    };
    if let Some(first) = places.get(&id) {
        let (file, text) = (first.file, first.text);
        let line = text.get(..first.offset).unwrap_or_default().matches('\n').count() + 1;
        let message = format!("the @id {id:?} is taken by the rule at {file}:{line}");
        found.add(&place, message, Some("give each rule a name of its own".into()));
        return None;
    }
    let Ok(shape) = policy.to_json() else {
        found.add(&place, "the rule has no plain form", Some("write it without generated parts".into()));
        return None;
    };
    let notes = match annotations::read(&policy, &shape) {
        Ok(notes) => notes,
        Err(complaints) => {
            for complaint in complaints {
                let offset = annotation_offset(&place, &complaint.annotation);
                found.add(&Place { offset, ..place }, complaint.message, Some(complaint.help));
            }
            annotations::Notes::default()
        }
    };
    let timed = shape.get("conditions").is_some_and(looks_at_time);
    Some(Rule {
        policy: policy.new_id(PolicyId::new(&id)),
        id: RuleId::new(id),
        index,
        message: notes.message,
        hold: notes.hold,
        mask: notes.mask,
        limit_rows: notes.limit_rows,
        limit_bytes: notes.limit_bytes,
        timed,
    })
}

/// Annotations stand before the rule's own words, so the first `@name` after its start is the one.
fn annotation_offset(place: &Place<'_>, name: &str) -> usize {
    let rest = place.text.get(place.offset..).unwrap_or_default();
    let at = if name.is_empty() { None } else { rest.find(&format!("@{name}")) };
    place.offset + at.unwrap_or(0)
}

fn validate(found: &mut Diagnostics, rules: &[Rule], places: &HashMap<String, Place<'_>>) {
    let Ok(set) = PolicySet::from_policies(rules.iter().map(|rule| rule.policy.clone())) else {
        let place = Place { file: "", text: "", offset: 0 };
        found.add(&place, "the rules cannot be read together", None);
        return;
    };
    let result = Validator::new(schema().clone()).validate(&set, ValidationMode::Strict);
    let mut problems = Vec::new();
    let mut wrong: HashSet<&PolicyId> = HashSet::new();
    for error in result.validation_errors() {
        wrong.insert(error.policy_id());
        if let Some(place) = place_of(places, error.policy_id(), error) {
            let (message, help) = in_our_words(error, &place);
            problems.push((place, Severity::Error, message, help));
        }
    }
    // What is wrong with a rule is often why it could never apply: once is enough.
    for warning in result.validation_warnings().filter(|warning| !wrong.contains(warning.policy_id())) {
        if let Some(place) = place_of(places, warning.policy_id(), warning) {
            problems.push(warned(warning, place));
        }
    }
    // Cedar says the same thing again for each action that a rule speaks of.
    problems.sort_by(|a, b| (a.0.file, a.0.offset, &a.2).cmp(&(b.0.file, b.0.offset, &b.2)));
    problems.dedup_by(|a, b| (a.0.file, a.0.offset) == (b.0.file, b.0.offset));
    for (place, severity, message, help) in problems {
        found.put(severity, &place, message, help);
    }
}

fn place_of<'a>(
    places: &HashMap<String, Place<'a>>,
    id: &PolicyId,
    problem: &dyn Diagnostic,
) -> Option<Place<'a>> {
    let rule = places.get(&id.to_string())?;
    Some(Place { offset: span_start(problem).unwrap_or(rule.offset), ..*rule })
}

fn in_our_words(error: &ValidationError, place: &Place<'_>) -> (String, Option<String>) {
    let source = place.text.get(place.offset..).unwrap_or_default();
    match error {
        ValidationError::UnrecognizedActionId(_) => {
            let word = source.split('"').nth(1).unwrap_or_default();
            let help = match nearest(word, action_names()) {
                Some(name) => format!("write Action::\"{name}\""),
                None => "the actions are in schema.cedarschema: connect, see, read, insert, update, delete …"
                    .into(),
            };
            (format!("there is no action {word:?}"), Some(help))
        }
        ValidationError::UnrecognizedEntityType(_) => {
            let word = source.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
            let word = word.unwrap_or_default();
            let help = match nearest(word, type_names()) {
                Some(name) => format!("write {name}"),
                None => format!("there are {}", type_names().collect::<Vec<_>>().join(", ")),
            };
            (format!("there is no entity type {word}"), Some(help))
        }
        other => (plain(&other.to_string()), other.help().map(|help| plain(&help.to_string()))),
    }
}

fn warned<'a>(
    warning: &ValidationWarning,
    place: Place<'a>,
) -> (Place<'a>, Severity, String, Option<String>) {
    let help = warning.help().map(|help| help.to_string());
    match warning {
        ValidationWarning::ImpossiblePolicy(_) => {
            let ours = "it asks for something that no request has; objects are matched by `in` \
                        (resource in Table::\"public.customers\") and see speaks of columns and classes";
            (place, Severity::Error, "this rule can never apply".into(), help.or(Some(ours.into())))
        }
        ValidationWarning::InvalidActionApplication(_) => {
            let ours =
                "its actions are never done by such a principal to such a resource: see schema.cedarschema";
            (place, Severity::Error, "this rule can never apply".into(), help.or(Some(ours.into())))
        }
        other => (place, Severity::Warning, plain(&other.to_string()), help),
    }
}

/// Without the name of the rule, which the place says better, and without the one action of many.
fn plain(message: &str) -> String {
    let rest = message.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, "));
    let message = rest.map_or(message, |(_, rest)| rest);
    match message.split_once(" for Action::") {
        Some((before, after)) if after.ends_with(" not found") => format!("{before} not found"),
        _ => message.to_owned(),
    }
}
