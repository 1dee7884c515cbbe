//! Colour where a person looks, none where a program reads. `NO_COLOR` is obeyed.

use std::io::IsTerminal;
use std::sync::OnceLock;

fn coloured() -> bool {
    static COLOURED: OnceLock<bool> = OnceLock::new();
    *COLOURED.get_or_init(|| std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal())
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

/// A verdict or a state in its colour.
pub fn state(word: &str) -> String {
    match word {
        "allow" | "approved" | "spent" | "open" => good(word),
        "deny" | "refused" | "expired" | "withdrawn" => bad(word),
        "hold" | "waiting" => waits(word),
        _ => word.to_owned(),
    }
}

/// What a target or another caller wrote, made harmless for a terminal: no control characters but line breaks.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
