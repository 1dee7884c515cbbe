//! Recorded events as lines that a person reads: statements with their verdicts, masked rows, holds and how they ended.

use crate::paint;
use crate::verbs::show;
use serde_json::Value;
use std::collections::HashMap;

/// Rows of one result that are shown before the rest is only counted.
const SHOWN_ROWS: u64 = 20;
const CELL_CHARS: usize = 60;

/// Told entry by entry; remembers just enough to count rows.
pub struct Story {
    /// Say which session each line is of.
    many: bool,
    rows: u64,
    people: HashMap<String, String>,
    /// Of each session the last columns: they hold for the rows of later commands until others are said.
    columns: HashMap<String, String>,
}

impl Story {
    pub fn new(many: bool) -> Self {
        Self { many, rows: 0, people: HashMap::new(), columns: HashMap::new() }
    }

    pub fn tell(&mut self, entry: &Value) -> Vec<String> {
        if let Some(lost) = entry.get("lost") {
            return vec![paint::waits(&format!("… {lost} entries were not shown: too many at once"))];
        }
        if let Some(problem) = entry.get("problem").and_then(Value::as_str) {
            return vec![paint::bad(&format!("the recording is broken here: {problem}"))];
        }
        let Some(body) = entry.get("body") else { return Vec::new() };
        let session = text(entry, "session");
        let lines = self.event(&session, body);
        let at = text(entry, "at");
        let clock = at.get(11..19).unwrap_or_default();
        let who =
            if self.many { self.people.get(&session).cloned().unwrap_or_default() } else { String::new() };
        lines.into_iter().map(|line| format!("{} {}{line}", paint::quiet(clock), lead(&who))).collect()
    }

    fn event(&mut self, session: &str, body: &Value) -> Vec<String> {
        match text(body, "event").as_str() {
            "opened" => {
                let caller = body.get("caller").cloned().unwrap_or(Value::Null);
                let name = text(&caller, "name");
                self.people.insert(session.to_owned(), name.clone());
                vec![format!(
                    "{} {} {} opened {}",
                    paint::strong("●"),
                    text(&caller, "kind"),
                    name,
                    text(body, "target")
                )]
            }
            "command" => self.command(body),
            "held" => vec![paint::waits(&format!(
                "  ⏸ waits for {}: approval {}",
                list(body, "groups"),
                text(body, "approval")
            ))],
            "resolved" => vec![resolved(body)],
            "columns" => {
                self.rows = 0;
                self.columns.insert(session.to_owned(), list(body, "names"));
                Vec::new()
            }
            "row" => self.row(session, body),
            "truncated" => vec![paint::quiet(&format!(
                "    … kept up to row {}; the rest is over the limit",
                number(body, "after_rows")
            ))],
            "done" => vec![done(body)],
            "notice" => vec![paint::waits(&format!("  ! {}", text(body, "text")))],
            "change" => vec![format!(
                "{} {} {} {}",
                paint::strong("✎"),
                show::subject(&text(body, "by")),
                text(body, "action"),
                text(body, "object")
            )],
            "closed" => {
                self.columns.remove(session);
                let line = format!(
                    "{} closed: {} ({})",
                    paint::strong("○"),
                    text(body, "reason"),
                    show::count(number(body, "commands"), "command")
                );
                vec![line]
            }
            other => vec![paint::quiet(&format!("  ({other})"))],
        }
    }

    fn command(&mut self, body: &Value) -> Vec<String> {
        self.rows = 0;
        let verdict = text(body, "verdict");
        let mark = match verdict.as_str() {
            "allow" => paint::good("▶"),
            "deny" => paint::bad("✗"),
            _ => paint::waits("⏸"),
        };
        let kind = match text(body, "kind").as_str() {
            "run" => String::new(),
            other => paint::quiet(&format!("{other} ")),
        };
        let mut lines = vec![format!("{mark} {kind}{}", text(body, "text"))];
        let parameters = list(body, "parameters");
        if !parameters.is_empty() {
            lines.push(paint::quiet(&format!("    with {parameters}")));
        }
        if verdict != "allow" {
            let why = format!("    {} (rule {})", text(body, "message"), list(body, "rules"));
            lines.push(if verdict == "deny" { paint::bad(&why) } else { paint::waits(&why) });
        }
        lines
    }

    fn row(&mut self, session: &str, body: &Value) -> Vec<String> {
        self.rows += 1;
        let mut lines = Vec::new();
        if self.rows == 1
            && let Some(names) = self.columns.get(session)
        {
            lines.push(paint::quiet(&format!("    {names}")));
        }
        if self.rows == SHOWN_ROWS + 1 {
            return vec![paint::quiet("    … (`--json` prints every recorded row)")];
        }
        if self.rows > SHOWN_ROWS {
            return Vec::new();
        }
        let cells =
            body.get("cells").and_then(Value::as_array).into_iter().flatten().map(cell).collect::<Vec<_>>();
        lines.push(format!("    {}", cells.join(&paint::quiet(" │ "))));
        lines
    }
}

fn lead(who: &str) -> String {
    if who.is_empty() { String::new() } else { format!("{} ", paint::strong(who)) }
}

fn resolved(body: &Value) -> String {
    let (outcome, by, reason) = (text(body, "outcome"), text(body, "by"), text(body, "reason"));
    let mut line = format!("  {outcome}");
    if !by.is_empty() {
        line.push_str(&format!(" by {}", show::subject(&by)));
    }
    if !reason.is_empty() {
        line.push_str(&format!(": {reason}"));
    }
    if text(body, "verdict") == "allow" { paint::good(&line) } else { paint::bad(&line) }
}

fn done(body: &Value) -> String {
    let error = text(body, "error");
    let took = number(body, "duration_us") as f64 / 1000.0;
    if !error.is_empty() {
        return paint::bad(&format!("    ✗ {error} ({took:.1} ms)"));
    }
    let masked = match number(body, "masked") {
        0 => String::new(),
        masked => format!(", {} masked", show::count(masked, "cell")),
    };
    paint::quiet(&format!("    ✓ {} ({took:.1} ms{masked})", text(body, "tag")))
}

fn cell(value: &Value) -> String {
    let whole = match value {
        Value::Null => return paint::quiet("∅"),
        Value::String(text) => paint::harmless(text),
        other => other.to_string(),
    };
    let shown: String = whole.chars().take(CELL_CHARS).collect();
    if shown.len() < whole.len() { format!("{shown}…") } else { shown }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).map(paint::harmless).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn list(value: &Value, name: &str) -> String {
    let items = value.get(name).and_then(Value::as_array).into_iter().flatten();
    items
        .map(|item| item.as_str().map_or_else(|| item.to_string(), paint::harmless))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(entries: &[Value]) -> String {
        let mut story = Story::new(false);
        entries.iter().flat_map(|entry| story.tell(entry)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_refusal_says_which_rule_and_why() {
        let entry = json!({ "at": "2026-01-02T03:04:05.000Z", "body": { "event": "command", "kind": "run",
            "text": "DROP TABLE t", "verdict": "deny", "rules": ["no-drop"], "message": "Nothing is dropped here." } });
        let told = told(&[entry]);
        assert!(told.contains("✗ DROP TABLE t"), "{told}");
        assert!(told.contains("Nothing is dropped here. (rule no-drop)"), "{told}");
        assert!(told.starts_with("03:04:05"), "{told}");
    }

    #[test]
    fn an_escape_sequence_in_a_row_stays_on_paper() {
        let entry = json!({ "at": "", "body": { "event": "row", "cells": ["\u{1b}[2Jgone", null] } });
        assert!(!told(&[entry]).contains('\u{1b}'));
    }
}
