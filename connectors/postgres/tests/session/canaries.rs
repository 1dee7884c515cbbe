//! A masked value, asked for in every way that is known: nothing of it may be in any byte that reaches the client.
//!
//! What comes back is searched for the value plain, in hexadecimal, in base64 at each of its three places, reversed, in
//! either case, and for any five letters of it in a row.

use crate::stage::{Stage, stage};
use crate::wire::{Client, bind, execute, parse};
use sallyport_postgres::wire::write;

const CANARY: &str = "qzjxkvwpyhbmgfdt";
const PART: usize = 5;

const WAYS: &[&str] = &[
    "SELECT * FROM vault",
    "SELECT secret, extra, words FROM vault",
    "TABLE vault",
    "SELECT v.* FROM vault v",
    "SELECT v FROM vault v",
    "SELECT vault FROM vault",
    "SELECT (v).secret, (v).words[1] FROM vault v",
    "SELECT (v.*)::text FROM vault v",
    "SELECT v::text, vault::varchar FROM vault v, vault",
    "SELECT ROW(v.*), ROW(secret, id) FROM vault v",
    "SELECT row_to_json(v), to_json(v), to_jsonb(v) FROM vault v",
    "SELECT v.to_jsonb, v.row_to_json FROM vault v",
    "SELECT json_agg(v), jsonb_agg(secret), json_object_agg(id, secret) FROM vault v",
    "SELECT json_build_object('k', secret), jsonb_build_array(v) FROM vault v",
    "SELECT x.key, x.value FROM vault v, jsonb_each_text(to_jsonb(v)) x",
    "SELECT x.* FROM vault v, LATERAL jsonb_each(to_jsonb(v)) x",
    "SELECT x.* FROM vault v, LATERAL (SELECT v.secret AS y) x",
    "SELECT * FROM vault v, LATERAL unnest(v.words) w",
    "SELECT unnest(words), words[1], array_to_string(words, '-') FROM vault",
    "SELECT extra ->> 'a', extra -> 'a', extra #>> '{a}', jsonb_pretty(extra) FROM vault",
    "SELECT jsonb_path_query(extra, '$.a'), jsonb_extract_path_text(extra, 'a') FROM vault",
    "SELECT r.a FROM vault, jsonb_to_record(extra) AS r(a text)",
    "SELECT j.a FROM vault, jsonb_populate_record(NULL::vault, jsonb_build_object('secret', secret)) AS j(i, a, b, c, d)",
    "SELECT array_agg(secret), string_agg(secret, ','), max(secret), min(secret) FROM vault",
    "SELECT array_agg(v) FROM vault v",
    "SELECT any_value(secret) FROM vault",
    "SELECT mode() WITHIN GROUP (ORDER BY secret) FROM vault",
    "SELECT first_value(secret) OVER (), lag(secret, 0) OVER (ORDER BY id), nth_value(v, 1) OVER () FROM vault v",
    "SELECT string_agg(secret, '') OVER w FROM vault WINDOW w AS (ORDER BY id)",
    "SELECT upper(secret), lower(secret), initcap(secret), reverse(secret) FROM vault",
    "SELECT substr(secret, 3, 8), left(secret, 9), right(secret, 9), overlay(secret placing '' from 1 for 1) FROM vault",
    "SELECT encode(secret::bytea, 'hex'), encode(secret::bytea, 'base64'), encode(secret::bytea, 'escape') FROM vault",
    "SELECT secret::bytea, convert_to(secret, 'UTF8'), secret::bytea::text FROM vault",
    "SELECT to_hex(ascii(secret)), secret::json FROM vault",
    "SELECT format('%s', secret), format('%I', secret), format('%L', v) FROM vault v",
    "SELECT concat('a', secret), concat_ws('-', id, secret), secret || 'x', 'x' || v FROM vault v",
    "SELECT quote_literal(secret), quote_ident(secret), quote_nullable(v) FROM vault v",
    "SELECT replace(secret, 'q', 'Q'), translate(secret, 'q', 'Q'), regexp_replace(secret, 'q', ''), split_part(secret, 'q', 2) FROM vault",
    "SELECT regexp_match(secret, '.*'), regexp_split_to_array(secret, 'k'), string_to_array(secret, 'k') FROM vault",
    "SELECT (regexp_matches(secret, '(.*)'))[1], regexp_split_to_table(secret, 'k') FROM vault",
    "SELECT coalesce(secret, ''), nullif(secret, ''), greatest(secret, 'a'), CASE WHEN true THEN secret END FROM vault",
    "SELECT secret::name, secret::varchar(12), secret::char(20), CAST(secret AS text) COLLATE \"C\" FROM vault",
    "SELECT to_tsvector(secret), xmlelement(name a, secret), xmlforest(secret) FROM vault",
    "SELECT hstore FROM (SELECT secret AS hstore FROM vault) s",
    "SELECT s FROM vault_view",
    "SELECT * FROM vault_view",
    "SELECT t, reverse(t) FROM vault_far",
    "SELECT r FROM vault_kept",
    "SELECT * FROM vault_kept k JOIN vault_far f USING (id)",
    "SELECT e FROM (SELECT secret AS e FROM vault) s",
    "SELECT b FROM (SELECT id, secret FROM vault) s(a, b)",
    "SELECT column1 FROM (VALUES ((SELECT secret FROM vault))) s",
    "VALUES ((SELECT secret FROM vault))",
    "WITH w AS (SELECT secret AS e FROM vault) SELECT e FROM w",
    "WITH w AS (SELECT secret AS e FROM vault) SELECT (SELECT e FROM w)",
    "WITH w AS (SELECT secret AS e FROM vault) SELECT (SELECT max(e) FROM w), 1",
    "WITH w AS (SELECT secret AS e FROM vault) SELECT ARRAY(SELECT e FROM w)",
    "WITH w AS (SELECT secret AS e FROM vault) SELECT id FROM scratch UNION ALL SELECT length(e) FROM w WHERE false",
    "WITH v AS (SELECT secret AS e FROM vault), w AS (SELECT upper(e) AS f FROM v) SELECT (SELECT f FROM w), f FROM w",
    "WITH w AS MATERIALIZED (TABLE vault) SELECT w, w.secret FROM w",
    "WITH RECURSIVE w AS (SELECT secret AS e, 1 AS n FROM vault UNION ALL SELECT substr(e, 2), n + 1 FROM w WHERE n < 4) SELECT e FROM w",
    "WITH RECURSIVE w(e, n) AS (SELECT secret, 1 FROM vault UNION ALL SELECT e, n + 1 FROM w WHERE n < 4) SELECT e FROM w",
    "SELECT 'x' UNION SELECT secret FROM vault",
    "SELECT label FROM vault UNION ALL SELECT secret FROM vault",
    "SELECT label FROM vault UNION ALL (SELECT s FROM vault_view ORDER BY 1 LIMIT 1)",
    "SELECT * FROM (SELECT label FROM vault UNION ALL SELECT secret FROM vault) u",
    "(TABLE vault) UNION ALL (TABLE vault)",
    "SELECT secret FROM vault INTERSECT SELECT s FROM vault_view",
    "SELECT (SELECT secret FROM vault), (SELECT v FROM vault v), ARRAY(SELECT secret FROM vault)",
    "SELECT (SELECT s.x FROM (SELECT secret AS x FROM vault) s)",
    "SELECT label, (SELECT i.secret FROM vault i WHERE i.id = o.id) FROM vault o",
    "SELECT echo(secret), echo(v::text) FROM vault v",
    "SELECT of_row(v), v.of_row FROM vault v",
    "SELECT v.of_row || 'x', upper(v.of_row) FROM vault v",
    "WITH w AS (SELECT v.of_row || 'x' AS e FROM vault v) SELECT json_agg(reverse(e)) FROM w",
    "SELECT * FROM all_rows()",
    "SELECT (all_rows()).secret, all_rows()",
    "SELECT x.c FROM all_rows() AS x(a, b, c, d, e)",
    "SELECT secret AS label, label AS secret FROM vault",
    "SELECT * FROM vault a NATURAL JOIN vault b",
    "SELECT secret FROM vault a FULL JOIN vault b USING (secret)",
    "SELECT secret FROM vault GROUP BY secret",
    "SELECT DISTINCT ON (secret) secret FROM vault",
    "SELECT label FROM vault ORDER BY secret::int",
    "SELECT label FROM vault WHERE secret::int = 1",
    "SELECT label FROM vault WHERE secret::date = now()",
    "SELECT label FROM vault WHERE secret::inet = '::1'",
    "SELECT secret::int, secret::uuid, secret::numeric, secret::interval FROM vault",
    "SELECT label FROM vault WHERE secret::regclass = 1",
    "SELECT jsonb_build_object(secret, NULL) -> secret, extra::int FROM vault",
    "SELECT xmlparse(content '<' || secret), secret::xml FROM vault",
    "SELECT to_date(secret, 'YYYY'), to_number(secret, '999') FROM vault",
    "INSERT INTO vault SELECT id, label, secret FROM vault",
    "INSERT INTO vault (id, secret) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = vault.label RETURNING *",
    "UPDATE vault SET label = label WHERE id = 1 RETURNING secret, vault, upper(secret)",
    "UPDATE vault SET label = label WHERE id = 1 RETURNING *",
    "WITH u AS (UPDATE vault SET label = label WHERE id = 1 RETURNING secret AS e) SELECT e FROM u",
    "WITH u AS (DELETE FROM vault WHERE id = 9 RETURNING secret AS e) SELECT max(e) FROM u UNION ALL SELECT secret FROM vault",
    "MERGE INTO vault v USING scratch s ON v.id = s.id + 1000 WHEN MATCHED THEN DELETE",
    "EXPLAIN (VERBOSE) SELECT * FROM vault WHERE secret = (SELECT s FROM vault_view)",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT secret FROM vault ORDER BY secret",
];

/// Several statements, or COPY: these only by the simple protocol.
const TALKS: &[&str] = &[
    "COPY vault TO STDOUT",
    "COPY vault (secret, words, extra) TO STDOUT (FORMAT csv, HEADER)",
    "COPY vault TO STDOUT (FORMAT binary)",
    "COPY (SELECT upper(secret), vault FROM vault) TO STDOUT (FORMAT csv, DELIMITER '|')",
    "COPY (TABLE vault_far) TO STDOUT",
    "COPY (UPDATE vault SET label = label WHERE id = 1 RETURNING secret) TO STDOUT",
    "PREPARE p AS SELECT secret FROM vault WHERE id = $1; EXECUTE p(1)",
    "PREPARE p AS SELECT $1::text || secret FROM vault; EXECUTE p('x'); DEALLOCATE p",
    "BEGIN; DECLARE c CURSOR FOR SELECT secret, vault FROM vault; FETCH ALL c; COMMIT",
    "BEGIN; DECLARE c SCROLL CURSOR FOR TABLE vault_far; FETCH LAST c; FETCH PRIOR c; CLOSE c; COMMIT",
    "BEGIN; CREATE TEMP VIEW q AS SELECT secret FROM vault; SELECT * FROM q; COMMIT",
    "BEGIN; CREATE TEMP TABLE q AS SELECT secret FROM vault; SELECT * FROM q; COMMIT",
    "BEGIN; CREATE TEMP TABLE q (t text); INSERT INTO q SELECT secret FROM vault; SELECT * FROM q; COMMIT",
    "BEGIN; CREATE TEMP TABLE vault (id int, label text, secret text); INSERT INTO pg_temp.vault SELECT id, secret, label FROM public.vault; TABLE vault; COMMIT",
    "SET search_path = pg_temp, public; SELECT secret FROM vault; RESET search_path",
    "LISTEN ch; SELECT pg_notify('ch', secret) FROM vault",
    "DO $$ BEGIN RAISE NOTICE '%', (SELECT secret FROM vault); END $$",
    "DO $$ BEGIN RAISE EXCEPTION '%', (SELECT secret FROM vault); END $$",
];

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |chunk: &[u8], shift: usize| {
        let number = (u32::from(chunk[0]) << 16) | (u32::from(chunk[1]) << 8) | u32::from(chunk[2]);
        char::from(LETTERS[(number >> shift) as usize & 63])
    };
    bytes.chunks_exact(3).flat_map(|chunk| [18, 12, 6, 0].map(|shift| letter(chunk, shift))).collect()
}

/// All that may not come, in small letters.
fn needles() -> Vec<String> {
    let reversed: String = CANARY.chars().rev().collect();
    let mut all = Vec::new();
    for text in [CANARY, &reversed] {
        for at in 0..=text.len() - PART {
            let part = &text[at..at + PART];
            all.push(part.to_owned());
            all.push(part.bytes().map(|byte| format!("{byte:02x}")).collect());
        }
        for form in [text.to_owned(), text.to_uppercase()] {
            all.extend((0..3).map(|at| base64(&form.as_bytes()[at..at + 12]).to_lowercase()));
        }
    }
    all
}

fn found(client: &Client, needles: &[String]) -> Vec<String> {
    let seen = String::from_utf8_lossy(&client.seen).to_lowercase();
    needles.iter().filter(|needle| seen.contains(needle.as_str())).cloned().collect()
}

fn search(client: &Client, needles: &[String], way: &str, lines: &[String]) {
    let found = found(client, needles);
    assert!(found.is_empty(), "{way} shows {found:?}: {lines:?}");
}

fn extended(stage: &Stage, sql: &str, binary: bool) -> (Client, Vec<String>) {
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "", sql);
        bind(out, "", "", &[], binary);
        execute(out, "", 0);
        write::sync(out);
    });
    let lines = client.until_ready();
    (client, lines)
}

#[test]
fn nothing_of_a_masked_value_comes_back() {
    let stage = stage(true);
    let needles = needles();
    let mut shown = 0;
    for way in WAYS {
        let mut client = Client::connect(stage.port);
        let lines = client.query(way);
        search(&client, &needles, way, &lines);
        shown += usize::from(lines.iter().any(|line| line.starts_with("row")));
        for binary in [false, true] {
            let (client, lines) = extended(&stage, way, binary);
            search(&client, &needles, way, &lines);
        }
    }
    assert!(shown > 60, "most ways are answered, with masks: {shown} of {}", WAYS.len());
    for talk in TALKS {
        let mut client = Client::connect(stage.port);
        let lines = client.query(talk);
        search(&client, &needles, talk, &lines);
    }
    assert_eq!(crate::server::truth("SELECT count(*) FROM vault WHERE secret = 'qzjxkvwpyhbmgfdt'"), "1");
}

#[test]
fn the_search_finds_what_is_not_masked() {
    let (stage, needles) = (stage(false), needles());
    for way in [
        "SELECT secret FROM vault",
        "SELECT upper(reverse(secret)) FROM vault",
        "SELECT encode(secret::bytea, 'hex') FROM vault",
        "SELECT encode(secret::bytea, 'base64') FROM vault",
        "SELECT encode((' ' || upper(secret))::bytea, 'base64') FROM vault",
        "SELECT substr(secret, 6, 5) FROM vault",
        "WITH w AS (SELECT secret AS e FROM vault) SELECT (SELECT e FROM w)",
    ] {
        let mut client = Client::connect(stage.port);
        client.query(way);
        assert!(!found(&client, &needles).is_empty(), "{way}");
    }
}
