//! Where a statement sets a value that the caller wrote directly against a column: compares it for being the same, or
//! stores it there. Nowhere else may a token be turned into what it stands for.
//!
//! Direct means: the column itself on one side, the literal or parameter itself on the other, nothing computed from
//! either. Invariant: in a pair the column is one of a table that the text names, known by its own name; whether that
//! is one table only, and which, is the catalog's to say.

use crate::analysis::{Statement, analyze};
use crate::assigns::{Given, Place};
use crate::filters::Site;
use crate::relations::TableName;
use pg_query::protobuf::{ScanToken, Token};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub way: Way,
    /// The column is of exactly one of these.
    pub tables: Vec<TableName>,
    pub column: Place,
    pub said: Vec<Said>,
    /// What is compared here, as it stands among the statement's filters.
    pub sites: BTreeSet<Site>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `=`, `<>`, IN, ANY, ALL, IS DISTINCT FROM.
    Compared,
    /// VALUES of an INSERT, SET of an UPDATE, an ON CONFLICT or a MERGE.
    Stored,
}

/// A value as the caller wrote it, and the byte of the text where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Literal {
        at: usize,
        text: String,
    },
    Parameter {
        at: usize,
        number: usize,
        /// It is a list, of which any or all count.
        list: bool,
    },
}

/// The same statement with literals replaced by parameters. `text` is as long as the one it was made of, and every byte
/// of it stands where it stood.
///
/// Nothing where that cannot be shown: all other tokens of the text must be the same at the same places, and what the
/// new text would do must be what the old one would, in everything that an analysis says.
pub fn lifted(text: &str, literals: &[(usize, usize)]) -> Option<String> {
    let before = tokens(text)?;
    let literals: BTreeMap<usize, usize> = literals.iter().copied().collect();
    let mut new = text.to_owned();
    for (at, number) in &literals {
        let token = before.get(before.binary_search_by_key(&Some(*at), start).ok()?)?;
        let literal =
            [Token::Sconst, Token::Iconst, Token::Fconst].iter().any(|kind| token.token == *kind as i32);
        let length = end(token)?.checked_sub(*at)?;
        // The first byte keeps a word before it apart.
        let parameter = format!(" ${number}");
        if !literal || parameter.len() > length {
            return None;
        }
        new.replace_range(*at..*at + length, &format!("{parameter:<length$}"));
    }
    let after = tokens(&new)?;
    let same = |(old, new): (&ScanToken, &ScanToken)| {
        if start(old).is_some_and(|at| literals.contains_key(&at)) {
            new.token == Token::Param as i32 && start(new) == start(old).map(|at| at + 1)
        } else {
            old == new
        }
    };
    let all_same = before.len() == after.len() && before.iter().zip(&after).all(same);
    (all_same && bare(text)? == bare(&new)?).then_some(new)
}

/// What a text does, without the values that were written into it.
fn bare(text: &str) -> Option<Vec<Statement>> {
    let mut statements = analyze(text).ok()?.statements;
    for statement in &mut statements {
        statement.pairs = Vec::new();
        statement.parameters = BTreeMap::new();
        statement.assigns.iter_mut().for_each(|one| one.given = Given::default());
    }
    Some(statements)
}

/// How often each parameter stands in the text.
pub(crate) fn parameters(text: &str) -> Option<BTreeMap<usize, usize>> {
    let mut found = BTreeMap::new();
    for token in tokens(text)?.iter().filter(|token| token.token == Token::Param as i32) {
        let number = text.get(start(token)?..end(token)?)?.strip_prefix('$')?.parse().ok()?;
        *found.entry(number).or_insert(0) += 1;
    }
    Some(found)
}

fn tokens(text: &str) -> Option<Vec<ScanToken>> {
    pg_query::scan(text).ok().map(|scanned| scanned.tokens)
}

fn start(token: &ScanToken) -> Option<usize> {
    usize::try_from(token.start).ok()
}

fn end(token: &ScanToken) -> Option<usize> {
    usize::try_from(token.end).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "tok_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn pairs(sql: &str) -> Vec<Pair> {
        analyze(&sql.replace("TOK", TOKEN)).unwrap().statements.remove(0).pairs
    }

    #[test]
    fn what_stands_directly_against_a_column_is_a_pair() {
        for sql in [
            "SELECT 1 FROM t WHERE a = 'TOK'",
            "SELECT 1 FROM t WHERE 'TOK' <> t.a",
            "SELECT 1 FROM s.t WHERE s.t.a = 'TOK'::text",
            "SELECT 1 FROM t x WHERE x.a IN ('TOK', 'b')",
            "SELECT 1 FROM t WHERE a = ANY (ARRAY['TOK'])",
            "SELECT 1 FROM t WHERE a IS DISTINCT FROM 'TOK'",
            "SELECT 1 FROM t WHERE a = $1",
            "SELECT 1 FROM t WHERE a = ANY ($1::text[])",
            "SELECT 1 FROM t WHERE a = 2100000000",
            "SELECT 1 FROM u JOIN t ON t.a = 'TOK'",
            "UPDATE t SET a = 'TOK'",
            "INSERT INTO t (b, a) VALUES (1, 'TOK')",
            "INSERT INTO t (a) VALUES (1), ('TOK')",
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 'TOK'",
            "MERGE INTO t USING u ON t.b = u.b WHEN NOT MATCHED THEN INSERT (a) VALUES ('TOK')",
            "MERGE INTO t USING u ON t.b = u.b WHEN MATCHED THEN UPDATE SET a = 'TOK'",
        ] {
            let found = pairs(sql);
            assert_eq!(found.len(), 1, "{sql}: {found:?}");
            assert_eq!(found[0].column, Place::Named("a".into()), "{sql}");
            let table = |name: &TableName| name.name == "t";
            assert!(found[0].tables.iter().any(table), "{sql}: {found:?}");
        }
        assert_eq!(pairs("INSERT INTO t VALUES (1, 'TOK')")[0].column, Place::At(1));
    }

    #[test]
    fn everything_else_is_none() {
        for sql in [
            "SELECT 'TOK'",
            "SELECT 1 FROM t WHERE a = 'plain'",
            "SELECT 1 FROM t WHERE a LIKE 'TOK' OR a < 'TOK' OR a ~ 'TOK'",
            "SELECT 1 FROM t WHERE lower(a) = 'TOK' OR a = lower('TOK') OR a || '' = 'TOK'",
            "SELECT 1 FROM t WHERE a = 'TOK'::varchar(3) OR a = 'TOK'::name OR a = 'TOK'::bytea",
            "SELECT 1 FROM t WHERE a = 'TOK' COLLATE \"C\" OR a IN ('TOK', b)",
            "SELECT 1 FROM (SELECT 'x' AS a) t WHERE a = 'TOK' OR t.a = 'TOK'",
            "SELECT 1 FROM t, (SELECT 'x' AS a) s WHERE a = 'TOK' OR s.a = 'TOK'",
            "SELECT 1 FROM t, f('x') WHERE a = 'TOK'",
            "SELECT 1 FROM t, f('x') AS a WHERE a = 'TOK' OR a.a = 'TOK'",
            "SELECT 1 FROM t AS x(a, b) WHERE a = 'TOK' OR x.a = 'TOK'",
            "WITH t AS (SELECT 'x' AS a) SELECT 1 FROM t WHERE a = 'TOK' OR t.a = 'TOK'",
            "SELECT 1 FROM (t JOIN u USING (b)) AS j WHERE j.a = 'TOK' OR a = 'TOK'",
            "SELECT 1 FROM t WHERE a = text 'TOK'",
            "SELECT 1 FROM t WHERE (a, b) = ('TOK', 1)",
            "SELECT 1 FROM t WHERE (t).a = 'TOK'",
            "SELECT CASE a WHEN 'TOK' THEN 1 END FROM t",
            "UPDATE t SET a = 'TOK' || ''",
            "UPDATE t SET a[1] = 'TOK'",
            "UPDATE t SET (a, b) = ROW('TOK', 1)",
            "INSERT INTO t (a) SELECT 'TOK'",
            "INSERT INTO t (a) VALUES ('TOK') ORDER BY 1 LIMIT 1",
            "INSERT INTO t (a) VALUES ('TOK') UNION VALUES ('x')",
        ] {
            assert_eq!(pairs(sql), [], "{sql}");
        }
    }

    #[test]
    fn what_was_given_goes_on_under_its_columns_name() {
        let sql = "INSERT INTO t (a) VALUES ('TOK') ON CONFLICT (a) DO UPDATE SET b = excluded.a";
        let statement = analyze(&sql.replace("TOK", TOKEN)).unwrap().statements.remove(0);
        assert!(
            statement.assigns.iter().any(|one| one.uses.columns.contains("a")),
            "{:?}",
            statement.assigns
        );
    }

    #[test]
    fn a_pair_stands_apart_from_the_filters() {
        let sql = "SELECT e FROM (SELECT a AS e FROM t WHERE a = 'TOK') s WHERE e > 'x'";
        let statement = analyze(&sql.replace("TOK", TOKEN)).unwrap().statements.remove(0);
        let named = |sites: &BTreeSet<Site>, name: &str| sites.iter().any(|site| site.column == name);
        assert!(named(&statement.unpaired.sites, "a"), "e is a, and is compared otherwise");
        let sql = "SELECT b FROM t WHERE a = 'TOK' AND b = 1";
        let statement = analyze(&sql.replace("TOK", TOKEN)).unwrap().statements.remove(0);
        assert!(!named(&statement.unpaired.sites, "a") && named(&statement.unpaired.sites, "b"));
        assert!(named(&statement.filters.sites, "a") && named(&statement.pairs[0].sites, "a"));
    }

    fn lift(sql: &str) -> Option<String> {
        let sql = sql.replace("TOK", TOKEN);
        let statement = analyze(&sql).unwrap().statements.remove(0);
        let mut literals = Vec::new();
        for said in statement.pairs.iter().flat_map(|pair| &pair.said) {
            if let Said::Literal { at, .. } = said {
                literals.push((*at, literals.len() + 1));
            }
        }
        let new = lifted(&sql, &literals)?;
        assert_eq!(new.len(), sql.len());
        assert!(!new.contains("tok_") && !new.contains("2100000000"), "{new}");
        Some(new.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_literal_becomes_a_parameter_and_nothing_else_changes() {
        for (sql, wanted) in [
            ("SELECT 1 FROM t WHERE a='TOK'", "SELECT 1 FROM t WHERE a= $1"),
            ("SELECT 1 FROM t WHERE b = 'é' AND'TOK'=a", "SELECT 1 FROM t WHERE b = 'é' AND $1 =a"),
            (
                "SELECT 1 FROM t WHERE a IN ('TOK',E'TOK',$x$TOK$x$)",
                "SELECT 1 FROM t WHERE a IN ( $1 , $2 , $3 )",
            ),
            ("UPDATE t SET a = 'TOK'::text WHERE b = 2100000000", "UPDATE t SET a = $1 ::text WHERE b = $2"),
        ] {
            assert_eq!(lift(sql).as_deref(), Some(wanted), "{sql}");
        }
        assert_eq!(
            lift("SELECT 1 FROM t WHERE a = U&'TOK'"),
            None,
            "a literal that the target reads in two steps"
        );
        assert_eq!(lifted("SELECT 1 FROM t WHERE a = 'x'", &[(26, 1)]), None, "no room");
        assert_eq!(lifted("SELECT 1 FROM t WHERE aaaaaaaaa = 'x'", &[(22, 1)]), None, "no literal");
    }
}
