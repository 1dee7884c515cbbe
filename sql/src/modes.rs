//! What a statement says of whether transactions may write.
//!
//! For connectors that hold a session's transactions read-only: where the words are that would end that, and whether a
//! setting of that name gets a value that would. Invariant: a value that nobody knows before it runs may lift.

use pg_query::protobuf::{ScanToken, Token};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Where the text has the WRITE of a READ WRITE: each is five bytes long.
    pub writes_at: Vec<usize>,
    /// It gives a setting behind these words a value that is not known to be on, or its words cannot be found.
    pub lifts: bool,
}

impl Modes {
    /// Looks the words up of which the tree names the first.
    pub(crate) fn find(&mut self, text: &str, reads: &[usize]) {
        if reads.is_empty() {
            return;
        }
        let tokens = pg_query::scan(text).map(|found| found.tokens).unwrap_or_default();
        for read in reads {
            match write_behind(&tokens, *read).filter(|at| is_write(text, *at)) {
                Some(at) => self.writes_at.push(at),
                None => self.lifts = true,
            }
        }
    }
}

fn write_behind(tokens: &[ScanToken], read: usize) -> Option<usize> {
    let at = |token: &ScanToken| usize::try_from(token.start).ok();
    let is = |token: &ScanToken, kind: Token| token.token == kind as i32;
    let mut rest = tokens.iter().skip_while(|token| at(token).is_none_or(|at| at <= read));
    let next = rest.find(|token| !is(token, Token::CComment) && !is(token, Token::SqlComment))?;
    at(next).filter(|_| is(next, Token::Write))
}

fn is_write(text: &str, at: usize) -> bool {
    text.get(at..at.saturating_add(5)).is_some_and(|word| word.eq_ignore_ascii_case("write"))
}

/// Whether a setting of this name, at this value, lets transactions write. `default` stands for what the session began
/// with, which is a connector's own to choose, but only where there is such a thing.
pub(crate) fn lifts(name: &str, value: Option<&str>) -> bool {
    const ON: [&str; 8] = ["on", "true", "tru", "tr", "t", "yes", "1", "y"];
    let value = value.map(str::to_ascii_lowercase);
    let is_on = value.as_deref().is_some_and(|value| ON.contains(&value) || value == "ye");
    match name {
        "default_transaction_read_only" => !is_on && value.as_deref() != Some("default"),
        "transaction_read_only" => !is_on,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::analyze;

    fn tamed(text: &str) -> String {
        let analysis = analyze(text).unwrap();
        let mut bytes = text.as_bytes().to_vec();
        for at in analysis.statements.iter().flat_map(|one| &one.modes.writes_at) {
            bytes[*at..at + 5].copy_from_slice(b"ONLY ");
        }
        assert!(analysis.statements.iter().all(|one| !one.modes.lifts), "{text}");
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_word_is_found_wherever_it_stands() {
        assert_eq!(tamed("BEGIN READ WRITE"), "BEGIN READ ONLY ");
        assert_eq!(
            tamed(
                "start transaction isolation level serializable, read /* write */ -- write\n write, deferrable"
            ),
            "start transaction isolation level serializable, read /* write */ -- write\n ONLY , deferrable"
        );
        assert_eq!(
            tamed("SELECT 'é'; BEGIN READ ONLY; SET TRANSACTION READ WRITE, READ WRITE; SELECT 1"),
            "SELECT 'é'; BEGIN READ ONLY; SET TRANSACTION READ ONLY , READ ONLY ; SELECT 1"
        );
        assert_eq!(
            tamed("SET SESSION CHARACTERISTICS AS TRANSACTION READ\tWRITE"),
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ\tONLY "
        );
        assert_eq!(tamed("SELECT 'READ WRITE'"), "SELECT 'READ WRITE'");
    }

    #[test]
    fn settings_that_lift_are_known_in_every_spelling() {
        for text in [
            "SET default_transaction_read_only = off",
            "SET LOCAL \"Default_Transaction_Read_Only\" TO 'false'",
            "SET U&\"default\\005ftransaction_read_only\" TO 0",
            "SET SESSION transaction_read_only TO no",
            "SET transaction_read_only TO DEFAULT",
            "RESET transaction_read_only",
            "SET default_transaction_read_only = on, off",
            "SELECT set_config('default_transaction_read_only', 'off', false)",
            "SELECT pg_catalog.set_config('TRANSACTION_READ_ONLY', $1, true)",
            "SELECT 1 WHERE (SELECT set_config('transaction_read_only', 'o' || 'ff', true)) = 'off'",
            "PREPARE p AS SELECT set_config('default_transaction_read_only', 'off', false)",
            "DECLARE c CURSOR FOR SELECT set_config('default_transaction_read_only', 'off', false)",
            "EXPLAIN ANALYZE SELECT set_config('default_transaction_read_only', 'off', false)",
        ] {
            assert!(analyze(text).unwrap().statements[0].modes.lifts, "{text}");
        }
        for text in [
            "SET default_transaction_read_only = on",
            "SET default_transaction_read_only TO DEFAULT",
            "RESET default_transaction_read_only",
            "RESET ALL",
            "DISCARD ALL",
            "SET transaction_read_only = 1",
            "SET transaction_isolation = 'serializable'",
            "SELECT set_config('transaction_read_only', 'true', true)",
            "BEGIN READ WRITE",
        ] {
            assert!(!analyze(text).unwrap().statements[0].modes.lifts, "{text}");
        }
    }
}
