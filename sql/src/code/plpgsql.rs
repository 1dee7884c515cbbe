//! The statements and expressions in a body of PL/pgSQL.
//!
//! Not an interpreter and not a checker: which branch runs is not asked, so every one counts. The parser's own reading of
//! the language is not used: it refuses a field of a row that a table defines, and its tree leaves out the default of a
//! record. Invariant: every token is a word of the language, a name to put a value into, or part of a text that is read
//! as SQL; where one is neither, the whole body is `unknown`.

use super::Code;
use super::cursor::{Cursor, Odd};
use std::ops::Range;

/// Blocks nest no deeper.
const MAX_DEPTH: usize = 100;

pub(super) struct Reader<'t> {
    pub tokens: Cursor<'t>,
    pub code: Code,
    depth: usize,
}

pub(super) fn read(text: &str) -> Code {
    let Ok(tokens) = Cursor::over(text) else { return Code::unknown() };
    let mut reader = Reader { tokens, code: Code::default(), depth: 0 };
    if reader.body().is_err() {
        reader.code.unknown = true;
    }
    reader.code
}

impl Reader<'_> {
    fn body(&mut self) -> Result<(), Odd> {
        // `#variable_conflict use_column` and its like.
        while self.tokens.sign(self.tokens.at).starts_with('#') {
            self.tokens.at += 1;
            while !self.tokens.is_at_end()
                && !self.tokens.is_one_of(self.tokens.at, &["declare", "begin", "<<", "#"])
            {
                self.tokens.at += 1;
            }
        }
        self.label()?;
        self.block()?;
        if self.tokens.is_at_end() { Ok(()) } else { Err(Odd) }
    }

    fn label(&mut self) -> Result<(), Odd> {
        if self.tokens.sign(self.tokens.at) == "<<" {
            self.tokens.at += 2;
            self.tokens.expect(">>")?;
        }
        Ok(())
    }

    fn block(&mut self) -> Result<(), Odd> {
        while self.tokens.is_word(self.tokens.at, "declare") {
            self.tokens.at += 1;
            while !self.tokens.is_one_of(self.tokens.at, &["begin", "declare"]) {
                self.declaration()?;
            }
        }
        self.tokens.expect("begin")?;
        self.statements()?;
        if self.tokens.is_word(self.tokens.at, "exception") {
            self.tokens.at += 1;
            while self.tokens.is_word(self.tokens.at, "when") {
                let then = self.tokens.find(&["then"], self.tokens.at)?;
                self.plain(self.tokens.at..then)?;
                self.tokens.at = then + 1;
                self.statements()?;
            }
        }
        self.tokens.expect("end")?;
        if !self.tokens.is_at_end() && self.tokens.sign(self.tokens.at) != ";" {
            self.tokens.at += 1;
        }
        // The outermost may end without.
        if self.tokens.is_at_end() { Ok(()) } else { self.tokens.expect(";") }
    }

    fn statements(&mut self) -> Result<(), Odd> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Odd);
        }
        let ends = ["end", "else", "elsif", "elseif", "when", "exception"];
        while !self.tokens.is_one_of(self.tokens.at, &ends) || self.assignment().is_some() {
            if self.tokens.is_at_end() {
                return Err(Odd);
            }
            self.statement()?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn statement(&mut self) -> Result<(), Odd> {
        self.label()?;
        if let Some(sign) = self.assignment() {
            return self.assign(sign);
        }
        let word = self.tokens.sign(self.tokens.at).to_ascii_lowercase();
        match word.as_str() {
            "begin" | "declare" => return self.block(),
            "if" => return self.branches("if", &["elsif", "elseif"]),
            "case" => return self.case(),
            "loop" | "while" | "for" | "foreach" => return self.repeated(&word),
            _ => {}
        }
        let end = self.tokens.find(&[";"], self.tokens.at)?;
        let all = self.tokens.at..end;
        let rest = all.start + 1..end;
        self.tokens.at = end + 1;
        match word.as_str() {
            "exit" | "continue" => match self.tokens.find_in(&["when"], &rest) {
                Some(when) => self.expression(when + 1..end),
                None => self.plain(rest),
            },
            "return" => self.returned(rest),
            "raise" => self.raise(rest),
            "assert" => self.expressions(rest),
            "perform" => {
                let text = self.tokens.text(rest)?;
                self.code.add(Code::of_expression(text));
                Ok(())
            }
            "execute" => self.dynamic(rest),
            "open" => self.open(rest),
            "fetch" | "move" | "close" | "get" | "null" => self.plain(rest),
            _ => self.with_places(all),
        }
    }

    fn case(&mut self) -> Result<(), Odd> {
        if !self.tokens.is_word(self.tokens.at + 1, "when") {
            let when = self.tokens.find(&["when"], self.tokens.at + 1)?;
            self.expression(self.tokens.at + 1..when)?;
            self.tokens.at = when - 1;
        }
        self.tokens.at += 1;
        self.branches("case", &["when"])
    }

    /// `word condition THEN …`, again for each of `others`, ELSE, END of `what`.
    fn branches(&mut self, what: &str, others: &[&str]) -> Result<(), Odd> {
        loop {
            let then = self.tokens.find(&["then"], self.tokens.at + 1)?;
            self.expressions(self.tokens.at + 1..then)?;
            self.tokens.at = then + 1;
            self.statements()?;
            if !self.tokens.is_one_of(self.tokens.at, others) {
                break;
            }
        }
        if self.tokens.is_word(self.tokens.at, "else") {
            self.tokens.at += 1;
            self.statements()?;
        }
        self.tokens.expect("end")?;
        self.tokens.expect(what)?;
        self.tokens.expect(";")
    }

    fn repeated(&mut self, word: &str) -> Result<(), Odd> {
        let start = self.tokens.find(&["loop"], self.tokens.at)?;
        let head = self.tokens.at + 1..start;
        match word {
            "while" => self.expression(head)?,
            "for" => self.each(head)?,
            "foreach" => {
                let array = self.tokens.find_in(&["in"], &head).ok_or(Odd)?;
                self.plain(head.start..array)?;
                if !self.tokens.is_word(array + 1, "array") {
                    return Err(Odd);
                }
                self.expression(array + 2..head.end)?;
            }
            _ => {}
        }
        self.tokens.at = start + 1;
        self.statements()?;
        self.tokens.expect("end")?;
        self.tokens.expect("loop")?;
        if self.tokens.sign(self.tokens.at) != ";" {
            self.tokens.at += 1;
        }
        self.tokens.expect(";")
    }

    /// Numbers, the rows of a query, of a cursor, or of a text that is put together.
    fn each(&mut self, head: Range<usize>) -> Result<(), Odd> {
        let within = self.tokens.find_in(&["in"], &head).ok_or(Odd)?;
        self.plain(head.start..within)?;
        let rest = within + 1..head.end;
        if self.tokens.is_word(rest.start, "execute") {
            return self.dynamic(rest.start + 1..rest.end);
        }
        if let Some(dots) = self.tokens.find_in(&[".."], &rest) {
            let from = rest.start + usize::from(self.tokens.is_word(rest.start, "reverse"));
            self.expression(from..dots)?;
            let by = self.tokens.find_in(&["by"], &(dots + 1..rest.end));
            self.expression(dots + 1..by.unwrap_or(rest.end))?;
            return by.map_or(Ok(()), |by| self.expression(by + 1..rest.end));
        }
        let queries = [
            "select", "with", "values", "table", "insert", "update", "delete", "merge", "(", "explain",
            "show",
        ];
        if self.tokens.is_one_of(rest.start, &queries) { self.sql(rest) } else { self.of_cursor(rest) }
    }

    /// A cursor by its name, with the values of its arguments.
    fn of_cursor(&mut self, rest: Range<usize>) -> Result<(), Odd> {
        let arguments = rest.start + 1..rest.end;
        if arguments.is_empty() { Ok(()) } else { self.expression(arguments) }
    }

    fn returned(&mut self, rest: Range<usize>) -> Result<(), Odd> {
        if rest.is_empty() {
            return Ok(());
        }
        let after = rest.start + 1..rest.end;
        if self.tokens.is_word(rest.start, "query") {
            if self.tokens.is_word(after.start, "execute") {
                return self.dynamic(after.start + 1..rest.end);
            }
            return self.sql(after);
        }
        match self.tokens.is_word(rest.start, "next") {
            true if after.is_empty() => Ok(()),
            true => self.expression(after),
            false => self.expression(rest),
        }
    }

    /// `[level] 'format', value, … USING option = value, …`
    fn raise(&mut self, rest: Range<usize>) -> Result<(), Odd> {
        let using = self.tokens.find_in(&["using"], &rest).unwrap_or(rest.end);
        let said = self.tokens.parts(rest.start..using);
        for (at, part) in said.into_iter().enumerate() {
            if at == 0 { self.plain(part)? } else { self.expression(part)? }
        }
        if using < rest.end {
            for part in self.tokens.parts(using + 1..rest.end) {
                if !matches!(self.tokens.sign(part.start + 1), "=" | ":=") {
                    return Err(Odd);
                }
                self.expression(part.start + 2..part.end)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, rest: Range<usize>) -> Result<(), Odd> {
        match self.tokens.find_in(&["for"], &rest) {
            Some(query) if self.tokens.is_word(query + 1, "execute") => self.dynamic(query + 2..rest.end),
            Some(query) => self.sql(query + 1..rest.end),
            None => self.of_cursor(rest),
        }
    }

    /// EXECUTE of a text that is put together is unknown; of one that stands there it is as good as the text.
    fn dynamic(&mut self, rest: Range<usize>) -> Result<(), Odd> {
        let mut from = rest.start;
        let mut role = "";
        while from < rest.end {
            let next = self.tokens.find_in(&["into", "using"], &(from..rest.end)).unwrap_or(rest.end);
            match role {
                "" => self.dynamic_text(from..next)?,
                "using" => self.expressions(from..next)?,
                _ => self.plain(from..next)?,
            }
            role = if self.tokens.is_word(next, "using") { "using" } else { "into" };
            from = next + 1;
        }
        Ok(())
    }

    fn dynamic_text(&mut self, range: Range<usize>) -> Result<(), Odd> {
        let literal = (range.len() == 1).then(|| self.tokens.sign(range.start)).and_then(plain_literal);
        match literal {
            Some(text) => self.code.add(Code::of_sql(&text)),
            None => {
                self.code.unknown = true;
                self.expression(range)?;
            }
        }
        Ok(())
    }

    /// A statement of SQL, with the variables that take its result left out.
    fn with_places(&mut self, all: Range<usize>) -> Result<(), Odd> {
        let into = all.clone().find(|at| {
            self.tokens.is_word(*at, "into")
                && !self.tokens.is_one_of(at.saturating_sub(1), &["insert", "merge"])
        });
        let (Some(into), false) = (into, self.tokens.is_word(all.start, "import")) else {
            return self.sql(all);
        };
        let mut at = into + 1 + usize::from(self.tokens.is_word(into + 1, "strict"));
        loop {
            if !self.tokens.is_name(at) {
                return Err(Odd);
            }
            at += 1;
            match self.tokens.sign(at) {
                "." | "," => at += 1,
                "[" => return Err(Odd),
                _ => break,
            }
        }
        let before = self.tokens.text(all.start..into)?;
        let after = if at < all.end { self.tokens.text(at..all.end)? } else { "" };
        self.code.add(Code::of_sql(&format!("{before} {after}")));
        Ok(())
    }

    /// Where a value goes into a variable: the place of the sign between them.
    fn assignment(&self) -> Option<usize> {
        let mut at = self.tokens.at;
        if !self.tokens.is_name(at) {
            return None;
        }
        at += 1;
        loop {
            match self.tokens.sign(at) {
                ":=" | "=" => return Some(at),
                "." => at += 2,
                "[" => at = self.tokens.find(&["]"], at + 1).ok()? + 1,
                _ => return None,
            }
        }
    }

    fn assign(&mut self, sign: usize) -> Result<(), Odd> {
        let end = self.tokens.find(&[";"], sign)?;
        if !self.tokens.is_plain(self.tokens.at..sign) {
            self.expression(self.tokens.at..sign)?;
        }
        self.tokens.at = end + 1;
        self.expression(sign + 1..end)
    }

    fn plain(&self, range: Range<usize>) -> Result<(), Odd> {
        if self.tokens.is_plain(range) { Ok(()) } else { Err(Odd) }
    }

    pub(super) fn sql(&mut self, range: Range<usize>) -> Result<(), Odd> {
        let text = self.tokens.text(range)?;
        self.code.add(Code::of_sql(text));
        Ok(())
    }

    pub(super) fn expression(&mut self, range: Range<usize>) -> Result<(), Odd> {
        let text = self.tokens.text(range)?;
        self.code.add(Code::of_expression(text));
        Ok(())
    }

    fn expressions(&mut self, range: Range<usize>) -> Result<(), Odd> {
        self.tokens.parts(range).into_iter().try_for_each(|part| self.expression(part))
    }
}

/// The text of a literal that holds no escapes: `'…'` or `$tag$…$tag$`.
fn plain_literal(sign: &str) -> Option<String> {
    if let Some(inner) = sign.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return (!inner.contains('\\')).then(|| inner.replace("''", "'"));
    }
    let tag = sign.strip_prefix('$')?.find('$')? + 2;
    let (open, rest) = sign.split_at_checked(tag)?;
    rest.strip_suffix(open).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a body does, in a line; `?` where part of it is known only when it runs.
    fn said(body: &str) -> String {
        let code = read(body);
        let listed = |effect: &&sallyport_core::Effect| !effect.is_unlisted_function();
        let mut all: Vec<String> = code
            .statements
            .iter()
            .flat_map(|one| &one.effects)
            .filter(listed)
            .map(ToString::to_string)
            .collect();
        all.sort();
        all.dedup();
        if code.unknown {
            all.push("?".into());
        }
        all.join("; ")
    }

    #[test]
    fn every_statement_and_expression_is_found() {
        for (body, effects) in [
            ("BEGIN DELETE FROM a WHERE id = OLD.id; RETURN OLD; END", "delete a; read a"),
            ("BEGIN NEW.at := now(); RETURN NEW; END;", ""),
            ("DECLARE r a%ROWTYPE; BEGIN SELECT * INTO STRICT r FROM a; r.x := 1; END", "read a"),
            ("DECLARE r record := (SELECT 1 FROM a); BEGIN NULL; END", "read a"),
            ("DECLARE c CURSOR (n int) FOR SELECT * FROM a; BEGIN OPEN c(1); CLOSE c; END", "read a"),
            (
                "BEGIN IF EXISTS (SELECT 1 FROM a) THEN NULL; ELSIF b() THEN NULL; ELSE TRUNCATE c; END IF; END",
                "call b; read a; truncate c (all of it)",
            ),
            ("BEGIN CASE x WHEN 1, 2 THEN INSERT INTO a VALUES (1); ELSE NULL; END CASE; END", "insert a"),
            (
                "BEGIN FOR i IN REVERSE f() .. 1 BY 2 LOOP PERFORM g(i) FROM a; END LOOP; END",
                "call f; call g; read a",
            ),
            (
                "BEGIN FOR r IN SELECT * FROM a LOOP UPDATE b SET x = r.x WHERE id = 1; END LOOP l; END",
                "read a; read b; update b",
            ),
            ("BEGIN <<l>> WHILE x < (SELECT n FROM a) LOOP EXIT l WHEN f(); END LOOP; END", "call f; read a"),
            ("BEGIN FOREACH x IN ARRAY (SELECT xs FROM a) LOOP CONTINUE; END LOOP; END", "read a"),
            ("BEGIN RETURN QUERY SELECT * FROM a; RETURN NEXT; RETURN; END", "read a"),
            ("BEGIN RAISE NOTICE '% %', 1, (SELECT x FROM a) USING HINT = f(); END", "call f; read a"),
            ("BEGIN ASSERT f(), g(); END", "call f; call g"),
            ("BEGIN x[f()] := count(*) FROM a; END", "call f; read a"),
            (
                "BEGIN BEGIN CALL p(); EXCEPTION WHEN unique_violation OR others THEN DELETE FROM a; END; END",
                "call p; delete a (all of it)",
            ),
            ("BEGIN INSERT INTO a SELECT * FROM b RETURNING id INTO x; END", "insert a; read a; read b"),
            (
                "BEGIN EXECUTE 'DROP TABLE a'; EXECUTE $q$DELETE FROM b$q$ INTO x; END",
                "delete b (all of it); drop a",
            ),
            ("#variable_conflict use_column\nBEGIN PERFORM 1; END", ""),
            ("BEGIN GET DIAGNOSTICS n = ROW_COUNT; FETCH NEXT FROM c INTO x; COMMIT; END", "transaction"),
        ] {
            assert_eq!(said(body), effects, "{body}");
        }
    }

    #[test]
    fn what_is_put_together_when_it_runs_is_unknown() {
        for body in [
            "BEGIN EXECUTE 'DELETE FROM ' || t; END",
            "BEGIN EXECUTE q USING 1 INTO x; END",
            "BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END",
            "BEGIN RETURN QUERY EXECUTE q; END",
            "BEGIN OPEN c FOR EXECUTE q; END",
            "BEGIN EXECUTE E'\\x44ROP TABLE a'; END",
        ] {
            assert!(read(body).unknown, "{body}");
        }
        assert!(said("BEGIN EXECUTE q USING (SELECT 1 FROM a); END").contains("read a; ?"));
    }

    #[test]
    fn what_is_not_understood_is_unknown() {
        for body in [
            "",
            "BEGIN",
            "BEGIN NONSENSE HERE; END",
            "BEGIN NULL; END; DELETE FROM a;",
            "BEGIN NULL; END x y;",
            "BEGIN FETCH RELATIVE f() FROM c INTO x; END",
            "BEGIN IF f() NULL; END IF; END",
            "SELECT 1",
        ] {
            assert!(read(body).unknown, "{body}");
        }
        let deep = format!("{}NULL;{}", "BEGIN ".repeat(5000), "END;".repeat(5000));
        assert!(read(&deep).unknown);
    }
}
