//! Colour where a person looks, none where a program reads. `NO_COLOR` is obeyed.

use std::io::IsTerminal;
use std::sync::OnceLock;

pub fn coloured() -> bool {
    static COLOURED: OnceLock<bool> = OnceLock::new();
    *COLOURED.get_or_init(|| std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal())
}

/// Before a fault on standard error.
pub fn fault(text: &str) -> String {
    let coloured = std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
    if coloured { format!("\x1b[31m{text}\x1b[0m") } else { text.to_owned() }
}

fn wrap(code: &str, text: &str) -> String {
    if coloured() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

pub fn good(text: &str) -> String {
    wrap("32", text)
}
pub fn bad(text: &str) -> String {
    wrap("31", text)
}
pub fn waits(text: &str) -> String {
    wrap("33", text)
}
pub fn strong(text: &str) -> String {
    wrap("1", text)
}
pub fn quiet(text: &str) -> String {
    wrap("2", text)
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
    Waits,
    Quiet,
}

/// The tone of a verdict or a state.
pub fn tone(word: &str) -> Tone {
    match word {
        "allow" | "approved" | "spent" | "open" => Tone::Good,
        "deny" | "refused" | "expired" | "withdrawn" => Tone::Bad,
        "hold" | "waiting" => Tone::Waits,
        _ => Tone::Plain,
    }
}

/// A verdict or a state in its colour.
pub fn state(word: &str) -> String {
    match tone(word) {
        Tone::Plain => word.to_owned(),
        Tone::Good => good(word),
        Tone::Bad => bad(word),
        Tone::Waits => waits(word),
        Tone::Quiet => quiet(word),
    }
}

/// How many places a text takes in a terminal: the codes of its colours take none.
pub fn visible(text: &str) -> usize {
    let mut places = 0;
    let mut in_code = false;
    for letter in text.chars() {
        match (in_code, letter) {
            (false, '\u{1b}') => in_code = true,
            (false, _) => places += 1,
            (true, 'm') => in_code = false,
            (true, _) => {}
        }
    }
    places
}

/// What a target or another caller wrote, made harmless for a terminal: no control characters but line breaks.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
