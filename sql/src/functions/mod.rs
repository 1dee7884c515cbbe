//! What calling a function of PostgreSQL itself amounts to.
//!
//! The table is generated (`cargo xtask functions`) from the catalogs of every supported version and from
//! `sql/functions/effects.txt`, where every volatile function is named by hand. What is in no table is a function of the
//! target's users: of it nothing is known but the name, and a catalog has to say whether there is one. Invariant: a pure
//! function does not write, lock, wait, reach a file or another server, read a table named by its arguments, or run text
//! that it is given, in any of its overloads and versions.

mod reach;
mod table;

pub use reach::{Does, Known, Reach};

/// The oldest version of PostgreSQL that the table speaks of.
pub const OLDEST: u8 = 13;

/// What is known of a function of that name, wherever it is from. Nothing is allocated.
pub fn known(name: &str) -> Option<&'static Known> {
    let at = table::FUNCTIONS.binary_search_by(|known| known.name.cmp(name)).ok()?;
    table::FUNCTIONS.get(at)
}

/// How a call is meant, as far as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// It computes.
    Nothing,
    /// One of the table, which does more.
    Known,
    /// Nobody knows but the target.
    Unlisted,
}

pub(crate) fn meant(path: &[String]) -> Meant {
    let (schema, name) = match path {
        [.., schema, name] => (Some(schema.as_str()), name),
        [name] => (None, name),
        [] => return Meant::Unlisted,
    };
    let Some(known) = known(name) else { return Meant::Unlisted };
    let home = schema.unwrap_or("pg_catalog");
    match known.does {
        Does::Nothing if known.is_of(home) => Meant::Nothing,
        Does::Call(_) if known.may_stand_in(home) => Meant::Known,
        // The name of a pure function of an extension proves nothing: anybody may have given it to another.
        Does::Nothing | Does::Call(_) => Meant::Unlisted,
    }
}

/// What a function of that name does besides, in whatever schema: a user's own may well call it.
pub(crate) fn reach(path: &[String]) -> &'static [Reach] {
    match path.last().and_then(|name| known(name)).map(|known| known.does) {
        Some(Does::Call(reach)) => reach,
        Some(Does::Nothing) | None => &[],
    }
}

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
    reach(path).iter().any(|reach| match reach {
        Reach::ReadSetting | Reach::FileRead(_) | Reach::LargeRead | Reach::Reads(..) => false,
        Reach::FileWrite(_)
        | Reach::ConnectOut
        | Reach::Dynamic
        | Reach::SetSetting
        | Reach::Sequence
        | Reach::Lock
        | Reach::Notify
        | Reach::Admin
        | Reach::Maintenance
        | Reach::LargeCreate
        | Reach::LargeWrite
        | Reach::LargeDrop => true,
    })
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

/// The operators of `pg_catalog`: all of them only compute, as the table's own making has checked.
pub(crate) fn is_operator(name: &str) -> bool {
    table::OPERATORS.binary_search(&name).is_ok() || SPELLINGS.contains(&name)
}

/// What the grammar calls some of them by.
const SPELLINGS: &[&str] = &["!=", "BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC"];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &[&str]) -> Meant {
        meant(&path.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn the_tables_are_sorted_so_that_searching_them_finds_everything() {
        assert!(table::FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(table::OPERATORS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn rows_are_found_by_search() {
        for name in ["any_value", "array_agg", "row_to_json", "to_jsonb", "quote_literal", "json_agg", "max"]
        {
            assert!(takes_rows(name), "{name}");
        }
    }

    #[test]
    fn a_name_is_meant_where_it_stands() {
        let pure = Meant::Nothing;
        assert_eq!(said(&["lower"]), pure);
        assert_eq!(said(&["pg_catalog", "lower"]), pure);
        assert_eq!(said(&["shop", "pg_catalog", "lower"]), pure);
        assert_eq!(said(&["public", "lower"]), Meant::Unlisted);
        assert_eq!(said(&["information_schema", "_pg_expandarray"]), pure);
        assert_eq!(said(&["_pg_expandarray"]), Meant::Unlisted);
        assert_eq!(said(&["pg_sleep"]), Meant::Known);
        assert_eq!(said(&["public", "pg_sleep"]), Meant::Unlisted);
        assert_eq!(said(&["dblink"]), Meant::Known);
        assert_eq!(said(&["tools", "dblink"]), Meant::Known);
        // Pure in an extension, but what stands under that name here nobody knows.
        assert_eq!(said(&["similarity"]), Meant::Unlisted);
        assert_eq!(said(&["no_such_function"]), Meant::Unlisted);
    }

    #[test]
    fn what_is_volatile_and_pure_only_tells_the_time_draws_or_counts() {
        let volatile = table::FUNCTIONS.iter().filter(|known| known.volatile && known.does == Does::Nothing);
        let names: Vec<&str> =
            volatile.filter(|known| known.is_of("pg_catalog")).map(|known| known.name).collect();
        assert_eq!(names, VOLATILE_AND_PURE);
    }

    #[rustfmt::skip]
    const VOLATILE_AND_PURE: &[&str] = &[
        "RI_FKey_cascade_del", "RI_FKey_cascade_upd", "RI_FKey_check_ins", "RI_FKey_check_upd", "RI_FKey_noaction_del",
        "RI_FKey_noaction_upd", "RI_FKey_restrict_del", "RI_FKey_restrict_upd", "RI_FKey_setdefault_del",
        "RI_FKey_setdefault_upd", "RI_FKey_setnull_del", "RI_FKey_setnull_upd", "array_sample", "array_shuffle",
        "clock_timestamp", "current_query", "currval", "gen_random_uuid", "lastval", "pg_advisory_unlock_all",
        "pg_blocking_pids", "pg_collation_actual_version", "pg_database_collation_actual_version", "pg_database_size",
        "pg_indexes_size", "pg_is_in_recovery", "pg_is_wal_replay_paused", "pg_jit_available", "pg_partition_ancestors",
        "pg_partition_tree", "pg_relation_size", "pg_safe_snapshot_blocking_pids", "pg_table_size", "pg_tablespace_size",
        "pg_total_relation_size", "pg_xact_status", "random", "random_normal", "suppress_redundant_updates_trigger",
        "timeofday", "timezone", "tsvector_update_trigger", "tsvector_update_trigger_column", "txid_status",
        "unique_key_recheck", "uuidv4", "uuidv7",
    ];
}
