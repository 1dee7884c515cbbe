//! Lines of JSON in, lines of JSON out: what `sallyport inspect sql` prints.
//!
//! Each input line is `{"id": …, "sql": …, "before": […]}`. A line that cannot be used answers with its number and what
//! was wrong, and the next line is none the worse.

use crate::analysis::{Statement, analyze};
use crate::relations::TableName;
use crate::session::Session;
use sallyport_core::{Action, Effect, Effects};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[serde(default)]
    id: Value,
    sql: String,
    #[serde(default)]
    before: Option<Vec<String>>,
    /// Only `postgres` is known; named by callers that inspect several.
    #[serde(default)]
    dialect: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    effects: Vec<Said>,
    reads: Vec<String>,
    writes: Vec<String>,
    unknown: bool,
}

#[derive(Serialize)]
struct Said {
    action: &'static str,
    object: String,
    whole: bool,
}

/// The answer to one line, without its line end. `number` counts from one.
pub fn answer(text: &str, number: usize) -> String {
    let answer = match serde_json::from_str::<Question>(text) {
        Ok(question) => answered(question),
        Err(fault) => refused(Value::Null, format!("line {number}: {fault}")),
    };
    serde_json::to_string(&answer).unwrap_or_else(|_| String::from(r#"{"unknown":true}"#))
}

fn answered(question: Question) -> Answer {
    if question.dialect.as_deref().is_some_and(|dialect| !dialect.eq_ignore_ascii_case("postgres")) {
        return refused(question.id, "only the dialect postgres is known".to_owned());
    }
    let mut session = Session::default();
    for earlier in question.before.iter().flatten() {
        // One that cannot be read defines nothing: what depends on it stays unknown.
        if let Ok(analysis) = analyze(earlier) {
            session.remember(&analysis);
        }
    }
    let analysis = match analyze(&question.sql) {
        Ok(analysis) => analysis,
        Err(fault) => return refused(question.id, fault.to_string()),
    };
    let mut effects = Vec::new();
    let mut reads = BTreeSet::new();
    let mut writes = BTreeSet::new();
    for statement in &analysis.statements {
        add(&session, statement, &mut effects, &mut reads, &mut writes);
        session.remember_statement(statement);
    }
    said(question.id, None, Effects::new(effects), &reads, &writes)
}

fn add(
    session: &Session,
    statement: &Statement,
    effects: &mut Vec<Effect>,
    reads: &mut BTreeSet<TableName>,
    writes: &mut BTreeSet<TableName>,
) {
    let meant = session.meaning(statement);
    effects.extend(meant.effects().cloned());
    for statement in meant.statements() {
        reads.extend(statement.relations.reads.iter().cloned());
        writes.extend(statement.relations.writes.iter().cloned());
    }
}

fn refused(id: Value, error: String) -> Answer {
    said(id, Some(error), Effects::unknown(), &BTreeSet::new(), &BTreeSet::new())
}

fn said(
    id: Value,
    error: Option<String>,
    effects: Effects,
    reads: &BTreeSet<TableName>,
    writes: &BTreeSet<TableName>,
) -> Answer {
    let names = |tables: &BTreeSet<TableName>| {
        let mut names: Vec<String> = tables.iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    Answer {
        id,
        error,
        effects: effects
            .list()
            .iter()
            .map(|effect| Said {
                action: effect.action.as_str(),
                object: effect.object.to_string(),
                whole: effect.whole,
            })
            .collect(),
        reads: names(reads),
        writes: names(writes),
        unknown: effects.list().iter().any(|effect| effect.action == Action::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn a_line_that_cannot_be_read_says_its_number_and_is_unknown() {
        let said = answer("{", 7);
        assert!(said.contains("line 7") && said.contains(r#""unknown":true"#), "{said}");
    }

    #[test]
    fn earlier_statements_say_what_a_name_stands_for() {
        let said = answer(r#"{"id":1,"sql":"EXECUTE p","before":["PREPARE p AS DELETE FROM public.t"]}"#, 1);
        let expected = r#"{"id":1,"effects":[{"action":"delete","object":"public.t","whole":true}],"reads":[],"writes":["public.t"],"unknown":false}"#;
        assert_eq!(said, expected);
    }
}
