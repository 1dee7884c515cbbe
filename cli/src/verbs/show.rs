//! How answers are printed: JSON as it came, or tables and fields for people.

use crate::connection::CliFault;
use crate::paint;
use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde_json::Value;
use std::io::Write;

/// A reader that went away (`| head`) ends the verb quietly.
pub fn line(text: &str) -> Result<(), CliFault> {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => Ok(()),
        Err(fault) if fault.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(fault) => Err(CliFault::call(format!("cannot write: {fault}"))),
    }
}

pub fn json(value: &Value) -> Result<(), CliFault> {
    line(&serde_json::to_string_pretty(value).unwrap_or_default())
}

pub fn table(head: &[&str], rows: Vec<Vec<String>>, none: &str) -> Result<(), CliFault> {
    if rows.is_empty() {
        return line(&paint::quiet(none));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.iter().map(|name| paint::quiet(name)));
    rows.into_iter().for_each(|row| _ = table.add_row(row));
    line(&table.to_string())
}

/// One thing, a field on each line; empty fields are left out.
pub fn fields(value: &Value, wanted: &[&str]) -> Result<(), CliFault> {
    let shown: Vec<_> =
        wanted.iter().map(|name| (name, cell(value, name))).filter(|(_, text)| !text.is_empty()).collect();
    let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, text) in shown {
        // Padded before it is painted: the codes of a colour have a length too.
        line(&format!("{}  {text}", paint::quiet(&format!("{name:>width$}"))))?;
    }
    Ok(())
}

/// A member as text: lists joined, maps as `key=value`, times readable.
pub fn cell(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => paint::harmless(text),
        Some(Value::Number(number)) if is_time(name) => number.as_i64().map(time).unwrap_or_default(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), paint::harmless))
            .collect::<Vec<_>>()
            .join(", "),
        Some(Value::Object(map)) => {
            let pair = |(key, value): (&String, &Value)| match value {
                Value::String(text) => format!("{}={}", paint::harmless(key), paint::harmless(text)),
                Value::Array(items) if items.iter().all(Value::is_string) => {
                    let items: Vec<_> = items.iter().filter_map(Value::as_str).map(paint::harmless).collect();
                    format!("{}={}", paint::harmless(key), items.join("+"))
                }
                other => format!("{key}={other}"),
            };
            map.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// The subject of `issuer#subject`: whole principals are for `--json` and for the view of one thing.
pub fn subject(principal: &str) -> &str {
    principal.split_once('#').map_or(principal, |(_, subject)| subject)
}

/// `1 command`, `2 commands`.
pub fn count(number: i64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn is_time(name: &str) -> bool {
    matches!(
        name,
        "asked" | "expires" | "created" | "updated" | "started" | "ended" | "until" | "decided_at" | "at"
    )
}

pub fn time(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us)
        .map_or_else(|_| at_us.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// The list in an answer, whether bare or under `items`.
pub fn items(answer: &Value) -> Vec<Value> {
    answer.get("items").unwrap_or(answer).as_array().cloned().unwrap_or_default()
}

/// A path segment that cannot leave its place.
pub fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => (byte as char).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// `name=value`
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// `90s`, `15m`, `1h`, `1d`, or seconds.
pub fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no duration: write 90s, 15m, 1h or 1d");
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("15m"), Ok(900));
        assert_eq!(seconds("1d"), Ok(86_400));
        for wrong in ["", "h", "-1h", "1w", "0s", "99999999999999999d"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("../a/b?c"), "%2E%2E%2Fa%2Fb%3Fc");
    }
}
