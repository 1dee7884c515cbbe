//! What a sample of a column's cells says about the classes of the column.
//!
//! It is asked while a person looks for columns to classify, never on the way of a session's rows. Invariant: no value
//! stays in it. A cell is read, counted and forgotten; what is kept to show is an outline, in which no letter and no
//! digit of the value stands.

use super::detect::{self, Class, Classes, Found, Hint};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many outlines of one class are kept.
const MAX_EXAMPLES: usize = 3;
/// An outline is no longer than this.
const MAX_OUTLINE: usize = 40;
/// Fewer cells than these prove nothing where chance alone makes a number look right now and then.
const ENOUGH: u64 = 10;
/// The found value is the cell where it is so much of it, in parts of a hundred.
const MOST_OF_A_CELL: usize = 75;
/// A cell is read up to here.
pub const MAX_CELL: usize = 4096;

/// What stands in the cells, as far as their type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    Text,
    /// A document, or a list as one.
    Json,
    Number,
    Date,
    /// Addresses of a network, by their type.
    Network,
}

/// How sure it is that a column has a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Nearly every cell is such a value.
    Sure,
    /// Many cells are.
    Likely,
    /// Such values stand within longer texts or documents, or in few cells.
    Within,
    /// Only the name says so.
    Name,
}

/// A class that a column may be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    pub class: String,
    pub confidence: Confidence,
    /// Cells with such a value.
    pub found: u64,
    /// Outlines of found values: letters as `x`, digits as `#`.
    pub examples: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    found: u64,
    /// Cells that are such a value and nothing else.
    whole: u64,
    /// Values that stand under a name which says what they are.
    named: u64,
    examples: Vec<String>,
}

/// The count of one column.
#[derive(Debug)]
pub struct Survey {
    hint: Hint,
    kind: CellKind,
    sampled: u64,
    tallies: Vec<Tally>,
    /// Scratch.
    found: Vec<Found>,
}

impl Survey {
    pub fn of(column: &str, kind: CellKind) -> Self {
        let tallies = vec![Tally::default(); Class::ALL.len()];
        Self { hint: detect::hint(column), kind, sampled: 0, tallies, found: Vec::new() }
    }

    /// How many cells with a value were read.
    pub fn sampled(&self) -> u64 {
        self.sampled
    }

    /// Reads a cell that is not null. One in which nothing stands says nothing.
    pub fn cell(&mut self, value: &[u8]) {
        let value = value.get(..MAX_CELL).unwrap_or(value);
        if matches!(value.trim_ascii(), b"" | b"[]" | b"{}" | b"null") {
            return;
        }
        self.sampled += 1;
        let document = match self.kind {
            CellKind::Json => serde_json::from_slice::<Value>(value).ok(),
            CellKind::Text | CellKind::Number | CellKind::Date | CellKind::Network => None,
        };
        let mut seen = Seen::default();
        match document {
            Some(document) => {
                let plain = match &document {
                    Value::Array(items) => items.iter().all(is_scalar),
                    other => is_scalar(other),
                };
                self.leaves(&document, self.hint, plain, &mut seen);
            }
            None => self.text(value, self.hint, true, &mut seen),
        }
        for (at, tally) in self.tallies.iter_mut().enumerate() {
            tally.found += u64::from(seen.any & 1 << at != 0);
            tally.whole += u64::from(seen.whole & !seen.partly & 1 << at != 0);
        }
    }

    /// The parser bounds how deep documents go.
    fn leaves(&mut self, value: &Value, hint: Hint, plain: bool, seen: &mut Seen) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.text(number.to_string().as_bytes(), hint, plain, seen),
            Value::String(text) => self.text(text.as_bytes(), hint, plain, seen),
            Value::Array(items) => items.iter().for_each(|item| self.leaves(item, hint, plain, seen)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.text(name.as_bytes(), Hint::NONE, false, seen);
                    self.leaves(value, detect::hint(name), false, seen);
                }
            }
        }
    }

    fn text(&mut self, text: &[u8], hint: Hint, plain: bool, seen: &mut Seen) {
        self.found.clear();
        detect::scan_named(text, self.possible(), hint, &mut self.found);
        let length = text.trim_ascii().len();
        for found in &self.found {
            let bit = 1 << found.class as u32;
            let is_whole = plain && (found.end - found.start) * 100 >= length * MOST_OF_A_CELL;
            seen.any |= bit;
            if is_whole {
                seen.whole |= bit;
            } else {
                seen.partly |= bit;
            }
            let Some(tally) = self.tallies.get_mut(found.class as usize) else { continue };
            tally.named += u64::from(hint.class() == Some(found.class));
            if tally.examples.len() < MAX_EXAMPLES {
                let value = text.get(found.start..found.end).unwrap_or_default();
                let more = if is_whole { "" } else { "…" };
                let outline = format!("{more}{}{more}", outline(&String::from_utf8_lossy(value)));
                if !tally.examples.contains(&outline) {
                    tally.examples.push(outline);
                }
            }
        }
    }

    /// What a value of this type can be at all.
    fn possible(&self) -> Classes {
        let of = |all: &[Class]| all.iter().fold(Classes::NONE, |set, class| set.with(*class));
        match self.kind {
            CellKind::Text | CellKind::Json => Classes::all(),
            CellKind::Number => of(&[Class::Card, Class::Phone, Class::Ssn, Class::Cpf]),
            CellKind::Date => of(&[Class::BirthDate]),
            CellKind::Network => of(&[Class::Ip, Class::Mac]),
        }
    }

    /// The classes that the column may be given, the surest first.
    pub fn proposals(&self) -> Vec<Proposal> {
        let mut proposals: Vec<Proposal> = Class::ALL
            .iter()
            .zip(&self.tallies)
            .filter_map(|(class, tally)| {
                let confidence = self.confidence(*class, tally)?;
                let (class, examples) = (class.as_str().to_owned(), tally.examples.clone());
                Some(Proposal { class, confidence, found: tally.found, examples })
            })
            .collect();
        // A name that the values do not bear out is no news where they show something else.
        if proposals.iter().any(|proposal| proposal.confidence < Confidence::Within) {
            proposals.retain(|proposal| proposal.confidence != Confidence::Name);
        }
        proposals.sort_by_key(|proposal| (proposal.confidence, std::cmp::Reverse(proposal.found)));
        proposals
    }

    fn confidence(&self, class: Class, tally: &Tally) -> Option<Confidence> {
        let named = self.hint.class() == Some(class);
        let clearly = named && !self.hint.is_doubtful();
        let share = |count: u64| count * 100 / self.sampled.max(1);
        if tally.found == 0 {
            return (clearly && self.possible().contains(class)).then_some(Confidence::Name);
        }
        let by_chance = !named && tally.named == 0 && is_number(class);
        if by_chance && self.kind == CellKind::Number && (self.sampled < ENOUGH || share(tally.whole) < 50) {
            return None;
        }
        let sure = if clearly { 50 } else { 80 };
        let enough = clearly || self.sampled >= 3;
        match share(tally.whole) {
            whole if whole >= sure && enough && (clearly || !named) => Some(Confidence::Sure),
            whole if whole >= 30 || clearly && tally.whole > 0 => Some(Confidence::Likely),
            // One number among many that happens to have a right check digit is none.
            _ if by_chance && (tally.found < 2 || share(tally.found) < 5) => None,
            _ => Some(Confidence::Within),
        }
    }
}

/// The classes that one cell has, as bits.
#[derive(Default)]
struct Seen {
    any: u32,
    whole: u32,
    partly: u32,
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn is_number(class: Class) -> bool {
    matches!(class, Class::Card | Class::Phone | Class::Ssn | Class::Cpf | Class::Ip | Class::BirthDate)
}

/// What a value looks like without saying it: letters as `x`, digits as `#`, other signs as they are.
pub fn outline(value: &str) -> String {
    let sign = |letter: char| match letter {
        _ if letter.is_numeric() => '#',
        _ if letter.is_alphabetic() => 'x',
        _ if letter.is_ascii_punctuation() => letter,
        _ => ' ',
    };
    let mut out: String = value.trim().chars().take(MAX_OUTLINE).map(sign).collect();
    if value.trim().chars().count() > MAX_OUTLINE {
        out.push('…');
    }
    out
}

/// How much is read of a target, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Rows of each table.
    pub rows: u32,
    /// Only these schemas; all that are not the target's own where there is none.
    pub schemas: Vec<String>,
    /// Views too: reading one runs what it is made of.
    pub views: bool,
    /// Foreign tables too: reading one reaches out to another server.
    pub foreign: bool,
    /// All of it, in seconds.
    pub limit_seconds: u64,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    pub columns: Vec<SampledColumn>,
    /// Tables that were read.
    pub tables: usize,
    pub unread: Vec<Unread>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledColumn {
    /// Schema, table, column.
    pub path: [String; 3],
    /// The type, in the target's words.
    pub kind: String,
    /// Cells with a value.
    pub sampled: u64,
    pub proposals: Vec<Proposal>,
}

/// A table or a column that was not read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub path: Vec<String>,
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(column: &str, kind: CellKind, cells: &[&str]) -> Vec<(String, Confidence, u64)> {
        let mut survey = Survey::of(column, kind);
        cells.iter().for_each(|cell| survey.cell(cell.as_bytes()));
        survey.proposals().into_iter().map(|one| (one.class, one.confidence, one.found)).collect()
    }

    fn one(class: &str, confidence: Confidence, found: u64) -> Vec<(String, Confidence, u64)> {
        vec![(class.to_owned(), confidence, found)]
    }

    const MAILS: [&str; 4] = ["ann@example.com", "bo@example.org", "cy@example.net", "di@example.com"];

    #[test]
    fn whole_cells_make_it_sure() {
        assert_eq!(said("contact", CellKind::Text, &MAILS), one("email", Confidence::Sure, 4));
        assert_eq!(said("x", CellKind::Text, &MAILS[..1]), one("email", Confidence::Likely, 1));
        assert_eq!(said("email", CellKind::Text, &MAILS[..1]), one("email", Confidence::Sure, 1));
    }

    #[test]
    fn a_value_within_a_text_is_no_class_of_the_column() {
        let cells = ["login of ann@example.com from the office", "nothing to see", "done"];
        assert_eq!(said("message", CellKind::Text, &cells), one("email", Confidence::Within, 1));
    }

    #[test]
    fn a_name_alone_is_called_so() {
        assert_eq!(said("email", CellKind::Text, &[]), one("email", Confidence::Name, 0));
        assert_eq!(said("email", CellKind::Text, &["none", "none"]), one("email", Confidence::Name, 0));
        assert_eq!(said("email", CellKind::Date, &[]), [], "a date is no address");
        assert_eq!(said("id", CellKind::Number, &[]), []);
    }

    #[test]
    fn numbers_and_times_are_nothing() {
        let epochs: Vec<String> =
            (0..500).map(|step| (1_700_000_000_000u64 + step * 977).to_string()).collect();
        let ids: Vec<String> =
            (0..500).map(|step| (4_000_000_000_000_000u64 + step * 13).to_string()).collect();
        for cells in [epochs, ids] {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            assert_eq!(said("id", CellKind::Number, &cells), []);
        }
        let uuids = ["0190b6c4-7d2e-7cc3-98c4-dc0c0c07398f", "7d444840-9dc0-11d1-b245-5ffdce74fad2"];
        assert_eq!(said("ref", CellKind::Text, &uuids), []);
        let times = ["2024-02-03 04:05:06+00", "1999-12-31 23:59:59+00"];
        assert_eq!(said("created_at", CellKind::Date, &times), []);
        assert_eq!(
            said("born_on", CellKind::Date, &["1980-02-03"]),
            one("date_of_birth", Confidence::Sure, 1)
        );
    }

    #[test]
    fn a_list_is_its_elements_and_a_document_is_not() {
        let lists = [
            r#"["ann@example.com","bo@example.org"]"#,
            r#"["cy@example.net"]"#,
            "[]",
            r#"["di@example.com"]"#,
        ];
        assert_eq!(said("emails", CellKind::Json, &lists), one("email", Confidence::Sure, 3));
        let documents = [r#"{"to":"ann@example.com","n":1}"#, r#"{"ssn":219456789}"#];
        let said = said("data", CellKind::Json, &documents);
        assert_eq!(said.iter().map(|(class, ..)| class.as_str()).collect::<Vec<_>>(), ["email", "us_ssn"]);
        assert!(said.iter().all(|(_, confidence, _)| *confidence == Confidence::Within));
    }

    #[test]
    fn an_example_tells_nothing() {
        let mut survey = Survey::of("contact", CellKind::Text);
        survey.cell("Ann.Marlow7@example.com".as_bytes());
        survey.cell("card 4111 1111 1111 1111 was charged for the order of today".as_bytes());
        let examples: Vec<String> = survey.proposals().into_iter().flat_map(|one| one.examples).collect();
        assert_eq!(examples, ["xxx.xxxxxx#@xxxxxxx.xxx"]);
        assert_eq!(outline("Žofie ٣٤ \u{1b}[0m"), "xxxxx ##  [#x");
        assert_eq!(outline(&"a".repeat(99)).chars().count(), MAX_OUTLINE + 1);
    }

    #[test]
    fn odd_cells_are_read_too() {
        let deep = "[".repeat(4000);
        let cells = ["{\"a", "\u{0}", deep.as_str(), "\"\\ud800\""];
        assert_eq!(said("x", CellKind::Json, &cells), []);
        Survey::of("x", CellKind::Text).cell(&[0xff; 10_000]);
    }
}
