//! PostgreSQL's own tokens of a body, one after the other.

use std::ops::Range;

/// The body is not what its language allows, or what this reader knows of it.
#[derive(Debug)]
pub(super) struct Odd;

pub(super) struct Cursor<'t> {
    text: &'t str,
    tokens: Vec<Range<usize>>,
    pub at: usize,
}

impl<'t> Cursor<'t> {
    pub fn over(text: &'t str) -> Result<Self, Odd> {
        use pg_query::protobuf::Token;
        let scanned = pg_query::scan(text).map_err(|_| Odd)?;
        let mut tokens = Vec::with_capacity(scanned.tokens.len());
        for token in &scanned.tokens {
            if matches!(token.token(), Token::SqlComment | Token::CComment) {
                continue;
            }
            let start = usize::try_from(token.start).map_err(|_| Odd)?;
            let end = usize::try_from(token.end).map_err(|_| Odd)?;
            tokens.push(start..end);
        }
        Ok(Self { text, tokens, at: 0 })
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The token as written.
    pub fn sign(&self, at: usize) -> &'t str {
        self.tokens.get(at).and_then(|range| self.text.get(range.clone())).unwrap_or("")
    }

    /// Whether it is this word, unquoted. Words are folded as the scanner does.
    pub fn is_word(&self, at: usize, word: &str) -> bool {
        self.sign(at).eq_ignore_ascii_case(word)
    }

    pub fn is_one_of(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(at, word))
    }

    /// A name: a word or something in double quotes, or a parameter by its number.
    pub fn is_name(&self, at: usize) -> bool {
        let sign = self.sign(at);
        let start = sign.as_bytes().first().copied().unwrap_or(b' ');
        let word = start.is_ascii_alphabetic() || start == b'_' || start >= 0x80;
        word && !sign.contains('\'') && !sign.contains('"')
            || start == b'"'
            || start == b'$' && sign.len() > 1 && sign.bytes().skip(1).all(|byte| byte.is_ascii_digit())
    }

    /// The name as PostgreSQL folds it.
    pub fn name(&self, at: usize) -> String {
        let sign = self.sign(at);
        match sign.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => sign.to_ascii_lowercase(),
        }
    }

    /// The text of these tokens, with whatever stands between them.
    pub fn text(&self, range: Range<usize>) -> Result<&'t str, Odd> {
        if range.is_empty() {
            return Err(Odd);
        }
        let start = self.tokens.get(range.start).ok_or(Odd)?.start;
        let end = self.tokens.get(range.end - 1).ok_or(Odd)?.end;
        self.text.get(start..end).ok_or(Odd)
    }

    pub fn expect(&mut self, word: &str) -> Result<(), Odd> {
        if !self.is_word(self.at, word) {
            return Err(Odd);
        }
        self.at += 1;
        Ok(())
    }

    /// The first of these words from here on that stands in no bracket, before the statement ends.
    pub fn find(&self, words: &[&str], from: usize) -> Result<usize, Odd> {
        let mut depth = 0usize;
        for at in from..self.tokens.len() {
            if depth == 0 && self.is_one_of(at, words) {
                return Ok(at);
            }
            match self.sign(at) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.checked_sub(1).ok_or(Odd)?,
                ";" => return Err(Odd),
                _ => {}
            }
        }
        Err(Odd)
    }

    pub fn find_in(&self, words: &[&str], range: &Range<usize>) -> Option<usize> {
        self.find(words, range.start).ok().filter(|at| *at < range.end)
    }

    /// The parts of a list, between commas that stand in no bracket.
    pub fn parts(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut from = range.start;
        while let Some(comma) = self.find_in(&[","], &(from..range.end)) {
            parts.push(from..comma);
            from = comma + 1;
        }
        parts.push(from..range.end);
        parts
    }

    /// Nothing in it can be an expression that does something.
    pub fn is_plain(&self, range: Range<usize>) -> bool {
        range.into_iter().all(|at| !matches!(self.sign(at), "(" | "["))
    }
}
