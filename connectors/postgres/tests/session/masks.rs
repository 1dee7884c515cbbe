//! A masked value must not reach the client by any way: every byte that came is searched for canaries.

use crate::stage::stage;
use crate::wire::{Client, bind, execute, parse};
use sallyport_postgres::wire::write;

const CANARIES: [&str; 8] = [
    "canary",
    "4111111111111111",
    "5500005555555559",
    "elpmaxe",
    "12.5",
    "1970-02-03",
    "63616e617279",
    "Y2FuYXJ5",
];

fn leaks(client: &Client) -> Vec<&'static str> {
    let seen = String::from_utf8_lossy(&client.seen).to_lowercase();
    CANARIES.into_iter().filter(|canary| seen.contains(&canary.to_lowercase())).collect()
}

/// Ways to say what is masked without naming it.
const WAYS: &[&str] = &[
    "SELECT * FROM customers",
    "SELECT email, card, balance, born FROM customers",
    "SELECT c.* FROM customers c JOIN plain USING (id)",
    "SELECT c FROM customers c",
    "SELECT (c).email FROM customers c",
    "SELECT row_to_json(c) FROM customers c",
    "SELECT to_jsonb(c) FROM customers c",
    "SELECT json_agg(c) FROM customers c",
    "SELECT x.* FROM customers c, LATERAL jsonb_each_text(to_jsonb(c)) x",
    "SELECT upper(email), reverse(email), email || '' FROM customers",
    "SELECT encode(email::bytea, 'hex'), encode(email::bytea, 'base64') FROM customers",
    "SELECT address FROM contacts",
    "SELECT * FROM far",
    "SELECT loud FROM far",
    "SELECT e FROM (SELECT email AS e FROM customers) s",
    "WITH w AS (SELECT email AS e FROM customers) SELECT e FROM w",
    "WITH w(a, b) AS (SELECT id, email FROM customers) SELECT b FROM w",
    "SELECT 'x' UNION SELECT email FROM customers",
    "SELECT note FROM plain UNION ALL SELECT email FROM customers",
    "SELECT (SELECT email FROM customers WHERE id = 1)",
    "SELECT ARRAY(SELECT email FROM customers)",
    "SELECT array_agg(email) FROM customers",
    "SELECT string_agg(email, ',') FROM customers",
    "SELECT max(email), min(card) FROM customers",
    "SELECT CASE WHEN true THEN email END FROM customers",
    "SELECT email::int FROM customers",
    "SELECT card::date FROM customers",
    "SELECT 1 / (balance - 12.5) FROM customers WHERE id = 1",
    "INSERT INTO customers VALUES (1, 'x', 'y', 'z', 1, NULL)",
    "UPDATE customers SET id = 2 WHERE id = 1",
    "UPDATE customers SET name = name WHERE id = 1 RETURNING *",
    "UPDATE customers SET name = name WHERE id = 1 RETURNING email",
    "SELECT gossip() FROM customers",
    "SELECT gossip()",
    "SELECT gossip(), 1",
    "SELECT told()",
    "SELECT * FROM told() AS t(x)",
    "SELECT * FROM hearsay",
    "SELECT upper(x) FROM hearsay",
    "BEGIN; INSERT INTO late VALUES ('ada@canary.example'); COMMIT",
    "SELECT * FROM pg_stats WHERE tablename = 'customers'",
    "SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'customers'",
    "TABLE customers",
    "SELECT DISTINCT ON (email) email FROM customers",
    "COPY customers TO STDOUT",
    "COPY customers TO STDOUT (FORMAT csv, HEADER)",
    "COPY customers TO STDOUT (FORMAT binary)",
    "COPY customers (email, card) TO STDOUT WITH CSV QUOTE ''''",
    "COPY (SELECT email AS harmless, born FROM customers) TO STDOUT",
    "COPY (SELECT * FROM far) TO STDOUT",
    "COPY (SELECT * FROM customers c JOIN plain p ON c.id = p.id) TO STDOUT",
    "COPY (SELECT p.note, c.* FROM plain p, customers c WHERE p.id = 1) TO STDOUT (FORMAT csv)",
    "COPY (SELECT id FROM (SELECT email AS id FROM customers) s) TO STDOUT",
    "COPY (SELECT id FROM (SELECT email AS id FROM customers) s) TO STDOUT (FORMAT binary)",
    "COPY (SELECT * FROM (SELECT email AS a, card, 1, 2, 3, id FROM customers) s) TO STDOUT",
    "COPY (SELECT * FROM (SELECT email AS a, id FROM customers) s) TO STDOUT",
    "COPY (SELECT c.* FROM customers c WHERE id = 1) TO STDOUT",
    "COPY (SELECT * FROM customers c, plain p WHERE p.id = c.id) TO STDOUT",
    "COPY (SELECT c.*, p.id FROM customers c JOIN plain p USING (id)) TO STDOUT",
    "COPY (SELECT id, * FROM customers WHERE id < 9) TO STDOUT",
    "COPY (SELECT * FROM customers c(a, b, id, d, e, f)) TO STDOUT",
    "COPY (SELECT id FROM customers c(a, b, id, d, e, f)) TO STDOUT",
    "COPY (WITH s(id) AS (SELECT email FROM customers) SELECT id FROM s) TO STDOUT",
    "COPY (SELECT id FROM contacts, LATERAL (SELECT address) s(id)) TO STDOUT",
    "COPY (TABLE customers) TO STDOUT",
    "PREPARE p1 AS SELECT email FROM customers; EXECUTE p1",
    "BEGIN; DECLARE c1 CURSOR FOR SELECT * FROM customers; FETCH ALL c1; COMMIT",
];

#[test]
fn no_way_of_asking_shows_a_masked_value() {
    let stage = stage(true);
    for way in WAYS {
        let mut client = Client::connect(stage.port);
        let lines = client.query(way);
        assert_eq!(leaks(&client), [""; 0], "{way}: {lines:?}");
    }
}

#[test]
fn the_recording_holds_what_the_caller_saw() {
    let stage = stage(true);
    let mut client = Client::connect(stage.port);
    assert_eq!(
        client.query("SELECT id, name, email, card, balance, born FROM customers WHERE id = 1")[1],
        "row 1|Ada|[redacted]|************1111|0|1970-01-01"
    );
    let recorded = stage.recorded();
    assert!(recorded.contains("************1111"));
    assert!(!recorded.contains("canary") && !recorded.contains("4111111111111111"));
}

#[test]
fn binary_results_are_masked_too() {
    let stage = stage(true);
    for sql in [
        "SELECT id, email, card, balance, born FROM customers",
        "SELECT c FROM customers c",
        "SELECT to_jsonb(c) FROM customers c",
        "SELECT array_agg(email) FROM customers",
    ] {
        let mut client = Client::connect(stage.port);
        client.send(|out| {
            parse(out, "", sql);
            bind(out, "", "", &[], true);
            execute(out, "", 0);
            write::sync(out);
        });
        let lines = client.until_ready();
        assert!(lines.iter().any(|line| line.starts_with("row")), "{lines:?}");
        assert_eq!(leaks(&client), [""; 0], "{sql}: {lines:?}");
    }
}

#[test]
fn what_is_not_masked_stays_as_it_is() {
    let stage = stage(true);
    let mut client = Client::connect(stage.port);
    for (sql, row) in [
        ("SELECT id, name FROM customers WHERE id = 1", "row 1|Ada"),
        ("SELECT id FROM contacts WHERE id = 1", "row 1"),
        ("SELECT id FROM far WHERE id = 2", "row 2"),
        ("SELECT count(*) FROM customers", "row 3"),
        ("SELECT upper(name) FROM customers WHERE id = 2", "row BOB"),
        ("SELECT note FROM plain WHERE id = 9", "row note 9"),
        ("SELECT now() IS NOT NULL, 1 + 1", "row t|2"),
        ("SHOW server_encoding", "row UTF8"),
    ] {
        let lines = client.query(sql);
        assert_eq!(lines.get(1).map(String::as_str), Some(row), "{sql}: {lines:?}");
    }
}

#[test]
fn a_table_that_is_new_is_known_at_once() {
    let stage = stage(true);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE brand_new AS SELECT 'seen' AS word");
    assert_eq!(client.query("SELECT word FROM brand_new")[1], "row seen");
}

#[test]
fn masked_values_cannot_be_copied_to_where_nothing_masks_them() {
    let stage = stage(true);
    for sql in [
        "CREATE TABLE copy1 AS SELECT * FROM customers",
        "CREATE TEMP TABLE copy2 AS SELECT email AS e FROM customers",
        "SELECT email AS e INTO copy3 FROM customers",
        "INSERT INTO plain SELECT 0, email FROM customers",
        "INSERT INTO plain SELECT 0, loud FROM far",
        "UPDATE plain SET note = email FROM customers WHERE plain.id = customers.id",
        "WITH w AS (INSERT INTO plain SELECT 0, email FROM customers RETURNING note) SELECT note FROM w",
        "PREPARE launder AS INSERT INTO plain SELECT 0, email FROM customers",
        "EXPLAIN ANALYZE INSERT INTO plain SELECT 0, email FROM customers",
    ] {
        let mut client = Client::connect(stage.port);
        let lines = client.query(sql);
        assert!(lines[0].starts_with("error 42501 This would copy masked values"), "{sql}: {lines:?}");
        client.send(|out| {
            parse(out, "", sql);
            write::sync(out);
        });
        let lines = client.until_ready();
        assert!(lines[0].starts_with("error 42501 This would copy masked values"), "{sql}: {lines:?}");
    }
    let mut client = Client::connect(stage.port);
    assert_eq!(client.query("INSERT INTO scratch SELECT id FROM customers")[0], "done INSERT 0 3");
    assert_eq!(client.query("UPDATE customers SET name = 'Ada' WHERE id = 1")[0], "done UPDATE 1");
}

fn refused(stage: &crate::stage::Stage, sql: &str, words: &str) {
    let mut client = Client::connect(stage.port);
    let lines = client.query(sql);
    assert!(lines[0].starts_with(words), "{sql}: {lines:?}");
    client.send(|out| {
        parse(out, "", sql);
        write::sync(out);
    });
    let lines = client.until_ready();
    assert!(lines[0].starts_with(words), "{sql}: {lines:?}");
}

#[test]
fn masked_values_cannot_be_moved_within_their_table() {
    let stage = stage(true);
    for sql in [
        "UPDATE customers SET name = email WHERE id = 1",
        "UPDATE customers SET name = upper(email) WHERE id = 1",
        "UPDATE customers SET name = 'x' || card WHERE id = 1",
        "UPDATE customers SET name = (SELECT email FROM customers c WHERE c.id = customers.id) WHERE id = 1",
        "UPDATE customers SET name = (SELECT e FROM (SELECT email AS e FROM customers) s LIMIT 1) WHERE id = 1",
        "UPDATE customers SET (id, name) = (SELECT id, email FROM customers c WHERE c.id = 1) WHERE id = 1",
        "UPDATE customers SET (id, name) = ROW(id, email) WHERE id = 1",
        "UPDATE customers SET name = c.email FROM customers c WHERE c.id = 1 AND customers.id = 1",
        "UPDATE customers SET name = s.e FROM (SELECT email AS e FROM customers) s WHERE id = 1",
        "WITH w AS (SELECT email AS e FROM customers) UPDATE customers SET name = (SELECT e FROM w LIMIT 1) WHERE id = 1",
        "WITH w AS (SELECT email AS e FROM customers) UPDATE customers SET name = w.e FROM w WHERE id = 1",
        "WITH w(a, b) AS (TABLE customers) UPDATE customers SET name = (SELECT min(b) FROM w) WHERE id = 1",
        "UPDATE customers SET name = CASE WHEN email LIKE 'a%' THEN 'yes' END WHERE id = 1",
        "UPDATE customers SET name = customers::text WHERE id = 1",
        "UPDATE customers SET name = row_to_json(customers)->>'email' WHERE id = 1",
        "UPDATE customers SET name = to_jsonb(customers.*)::text WHERE id = 1",
        "UPDATE customers SET id = balance WHERE id = 1",
        "UPDATE customers SET card = email WHERE id = 1",
        "UPDATE customers SET card = reverse(card) WHERE id = 1",
        "UPDATE customers SET card = left(card, 8) WHERE id = 1",
        "UPDATE contacts SET id = length(address) WHERE id = 1",
        "INSERT INTO customers (id, name) SELECT id + 50, email FROM customers",
        "INSERT INTO customers SELECT id + 50, email FROM customers",
        "INSERT INTO customers SELECT id + 50, c.* FROM customers c",
        "INSERT INTO customers (id, name) VALUES (50, (SELECT email FROM customers WHERE id = 1))",
        "INSERT INTO customers (id, name) SELECT 50, e FROM (SELECT email AS e FROM customers) s",
        "WITH w AS (SELECT email AS e FROM customers) INSERT INTO customers (id, name) SELECT 50, e FROM w",
        "INSERT INTO customers (id, name) WITH w AS (SELECT email AS e FROM customers) SELECT 50, (SELECT e FROM w LIMIT 1)",
        "INSERT INTO customers (id, name) SELECT 50, 'x' UNION ALL SELECT id, email FROM customers",
        "INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = customers.email",
        "INSERT INTO customers (id, email) SELECT id, upper(email) FROM customers ON CONFLICT (id) DO UPDATE SET name = excluded.email",
        "INSERT INTO customers AS t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = coalesce(t.email, '')",
        "MERGE INTO customers t USING customers s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = s.email",
        "MERGE INTO customers t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = t.email",
        "MERGE INTO customers t USING (SELECT id + 60 AS i, email AS e FROM customers) s ON t.id = s.i WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.i, s.e)",
        "WITH d AS (DELETE FROM customers WHERE id = 77 RETURNING email AS e) INSERT INTO customers (id, name) SELECT 78, e FROM d",
        "WITH u AS (UPDATE customers SET name = email WHERE id = 1 RETURNING id) SELECT id FROM u",
        "UPDATE plain SET note = told() WHERE id = 1",
        "INSERT INTO plain SELECT 1, x FROM hearsay",
        "INSERT INTO plain (id, note) VALUES (1, told())",
        "INSERT INTO plain SELECT 1, 'x' || (SELECT c FROM customers c LIMIT 1)",
        "SELECT lo_from_bytea(0, email::bytea) FROM customers",
        "SELECT set_config('my.value', email, false) FROM customers",
        "SELECT pg_notify('news', email) FROM customers",
        "SELECT setval('numbers', balance::bigint) FROM customers WHERE id = 1",
        "SELECT pg_advisory_lock(balance::bigint) FROM customers WHERE id = 1",
        "ALTER TABLE customers RENAME COLUMN email TO name2",
        "ALTER TABLE customers RENAME TO clients",
        "ALTER TABLE customers SET SCHEMA information_schema",
        "ALTER TABLE customers ALTER COLUMN name TYPE text USING email",
        "ALTER TABLE customers INHERIT plain",
        "CREATE RULE gossip AS ON UPDATE TO customers DO ALSO INSERT INTO plain VALUES (0, old.email)",
        "COPY customers TO '/tmp/never'",
        "COPY (SELECT id, email FROM customers) TO PROGRAM 'cat'",
    ] {
        refused(&stage, sql, "error 42501 This would copy masked values");
    }
    assert_eq!(crate::server::truth("SELECT count(*) FROM customers WHERE name LIKE '%@%' OR id > 40"), "0");
}

#[test]
fn ordinary_writes_to_a_table_with_masked_columns_run() {
    let stage = stage(true);
    let mut client = Client::connect(stage.port);
    for (sql, done) in [
        ("UPDATE customers SET name = upper(name) WHERE id = 2", "done UPDATE 1"),
        ("UPDATE customers SET name = 'Bob' WHERE id = 2 AND email IS NOT NULL", "done UPDATE 1"),
        ("UPDATE customers SET card = card WHERE id = 2", "done UPDATE 1"),
        ("UPDATE customers SET card = coalesce(card, '4000') WHERE id = 2", "done UPDATE 1"),
        ("UPDATE customers SET email = email || '' WHERE id = 2", "done UPDATE 1"),
        ("UPDATE customers SET email = lower(email), balance = balance + 0 WHERE id = 2", "done UPDATE 1"),
        (
            "UPDATE plain SET note = note || '' FROM customers c WHERE c.id = plain.id AND c.email = '-'",
            "done UPDATE 0",
        ),
        ("UPDATE customers SET email = NULL WHERE id = 3", "done UPDATE 1"),
        ("INSERT INTO customers (id, name, email) VALUES (90, 'Dot', 'dot@x.example')", "done INSERT 0 1"),
        (
            "INSERT INTO customers (id, email) VALUES (90, 'dot@y.example') ON CONFLICT (id) DO UPDATE SET email = excluded.email",
            "done INSERT 0 1",
        ),
        (
            "INSERT INTO customers (id, email) VALUES (90, 'Dot') ON CONFLICT (id) DO UPDATE SET name = excluded.email",
            "done INSERT 0 1",
        ),
        ("INSERT INTO customers (id, card) SELECT 91, card FROM customers WHERE id = 1", "done INSERT 0 1"),
        (
            "MERGE INTO customers t USING (VALUES (91, 'Eve')) s(i, n) ON t.id = s.i WHEN MATCHED AND t.email IS NULL THEN UPDATE SET name = 'Eve'",
            "done MERGE 1",
        ),
        (
            "WITH d AS (DELETE FROM customers WHERE id = 91 RETURNING id) INSERT INTO scratch SELECT id FROM d",
            "done INSERT 0 1",
        ),
        ("DELETE FROM customers WHERE id = 90", "done DELETE 1"),
        ("DELETE FROM scratch WHERE id = 91", "done DELETE 1"),
    ] {
        assert_eq!(client.query(sql)[0], done, "{sql}");
    }
    client.query("BEGIN");
    client.query("CREATE TEMP TABLE draft (id int, word text)");
    assert_eq!(
        client.query("INSERT INTO draft SELECT id, name FROM customers WHERE id = 1")[0],
        "done INSERT 0 1"
    );
    assert_eq!(client.query("UPDATE draft SET word = lower(word) WHERE id = 1")[0], "done UPDATE 1");
    client.query("ROLLBACK");
}

#[test]
fn a_mask_is_not_written_over_the_value_behind_it() {
    let stage = stage(true);
    let words = "error 42501 A value for public.customers.";
    for sql in [
        "UPDATE customers SET email = '[redacted]' WHERE id = 1",
        "UPDATE customers SET name = 'Ada', card = '************1111' WHERE id = 1",
        "UPDATE customers SET card = '****' WHERE id = 1",
        "UPDATE customers SET (name, card) = ('Ada', '************1111') WHERE id = 1",
        "UPDATE customers SET (name, card) = (SELECT 'Ada', '************1111') WHERE id = 1",
        "UPDATE customers SET email = lower('[REDACTED]' || '[redacted]') WHERE id = 1",
        "INSERT INTO customers (id, email) VALUES (70, 'a@b.example'), (71, '[redacted]')",
        "INSERT INTO customers VALUES (70, 'Ada', '[redacted]', '************1111', 0, NULL)",
        "INSERT INTO customers (id, card) SELECT 70, '************1111'",
        "INSERT INTO customers (id, card) VALUES (1, '1') ON CONFLICT (id) DO UPDATE SET card = '************1111'",
        "MERGE INTO customers t USING (SELECT 1 AS i) s ON t.id = s.i WHEN MATCHED THEN UPDATE SET email = '[redacted]'",
        "MERGE INTO customers t USING (SELECT 70 AS i) s ON t.id = s.i WHEN NOT MATCHED THEN INSERT VALUES (70, 'x', '[redacted]')",
        "WITH u AS (UPDATE customers SET email = '[redacted]' WHERE id = 1 RETURNING id) SELECT id FROM u",
        "PREPARE back AS UPDATE customers SET email = '[redacted]' WHERE id = 1",
        "PREPARE back(text) AS UPDATE customers SET email = $1 WHERE id = 1; EXECUTE back('[redacted]')",
    ] {
        let mut client = Client::connect(stage.port);
        let lines = client.query(sql);
        assert!(lines[0].starts_with(words) && lines[0].contains("is a mask"), "{sql}: {lines:?}");
    }
    let mut client = Client::connect(stage.port);
    for (sql, values) in [
        ("UPDATE customers SET email = $1 WHERE id = $2", ["[redacted]", "1"]),
        ("UPDATE customers SET card = coalesce($1, card) WHERE id = $2", ["************1111", "1"]),
        ("INSERT INTO customers (card, id) VALUES ($1, $2)", ["************1111", "70"]),
        (
            "INSERT INTO customers (id, card) VALUES ($2, '1') ON CONFLICT (id) DO UPDATE SET card = $1",
            ["****1111", "1"],
        ),
    ] {
        client.send(|out| {
            parse(out, "", sql);
            bind(out, "", "", &values, false);
            execute(out, "", 0);
            write::sync(out);
        });
        let lines = client.until_ready();
        assert!(lines.iter().any(|line| line.starts_with(words)), "{sql}: {lines:?}");
    }
    client.query("PREPARE own(text) AS UPDATE customers SET card = $1 WHERE id = 2");
    assert!(client.query("EXECUTE own('************5559')")[0].starts_with(words));
    assert_eq!(client.query("EXECUTE own('5500005555555559')")[0], "done UPDATE 1");
    assert_eq!(client.query("UPDATE customers SET name = '** Ada **' WHERE id = 1")[0], "done UPDATE 1");
    assert_eq!(
        client.query("UPDATE customers SET name = 'Ada', card = '4111111111111111' WHERE id = 1")[0],
        "done UPDATE 1"
    );
    let held =
        crate::server::truth("SELECT count(*) FROM customers WHERE email LIKE '%[%' OR card LIKE '%*%'");
    assert_eq!(held, "0");
}
