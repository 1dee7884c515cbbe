//! What the target does behind a text is judged like what the text says: each situation is refused where the rules forbid
//! the object behind, and runs where they do not.

use crate::server::truth;
use crate::stage::{Stage, forbidding_stage, stage};
use crate::wire::{Client, show};
use sallyport_postgres::wire::write;
use std::sync::Once;

const SCHEMA: &str = "
    CREATE SCHEMA deep;
    SET search_path TO deep;
    CREATE TABLE secrets (id int PRIMARY KEY, word text);
    INSERT INTO secrets SELECT n, 'w' || n FROM generate_series(1, 9) n;
    CREATE VIEW near AS SELECT id, word FROM secrets;
    CREATE VIEW afar AS SELECT id, upper(word) AS loud FROM near;
    CREATE VIEW farthest AS SELECT count(*) AS n FROM afar;
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM afar;

    CREATE TABLE log (said text);
    CREATE TABLE orders (id int PRIMARY KEY, card text, total int);
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO deep.log VALUES (TG_OP); RETURN NULL; END $$;
    CREATE TRIGGER noted AFTER INSERT OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION noted();
    CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN DELETE FROM deep.log WHERE said = 'x'; RETURN NULL; END $$;
    CREATE TRIGGER counted AFTER UPDATE OF total ON orders EXECUTE FUNCTION counted();
    CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.card := pg_catalog.lower(NEW.card); RETURN NEW; END $$;
    CREATE TRIGGER stamped BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamped();

    CREATE TABLE top (id int PRIMARY KEY, name text);
    CREATE TABLE middle (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE bottom (middle int REFERENCES middle ON DELETE CASCADE);
    CREATE TABLE side (top int REFERENCES top ON DELETE SET NULL);
    INSERT INTO top VALUES (1, 'a'), (2, 'b');

    CREATE TABLE parts (id int, v int) PARTITION BY RANGE (id);
    CREATE TABLE part_one PARTITION OF parts FOR VALUES FROM (0) TO (100);
    CREATE TRIGGER noted AFTER INSERT ON part_one FOR EACH ROW EXECUTE FUNCTION noted();

    CREATE TABLE ruled (id int);
    CREATE RULE also AS ON INSERT TO ruled DO ALSO DELETE FROM log WHERE said = 'never';

    CREATE TABLE doored (id int);
    CREATE VIEW door AS SELECT id FROM doored;
    CREATE FUNCTION opened() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO deep.log VALUES ('door'); RETURN NEW; END $$;
    CREATE TRIGGER opened INSTEAD OF INSERT ON door FOR EACH ROW EXECUTE FUNCTION opened();
    CREATE VIEW simple AS SELECT id AS key, word AS text FROM secrets WHERE id > 5;

    CREATE FUNCTION purge() RETURNS void LANGUAGE sql AS $$ DELETE FROM deep.log WHERE said = 'p' $$;
    CREATE FUNCTION purge_all() RETURNS void LANGUAGE sql AS 'SELECT deep.purge()';
    CREATE FUNCTION standard() RETURNS bigint LANGUAGE sql BEGIN ATOMIC
        INSERT INTO log VALUES ('s'); SELECT count(*) FROM secrets; END;
    CREATE FUNCTION first_word() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = deep AS $$
        DECLARE found secrets%ROWTYPE;
        BEGIN SELECT * INTO found FROM secrets LIMIT 1; found.word := 'x'; RETURN found.word; END $$;
    CREATE FUNCTION soundex(text) RETURNS text LANGUAGE c AS '$libdir/dict_snowball', 'dsnowball_init';
    CREATE FUNCTION another_next(regclass) RETURNS bigint LANGUAGE internal AS 'nextval_oid';
    CREATE FUNCTION made_up(what text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN EXECUTE 'DELETE FROM deep.' || what || ' WHERE false'; END $$;
    CREATE PROCEDURE proceed() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM deep.log WHERE said = 'c'; END $$;
    CREATE FUNCTION ping(n int) RETURNS int LANGUAGE plpgsql AS $$
        BEGIN IF n > 0 THEN RETURN deep.pong(n - 1); END IF; RETURN (SELECT count(*) FROM deep.secrets); END $$;
    CREATE FUNCTION pong(n int) RETURNS int LANGUAGE sql AS 'SELECT deep.ping(0)';

    CREATE FUNCTION looked(a int, b int) RETURNS boolean LANGUAGE sql AS
        'SELECT a < (SELECT count(*) FROM deep.secrets)';
    CREATE OPERATOR <<<< (LEFTARG = int, RIGHTARG = int, FUNCTION = looked);
    CREATE FUNCTION fine(v int) RETURNS boolean LANGUAGE sql AS 'SELECT v >= 0 FROM deep.secrets LIMIT 1';
    CREATE DOMAIN score AS int CHECK (fine(VALUE));
    CREATE TABLE scored (s score);
    CREATE FUNCTION next_word() RETURNS text LANGUAGE sql AS 'SELECT word FROM deep.secrets LIMIT 1';
    CREATE TABLE defaulted (id int, word text DEFAULT next_word());
    CREATE TABLE checked (id int CHECK (fine(id)));
    CREATE FUNCTION doubled(v int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
        BEGIN RETURN v * 2 + 0 * (SELECT count(*) FROM deep.secrets); END $$;
    CREATE TABLE generated (id int, twice int GENERATED ALWAYS AS (doubled(id)) STORED);
    CREATE TABLE indexed (id int);
    CREATE INDEX ON indexed (doubled(id));
    CREATE FUNCTION joined(text, text) RETURNS text LANGUAGE sql AS
        'SELECT $1 || $2 || (SELECT word FROM deep.secrets LIMIT 1)';
    CREATE AGGREGATE joined_all(text) (SFUNC = joined, STYPE = text, INITCOND = '');
    CREATE FUNCTION rows_of() RETURNS SETOF secrets LANGUAGE sql AS 'SELECT * FROM deep.secrets';
    CREATE FUNCTION lower(x int) RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM deep.secrets';
    CREATE TABLE owned (id int);
    ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON owned USING (id IN (SELECT id FROM secrets));
    CREATE TYPE pair AS (a int);
    CREATE FUNCTION to_pair(int) RETURNS pair LANGUAGE sql AS 'SELECT ROW(id)::deep.pair FROM deep.secrets LIMIT 1';
    CREATE CAST (int AS pair) WITH FUNCTION to_pair(int);
    CREATE TABLE watched (id int);
    CREATE FUNCTION watching() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN IF TG_TAG = 'no such tag' THEN INSERT INTO deep.log VALUES (TG_TAG); END IF; END $$;
    CREATE EVENT TRIGGER watching ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION watching();
";

/// A statement, the act behind it, and what is said to do it.
const SITUATIONS: &[(&str, &str, &str)] = &[
    (
        "SELECT n FROM deep.farthest",
        "read deep.secrets",
        "view deep.near, view deep.afar, view deep.farthest",
    ),
    ("SELECT * FROM deep.kept", "read deep.secrets", "materialized view deep.kept"),
    ("COPY (SELECT * FROM deep.near) TO STDOUT", "read deep.secrets", "view deep.near"),
    ("UPDATE deep.simple SET text = 'z' WHERE key = 99", "update deep.secrets", "view deep.simple"),
    ("DELETE FROM deep.simple WHERE key = 99", "delete deep.secrets", "view deep.simple"),
    ("INSERT INTO deep.door VALUES (1)", "insert deep.log", "trigger opened of deep.door"),
    ("INSERT INTO deep.orders VALUES (1, 'C', 1)", "insert deep.log", "trigger noted of deep.orders"),
    ("UPDATE deep.orders SET total = 2 WHERE id = 1", "delete deep.log", "trigger counted of deep.orders"),
    (
        "DELETE FROM deep.top WHERE id = 77",
        "delete deep.bottom",
        "foreign key bottom_middle_fkey of deep.bottom",
    ),
    ("DELETE FROM deep.top WHERE id = 77", "update deep.side", "foreign key side_top_fkey of deep.side"),
    ("UPDATE deep.top SET id = 3 WHERE id = 2", "update deep.middle", "foreign key middle_top_fkey"),
    ("INSERT INTO deep.parts VALUES (7, 1)", "insert deep.part_one", "its parent deep.parts"),
    ("INSERT INTO deep.parts VALUES (7, 1)", "insert deep.log", "trigger noted of deep.part_one"),
    ("SELECT * FROM deep.parts", "read deep.part_one", "its parent deep.parts"),
    ("INSERT INTO deep.ruled VALUES (1)", "delete deep.log", "rule also of deep.ruled"),
    ("SELECT deep.purge()", "delete deep.log", "function deep.purge"),
    ("SELECT * FROM deep.purge_all()", "delete deep.log", "function deep.purge, function deep.purge_all"),
    ("SELECT deep.another_next('numbers')", "update ", "function deep.another_next"),
    ("SELECT deep.standard()", "insert deep.log", "function deep.standard"),
    ("SELECT deep.first_word()", "read deep.secrets", "function deep.first_word"),
    ("CALL deep.proceed()", "delete deep.log", "function deep.proceed"),
    ("SELECT deep.ping(1)", "read deep.secrets", "function deep.ping"),
    ("SELECT 1 OPERATOR(deep.<<<<) 2", "read deep.secrets", "function deep.looked"),
    ("INSERT INTO deep.scored VALUES (1)", "read deep.secrets", "function deep.fine, type score"),
    ("SELECT 1::deep.score", "read deep.secrets", "function deep.fine, type score"),
    ("INSERT INTO deep.defaulted (id) VALUES (1)", "read deep.secrets", "default of word of deep.defaulted"),
    ("INSERT INTO deep.checked VALUES (1)", "read deep.secrets", "check checked_id_check of deep.checked"),
    (
        "INSERT INTO deep.generated VALUES (1)",
        "read deep.secrets",
        "generated column twice of deep.generated",
    ),
    ("INSERT INTO deep.indexed VALUES (1)", "read deep.secrets", "index indexed_doubled_idx of deep.indexed"),
    ("SELECT deep.joined_all('a')", "read deep.secrets", "function deep.joined, function deep.joined_all"),
    ("SELECT count(*) FROM deep.rows_of()", "read deep.secrets", "function deep.rows_of"),
    ("SELECT deep.lower(1)", "read deep.secrets", "function deep.lower"),
    ("SELECT * FROM deep.owned", "read deep.secrets", "policy mine of deep.owned"),
    ("SELECT 1::deep.pair", "read deep.secrets", "function deep.to_pair, type pair"),
    ("COMMENT ON TABLE deep.watched IS 'w'", "insert deep.log", "event trigger watching"),
    ("EXPLAIN ANALYZE SELECT * FROM deep.near", "read deep.secrets", "view deep.near"),
    (
        "WITH x AS (DELETE FROM deep.orders WHERE id = 5 RETURNING id) SELECT id FROM x",
        "insert deep.log",
        "noted",
    ),
    ("REFRESH MATERIALIZED VIEW deep.kept", "read deep.secrets", "materialized view deep.kept"),
];

fn made() {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        truth(SCHEMA);
        assert_eq!(truth("SELECT count(*) FROM pg_event_trigger WHERE evtname = 'watching'"), "1");
    });
}

fn error(stage: &Stage, sql: &str) -> Option<String> {
    let lines = Client::connect(stage.port).query(sql);
    lines.into_iter().find(|line| line.starts_with("error"))
}

#[test]
fn what_is_forbidden_is_forbidden_behind_a_text_as_well() {
    made();
    let free = stage(false);
    let mut wrong = Vec::new();
    for (sql, act, through) in SITUATIONS {
        let said = error(&forbidding_stage(act), sql).unwrap_or_default();
        if !said.contains(&format!("Forbidden: {act}")) || !said.contains(through) {
            wrong.push(format!("{sql}: not refused for {act} through {through}: {said}"));
        }
        wrong.extend(error(&free, sql).map(|said| format!("{sql}: refused: {said}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_known_only_when_it_runs_is_unknown() {
    made();
    let stage = stage(false);
    for sql in [
        "SELECT deep.made_up('log')",
        "SELECT deep.nobody_knows()",
        "SELECT deep.soundex('named as what a library of the server has, and of another one')",
        "SELECT wander()",
        "CREATE FUNCTION deep.hidden() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE now()::text; END $$",
    ] {
        let said = error(&stage, sql).unwrap_or_default();
        assert!(said.contains("cannot be understood"), "{sql}: {said}");
    }
}

#[test]
fn what_a_definition_runs_later_is_judged_when_it_is_made() {
    made();
    let stage = forbidding_stage("delete deep.secrets");
    let made = "CREATE FUNCTION deep.purge(int) RETURNS void LANGUAGE sql AS 'DELETE FROM deep.secrets WHERE id = $1'";
    let said = error(&stage, made).unwrap_or_default();
    assert!(said.contains("Forbidden: delete deep.secrets"), "{said}");
}

#[test]
fn what_falls_with_something_is_named() {
    made();
    truth(
        "CREATE SCHEMA fallen; CREATE TABLE fallen.base (id int); CREATE VIEW fallen.on_it AS SELECT id FROM fallen.base",
    );
    for sql in ["DROP TABLE fallen.base CASCADE", "DROP SCHEMA fallen CASCADE"] {
        let said = error(&forbidding_stage("drop fallen.on_it"), sql).unwrap_or_default();
        assert!(said.contains("Forbidden: drop fallen.on_it through"), "{sql}: {said}");
    }
}

#[test]
fn an_update_sets_going_only_what_its_columns_do() {
    made();
    let keys = forbidding_stage("update deep.middle");
    assert_eq!(error(&keys, "UPDATE deep.top SET name = 'c' WHERE id = 1"), None);
    let triggers = forbidding_stage("delete deep.log");
    assert_eq!(error(&triggers, "UPDATE deep.orders SET card = 'd' WHERE id = 1"), None);
}

#[test]
fn all_of_a_view_is_all_of_what_it_stands_for() {
    made();
    truth(
        "CREATE TABLE deep.everything (id int); CREATE VIEW deep.all_of_it AS SELECT id FROM deep.everything",
    );
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| write::query(out, "DELETE FROM deep.all_of_it"));
    assert!(show(&client.next()).starts_with("notice"));
    let requests = stage.desk.requests.lock().unwrap();
    let effects: Vec<_> = requests[0].effects.iter().map(ToString::to_string).collect();
    let base = "delete deep.everything (all of it) through view deep.all_of_it";
    assert!(effects.iter().any(|effect| effect == base), "{effects:?}");
}
