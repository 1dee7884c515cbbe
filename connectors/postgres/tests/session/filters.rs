//! Where a rule says so, rows are not chosen, joined, ordered or grouped by a masked column; everything else runs.

use crate::stage::{Stage, guarded_stage, stage};
use crate::wire::{Client, bind, execute, parse};
use sallyport_postgres::wire::write;

const REFUSED: &[&str] = &[
    "SELECT id FROM customers WHERE email LIKE 'a%'",
    "SELECT id FROM customers c WHERE c.email = 'x' OR id = 1",
    "SELECT id FROM customers WHERE length(card) > 3",
    "SELECT id FROM customers WHERE balance > 10",
    "SELECT id FROM customers WHERE email IS NULL",
    "SELECT id FROM customers ORDER BY email",
    "SELECT id, name, email FROM customers ORDER BY 3",
    "SELECT id, email AS e FROM customers ORDER BY e",
    "SELECT id, upper(email) FROM customers ORDER BY upper",
    "SELECT * FROM customers ORDER BY 3",
    "SELECT count(*) FROM customers GROUP BY email",
    "SELECT count(*) FROM customers GROUP BY substr(card, 1, 1)",
    "SELECT count(*) FROM customers GROUP BY GROUPING SETS ((id), (card))",
    "SELECT id FROM customers GROUP BY id HAVING max(card) > '4'",
    "SELECT DISTINCT email FROM customers",
    "SELECT DISTINCT * FROM customers",
    "SELECT DISTINCT ON (email) id FROM customers",
    "SELECT id, rank() OVER (ORDER BY card) FROM customers",
    "SELECT id, count(*) OVER w FROM customers WINDOW w AS (PARTITION BY email)",
    "SELECT id FROM customers LIMIT (SELECT ascii(email) FROM customers WHERE id = 1)",
    "SELECT id FROM customers OFFSET (SELECT length(card) FROM customers WHERE id = 1)",
    "SELECT email FROM customers UNION SELECT 'ada@canary.example'",
    "SELECT email FROM customers INTERSECT SELECT 'ada@canary.example'",
    "SELECT 'ada@canary.example' EXCEPT SELECT email FROM customers",
    "SELECT note FROM plain WHERE note IN (SELECT email FROM customers)",
    "SELECT note FROM plain WHERE EXISTS (SELECT 1 FROM customers WHERE email = note)",
    "SELECT note FROM plain WHERE note = ANY (SELECT email FROM customers)",
    "SELECT note FROM plain WHERE note = (SELECT email FROM customers WHERE id = 1)",
    "SELECT p.note FROM plain p JOIN customers c ON p.note = c.email",
    "SELECT p.note FROM plain p JOIN customers c ON p.id = c.id AND c.card LIKE '4%'",
    "SELECT a.id FROM customers a JOIN customers b USING (email)",
    "SELECT a.id FROM customers a NATURAL JOIN customers b",
    "SELECT CASE WHEN email LIKE 'a%' THEN 1 ELSE 2 END FROM customers",
    "SELECT count(*) FILTER (WHERE email LIKE 'a%') FROM customers",
    "SELECT count(DISTINCT email) FROM customers",
    "SELECT array_agg(id ORDER BY card) FROM customers",
    "SELECT generate_series(1, ascii(email)) FROM customers WHERE id = 1",
    "SELECT 1 FROM customers, generate_series(1, length(email))",
    "SELECT regexp_split_to_table(email, '') IS NULL FROM customers",
    "SELECT 1 FROM customers c WHERE c = ROW(1, 'Ada', 'x', 'y', 1, NULL)",
    "SELECT 1 FROM customers c ORDER BY c",
    "SELECT 1 FROM customers c WHERE c::text LIKE '%canary%'",
    "SELECT 1 FROM customers c WHERE to_jsonb(c) ->> 'email' = 'x'",
    "SELECT 1 FROM customers WHERE (customers).email = 'x'",
    "SELECT 1 FROM customers c, jsonb_each_text(to_jsonb(c)) x WHERE x.value LIKE 'a%'",
    "SELECT e FROM (SELECT email AS e FROM customers) s WHERE e = 'x'",
    "SELECT b FROM (SELECT id, email FROM customers) s(a, b) WHERE b = 'x'",
    "WITH w AS (SELECT email AS e FROM customers) SELECT count(*) FROM w WHERE e = 'x'",
    "WITH w(a, b) AS (SELECT id, email FROM customers) SELECT a FROM w ORDER BY b",
    "WITH v AS (SELECT email AS e FROM customers), w AS (SELECT upper(e) AS f FROM v) SELECT count(*) FROM w WHERE f = 'X'",
    "SELECT id FROM contacts WHERE address = 'x'",
    "SELECT id FROM far WHERE loud LIKE 'A%'",
    "SELECT id FROM far ORDER BY loud",
    "SELECT x FROM hearsay WHERE x = 'y'",
    "SELECT 1 WHERE told() LIKE 'a%'",
    "UPDATE customers SET name = name WHERE email = 'x'",
    "DELETE FROM customers WHERE card = 'x'",
    "DELETE FROM plain USING customers WHERE note = email",
    "INSERT INTO scratch SELECT id FROM customers WHERE email LIKE 'a%'",
    "INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'Ada' WHERE customers.card LIKE '5%'",
    "MERGE INTO plain p USING customers c ON p.note = c.email WHEN MATCHED THEN DELETE",
    "MERGE INTO customers t USING (SELECT 1 AS i) s ON t.id = s.i WHEN MATCHED AND t.email = 'x' THEN DELETE",
    "COPY (SELECT id FROM customers WHERE email LIKE 'a%') TO STDOUT",
    "EXPLAIN SELECT id FROM customers WHERE email LIKE 'a%'",
    "PREPARE guess AS SELECT id FROM customers WHERE email LIKE $1",
    "BEGIN; DECLARE guess CURSOR FOR SELECT id FROM customers ORDER BY email",
];

fn says_so(line: &str) -> bool {
    line.starts_with("error 42501 Rows may not be chosen, joined, ordered or grouped by public.customers.")
        && line.contains("Use the key.")
        && line.contains("no-filter")
        || line.starts_with("error 42501 Some columns may not be filtered by")
            && line.contains("filter-unknown")
}

fn extended(stage: &Stage, sql: &str) -> Vec<String> {
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "", sql);
        bind(out, "", "", &[], false);
        execute(out, "", 0);
        write::sync(out);
    });
    client.until_ready()
}

#[test]
fn rows_are_not_chosen_by_what_may_not_be_filtered_by() {
    let stage = guarded_stage();
    for sql in REFUSED {
        let lines = Client::connect(stage.port).query(sql);
        assert!(says_so(&lines[0]), "{sql}: {lines:?}");
        if !sql.contains(';') {
            let lines = extended(&stage, sql);
            assert!(says_so(&lines[0]), "{sql}: {lines:?}");
        }
    }
    let recorded = stage.recorded();
    assert!(
        recorded.contains(r#""text":"SELECT id FROM customers WHERE email LIKE 'a%'""#),
        "the attempt is recorded"
    );
    let (_, error) = stage.psql(&["SELECT id FROM customers WHERE email = 'x'"]);
    assert!(error.contains("public.customers.email") && error.contains("no-filter"), "{error}");
}

#[test]
fn without_such_a_rule_rows_are_chosen_by_anything() {
    let stage = stage(true);
    let mut client = Client::connect(stage.port);
    assert_eq!(client.query("SELECT id FROM customers WHERE email LIKE 'ada%'")[1], "row 1");
    assert_eq!(
        client.query("SELECT id FROM customers WHERE card IS NOT NULL ORDER BY card DESC LIMIT 1")[1],
        "row 2"
    );
}

#[test]
fn everything_else_runs_under_such_a_rule() {
    let stage = guarded_stage();
    let mut client = Client::connect(stage.port);
    for sql in [
        "SELECT * FROM customers",
        "SELECT * FROM customers WHERE id = 1",
        "SELECT id, name, email, card FROM customers WHERE name LIKE 'A%' ORDER BY name, id LIMIT 5",
        "SELECT id, email FROM customers ORDER BY 1",
        "SELECT count(*), max(id) FROM customers",
        "SELECT name, count(*) FROM customers GROUP BY name HAVING count(*) > 0 ORDER BY 2 DESC, 1",
        "SELECT DISTINCT name FROM customers",
        "SELECT c.name, c.email, p.note FROM customers c JOIN plain p ON p.id = c.id WHERE p.note LIKE 'note%'",
        "SELECT * FROM customers c JOIN plain p USING (id) ORDER BY p.note",
        "SELECT customers.* FROM customers NATURAL JOIN plain",
        "SELECT id, address FROM contacts WHERE id = 1",
        "SELECT c.id FROM late l, customers c WHERE l.email = c.name",
        "SELECT 1 FROM (SELECT 1 AS id, 'x' AS email) s WHERE email = 'x'",
        "WITH w AS (SELECT id, email AS e FROM customers) SELECT w.e, p.note FROM w JOIN plain p ON p.id = w.id ORDER BY p.id",
        "WITH n AS (SELECT id, count(*) AS n FROM plain GROUP BY id) SELECT c.email, n.n FROM customers c JOIN n ON n.id = c.id ORDER BY n.n DESC",
        "SELECT s.id, s.email FROM (SELECT id, email, row_number() OVER (ORDER BY id) AS n FROM customers) s WHERE s.n = 1",
        "SELECT name FROM customers WHERE id IN (SELECT id FROM plain WHERE note = 'note 1')",
        "SELECT name FROM customers c WHERE EXISTS (SELECT * FROM plain p WHERE p.id = c.id)",
        "SELECT CASE WHEN id = 1 THEN email ELSE card END, coalesce(email, '-') FROM customers",
        "SELECT name FROM customers UNION SELECT note FROM plain",
        "SELECT email FROM customers UNION ALL SELECT note FROM plain",
        "SELECT n FROM generate_series(1, 3) n WHERE n > 1",
        "UPDATE customers SET name = 'Cyd' WHERE id = 3",
        "DELETE FROM customers WHERE id = 999",
        "INSERT INTO customers (id, email) VALUES (3, 'c@x.example') ON CONFLICT (id) DO NOTHING",
        "SELECT relname, relkind FROM pg_class WHERE relname = 'customers' ORDER BY 1",
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'customers' ORDER BY ordinal_position",
        "EXPLAIN SELECT * FROM customers WHERE id = 1",
    ] {
        let lines = client.query(sql);
        assert!(!lines.iter().any(|line| line.starts_with("error")), "{sql}: {lines:?}");
        let lines = extended(&stage, sql);
        assert!(!lines.iter().any(|line| line.starts_with("error")), "{sql}: {lines:?}");
    }
    assert!(
        client.query("SELECT 1 FROM nowhere WHERE email = 'x'")[0].contains("42P01"),
        "a typo is the server's to say"
    );
    client.query("BEGIN");
    client.query("CREATE TEMP TABLE mine (id int, email text)");
    assert_eq!(client.query("SELECT id FROM mine")[1], "done SELECT 0");
    assert!(client.query("SELECT id FROM mine WHERE email = 'x'")[0].contains("filter-unknown"));
    client.query("ROLLBACK");
}

/// What psql asks of the catalog when a person looks around.
#[test]
fn looking_around_with_psql_runs_under_such_a_rule() {
    let stage = guarded_stage();
    for command in [
        "\\d",
        "\\d customers",
        "\\d+ customers",
        "\\dt+",
        "\\dv",
        "\\df told",
        "\\dn+",
        "\\du",
        "\\l",
        "\\di",
        "\\ds",
        "\\dT",
        "\\dx",
        "\\dp",
        "\\sf told",
    ] {
        let (out, error) = stage.psql(&[command]);
        assert!(error.is_empty(), "{command}: {error}");
        assert!(!out.is_empty() || ["\\di", "\\dT"].contains(&command), "{command}");
    }
}
