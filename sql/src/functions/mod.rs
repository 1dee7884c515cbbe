//! What calling a function of PostgreSQL itself amounts to.
//!
//! Three kinds: pure ones ([`pure`]), those that write or reach outside ([`reach`], checked by hand), and all others,
//! of which nothing is known but the name: a `call` that a rule has to allow.

mod pure;
mod reach;

pub(crate) use pure::is_pure;
pub(crate) use reach::{Reach, reach};

/// Functions that take a whole row where one argument is given: `t.row_to_json` calls them like a column.
pub(crate) fn takes_rows(name: &str) -> bool {
    const ROWS: &[&str] = &[
        "any_value",
        "array_agg",
        "array_append",
        "array_prepend",
        "concat",
        "concat_ws",
        "first_value",
        "format",
        "hash_record",
        "json_agg",
        "json_agg_strict",
        "json_build_array",
        "json_build_object",
        "jsonb_agg",
        "jsonb_agg_strict",
        "jsonb_build_array",
        "jsonb_build_object",
        "lag",
        "last_value",
        "lead",
        "max",
        "min",
        "mode",
        "quote_literal",
        "quote_nullable",
        "record_out",
        "record_send",
        "row_to_json",
        "to_json",
        "to_jsonb",
    ];
    ROWS.binary_search(&name).is_ok()
}

/// Whether it leaves its arguments where the statement's result does not show them: a file, a lock, a setting, a channel.
pub(crate) fn keeps(path: &[String]) -> bool {
    let reach = path.last().and_then(|name| reach(name));
    reach.is_some_and(|reach| !matches!(reach, Reach::ReadSetting | Reach::FileRead | Reach::LargeRead))
}

/// A function whose argument decides how many rows it returns, wherever it stands.
pub(crate) fn counts(name: &str) -> bool {
    const COUNTS: &[&str] = &[
        "generate_series",
        "generate_subscripts",
        "json_array_elements",
        "json_array_elements_text",
        "json_each",
        "json_each_text",
        "json_object_keys",
        "json_populate_recordset",
        "json_to_recordset",
        "jsonb_array_elements",
        "jsonb_array_elements_text",
        "jsonb_each",
        "jsonb_each_text",
        "jsonb_object_keys",
        "jsonb_path_query",
        "jsonb_path_query_tz",
        "jsonb_populate_recordset",
        "jsonb_to_recordset",
        "regexp_matches",
        "regexp_split_to_table",
        "string_to_table",
        "ts_debug",
        "ts_parse",
        "unnest",
    ];
    COUNTS.binary_search(&name).is_ok()
}

/// The operators of `pg_catalog`: all of them only compute.
pub(crate) fn is_operator(name: &str) -> bool {
    OPERATORS.contains(&name)
}

#[rustfmt::skip]
const OPERATORS: &[&str] = &[
    "=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "^", "||", "~~", "!~~", "~~*", "!~~*", "~", "!~",
    "~*", "!~*", "&", "|", "#", "<<", ">>", "@", "@@", "@@@", "@>", "<@", "&&", "?", "?|", "?&", "->", "->>", "#>",
    "#>>", "#-", "@?", "|/", "||/", "!!", "<->", "&<", "&>", "&<|", "|&>", "<<|", "|>>", "<<=", ">>=", "-|-",
    "?#", "?-", "?||", "?-|", "##", "@-@", "~=", "~<~", "~<=~", "~>~", "~>=~", "*=", "*<>", "*<", "*>", "*<=",
    "*>=", "<^", ">^", "^@", "~==", "BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_is_both_pure_and_reaching_out() {
        for name in reach::NAMES {
            assert!(!is_pure(name), "{name}");
        }
    }

    #[test]
    fn rows_are_found_by_search() {
        for name in ["any_value", "array_agg", "row_to_json", "to_jsonb", "quote_literal", "json_agg", "max"]
        {
            assert!(takes_rows(name), "{name}");
        }
    }
}
