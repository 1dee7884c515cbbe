//! How answers are printed: JSON as it came, or tables and fields for people.

use crate::connection::CliFault;
use crate::paint;
use crate::paint::Tone;
use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, Table, presets};
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

/// A cell and its colour, kept apart: the codes of a colour have a length and would be wrapped like words.
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
    /// A verdict or a state in its colour.
    pub fn state(word: &str) -> Self {
        Self::new(word, paint::tone(word))
    }
    fn painted(self) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new(self.text);
        match self.tone {
            Tone::Plain => cell,
            Tone::Good => cell.fg(Color::DarkGreen),
            Tone::Bad => cell.fg(Color::DarkRed),
            Tone::Waits => cell.fg(Color::DarkYellow),
            Tone::Quiet => cell.add_attribute(Attribute::Dim),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

pub fn table<C: Into<Cell>>(head: &[&str], rows: Vec<Vec<C>>, none: &str) -> Result<(), CliFault> {
    if rows.is_empty() {
        return line(&paint::quiet(none));
    }
    line(&laid_out(head, rows, width(), paint::coloured()))
}

/// No wider than the terminal; a program that reads gets whole lines.
fn laid_out<C: Into<Cell>>(head: &[&str], rows: Vec<Vec<C>>, width: Option<u16>, coloured: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    if coloured {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    table.set_header(head.iter().map(|name| Cell::new(name.replace('_', " "), Tone::Quiet).painted()));
    for row in rows {
        table.add_row(row.into_iter().map(|cell| cell.into().painted()));
    }
    for (column, name) in table.column_iter_mut().zip(head) {
        column.set_padding((0, 2));
        // What people copy is whole on one line, however narrow the terminal.
        if matches!(*name, "id" | "name" | "column") {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let lines = table.to_string();
    lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Columns of the terminal that a person looks at.
pub fn width() -> Option<u16> {
    let stdout = std::io::stdout();
    let size = rustix::termios::tcgetwinsize(&stdout).ok().filter(|size| size.ws_col > 0)?;
    Some(size.ws_col)
}

/// A sentence within the terminal's width: further lines are indented like the first. Colours may be in it.
pub fn wrapped(lead: &str, text: &str) -> Result<(), CliFault> {
    let indent = lead.chars().take_while(|letter| *letter == ' ').count() + 2;
    line(&wrapped_to(width().map(usize::from), lead, indent, text))
}

/// A line whose further lines begin at this place.
pub fn hanging(indent: usize, text: &str) -> Result<(), CliFault> {
    line(&wrapped_to(width().map(usize::from), "", indent, text))
}

/// A statement as it was written, line for line.
pub fn statement(lead: &str, text: &str) -> Result<(), CliFault> {
    let room = width().map(usize::from);
    text.lines().try_for_each(|one| line(&wrapped_to(room, lead, lead.len(), &paint::strong(one))))
}

fn wrapped_to(width: Option<usize>, lead: &str, indent: usize, text: &str) -> String {
    // What has lines of its own keeps them.
    let room = width.filter(|width| *width > indent + 20 && !text.contains('\n'));
    let Some(width) = room else { return format!("{lead}{text}") };
    let mut out = lead.to_owned();
    let mut at = paint::visible(lead);
    let mut fresh = true;
    for word in text.split(' ') {
        let long = paint::visible(word);
        if !fresh && at + 1 + long > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            at = indent;
        } else if !fresh {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += long;
        fresh = false;
    }
    out
}

/// One thing, a field on each line; empty fields are left out.
pub fn fields(value: &Value, wanted: &[&str]) -> Result<(), CliFault> {
    let shown: Vec<_> =
        wanted.iter().map(|name| (name, cell(value, name))).filter(|(_, text)| !text.is_empty()).collect();
    let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let room = self::width().map(usize::from);
    for (name, text) in shown {
        // Padded before it is painted: the codes of a colour have a length too.
        let name = name.replace('_', " ");
        let lead = format!("{}  ", paint::quiet(&format!("{name:>width$}")));
        line(&wrapped_to(room, &lead, width + 2, &text))?;
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

/// For a list: the clock alone where it is of today, else the day without the seconds.
pub fn when(value: &Value, name: &str) -> String {
    let whole = cell(value, name);
    let today = Timestamp::now().strftime("%Y-%m-%d ").to_string();
    match whole.strip_prefix(&today) {
        Some(clock) => clock.to_owned(),
        None => whole.get(..16).map_or(whole.clone(), |minutes| format!("{minutes}Z")),
    }
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
    fn a_long_sentence_is_wrapped_under_itself() {
        let text = "\u{1b}[31mdeny\u{1b}[0m (a-rule): one two three four five six seven";
        let wrapped = wrapped_to(Some(34), "    x: ", 6, text);
        assert_eq!(
            wrapped,
            "    x: \u{1b}[31mdeny\u{1b}[0m (a-rule): one two\n      three four five six seven"
        );
        assert_eq!(wrapped_to(None, "    x: ", 6, text), format!("    x: {text}"));
    }

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
    fn colour_takes_no_room_in_a_table() {
        let rows = || {
            let state = Cell::state("waiting");
            vec![vec![Cell::from("ap-q3gmrf6x4etth3pj".to_owned()), state, "a b c d ".repeat(12).into()]]
        };
        let head = ["id", "state", "what"];
        let plain = laid_out(&head, rows(), Some(80), false);
        let coloured = laid_out(&head, rows(), Some(80), true);
        assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
        assert!(plain.contains("ap-q3gmrf6x4etth3pj") && plain.contains("waiting"), "{plain}");
        let mut bare = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, code)) = rest.split_once('\u{1b}') {
            bare.push_str(before);
            rest = code.split_once('m').unwrap().1;
        }
        bare.push_str(rest);
        let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_ne!(coloured, bare, "it was coloured");
        assert_eq!(trimmed(&bare), trimmed(&plain));
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("../a/b?c"), "%2E%2E%2Fa%2Fb%3Fc");
    }
}
