//! Answers, line by line, what would be found in a value: for those who want to see the recognisers at work on their
//! own data. Not a way around a mask: it reads what it is handed and nothing else.

use super::detect::{self, Classes, Found, Hint};
use super::forms::REDACTED;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Question<'a> {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    column: Option<String>,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(Serialize)]
struct Reply {
    id: Value,
    entities: Vec<Entity>,
    masked: Option<String>,
}

#[derive(Serialize)]
struct Entity {
    #[serde(rename = "type")]
    class: &'static str,
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct Refusal {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    error: &'static str,
    line: usize,
}

/// One line of JSON for one line of JSON: `{"id","column","value"}` gives `{"id","entities","masked"}`. Offsets are
/// bytes of the value's UTF-8. A line that cannot be read gives `{"error","line"}`.
pub fn answer(line: &str, number: usize) -> String {
    let Ok(question) = serde_json::from_str::<Question<'_>>(line) else {
        let id = serde_json::from_str::<Value>(line).ok().and_then(|read| read.get("id").cloned());
        let error = "write a JSON object with id, column and value";
        return written(&Refusal { id, error, line: number });
    };
    let Question { id, column, value } = question;
    let Some(text) = text_of(value.get()) else {
        return written(&Reply { id, entities: Vec::new(), masked: None });
    };
    let mut found = Vec::new();
    let hint = column.as_deref().map_or(Hint::NONE, detect::hint);
    detect::scan_named(text.as_bytes(), Classes::all(), hint, &mut found);
    let entities = found
        .iter()
        .map(|one| Entity { class: one.class.as_str(), start: one.start, end: one.end })
        .collect();
    written(&Reply { id, entities, masked: Some(masked(&text, &found)) })
}

/// A string's content, nothing for a null, and the spelling of anything else.
fn text_of(json: &str) -> Option<String> {
    match serde_json::from_str::<Value>(json) {
        Ok(Value::Null) => None,
        Ok(Value::String(text)) => Some(text),
        Ok(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) | Err(_) => {
            Some(json.to_owned())
        }
    }
}

/// Each value in the form that shows nothing of it.
fn masked(text: &str, found: &[Found]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for one in found {
        out.push_str(text.get(from..one.start).unwrap_or_default());
        out.push_str(REDACTED);
        from = one.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

fn written(reply: &impl Serialize) -> String {
    serde_json::to_string(reply).unwrap_or_else(|_| "{\"error\":\"the answer cannot be written\"}".into())
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn finds_and_masks() {
        assert_eq!(
            answer(r#"{"id":7,"column":"note","value":"ü ann@example.com 4111 1111 1111 1111"}"#, 1),
            r#"{"id":7,"entities":[{"type":"email","start":3,"end":18},{"type":"credit_card","start":19,"end":38}],"masked":"ü [redacted] [redacted]"}"#
        );
    }

    #[test]
    fn reads_numbers_and_nulls() {
        assert_eq!(
            answer(r#"{"id":"a","column":"x","value":null}"#, 1),
            r#"{"id":"a","entities":[],"masked":null}"#
        );
        assert_eq!(
            answer(r#"{"id":"a","column":"ssn","value":219456789}"#, 1),
            r#"{"id":"a","entities":[{"type":"us_ssn","start":0,"end":9}],"masked":"[redacted]"}"#
        );
        assert_eq!(
            answer(r#"{"id":"a","column":"n","value":219456789}"#, 1),
            r#"{"id":"a","entities":[],"masked":"219456789"}"#
        );
    }

    #[test]
    fn says_which_line_is_wrong() {
        assert_eq!(answer("{", 3), r#"{"error":"write a JSON object with id, column and value","line":3}"#);
        assert_eq!(
            answer(r#"{"id":9,"column":4,"value":"x"}"#, 4),
            r#"{"id":9,"error":"write a JSON object with id, column and value","line":4}"#
        );
    }
}
