//! `schema.table.column` with stars, as declared classes name columns.
//!
//! A part stands for a name whatever its case, since most databases fold it; a quoted part is exactly that name.

use crate::world::split_quoted;

/// A name and the same in small letters: made once, compared with many patterns.
pub(crate) struct Name<'a> {
    exact: &'a str,
    small: String,
}

impl<'a> Name<'a> {
    pub fn of(name: &'a str) -> Self {
        Self { exact: name, small: name.to_lowercase() }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Quoted.
    Exactly(String),
    /// In small letters. One piece is the whole name; between two pieces stands anything.
    Like(Vec<String>),
}

impl Part {
    fn matches(&self, name: &Name<'_>) -> bool {
        match self {
            Part::Exactly(exact) => exact == name.exact,
            Part::Like(pieces) => fits(pieces, &name.small),
        }
    }
    fn is_any(&self) -> bool {
        matches!(self, Part::Like(pieces) if pieces.iter().all(String::is_empty))
    }
    fn literal(&self) -> Option<&str> {
        match self {
            Part::Exactly(exact) => Some(exact),
            Part::Like(pieces) => match pieces.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        }
    }
}

/// The first piece begins the name, the last ends it, the others stand between them in their order.
fn fits(pieces: &[String], name: &str) -> bool {
    let [first, between @ .., last] = pieces else {
        return pieces.first().is_some_and(|only| only == name);
    };
    let Some(rest) = name.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    for piece in between {
        let Some((_, after)) = rest.split_once(piece.as_str()) else { return false };
        rest = after;
    }
    true
}

#[derive(Debug)]
pub(crate) struct Pattern {
    /// As it is written.
    pub text: String,
    schema: Part,
    table: Part,
    column: Part,
}

impl Pattern {
    /// `None` where the text has not three parts.
    pub fn of(text: &str) -> Option<Self> {
        let parts = split_quoted(text);
        let [schema, table, column] = parts.as_slice() else { return None };
        let part = |(text, quoted): &(String, bool)| match (quoted, text.as_str()) {
            (_, "") => None,
            (true, exact) => Some(Part::Exactly(exact.to_owned())),
            (false, like) => Some(Part::Like(like.to_lowercase().split('*').map(str::to_owned).collect())),
        };
        Some(Self {
            schema: part(schema)?,
            table: part(table)?,
            column: part(column)?,
            text: text.to_owned(),
        })
    }

    pub fn matches(&self, schema: &Name<'_>, table: &Name<'_>, column: &Name<'_>) -> bool {
        self.column.matches(column) && self.table.matches(table) && self.schema.matches(schema)
    }

    pub fn names_table(&self, schema: &Name<'_>, table: &Name<'_>) -> bool {
        !self.table.is_any() && self.table.matches(table) && self.schema.matches(schema)
    }

    /// The one column that it names, where it has no star.
    pub fn only(&self) -> Option<(&str, &str, &str)> {
        Some((self.schema.literal()?, self.table.literal()?, self.column.literal()?))
    }

    pub fn may_mean_schema(&self, schema: &str) -> bool {
        self.schema.matches(&Name::of(schema))
    }

    /// Whether it may mean a column that a statement writes so: `*` is any.
    pub fn may_mean(&self, table: &str, column: &str) -> bool {
        self.table.matches(&Name::of(table)) && (column == "*" || self.column.matches(&Name::of(column)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(pattern: &str, schema: &str, table: &str, column: &str) -> bool {
        let pattern = Pattern::of(pattern).unwrap();
        pattern.matches(&Name::of(schema), &Name::of(table), &Name::of(column))
    }

    #[test]
    fn stars_stand_for_any_letters() {
        assert!(is("*.*.email", "public", "customers", "email"));
        assert!(is("*.*.email", "hr", "Staff", "EMail"), "whatever the case");
        assert!(!is("*.*.email", "public", "customers", "email_hash"));
        assert!(is("*.*.*email*", "public", "t", "work_email_2"));
        assert!(is("public.cust*.e*l", "public", "customers", "email"));
        assert!(!is("public.cust*.e*l", "public", "customers", "e"));
        assert!(!is("*.*.aa*aa", "s", "t", "aaa"), "two ends do not share a letter");
        assert!(is("*.*.a*b*c", "s", "t", "aXbYc") && !is("*.*.a*b*c", "s", "t", "acb"));
    }

    #[test]
    fn quotes_mean_exactly_that() {
        assert!(is(r#"public."Users"."E.mail""#, "public", "Users", "E.mail"));
        assert!(!is(r#"public."Users"."E.mail""#, "public", "users", "E.mail"));
        assert!(is(r#"public.t."*""#, "public", "t", "*") && !is(r#"public.t."*""#, "public", "t", "a"));
    }

    #[test]
    fn three_parts_and_none_is_empty() {
        for wrong in ["email", "customers.email", "a.b.c.d", "public..email", "..", r#"public."".email"#] {
            assert!(Pattern::of(wrong).is_none(), "{wrong}");
        }
    }
}
