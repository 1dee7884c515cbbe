//! What the database is told of who may write, the ways to turn it off, and what comes of a disagreement.

use crate::server::truth;
use crate::stage::{Stage, reading_stage, stage, until};
use crate::wire::{Client, bind, execute, parse, run};
use sallyport_postgres::wire::write;
use std::sync::atomic::Ordering;

/// Without descriptions, and without what the server says of its settings.
fn plain(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| line != "columns" && line != "S").collect()
}

fn asked(client: &mut Client, sql: &str) -> Vec<String> {
    plain(client.query(sql))
}

fn shows(client: &mut Client, setting: &str) -> String {
    asked(client, &format!("SHOW {setting}"))[0].clone()
}

fn extended(client: &mut Client, sql: &str) -> Vec<String> {
    client.send(|out| {
        run(out, sql);
        write::sync(out);
    });
    plain(client.until_ready())
}

fn is_refused(client: &mut Client, number: u32) -> bool {
    asked(client, &format!("SELECT hidden({number})"))[0].starts_with("error 25006")
}

fn written(number: u32) -> String {
    truth(&format!("SELECT count(*) FROM scratch WHERE id = {number}"))
}

fn rules_change(stage: &Stage, reads: bool) {
    stage.reads.store(reads, Ordering::SeqCst);
    stage.epoch.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_hidden_write_is_refused_by_the_database_and_reported() {
    let stage = reading_stage();
    let mut client = Client::connect(stage.port);
    for lines in [
        client.query("SELECT hidden(4711)"),
        client.query("SELECT 1; SELECT hidden(4711)"),
        extended(&mut client, "SELECT hidden(4711)"),
        client.query("PREPARE h AS SELECT hidden(4711); EXECUTE h"),
        client.query("EXPLAIN ANALYZE SELECT hidden(4711)"),
        client.query("COPY (SELECT hidden(4711)) TO STDOUT"),
    ] {
        assert!(lines.iter().any(|line| line.starts_with("error 25006")), "{lines:?}");
    }
    assert_eq!(written(4711), "0");
    assert_eq!(client.query("SELECT 'goes on'")[1], "row goes on");
    let recorded = stage.recorded();
    assert_eq!(recorded.matches("a disagreement to report: the database refused command").count(), 6);
    assert!(recorded.contains("(25006), which the rules let pass as: "), "{recorded}");
    assert!(
        recorded.lines().any(|line| line.contains("let pass as: ") && line.contains("hidden")),
        "{recorded}"
    );
    assert!(recorded.contains("read-only in the database too"), "{recorded}");
    assert!(String::from_utf8_lossy(&client.seen).contains("as a defect to report"));
}

#[test]
fn a_pipeline_keeps_its_step_over_a_disagreement() {
    let stage = reading_stage();
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        run(out, "SELECT 1");
        run(out, "SELECT hidden(4712)");
        run(out, "SELECT 3");
        write::sync(out);
        run(out, "SELECT 4");
        write::sync(out);
    });
    let lines = client.until_ready();
    assert!(lines.iter().any(|line| line.starts_with("error 25006")), "{lines:?}");
    assert!(client.until_ready().contains(&"row 4".to_owned()));
    assert_eq!(written(4712), "0");
    assert_eq!(stage.recorded().matches("a disagreement to report").count(), 1);
}

/// Statements after which the caller would like to write, each with what comes before it.
const WAYS: &[&[&str]] = &[
    &["SET default_transaction_read_only = off"],
    &["SET default_transaction_read_only TO 'false'"],
    &["SET SESSION default_transaction_read_only TO no"],
    &["set session Default_Transaction_Read_Only to 0"],
    &["SET \"default_transaction_read_only\" = f"],
    &["SET U&\"default\\005ftransaction_read_only\" = off"],
    &["SET default_transaction_read_only TO DEFAULT"],
    &["RESET default_transaction_read_only"],
    &["RESET ALL"],
    &["DISCARD ALL"],
    &["SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"],
    &["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, READ WRITE"],
    &[
        "SET /* x */ SESSION CHARACTERISTICS AS TRANSACTION READ -- ONLY\n WRITE, ISOLATION LEVEL READ COMMITTED",
    ],
    &["SELECT set_config('default_transaction_read_only', 'off', false)"],
    &["SELECT pg_catalog.set_config('DEFAULT_TRANSACTION_READ_ONLY', 'no', false)"],
    &["SELECT set_config('default_transaction_read_only', (SELECT 'off'), false)"],
    &["PREPARE off AS SELECT set_config('default_transaction_read_only', $1, false)", "EXECUTE off('off')"],
    &["BEGIN READ WRITE"],
    &["begin work read\twrite"],
    &["BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ/**/WRITE, NOT DEFERRABLE"],
    &["START TRANSACTION READ WRITE"],
    &["START TRANSACTION READ WRITE, READ WRITE"],
    &["BEGIN", "SET TRANSACTION READ WRITE"],
    &["BEGIN", "SET LOCAL TRANSACTION READ WRITE"],
    &["BEGIN", "SET transaction_read_only = off"],
    &["BEGIN", "SET LOCAL transaction_read_only TO 'off'"],
    &["BEGIN", "SET transaction_read_only TO DEFAULT"],
    &["BEGIN", "RESET transaction_read_only"],
    &["BEGIN", "SELECT set_config('transaction_read_only', 'off', true)"],
    &["BEGIN", "SAVEPOINT s", "SET TRANSACTION READ WRITE"],
    &["BEGIN", "SET LOCAL default_transaction_read_only = off", "COMMIT AND CHAIN"],
    &["BEGIN READ WRITE", "COMMIT AND CHAIN"],
    &["BEGIN READ WRITE", "ROLLBACK AND CHAIN"],
    &["BEGIN; SET TRANSACTION READ WRITE; SELECT 1"],
    &["SET default_transaction_read_only = on; SET default_transaction_read_only = off"],
    &["ALTER ROLE postgres SET default_transaction_read_only = off"],
    &["ALTER DATABASE postgres SET default_transaction_read_only = off"],
    &["UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'"],
    &["DO $$ BEGIN SET default_transaction_read_only = off; END $$"],
];

fn cannot_write(client: &mut Client, way: &[&str], number: u32) {
    let lines = asked(client, &format!("SELECT hidden({number})"));
    let refused = lines[0].starts_with("error 25006") || lines[0].starts_with("error 25P02");
    assert!(refused, "{way:?}: {lines:?}");
    client.query("ROLLBACK");
    assert!(is_refused(client, number), "{way:?}");
    assert_eq!(shows(client, "transaction_read_only"), "row on", "{way:?}");
    assert_eq!(shows(client, "default_transaction_read_only"), "row on", "{way:?}");
}

#[test]
fn no_spelling_turns_it_off() {
    let stage = reading_stage();
    for way in WAYS {
        let mut client = Client::connect(stage.port);
        for sql in *way {
            client.query(sql);
        }
        cannot_write(&mut client, way, 4713);
        let mut client = Client::connect(stage.port);
        for sql in *way {
            extended(&mut client, sql);
        }
        cannot_write(&mut client, way, 4713);
    }
    assert!(WAYS.len() > 35);
    assert_eq!(written(4713), "0");
    assert_eq!(truth("SELECT count(*) FROM pg_db_role_setting"), "0");
}

#[test]
fn values_that_are_bound_turn_nothing_off() {
    let stage = reading_stage();
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "c", "SELECT set_config($1, $2, false)");
        write::sync(out);
        bind(out, "", "c", &["default_transaction_read_only", "off"], false);
        execute(out, "", 0);
        write::sync(out);
    });
    client.until_ready();
    client.until_ready();
    // A name that nobody knew beforehand: the rules of this house let it pass, and the server says what it did.
    cannot_write(&mut client, &["a bound name"], 4714);
    assert_eq!(written(4714), "0");
}

/// What drivers say before they do anything.
#[test]
fn what_drivers_say_passes_and_changes_nothing() {
    let stage = reading_stage();
    let mut client = Client::connect(stage.port);
    for begin in [
        "BEGIN READ WRITE",
        "START TRANSACTION READ WRITE",
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE",
        "begin transaction isolation level read committed read write",
    ] {
        for simple in [true, false] {
            let lines = if simple { asked(&mut client, begin) } else { extended(&mut client, begin) };
            assert_eq!(lines.last().map(String::as_str), Some("ready T"), "{begin}: {lines:?}");
            assert_eq!(asked(&mut client, "SELECT 1 AS one")[0], "row 1");
            assert_eq!(shows(&mut client, "transaction_read_only"), "row on", "{begin}");
            assert_eq!(asked(&mut client, "COMMIT"), ["done COMMIT", "ready I"]);
        }
    }
    for sql in [
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET default_transaction_read_only TO DEFAULT",
        "RESET ALL",
        "DISCARD ALL",
    ] {
        let lines = asked(&mut client, sql);
        assert!(lines[0].starts_with("done "), "{sql}: {lines:?}");
    }
    let refused = client.query("SET default_transaction_read_only TO 'off'");
    assert!(refused[0].contains("No rule lets you write here"), "{refused:?}");
    assert!(stage.recorded().contains("BEGIN READ WRITE"), "the record says what was asked");
    assert!(!stage.recorded().contains("a disagreement"), "{}", stage.recorded());
}

#[test]
fn a_session_whose_caller_may_write_is_told_nothing() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    assert_eq!(shows(&mut client, "default_transaction_read_only"), "row off");
    assert_eq!(client.query("BEGIN READ WRITE; SELECT hidden(4715); COMMIT").last().unwrap(), "ready I");
    assert_eq!(written(4715), "1");
    client.query("SET default_transaction_read_only = on");
    assert!(is_refused(&mut client, 4716));
    assert!(!stage.recorded().contains("disagreement"), "the caller's own wish is no disagreement");
}

#[test]
fn a_live_session_follows_the_rules() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "b", "BEGIN READ WRITE");
        parse(out, "", "SELECT 'unnamed'");
        write::sync(out);
    });
    client.until_ready();
    rules_change(&stage, true);
    // What the client prepared without a name is still there.
    client.send(|out| {
        bind(out, "", "", &[], false);
        execute(out, "", 0);
        write::sync(out);
    });
    assert!(client.until_ready().contains(&"row unnamed".to_owned()));
    assert_eq!(shows(&mut client, "default_transaction_read_only"), "row on");
    assert!(is_refused(&mut client, 4717));
    client.send(|out| {
        bind(out, "", "b", &[], false);
        execute(out, "", 0);
        write::sync(out);
    });
    assert!(plain(client.until_ready())[0].contains("Prepare it again"));
    // What resets settings goes back to what the session began with; the next statement finds it set again.
    client.query("DISCARD ALL");
    assert!(is_refused(&mut client, 4717));
    assert_eq!(written(4717), "0");
    rules_change(&stage, false);
    assert_eq!(asked(&mut client, "SELECT hidden(4718)")[0], "row 4718");
    assert_eq!(shows(&mut client, "default_transaction_read_only"), "row off");

    // A session that was opened to read, and may write later.
    rules_change(&stage, true);
    let mut reader = Client::connect(stage.port);
    assert!(is_refused(&mut reader, 4719));
    reader.query("BEGIN");
    reader.query("SELECT 1");
    rules_change(&stage, false);
    assert!(is_refused(&mut reader, 4719), "an open transaction goes on as it began");
    assert!(String::from_utf8_lossy(&reader.seen).contains("The rules changed after this began."));
    reader.query("ROLLBACK");
    assert_eq!(asked(&mut reader, "SELECT hidden(4719)")[0], "row 4719");
    reader.query("DISCARD ALL");
    assert!(is_refused(&mut reader, 4720), "settings are what the session began with");
    // Those of the three that were refused while no rule let anybody write.
    assert_eq!(stage.recorded().matches("a disagreement to report").count(), 3, "{}", stage.recorded());
}

#[test]
fn a_pipeline_over_a_change_of_rules_keeps_its_step() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    for round in 0..20 {
        rules_change(&stage, round % 2 == 0);
        client.send(|out| {
            for number in 0..50 {
                write::query(out, &format!("SELECT {number}"));
            }
        });
        if round == 7 {
            rules_change(&stage, round % 2 != 0);
        }
        for number in 0..50 {
            assert_eq!(plain(client.until_ready())[0], format!("row {number}"));
        }
    }
}

#[test]
fn a_function_that_turns_it_off_is_noticed() {
    let stage = reading_stage();
    let mut client = Client::connect(stage.port);
    client.query("SELECT loosen()");
    until("it is noticed", || stage.recorded().contains("made transactions writable"));
    assert!(is_refused(&mut client, 4721));
    assert_eq!(shows(&mut client, "default_transaction_read_only"), "row on");
    assert_eq!(written(4721), "0");
}
