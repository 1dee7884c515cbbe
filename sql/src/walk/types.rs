//! Casts. One to a type of PostgreSQL itself is pure; any other may run functions of the type's owner.

use super::Walk;
use super::name::type_path;
use pg_query::protobuf::TypeName;
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn cast_to(&mut self, name: Option<&TypeName>) {
        let Some(name) = name else { return };
        self.exprs(&name.typmods);
        let path = type_path(name);
        let known = match path.as_slice() {
            [] => true,
            [name] => is_builtin(name),
            [schema, _] => schema == "pg_catalog",
            [..] => false,
        };
        if !known || name.pct_type {
            self.routines.types.insert(path.clone());
            self.effect(Action::Call, ObjectKind::Function, path);
        }
    }
}

fn is_builtin(name: &str) -> bool {
    BUILTIN.binary_search(&name).is_ok()
}

#[rustfmt::skip]
const BUILTIN: &[&str] = &[
    "aclitem", "any", "anyarray", "anyelement", "bit", "bool", "box", "bpchar", "bytea", "char", "cid", "cidr",
    "circle", "date", "datemultirange", "daterange", "float4", "float8", "inet", "int2", "int2vector",
    "int4", "int4multirange", "int4range", "int8", "int8multirange", "int8range", "interval", "json",
    "jsonb", "jsonpath", "line", "lseg", "macaddr", "macaddr8", "money", "name", "numeric", "nummultirange",
    "numrange", "oid", "oidvector", "path", "pg_lsn", "pg_snapshot", "point", "polygon", "record", "refcursor",
    "regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator",
    "regproc", "regprocedure", "regrole", "regtype", "text", "tid", "time", "timestamp", "timestamptz",
    "timetz", "tsmultirange", "tsquery", "tsrange", "tstzmultirange", "tstzrange", "tsvector",
    "txid_snapshot", "unknown", "uuid", "varbit", "varchar", "void", "xid", "xid8", "xml",
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_is_sorted_so_that_searching_it_finds_everything() {
        assert!(super::BUILTIN.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
