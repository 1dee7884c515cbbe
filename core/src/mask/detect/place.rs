//! Whether a value whose column holds postal addresses is one. It is only ever asked with such a column's name.

const LONGEST: usize = 400;

/// A number and a word, several words, or a line of a script that parts no words.
pub(super) fn is_address(value: &str) -> bool {
    if value.len() < 5
        || value.len() > LONGEST
        || value.contains("://")
        || value.contains('@')
        || value.contains(['{', '}', '\\'])
    {
        return false;
    }
    let letters = value.chars().filter(|sign| sign.is_alphabetic()).count();
    let digits = value.chars().filter(|sign| sign.is_numeric()).count();
    let words = value
        .split([' ', ',', '\n', '\t', ';', '\u{a0}', '\u{3000}'])
        .filter(|word| !word.is_empty())
        .count();
    let dense = value.chars().filter(|sign| ('\u{2e80}'..='\u{d7ff}').contains(sign)).count();
    let nothing = [
        "n/a",
        "none",
        "unknown",
        "not provided",
        "not available",
        "same as above",
        "to be determined",
        "same as billing",
    ];
    if nothing.iter().any(|word| word.eq_ignore_ascii_case(value)) {
        return false;
    }
    dense >= 3
        || (letters >= 3 && words >= 2 && (digits > 0 || letters >= 6))
        || is_one_word(value, letters, digits)
}

/// `Hauptstraße12`, `Bahnhofstr.`
fn is_one_word(value: &str, letters: usize, digits: usize) -> bool {
    const ENDS: &[&str] = &[
        "straße", "strasse", "str.", "weg", "gasse", "platz", "allee", "straat", "laan", "gatan", "gata",
        "vej", "veien",
    ];
    letters >= 5
        && ENDS.iter().any(|end| {
            value.trim_end_matches(|sign: char| sign.is_ascii_digit()).to_lowercase().ends_with(end)
        })
        && digits <= 4
}
