//! How a COPY … TO STDOUT spells its rows, as its own options say.
//!
//! The target's answer tells binary from text, nothing more. Options that are not understood give `None`: such a COPY
//! passes only where none of its cells would change.

use crate::wire::copy::{Dialect, Format};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(Vec<u8>),
    Mark(u8),
}

/// Reads the options of a COPY statement that is known to be one.
pub fn dialect(text: &str, binary: bool) -> Option<Dialect> {
    if binary {
        return Some(Dialect::of(Format::Binary));
    }
    let tokens = tokens(text)?;
    let after = tokens.iter().rposition(|token| *token == Token::Word("stdout".into()))? + 1;
    let rest: Vec<&Token> = tokens
        .get(after..)?
        .iter()
        .filter(|token| !matches!(token, Token::Mark(b'(' | b')' | b',' | b';')))
        .filter(|token| !matches!(token, Token::Word(word) if word == "with" || word == "as"))
        .collect();
    let mut rest = rest.into_iter().peekable();
    let mut found = Options::default();
    while let Some(token) = rest.next() {
        let Token::Word(word) = token else { return None };
        match word.as_str() {
            "csv" => found.format = Format::Csv,
            "format" => {
                found.format = match rest.next()? {
                    Token::Word(word) if word == "csv" => Format::Csv,
                    Token::Word(word) if word == "text" => Format::Text,
                    Token::Text(text) if text.as_slice() == b"csv" => Format::Csv,
                    Token::Text(text) if text.as_slice() == b"text" => Format::Text,
                    Token::Word(_) | Token::Text(_) | Token::Mark(_) => return None,
                }
            }
            "delimiter" | "delimiters" => found.delimiter = Some(byte(rest.next()?)?),
            "quote" => found.quote = Some(byte(rest.next()?)?),
            "escape" => found.escape = Some(byte(rest.next()?)?),
            "null" => {
                let Token::Text(text) = rest.next()? else { return None };
                found.null = Some(text.clone());
            }
            "header" => {
                found.header = match rest.peek() {
                    Some(Token::Word(word)) if word == "true" || word == "on" => rest.next().is_some(),
                    Some(Token::Word(word)) if word == "false" || word == "off" => rest.next().is_none(),
                    _ => true,
                }
            }
            _ => return None,
        }
    }
    Some(found.into_dialect())
}

/// Whether the rows are those of one table with all of its columns in their order: `COPY t TO …`, or a query that is no
/// more than `SELECT * FROM t`, whatever rows it chooses.
pub fn takes_all_of_one(text: &str) -> bool {
    let Some(tokens) = tokens(text) else { return false };
    let words: Vec<&str> = tokens
        .iter()
        .map(|token| match token {
            Token::Word(word) => word.as_str(),
            Token::Mark(b'(') => "(",
            Token::Mark(b')') => ")",
            Token::Mark(b'.') => ".",
            Token::Mark(b'*') => "*",
            // A name in quotes, whichever.
            Token::Mark(b'"') => "\"",
            Token::Mark(_) | Token::Text(_) => "?",
        })
        .collect();
    let behind = match words.as_slice() {
        ["copy", "(", "select", "*", "from", behind @ ..] | ["copy", "(", "table", behind @ ..] => behind,
        ["copy", "(", ..] => return false,
        ["copy", ..] => return true,
        _ => return false,
    };
    let is_name = |word: &str| !matches!(word, "(" | ")" | "." | "*" | "?");
    let behind = match behind {
        [schema, ".", table, behind @ ..] if is_name(schema) && is_name(table) => behind,
        [table, behind @ ..] if is_name(table) => behind,
        _ => return false,
    };
    let is_over =
        |words: &[&str]| matches!(words, [")" | "where" | "order" | "limit" | "offset" | "fetch", ..]);
    is_over(behind)
        || match behind {
            ["as", alias, behind @ ..] | [alias, behind @ ..] => is_name(alias) && is_over(behind),
            [] => false,
        }
}

struct Options {
    format: Format,
    delimiter: Option<u8>,
    quote: Option<u8>,
    escape: Option<u8>,
    null: Option<Vec<u8>>,
    header: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { format: Format::Text, delimiter: None, quote: None, escape: None, null: None, header: false }
    }
}

impl Options {
    fn into_dialect(self) -> Dialect {
        let mut dialect = Dialect::of(self.format);
        dialect.header = self.header;
        dialect.delimiter = self.delimiter.unwrap_or(dialect.delimiter);
        dialect.null = self.null.unwrap_or(dialect.null);
        dialect.quote = self.quote.unwrap_or(dialect.quote);
        // Without an escape of its own, CSV doubles the quote.
        dialect.escape = self.escape.unwrap_or(dialect.quote);
        dialect
    }
}

fn byte(token: &Token) -> Option<u8> {
    match token {
        Token::Text(text) => match text.as_slice() {
            [byte] => Some(*byte),
            _ => None,
        },
        Token::Word(_) | Token::Mark(_) => None,
    }
}

/// Words (folded), quoted texts, marks. `None` at anything that would need the full grammar.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b' ' | b'\n' | b'\r' | b'\t' | 12 => rest = after,
            b'-' if after.first() == Some(&b'-') => {
                let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
                rest = after.get(end..)?;
            }
            b'/' if after.first() == Some(&b'*') => {
                let end = memchr::memmem::find(after, b"*/")?;
                if memchr::memmem::find(after.get(1..end)?, b"/*").is_some() {
                    return None;
                }
                rest = after.get(end + 2..)?;
            }
            b'e' | b'E' if after.first() == Some(&b'\'') => {
                let (body, tail) = quoted(after.get(1..)?, b'\'')?;
                found.push(Token::Text(unescaped(&body)?));
                rest = tail;
            }
            b'\'' => {
                let (body, tail) = quoted(after, b'\'')?;
                found.push(Token::Text(body));
                rest = tail;
            }
            b'"' => {
                let (_, tail) = quoted(after, b'"')?;
                found.push(Token::Mark(b'"'));
                rest = tail;
            }
            b'$' => return None,
            byte if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => {
                let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
                let end = rest.iter().position(|byte| !in_word(byte)).unwrap_or(rest.len());
                found.push(Token::Word(String::from_utf8_lossy(rest.get(..end)?).to_ascii_lowercase()));
                rest = rest.get(end..)?;
            }
            byte => {
                found.push(Token::Mark(byte));
                rest = after;
            }
        }
    }
    Some(found)
}

fn quoted(text: &[u8], quote: u8) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    let mut rest = text;
    loop {
        let end = memchr::memchr(quote, rest)?;
        body.extend_from_slice(rest.get(..end)?);
        rest = rest.get(end + 1..)?;
        if rest.first() != Some(&quote) {
            return Some((body, rest));
        }
        body.push(quote);
        rest = rest.get(1..)?;
    }
}

/// The escapes that people write for a delimiter; any other gives up.
fn unescaped(body: &[u8]) -> Option<Vec<u8>> {
    match body {
        b"\\t" => Some(b"\t".to_vec()),
        b"\\b" => Some(vec![8]),
        plain if !plain.contains(&b'\\') => Some(plain.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings_of_options() {
        let new = dialect("COPY t TO STDOUT (FORMAT csv, DELIMITER ';', HEADER)", false).unwrap();
        let old = dialect("copy t to stdout with csv header delimiter ';'", false).unwrap();
        assert_eq!(new, old);
        assert_eq!((new.format, new.delimiter, new.header), (Format::Csv, b';', true));
        assert_eq!(dialect("COPY t TO STDOUT", false), Some(Dialect::of(Format::Text)));
    }

    #[test]
    fn all_of_one_table_and_nothing_else() {
        for text in [
            "COPY t TO STDOUT",
            "copy a.\"T\" to stdout",
            "COPY (SELECT * FROM t) TO STDOUT",
            "COPY (SELECT * FROM a.t AS x WHERE id IN (SELECT 1) ORDER BY 1) TO STDOUT",
            "COPY (TABLE t) TO STDOUT",
            "COPY (SELECT * FROM \"a\".\"T\") TO STDOUT",
        ] {
            assert!(takes_all_of_one(text), "{text}");
        }
        for text in [
            "COPY (SELECT * FROM t, u) TO STDOUT",
            "COPY (SELECT * FROM t JOIN t u USING (b, a)) TO STDOUT",
            "COPY (SELECT * FROM t NATURAL JOIN u) TO STDOUT",
            "COPY (SELECT * FROM t x(b, a)) TO STDOUT",
            "COPY (SELECT * FROM (SELECT b, a FROM t) s) TO STDOUT",
            "COPY (SELECT a, * FROM t) TO STDOUT",
            "COPY (WITH t AS (SELECT b, a FROM t) SELECT * FROM t) TO STDOUT",
        ] {
            assert!(!takes_all_of_one(text), "{text}");
        }
    }

    #[test]
    fn gives_up_on_what_it_does_not_know() {
        assert_eq!(dialect("COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE *)", false), None);
        assert_eq!(dialect("COPY t TO STDOUT (DELIMITER U&'\\003b')", false), None);
    }
}
