//! What is wrong with rules: where, and what to write instead. For terminals and as JSON.

use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The rules cannot be in force.
    Error,
    /// They can, but look again.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub severity: Severity,
    pub file: String,
    /// From 1, in characters.
    pub line: usize,
    pub column: usize,
    pub message: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
    pub source_line: String,
}

/// Everything that was found, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Diagnostics {
    pub problems: Vec<Problem>,
}

impl Diagnostics {
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
    pub(crate) fn add(&mut self, place: &Place<'_>, message: impl Into<String>, help: Option<String>) {
        self.put(Severity::Error, place, message, help);
    }
    pub(crate) fn put(
        &mut self,
        severity: Severity,
        place: &Place<'_>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let (line, column, source_line) = place.position();
        let file = place.file.to_owned();
        let message = message.into();
        self.problems.push(Problem { severity, file, line, column, message, help, source_line });
    }
}

/// An offset in a file of rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub offset: usize,
}

impl Place<'_> {
    fn position(&self) -> (usize, usize, String) {
        let end = self.text.floor_char_boundary(self.offset.min(self.text.len()));
        let before = self.text.get(..end).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        let source = self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        (line, column, source.to_owned())
    }
}

/// ```text
/// error: there is no action "delte"
///   --> agents.cedar:3:29
///    |     action == Action::"delte",
///    |               ^
///    = write Action::"delete"
/// ```
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{word}: {}", self.message)?;
        writeln!(f, "  --> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "   | {}", self.source_line)?;
        let indent = self.column.saturating_sub(1);
        let blank: String = self
            .source_line
            .chars()
            .take(indent)
            .map(|letter| if letter == '\t' { '\t' } else { ' ' })
            .collect();
        write!(f, "   | {blank}^")?;
        match &self.help {
            Some(help) => write!(f, "\n   = {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// The known word that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min()
        .map(|(_, candidate)| candidate)
}
