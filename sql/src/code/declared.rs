//! What a DECLARE section runs: defaults, the queries of cursors, and the types that values become.

use super::cursor::Odd;
use super::plpgsql::Reader;
use std::ops::Range;

impl Reader<'_> {
    /// `name [CONSTANT] type [COLLATE …] [NOT NULL] [:= expression];`, an alias, or a cursor.
    pub(super) fn declaration(&mut self) -> Result<(), Odd> {
        let end = self.tokens.find(&[";"], self.tokens.at)?;
        let all = self.tokens.at..end;
        self.tokens.at = end + 1;
        if self.tokens.is_word(all.start + 1, "alias") {
            return Ok(());
        }
        match (all.start + 1..end.min(all.start + 4)).find(|at| self.tokens.is_word(*at, "cursor")) {
            Some(cursor) => self.cursor(cursor + 1..end),
            None => self.variable(all.start + 1..end),
        }
    }

    fn cursor(&mut self, rest: Range<usize>) -> Result<(), Odd> {
        let query = self.tokens.find_in(&["for", "is"], &rest).ok_or(Odd)?;
        if self.tokens.sign(rest.start) == "(" {
            for part in self.tokens.parts(rest.start + 1..query.saturating_sub(1)) {
                self.type_named(part.start + 1..part.end);
            }
        }
        self.sql(query + 1..rest.end)
    }

    fn variable(&mut self, rest: Range<usize>) -> Result<(), Odd> {
        let default = self.tokens.find_in(&[":=", "=", "default"], &rest);
        let from = rest.start + usize::from(self.tokens.is_word(rest.start, "constant"));
        let until = default.unwrap_or(rest.end);
        let until = self.tokens.find_in(&["not", "collate"], &(from..until)).unwrap_or(until);
        self.type_named(from..until);
        match default {
            Some(sign) => self.expression(sign + 1..rest.end),
            None => Ok(()),
        }
    }

    /// `a.b`, `table%ROWTYPE` or `table.column%TYPE`: the names in front are what a catalog can look up.
    fn type_named(&mut self, range: Range<usize>) {
        let mut path = Vec::new();
        let mut at = range.start;
        while at < range.end && self.tokens.is_name(at) {
            path.push(self.tokens.name(at));
            at += 1;
            if self.tokens.sign(at) != "." {
                break;
            }
            at += 1;
        }
        // What the column has becomes of the value: its table stands for the type.
        if self.tokens.sign(at) == "%" && self.tokens.is_word(at + 1, "type") && path.len() > 1 {
            path.pop();
        }
        if !path.is_empty() {
            self.code.add_type(path);
        }
    }
}
