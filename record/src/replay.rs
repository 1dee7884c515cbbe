//! A recording played in a terminal, at its own pace or faster, or printed as lines of JSON.
//!
//! What is recorded was written by callers and targets: nothing of it may steer the terminal, so control characters
//! are shown and never sent.

use crate::frame::Entry;
use crate::read::ReadFault;
use sallyport_core::journal::Event;
use sallyport_core::{CommandNo, Moment};
use std::io::{self, Write};
use std::time::Duration;

/// Nobody watches a session idle for longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const MAX_TABLE_ROWS: usize = 200;
const MAX_CELL_CHARS: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As it was, but with long pauses shortened.
    Recorded,
    /// So many times as fast.
    Times(f64),
    AtOnce,
}

impl Speed {
    fn pause(self, between: Duration) -> Duration {
        let pause = match self {
            Speed::Recorded => between,
            Speed::Times(times) if times.is_finite() && times > 0.0 => {
                Duration::try_from_secs_f64(between.as_secs_f64() / times).unwrap_or(LONGEST_PAUSE)
            }
            Speed::Times(_) | Speed::AtOnce => Duration::ZERO,
        };
        pause.min(LONGEST_PAUSE)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    #[error(transparent)]
    Read(#[from] ReadFault),
    #[error("entry {no} is no event: {problem}")]
    Event { no: u64, problem: serde_json::Error },
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// One event to a line, with its number, time and hash.
pub fn json_lines(
    entries: impl Iterator<Item = Result<Entry, ReadFault>>,
    out: &mut impl Write,
) -> Result<(), ReplayFault> {
    for entry in entries {
        let entry = entry?;
        let body = entry.value().map_err(|problem| ReplayFault::Event { no: entry.no, problem })?;
        let line = serde_json::json!({
            "no": entry.no,
            "at": entry.at.to_string(),
            "at_us": entry.at,
            "hash": entry.hash.to_string(),
            "body": body,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Plays for a person. `sleep` is called between entries, for as long as `speed` says.
pub fn replay(
    entries: impl Iterator<Item = Result<Entry, ReadFault>>,
    speed: Speed,
    colour: bool,
    out: &mut impl Write,
    mut sleep: impl FnMut(Duration),
) -> Result<(), ReplayFault> {
    let mut screen = Screen { colour, table: Table::default(), names: Vec::new() };
    let mut last: Option<Moment> = None;
    for entry in entries {
        let entry = entry?;
        let pause = last.map_or(Duration::ZERO, |last| Duration::from_micros(entry.at.since_us(last)));
        let pause = speed.pause(pause);
        if !pause.is_zero() {
            out.flush()?;
            sleep(pause);
        }
        last = Some(entry.at);
        screen.show(&entry, out)?;
    }
    screen.end_table(out)?;
    Ok(out.flush()?)
}

#[derive(Clone, Copy)]
enum Ink {
    Plain,
    Dim,
    Good,
    Bad,
    Wait,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Dim => "\x1b[2m",
            Ink::Good => "\x1b[32m",
            Ink::Bad => "\x1b[31m",
            Ink::Wait => "\x1b[33m",
        }
    }
    fn of_verdict(verdict: &str) -> Ink {
        match verdict {
            "allow" => Ink::Good,
            "deny" => Ink::Bad,
            "hold" => Ink::Wait,
            _ => Ink::Plain,
        }
    }
}

struct Screen {
    colour: bool,
    table: Table,
    /// Of the last columns: they hold for the rows of later commands until others are said.
    names: Vec<String>,
}

#[derive(Default)]
struct Table {
    of: Option<CommandNo>,
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    unshown: u64,
}

impl Screen {
    fn show(&mut self, entry: &Entry, out: &mut impl Write) -> Result<(), ReplayFault> {
        let event = entry.event().map_err(|problem| ReplayFault::Event { no: entry.no, problem })?;
        match event {
            Event::Columns { of, names, masked } => {
                self.end_table(out)?;
                let name = |(name, rule): (_, &Option<_>)| {
                    let name: &std::borrow::Cow<'_, str> = name;
                    if rule.is_some() { format!("{} (masked)", safe(name)) } else { safe(name) }
                };
                self.names = names.iter().zip(&masked).map(name).collect();
                self.table.names.clone_from(&self.names);
                self.table.of = Some(of);
            }
            Event::Row { of, cells } => {
                if self.table.of != Some(of) {
                    self.end_table(out)?;
                    self.table.names.clone_from(&self.names);
                    self.table.of = Some(of);
                }
                self.table.add(cells.iter().map(|cell| cell.as_deref()));
            }
            other => {
                self.end_table(out)?;
                self.line(entry.at, other, out)?;
            }
        }
        Ok(())
    }

    fn line(&self, at: Moment, event: Event<'_>, out: &mut impl Write) -> io::Result<()> {
        let (ink, text) = words(event);
        let time = self.inked(Ink::Dim, &at.to_string());
        writeln!(out, "{time}  {}", self.inked(ink, &text))
    }

    fn inked(&self, ink: Ink, text: &str) -> String {
        match (self.colour, ink.code()) {
            (true, code) if !code.is_empty() => format!("{code}{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    fn end_table(&mut self, out: &mut impl Write) -> io::Result<()> {
        let table = std::mem::take(&mut self.table);
        if table.of.is_none() && table.rows.is_empty() {
            return Ok(());
        }
        let widths = table.widths();
        let names: Vec<_> = table.names.iter().map(String::as_str).collect();
        writeln!(out, "    {}", self.inked(Ink::Dim, &aligned(&names, &widths)))?;
        for row in &table.rows {
            let cells: Vec<_> = row.iter().map(String::as_str).collect();
            writeln!(out, "    {}", aligned(&cells, &widths))?;
        }
        if table.unshown > 0 {
            writeln!(out, "    … {} more rows are in the recording", table.unshown)?;
        }
        Ok(())
    }
}

impl Table {
    fn add<'a>(&mut self, cells: impl Iterator<Item = Option<&'a str>>) {
        if self.rows.len() >= MAX_TABLE_ROWS {
            self.unshown += 1;
            return;
        }
        self.rows.push(cells.map(|cell| cell.map_or_else(|| "∅".to_owned(), short)).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in self.rows.iter().chain(std::iter::once(&self.names)) {
            for (index, cell) in row.iter().enumerate() {
                let width = cell.chars().count();
                match widths.get_mut(index) {
                    Some(widest) => *widest = width.max(*widest),
                    None => widths.push(width),
                }
            }
        }
        widths
    }
}

fn aligned(cells: &[&str], widths: &[usize]) -> String {
    let cells: Vec<_> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
    cells.join(" │ ").trim_end().to_owned()
}

fn short(text: &str) -> String {
    let text = safe(text);
    match text.char_indices().nth(MAX_CELL_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Control and direction characters spelled out.
fn safe(text: &str) -> String {
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => out.push(' '),
            letter if steers(letter) => out.extend(letter.escape_unicode()),
            letter => out.push(letter),
        }
    }
    out
}

/// An event other than a row, in one line.
fn words(event: Event<'_>) -> (Ink, String) {
    match event {
        Event::Opened { caller, target, account, database, protocol, .. } => {
            let (kind, name, principal) =
                (caller.kind.as_str(), safe(&caller.name), safe(&caller.principal()));
            let at = safe(&format!("{target}/{database} as {account} ({protocol})"));
            (Ink::Plain, format!("opened: {kind} {name} ({principal}) to {at}"))
        }
        Event::Command { no, text, verdict, rules, message, .. } => {
            let rules: Vec<_> = rules.iter().map(|rule| safe(rule.as_str())).collect();
            let message = message.map(|message| format!(": {}", safe(&message))).unwrap_or_default();
            let ink = Ink::of_verdict(&verdict);
            (ink, format!("#{no} {} [{}]{message}  {}", safe(&verdict), rules.join(", "), safe(&text)))
        }
        Event::Held { no, approval, groups, .. } => {
            let groups = safe(&groups.join(", "));
            (Ink::Wait, format!("#{no} waits for {groups} (approval {})", safe(approval.as_str())))
        }
        Event::Resolved { no, outcome, by, reason, verdict, at, .. } => {
            let by = by.map(|by| format!(" by {}", safe(&by))).unwrap_or_default();
            let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
            let reason = reason.map(|reason| format!(": {}", safe(&reason))).unwrap_or_default();
            let ink = Ink::of_verdict(&verdict);
            (ink, format!("#{no} {}{by}{at}{reason}, so {}", safe(&outcome), safe(&verdict)))
        }
        Event::Truncated { of, after_rows } => {
            (Ink::Dim, format!("#{of} only the first {after_rows} rows are recorded"))
        }
        Event::Done { of, tag, rows, duration_us, error, masked, .. } => match error {
            Some(error) => (Ink::Bad, format!("#{of} failed after {duration_us} µs: {}", safe(&error))),
            None => {
                let masked = if masked > 0 { format!(", {masked} cells masked") } else { String::new() };
                (Ink::Dim, format!("#{of} {} ({rows} rows, {duration_us} µs{masked})", safe(&tag)))
            }
        },
        Event::Notice { text } => (Ink::Wait, safe(&text)),
        Event::Change { by, action, object, detail } => {
            (Ink::Plain, safe(&format!("{by}: {action} {object} {detail}")))
        }
        Event::Closed { reason, commands, bytes_in, bytes_out } => {
            let reason = safe(&reason);
            (
                Ink::Plain,
                format!("closed: {reason} ({commands} commands, {bytes_in} bytes in, {bytes_out} out)"),
            )
        }
        Event::Columns { .. } | Event::Row { .. } => (Ink::Plain, String::new()),
    }
}
