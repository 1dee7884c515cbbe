//! The table of functions against servers as they are: what runs here is in it, as volatile as it says.
//!
//! The table itself is made from one server of every version (`scripts/read-functions.sh`); these are the two that the
//! tests have, with all extensions that come with them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use sallyport_sql::functions::{Does, OLDEST, known};
use sallyport_testkit::{Postgres, Version};

/// Every function that a statement can name, with where it is from. Languages but PL/pgSQL need interpreters.
const ALL: &str = "SELECT p.proname, coalesce(e.extname, n.nspname), p.provolatile, p.oid::regprocedure
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE p.prorettype <> 'internal'::regtype AND NOT 'internal'::regtype = ANY (p.proargtypes)";

const EXTENSIONS: &str = "SELECT format('CREATE EXTENSION IF NOT EXISTS %I CASCADE;', name)
  FROM pg_catalog.pg_available_extensions WHERE name !~ 'plperl|plpython|pltcl' ORDER BY name";

#[test]
fn the_table_has_every_function_of_the_servers_here() {
    for version in Version::ALL {
        let server = Postgres::start(version).unwrap();
        let major: u8 = server.sql("postgres", "SHOW server_version_num").unwrap()[..2].parse().unwrap();
        server.sql("postgres", &server.sql("postgres", EXTENSIONS).unwrap()).unwrap();
        let functions = server.sql("postgres", ALL).unwrap();
        let mut wrong = Vec::new();
        for line in functions.lines() {
            let [name, home, volatility, whole] = line.splitn(4, '|').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let Some(known) = known(name) else {
                wrong.push(format!("{whole} of {home} is not in the table"));
                continue;
            };
            if !known.is_of(home) || known.majors & 1 << (major - OLDEST) == 0 {
                wrong.push(format!("{whole} of {home} in {major} is in the table, but not as that"));
            }
            if volatility == "v" && !known.volatile {
                wrong.push(format!("{whole} of {home} is volatile, which the table does not know"));
            }
        }
        assert!(functions.lines().count() > 3_000, "{version:?} has {} functions", functions.lines().count());
        assert!(wrong.is_empty(), "{version:?}: run scripts/read-functions.sh\n{}", wrong.join("\n"));
    }
}

/// What its own documentation says of a function that computes: it may neither write nor answer differently within a
/// statement. The table calls some others pure, each by a line of sql/functions/effects.txt that says why.
#[test]
fn what_the_table_calls_pure_is_not_volatile_unless_a_line_says_why() {
    let lines = include_str!("../../../sql/functions/effects.txt");
    let said: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.strip_prefix("pure |")?.split('|').next())
        .flat_map(str::split_whitespace)
        .collect();
    let is_said = |name: &str| {
        said.iter().any(|pattern| match pattern.split_once('*') {
            Some((before, after)) => name.starts_with(before) && name.ends_with(after),
            None => *pattern == name,
        })
    };
    for version in Version::ALL {
        let server = Postgres::start(version).unwrap();
        let volatile = "SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE provolatile = 'v' \
            AND NOT 'internal'::regtype = ANY (proargtypes) AND prorettype <> 'internal'::regtype";
        for name in server.sql("postgres", volatile).unwrap().lines() {
            let pure = known(name).is_none_or(|known| known.does == Does::Nothing);
            assert!(!pure || is_said(name), "{version:?}: {name}");
        }
    }
}

/// An operator is never a `call`, so what stands behind each has to compute and nothing else.
#[test]
fn the_operators_of_the_servers_here_only_compute() {
    for version in Version::ALL {
        let server = Postgres::start(version).unwrap();
        let behind = "SELECT DISTINCT o.oprname, f.proname FROM pg_catalog.pg_operator o \
            JOIN pg_catalog.pg_proc f ON f.oid = o.oprcode WHERE o.oprnamespace = 'pg_catalog'::regnamespace";
        for line in server.sql("postgres", behind).unwrap().lines() {
            let function = line.rsplit('|').next().unwrap();
            let does = known(function).map(|known| known.does);
            assert_eq!(does, Some(Does::Nothing), "{version:?}: {line}");
        }
    }
}
