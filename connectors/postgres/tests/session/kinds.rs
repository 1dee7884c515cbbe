//! Values of persons are masked by their kind whatever type they are stored in and however they are asked for. What
//! comes back is compared with what the server itself sends of the value that should have come.

use crate::stage::{Stage, stage, stage_by_kind};
use crate::wire::{Client, bind, execute, parse};
use sallyport_postgres::wire::write;
use std::sync::OnceLock;

/// A type, a column's name, a value of that type, and the value that is seen instead. No value: a null.
type Case = (&'static str, &'static str, &'static str, Option<&'static str>);

const TYPES: &str = "
    CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;
    CREATE DOMAIN tax_number AS int4;
    CREATE DOMAIN numbers AS tax_number[];
    CREATE TYPE person AS (id int4, ssn int4, mail text, born date);
    CREATE TYPE household AS (street text, head person, phones int8[]);
    CREATE TYPE stray AS ENUM ('new', 'ada@example.com');
    CREATE TYPE phones AS RANGE (subtype = int8);
";

const MASKED: &[Case] = &[
    ("inet", "x", "192.0.2.7", Some("0.0.0.0")),
    ("inet", "x", "2001:db8::7/64", Some("0.0.0.0")),
    ("cidr", "x", "192.0.2.0/24", Some("0.0.0.0/0")),
    ("macaddr", "x", "08:00:2b:01:02:03", Some("00:00:00:00:00:00")),
    ("macaddr8", "x", "08:00:2b:01:02:03:04:05", Some("00:00:00:00:00:00:00:00")),
    ("date", "dob", "1985-03-04", Some("1970-01-01")),
    ("timestamp", "birth_date", "1985-03-04", Some("1970-01-01")),
    ("timestamptz", "born_on", "1985-03-04 12:00", Some("1970-01-01 00:00:00+00")),
    ("int4", "dob", "19850304", Some("0")),
    ("int8", "dob", "478742400000", Some("0")),
    ("int4", "ssn", "219456789", Some("0")),
    ("int4", "ssn", "1010001", Some("0")),
    ("int8", "ssn", "219456789", Some("0")),
    ("numeric", "ssn", "219456789", Some("0")),
    ("numeric(12,2)", "ssn", "219456789", Some("0")),
    ("float8", "ssn", "219456789", Some("0")),
    ("int4", "phone", "2025550143", Some("0")),
    ("int8", "phone", "4915123456789", Some("0")),
    ("numeric", "phone", "4915123456789", Some("0")),
    ("float8", "phone", "4155552671", Some("0")),
    ("int8", "x", "4111111111111111", Some("0")),
    ("numeric", "x", "4111111111111111", Some("0")),
    ("numeric(20,2)", "x", "4111111111111111", Some("0")),
    ("float8", "card_number", "4111111111111111", Some("0")),
    ("int8", "card_number", "9111111111111110", Some("0")),
    ("int8", "x", "11144477735", Some("0")),
    ("int8", "cpf", "1234567890", Some("0")),
    ("tax_number", "ssn", "219456789", Some("0")),
    ("name", "x", "ada@example.com", Some("[redacted]")),
    ("citext", "x", "Ada@Example.com", Some("[redacted]")),
    ("varchar(40)", "x", "ada@example.com", Some("[redacted]")),
    ("stray", "x", "ada@example.com", None),
    ("bytea", "x", "ada@example.com", Some("")),
    ("bytea", "full_name", "Ada Lovelace", Some("")),
    ("tsvector", "x", "ada@example.com", Some("")),
    ("tsquery", "x", "ada@example.com", None),
    ("ltree", "full_name", "Ada", None),
    ("jsonpath", "x", "$.mail ? (@ == \"ada@example.com\")", None),
    ("json", "x", r#"{"ssn": 219456789, "n": 1}"#, Some(r#"{"ssn": "[redacted]", "n": 1}"#)),
    ("jsonb", "x", r#"{"n": 1, "ssn": 219456789}"#, Some(r#"{"n": 1, "ssn": "[redacted]"}"#)),
    ("jsonb", "x", r#"{"ssn": 1010001}"#, Some(r#"{"ssn": "[redacted]"}"#)),
    ("jsonb", "ssn", "219456789", Some(r#""[redacted]""#)),
    ("xml", "x", "<a><mail>ada@example.com</mail></a>", Some("<a><mail>[redacted]</mail></a>")),
    ("xml", "x", "<a><ssn>219456789</ssn></a>", Some("<a><ssn>[redacted]</ssn></a>")),
    ("xml", "x", "<a dob=\"1985-03-04\" b=\"1\"/>", Some("<a dob=\"[redacted]\" b=\"1\"/>")),
    ("xml", "x", "<a>ada&#64;example.com &amp; Co</a>", Some("<a>[redacted] &amp; Co</a>")),
    ("text[]", "x", r#"{ada@example.com,plain,NULL,"a \"b"}"#, Some(r#"{[redacted],plain,NULL,"a \"b"}"#)),
    ("text[]", "full_name", r#"{"Ada Lovelace",""}"#, Some(r#"{[redacted],""}"#)),
    ("text[]", "x", "[0:1]={ada@example.com,x}", Some("[0:1]={[redacted],x}")),
    ("int4[]", "ssn", "{219456789,5}", Some("{0,5}")),
    ("int8[]", "x", "{{4111111111111111,1},{2,4111111111111111}}", Some("{{0,1},{2,0}}")),
    ("numbers", "ssn", "{219456789}", Some("{0}")),
    ("inet[]", "x", "{192.0.2.7,NULL}", Some("{0.0.0.0,NULL}")),
    ("date[]", "dob", "{1985-03-04}", Some("{1970-01-01}")),
    ("stray[]", "x", "{new,ada@example.com}", Some("{new,NULL}")),
    ("jsonb[]", "x", r#"{"{\"ssn\": 219456789}"}"#, Some(r#"{"{\"ssn\": \"[redacted]\"}"}"#)),
    (
        "person",
        "x",
        "(219456789,219456789,ada@example.com,1985-03-04)",
        Some("(219456789,0,[redacted],1970-01-01)"),
    ),
    ("person", "x", "(1,,,)", Some("(1,,,)")),
    ("person[]", "x", r#"{"(1,219456789,\"a b\",)"}"#, Some(r#"{"(1,0,\"a b\",)"}"#)),
    (
        "household",
        "x",
        r#"("1 Main Street, Springfield","(1,219456789,,)","{4155552671}")"#,
        Some(r#"([redacted],"(1,0,,)",{0})"#),
    ),
    ("daterange", "birth_date", "[1985-03-04,1985-03-05)", Some("empty")),
    ("phones", "phone", "[4155552671,4155552672]", Some("empty")),
    ("int8range", "x", "[4111111111111111,4111111111111112)", Some("empty")),
    ("datemultirange", "dob", "{[1985-03-04,1985-03-06),[1990-01-01,)}", Some("{}")),
    ("hstore", "x", r#""n"=>"1", "ssn"=>"219456789""#, Some(r#""n"=>"1", "ssn"=>"[redacted]""#)),
    ("hstore", "x", r#""a"=>"ada@example.com", "b"=>NULL"#, Some(r#""a"=>"[redacted]", "b"=>NULL"#)),
];

/// The same types with values and under names that are nobody's.
const CLEAR: &[(&str, &str, &str)] = &[
    ("int4", "id", "219456789"),
    ("int4", "phone_count", "2025550143"),
    ("int4", "phone", "12345"),
    ("int8", "id", "219456789"),
    ("int8", "tracking_number", "4111111111111111"),
    ("int8", "x", "4111111111111112"),
    ("numeric", "price", "219456789.50"),
    ("float8", "x", "219456789"),
    ("float8", "ssn", "0.5"),
    ("date", "created", "1985-03-04"),
    ("timestamptz", "created_at", "1985-03-04 12:00"),
    ("time", "x", "12:00"),
    ("interval", "dob", "1 day"),
    ("uuid", "x", "21945678-9411-4111-8111-111111111111"),
    ("bool", "ssn", "t"),
    ("bit(16)", "x", "0110011001100110"),
    ("oid", "phone", "2025550143"),
    ("oidvector", "x", "25 1043 4155552671 23"),
    ("int2vector", "phones", "4155 5526 7100"),
    ("pg_lsn", "x", "16/B374D848"),
    ("point", "x", "(415.555,267.1)"),
    ("money", "x", "12.50"),
    ("stray", "x", "new"),
    ("bytea", "x", "\\x00ff10"),
    ("text[]", "x", "{plain,\"two words\",NULL}"),
    ("text[]", "x", "{}"),
    ("int4[]", "x", "[5:6]={219456789,NULL}"),
    ("int4range", "x", "[219456789,219456799)"),
    ("int4range", "x", "empty"),
    ("int4multirange", "x", "{[1,2),[5,)}"),
    ("person", "x", "(219456789,,\"a \"\"b\"\" \\\\\",)"),
    ("hstore", "x", "\"a\\\"b\"=>\"1, 2\", \"c\"=>NULL"),
    ("tsvector", "x", "'fat':2,4A 'rat':3"),
    ("jsonb", "x", "{\"id\": 219456789}"),
    ("xml", "x", "<?xml version=\"1.0\"?><!-- c --><a b='1'><![CDATA[x < y]]>&lt;</a>"),
];

fn types() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        for one in TYPES.split_inclusive(';').map(str::trim).filter(|one| !one.is_empty()) {
            crate::server::truth(one);
        }
        assert_eq!(
            crate::server::truth(
                "SELECT count(*) FROM pg_type WHERE typname IN ('hstore', 'household', 'phones')"
            ),
            "3"
        );
    });
}

/// Every way in which one value of one column is asked for, and what came of it.
fn ways(stage: &Stage, relation: &str, column: &str) -> Vec<(&'static str, Vec<u8>)> {
    let select = format!("SELECT {column} FROM {relation}");
    let mut client = Client::connect(stage.port);
    let mut found = Vec::new();
    client.send(|out| write::query(out, &select));
    found.push(("simple", cell(&mut client)));
    for (way, binary) in [("extended", false), ("extended, binary", true)] {
        client.send(|out| {
            parse(out, "", &select);
            bind(out, "", "", &[], binary);
            execute(out, "", 0);
            write::sync(out);
        });
        found.push((way, cell(&mut client)));
    }
    for (way, options) in
        [("copy", "FORMAT text"), ("copy, csv", "FORMAT csv"), ("copy, binary", "FORMAT binary")]
    {
        for (from, source) in [(way, format!("{relation} ({column})")), (way, format!("({select})"))] {
            client.send(|out| write::query(out, &format!("COPY {source} TO STDOUT ({options})")));
            found.push((from, cell(&mut client)));
        }
    }
    found
}

/// The bytes of the only row, up to ReadyForQuery.
fn cell(client: &mut Client) -> Vec<u8> {
    let mut row = Vec::new();
    loop {
        let message = client.next();
        match message[0] {
            b'D' => row = message[7..].to_vec(),
            // CSV may be quoted although it need not be.
            b'd' => row.extend(message[5..].iter().filter(|byte| **byte != b'"')),
            b'E' => panic!("{}", crate::wire::show(&message)),
            b'Z' => return row,
            _ => {}
        }
    }
}

fn table(kind: &str, column: &str, value: Option<&str>) -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let name = format!("kinds_{}", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let value = value.map_or("NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")));
    crate::server::truth(&format!("CREATE TABLE {name} ({column} {kind})"));
    let done = crate::server::truth(&format!("INSERT INTO {name} VALUES ({value}) RETURNING 'there'"));
    assert_eq!(done.lines().next(), Some("there"), "{kind} {value}");
    name
}

#[test]
fn no_type_hides_a_value_from_its_mask() {
    types();
    let made: Vec<_> = MASKED
        .iter()
        .map(|case| {
            // A stand-in has no scale.
            let (bare, _) =
                case.0.split_once('(').filter(|(bare, _)| *bare == "numeric").unwrap_or((case.0, ""));
            (case, table(case.0, case.1, Some(case.2)), table(bare, case.1, case.3))
        })
        .collect();
    let (kinds, clear) = (stage_by_kind(), stage(false));
    let mut wrong = Vec::new();
    for ((kind, column, value, _), there, instead) in made {
        let seen = ways(&kinds, &there, column);
        for ((way, seen), (_, expected)) in seen.into_iter().zip(ways(&clear, &instead, column)) {
            if seen != expected {
                let (seen, expected) = (String::from_utf8_lossy(&seen), String::from_utf8_lossy(&expected));
                wrong.push(format!("{kind} {column} {value}, {way}: {seen:?} is not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_nobodys_stays_as_it_is() {
    types();
    let made: Vec<_> = CLEAR.iter().map(|case| (case, table(case.0, case.1, Some(case.2)))).collect();
    let (kinds, clear) = (stage_by_kind(), stage(false));
    let mut wrong = Vec::new();
    for ((kind, column, value), there) in made {
        for ((way, seen), (_, expected)) in
            ways(&kinds, &there, column).into_iter().zip(ways(&clear, &there, column))
        {
            if seen != expected {
                let (seen, expected) = (String::from_utf8_lossy(&seen), String::from_utf8_lossy(&expected));
                wrong.push(format!("{kind} {column} {value}, {way}: {seen:?} is not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_copy_of_what_nobody_can_name_is_refused() {
    let (people, others) = (table("int4", "ssn", Some("219456789")), table("int4", "n", Some("1")));
    let kinds = stage_by_kind();
    for (query, row) in [
        (format!("SELECT ssn FROM {people}, {others}"), "copy [redacted]"),
        (format!("SELECT n, ssn FROM {people}, {others}"), "copy 1\t[redacted]"),
        (format!("SELECT * FROM {people} WHERE ssn > 0"), "copy 0"),
        (format!("SELECT * FROM {others} a, {others} b"), "copy 1\t1"),
    ] {
        let lines = Client::connect(kinds.port).query(&format!("COPY ({query}) TO STDOUT"));
        assert_eq!(lines[1], row, "{query}: {lines:?}");
    }
    for sql in [
        format!("COPY (SELECT * FROM {people}, {others}) TO STDOUT"),
        format!("COPY (SELECT ssn FROM {people}, {others}) TO STDOUT (FORMAT binary)"),
        format!("COPY (SELECT ssn + 0 FROM {people}) TO STDOUT (FORMAT binary)"),
    ] {
        let mut client = Client::connect(kinds.port);
        client.send(|out| write::query(out, &sql));
        let lines = client.until_closed();
        assert!(lines.iter().any(|line| line.starts_with("error 42501 This COPY")), "{sql}: {lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("copy")), "{sql}: {lines:?}");
    }
}
