//! Orders of messages that a gateway of this kind must not lose its step over.

use crate::server::truth;
use crate::stage::stage;
use crate::wire::{Client, bind, execute, parse, run, show};
use sallyport_postgres::wire::{front::Named, write};
use std::net::Shutdown;

#[test]
fn a_refused_query_gets_an_error_and_the_next_one_its_own_answer() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let refused = client.query("DROP TABLE plain");
    assert!(refused[0].starts_with("error 42501 Dropping"), "{refused:?}");
    assert_eq!(refused[1], "ready I");
    assert_eq!(client.query("SELECT 'mine'"), ["columns", "row mine", "done SELECT 1", "ready I"]);
}

#[test]
fn a_refusal_within_a_transaction_fails_the_transaction() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    assert_eq!(client.query("BEGIN"), ["done BEGIN", "ready T"]);
    client.query("CREATE TABLE half_done (id int)");
    let refused = client.query("DROP TABLE plain");
    assert!(refused[0].starts_with("error 42501"), "{refused:?}");
    assert_eq!(refused[1], "ready E");
    assert!(client.query("SELECT 1")[0].starts_with("error 25P02"));
    // A refusal within the failed transaction stays in step as well.
    let again = client.query("DROP TABLE plain");
    assert!(again[0].starts_with("error 42501") && again[1] == "ready E", "{again:?}");
    assert_eq!(client.query("COMMIT"), ["done ROLLBACK", "ready I"]);
    assert_eq!(truth("SELECT count(*) FROM pg_class WHERE relname = 'half_done'"), "0");
}

#[test]
fn one_refused_statement_of_several_stops_them_all_and_is_named() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let lines = client.query("CREATE TABLE never (id int); DROP TABLE plain; SELECT 1");
    assert!(lines[0].contains("[statement 2 of 3; none of them ran]"), "{lines:?}");
    assert_eq!(lines[1], "ready I");
    assert_eq!(truth("SELECT count(*) FROM pg_class WHERE relname = 'never'"), "0");
    let both = client.query("SELECT 1; SELECT 2; ;");
    assert_eq!(both, ["columns", "row 1", "done SELECT 1", "columns", "row 2", "done SELECT 1", "ready I"]);
    assert_eq!(client.query("  -- nothing"), ["I", "ready I"]);
}

#[test]
fn the_third_of_ten_pipelined_is_refused_in_its_place() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        for number in 0..10 {
            let sql = if number == 2 { "DROP TABLE plain".into() } else { format!("SELECT {number}") };
            run(out, &sql);
        }
        write::sync(out);
        run(out, "SELECT 'after'");
        write::sync(out);
    });
    let first = client.until_ready();
    let one = |value: &str| {
        vec!["1".into(), "2".into(), "columns".into(), format!("row {value}"), "done SELECT 1".into()]
    };
    let mut expected: Vec<String> = [one("0"), one("1")].concat();
    expected.push("error 42501 Dropping is not allowed. (rule no-drop)".into());
    expected.push("ready I".into());
    assert_eq!(first, expected);
    assert_eq!(client.until_ready(), [one("after"), vec!["ready I".into()]].concat());
}

/// What the recording says of the outcomes, in order: number, tag, rows.
fn outcomes(stage: &crate::stage::Stage) -> Vec<(u64, String, u64)> {
    let log = stage.log.0.lock().unwrap();
    let done = log.iter().filter(|event| event["event"] == "done" && event["tag"] != "PARSE");
    let tag = |event: &serde_json::Value| match event["error"].as_str() {
        Some(error) => error[..5].to_owned(),
        None => event["tag"].as_str().unwrap().to_owned(),
    };
    done.map(|it| (it["of"].as_u64().unwrap(), tag(it), it["rows"].as_u64().unwrap())).collect()
}

#[test]
fn the_outcomes_of_a_pipeline_are_written_when_its_answers_came() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        for sql in ["SELECT 1", "SELECT 2", "DROP TABLE plain", "SELECT 4"] {
            run(out, sql);
        }
        write::sync(out);
    });
    client.until_ready();
    // Parse, Bind, Parse, Bind: the commands that run are the even ones.
    assert_eq!(outcomes(&stage), [(2, "SELECT 1".into(), 1), (4, "SELECT 1".into(), 1)]);
    let log = stage.log.0.lock().unwrap().clone();
    for of in [2, 4] {
        let at = |event: &str| log.iter().position(|it| it["event"] == event && it["of"] == of).unwrap();
        assert!(at("row") < at("done"), "the rows of {of} came after its outcome");
    }
}

#[test]
fn portals_that_were_never_run_and_never_ended_are_put_down_as_such() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "s", "SELECT id FROM plain ORDER BY id LIMIT 5");
        bind(out, "never", "s", &[], false);
        bind(out, "half", "s", &[], false);
        execute(out, "half", 2);
        bind(out, "replaced", "s", &[], false);
        execute(out, "replaced", 2);
        // Bound anew before the answer came: the rows that come belong to the first.
        write::message(out, b'C', |out| out.extend_from_slice(b"Preplaced\0"));
        bind(out, "replaced", "s", &[], false);
        execute(out, "replaced", 0);
        write::sync(out);
    });
    let lines = client.until_ready();
    assert_eq!(lines.iter().filter(|line| line.starts_with("row")).count(), 9, "{lines:?}");
    let mut outcomes = outcomes(&stage);
    outcomes.sort();
    let expected = [
        (2, "not executed".into(), 0),
        (3, "not read to its end".into(), 2),
        (4, "not read to its end".into(), 2),
        (5, "SELECT 5".into(), 5),
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn a_pipeline_of_thousands_keeps_its_step_and_its_record() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        for number in 0..3000 {
            run(out, &format!("SELECT {number}"));
        }
        write::sync(out);
    });
    let lines = client.until_ready();
    let rows: Vec<_> = lines.iter().filter(|line| line.starts_with("row")).cloned().collect();
    assert_eq!(rows, (0..3000).map(|number| format!("row {number}")).collect::<Vec<_>>());
    let outcomes = outcomes(&stage);
    assert_eq!(outcomes.len(), 3000);
    assert!(outcomes.iter().all(|(_, tag, rows)| tag == "SELECT 1" && *rows == 1));
}

#[test]
fn rules_that_change_under_a_result_make_its_masks_anew() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.3)%' AND state = 'active' AND pid <> pg_backend_pid()";
    client.send(|out| write::query(out, "SELECT email, pg_sleep(0.3) FROM customers WHERE id = 1"));
    while truth(sleeping) == "0" {
        std::thread::yield_now();
    }
    stage.masks.store(true, std::sync::atomic::Ordering::SeqCst);
    stage.epoch.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let lines = client.until_ready();
    assert!(lines[1].starts_with("row [redacted]|"), "{lines:?}");

    stage.masks.store(false, std::sync::atomic::Ordering::SeqCst);
    stage.epoch.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let many = "SELECT email, repeat('x', 1000) FROM customers, generate_series(1, 20000) WHERE id = 1";
    client.send(|out| write::query(out, many));
    assert_eq!(show(&client.next()), "columns");
    assert!(show(&client.next()).starts_with("row ada@canary.example"));
    // The gateway and the kernel hold no more than a part of it until the client reads on.
    stage.masks.store(true, std::sync::atomic::Ordering::SeqCst);
    stage.epoch.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let lines = client.until_ready();
    assert_eq!(lines.len(), 20_001, "{:?}", lines.last());
    assert!(lines[19_998].starts_with("row [redacted]|x"), "a row under rules that were replaced");
    assert_eq!(client.query("SELECT email FROM customers WHERE id = 1")[1], "row [redacted]");
}

#[test]
fn a_refusal_rolls_back_what_its_pipeline_did_before() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        run(out, "INSERT INTO scratch VALUES (777)");
        run(out, "DROP TABLE plain");
        write::sync(out);
    });
    let lines = client.until_ready();
    assert!(lines.iter().any(|line| line.starts_with("error 42501")), "{lines:?}");
    assert_eq!(truth("SELECT count(*) FROM scratch WHERE id = 777"), "0");
}

#[test]
fn each_pipelined_query_gets_its_own_answer_whatever_was_refused_between() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        for number in 0..50 {
            write::query(out, &format!("SELECT {number}"));
            write::query(out, "DROP TABLE plain");
        }
    });
    for number in 0..50 {
        let lines = client.until_ready();
        assert_eq!(
            lines,
            ["columns".into(), format!("row {number}"), "done SELECT 1".into(), "ready I".into()]
        );
        let refused = client.until_ready();
        assert!(refused[0].starts_with("error 42501") && refused.len() == 2, "{refused:?}");
    }
}

#[test]
fn fast_path_calls_are_refused_and_the_connection_lives() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| write::message(out, b'F', |out| out.extend_from_slice(&[0; 12])));
    let lines = client.until_ready();
    assert!(lines[0].starts_with("error 42501 Fast-path") && lines[1] == "ready I", "{lines:?}");
    assert_eq!(client.query("SELECT 1").len(), 4);
}

#[test]
fn an_unknown_message_or_a_second_password_ends_the_session() {
    for tag in [b'p', b'y', b'W'] {
        let stage = stage(false);
        let mut client = Client::connect(stage.port);
        client.send(|out| write::message(out, tag, |out| out.extend_from_slice(b"x\0")));
        let lines = client.until_closed();
        assert!(lines.len() == 1 && lines[0].starts_with("error"), "{lines:?}");
        while !stage.recorded().contains(r#""event":"closed""#) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_name_prepared_anew_is_judged_anew() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "s", "SELECT 1");
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["1", "ready I"]);
    // The name is taken: the server refuses, and the old statement stays what it was.
    client.send(|out| {
        parse(out, "s", "SELECT 2");
        write::sync(out);
        bind(out, "", "s", &[], false);
        execute(out, "", 0);
        write::sync(out);
    });
    assert!(client.until_ready()[0].starts_with("error 42P05"));
    assert_eq!(client.until_ready(), ["2", "row 1", "done SELECT 1", "ready I"]);
    assert_eq!(client.query("DEALLOCATE s"), ["done DEALLOCATE", "ready I"]);
    client.send(|out| {
        bind(out, "", "s", &[], false);
        write::sync(out);
    });
    assert!(client.until_ready()[0].starts_with("error 26000"));
}

#[test]
fn prepare_and_execute_in_sql_are_judged_by_what_they_run() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    assert_eq!(client.query("PREPARE fine AS SELECT 5")[0], "done PREPARE");
    assert_eq!(client.query("EXECUTE fine")[1], "row 5");
    let all = client.query("PREPARE w AS UPDATE scratch SET id = 1; SELECT 1");
    assert_eq!(all[0], "done PREPARE", "{all:?}");
    assert!(client.query("EXECUTE unheard_of")[0].starts_with("error 42501"));
    assert!(
        client.query("PREPARE d AS DELETE FROM plain WHERE id = 1; DEALLOCATE ALL")[0].starts_with("done")
    );
    assert!(client.query("EXECUTE fine")[0].starts_with("error 42501"));
}

#[test]
fn cursors_carry_what_they_were_declared_for() {
    let stage = stage(true);
    let mut client = Client::connect(stage.port);
    client.query("BEGIN");
    client.query("DECLARE c CURSOR FOR SELECT email, upper(email) FROM customers WHERE id = 1");
    let lines = client.query("FETCH ALL FROM c");
    assert_eq!(lines[1], "row [redacted]|[redacted]", "{lines:?}");
    assert!(!String::from_utf8_lossy(&client.seen).to_lowercase().contains("canary"));
}

#[test]
fn portals_go_on_row_by_row() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "", "SELECT id FROM plain ORDER BY id LIMIT 5");
        bind(out, "p", "", &[], false);
        execute(out, "p", 2);
        execute(out, "p", 2);
        write::flush(out);
    });
    let mut lines = Vec::new();
    while lines.iter().filter(|line: &&String| line.as_str() == "s").count() < 2 {
        lines.push(show(&client.next()));
    }
    assert_eq!(lines, ["1", "2", "row 1", "row 2", "s", "row 3", "row 4", "s"]);
    client.send(|out| {
        execute(out, "p", 0);
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["row 5", "done SELECT 1", "ready I"]);
    let dones = stage.recorded().matches(r#""event":"done""#).count();
    assert_eq!(dones, 1, "one for the portal, and none for a Parse that worked");
}

#[test]
fn a_command_within_copy_fails_the_copy_and_does_not_run() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| write::query(out, "COPY scratch FROM STDIN"));
    assert_eq!(show(&client.next()), "G");
    client.send(|out| {
        write::message(out, b'd', |out| out.extend_from_slice(b"888\n"));
        write::query(out, "DROP TABLE plain");
    });
    let lines = client.until_ready();
    assert!(lines[0].starts_with("error 57014"), "{lines:?}");
    assert_eq!(client.query("SELECT count(*) FROM scratch WHERE id = 888")[1], "row 0");
}

#[test]
fn copy_by_the_extended_protocol_with_an_early_sync() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "", "COPY scratch FROM STDIN");
        bind(out, "", "", &[], false);
        execute(out, "", 0);
        write::sync(out);
        write::message(out, b'd', |out| out.extend_from_slice(b"999\n"));
        write::message(out, b'c', |_| {});
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["1", "2", "G", "done COPY 1", "ready I"]);
    assert_eq!(client.query("SELECT 1")[1], "row 1");
}

#[test]
fn a_held_command_runs_when_it_is_approved() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE h1 AS SELECT 1 AS id");
    client.send(|out| write::query(out, "UPDATE h1 SET id = 41"));
    let notice = show(&client.next());
    assert!(notice.contains("waits for approval A0"), "{notice}");
    assert_eq!(truth("SELECT id FROM h1"), "1");
    stage.desk.approve("A0");
    assert_eq!(client.until_ready(), ["done UPDATE 1", "ready I"]);
    assert_eq!(truth("SELECT id FROM h1"), "41");
}

#[test]
fn a_held_bind_waits_with_its_values() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE h2 AS SELECT 1 AS id");
    client.send(|out| {
        run(out, "SELECT 'before'");
        parse(out, "", "UPDATE h2 SET id = $1");
        bind(out, "", "", &["6"], false);
        execute(out, "", 0);
        write::sync(out);
    });
    let mut lines = Vec::new();
    while !lines.iter().any(|line: &String| line.starts_with("notice")) {
        lines.push(show(&client.next()));
    }
    stage.desk.approve("A0");
    lines.extend(client.until_ready());
    lines.retain(|line| !line.starts_with("notice"));
    assert_eq!(
        lines,
        ["1", "2", "columns", "row before", "done SELECT 1", "1", "2", "done UPDATE 1", "ready I"]
    );
    assert_eq!(truth("SELECT id FROM h2"), "6");
}

#[test]
fn a_hold_ends_by_refusal_cancel_and_leaving() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE h3 AS SELECT 1 AS id");
    client.send(|out| write::query(out, "UPDATE h3 SET id = 2"));
    client.next();
    stage.desk.refuse("A0");
    let refused = client.until_ready();
    assert!(refused[0].contains("Refused by an approver: not today"), "{refused:?}");

    client.send(|out| write::query(out, "UPDATE h3 SET id = 3"));
    client.next();
    cancel(stage.port, client.key.0, &[1, 2, 3, 4]);
    cancel(stage.port, client.key.0, &client.key.1.clone());
    let cancelled = client.until_ready();
    assert!(cancelled[0].starts_with("error 57014"), "{cancelled:?}");
    assert_eq!(stage.desk.withdrawn.lock().unwrap().as_slice(), ["A1"]);
    assert_eq!(client.query("SELECT id FROM h3")[1], "row 1");

    client.send(|out| write::query(out, "UPDATE h3 SET id = 4"));
    client.next();
    client.stream.shutdown(Shutdown::Both).unwrap();
    while stage.desk.withdrawn.lock().unwrap().len() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(truth("SELECT id FROM h3"), "1");
}

#[test]
fn a_deferred_command_passes_once_after_approval() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let sql = "UPDATE plain SET note = note";
    let first = client.query(sql);
    assert!(first[0].starts_with("error 42501"), "{first:?}");
    stage.desk.grant_later("A0");
    assert_eq!(client.query(sql), ["done UPDATE 1000", "ready I"]);
    assert!(client.query(sql)[0].starts_with("error 42501"));
}

#[test]
fn a_running_query_is_cancelled_by_the_gateways_own_key() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| write::query(out, "SELECT pg_sleep(60)"));
    let asking =
        "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'";
    while truth(asking) == "0" {
        std::thread::yield_now();
    }
    cancel(stage.port, client.key.0, &client.key.1.clone());
    let lines = client.until_ready();
    assert!(lines.iter().any(|line| line.starts_with("error 57014")), "{lines:?}");
    let noted = |recorded: &str| recorded.matches("a request to cancel was passed on").count();
    let recorded = stage.recorded();
    let (before, after) = recorded.split_once("was passed on to the target").expect("it is noted");
    assert!(!before.contains("57014") && after.contains("57014"), "{recorded}");

    // Where nothing runs the target does nothing, and it is noted all the same.
    cancel(stage.port, client.key.0, &client.key.1.clone());
    cancel(stage.port, client.key.0, &[9, 9, 9, 9]);
    client.stream.shutdown(Shutdown::Both).unwrap();
    while !stage.recorded().contains(r#""event":"closed""#) {
        std::thread::yield_now();
    }
    assert_eq!(noted(&stage.recorded()), 2, "{}", stage.recorded());
}

#[test]
fn a_killed_session_is_told_why() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    stage.kill.lock().unwrap()[0].send_replace(Some("Ended by an administrator.".into()));
    assert_eq!(client.until_closed(), ["error 57P01 Ended by an administrator."]);
}

#[test]
fn notifications_and_parameters_pass() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("LISTEN news");
    let lines = client.query("NOTIFY news, 'hello'");
    assert!(lines.contains(&"notification".to_owned()), "{lines:?}");
    let lines = client.query("SET application_name TO 'x'");
    assert_eq!(lines, ["done SET", "S", "ready I"]);
}

#[test]
fn a_large_result_and_a_large_value_pass() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let lines = client.query("SELECT repeat('x', 3000000), n FROM generate_series(1, 3) n");
    assert_eq!(lines.len(), 6);
    assert!(lines[3].len() > 3_000_000 && lines[3].ends_with("|3"));
    assert_eq!(client.query("SELECT n FROM generate_series(1, 100000) n").len(), 100_003);
}

#[test]
fn text_that_the_target_would_read_differently_is_refused() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    assert!(client.query("SET client_encoding TO 'SJIS'")[0].starts_with("error 42501"));
    client.send(|out| write::message(out, b'Q', |out| out.extend_from_slice(b"SELECT '\x82'\0")));
    let lines = client.until_ready();
    assert!(lines[0].starts_with("error 0A000") && lines[1] == "ready I", "{lines:?}");
    assert_eq!(client.query("SELECT 'あ'")[1], "row あ");
}

fn cancel(port: u16, pid: u32, key: &[u8]) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut out = (12 + key.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(&80_877_102u32.to_be_bytes());
    out.extend_from_slice(&pid.to_be_bytes());
    out.extend_from_slice(key);
    stream.write_all(&out).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn describing_a_statement_needs_no_rows() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        parse(out, "d", "SELECT id FROM plain WHERE id = $1");
        write::describe(out, Named::Statement, "d");
        bind(out, "", "d", &["3"], false);
        execute(out, "", 0);
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["1", "t", "columns", "2", "row 3", "done SELECT 1", "ready I"]);
}

#[test]
fn a_portal_bound_under_earlier_rules_is_judged_again() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE h4 AS SELECT 1 AS id");
    client.send(|out| {
        parse(out, "", "SELECT id FROM plain ORDER BY id LIMIT 3");
        bind(out, "p", "", &[], false);
        execute(out, "p", 1);
        write::flush(out);
    });
    while show(&client.next()) != "s" {}
    stage.epoch.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    client.send(|out| {
        execute(out, "p", 0);
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["row 2", "row 3", "done SELECT 2", "ready I"]);
    let recorded = stage.recorded();
    assert!(recorded.contains(r#""kind":"continue""#), "{recorded}");
}

#[test]
fn statements_cleared_before_a_wait_do_not_run_under_other_rules() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE h5 AS SELECT 1 AS id");
    client.send(|out| write::query(out, "INSERT INTO h5 VALUES (2); UPDATE h5 SET id = 9"));
    client.next();
    stage.epoch.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    stage.desk.approve("A0");
    let lines = client.until_ready();
    assert!(lines[0].contains("The rules changed") && lines[1] == "ready I", "{lines:?}");
    assert_eq!(truth("SELECT string_agg(id::text, ',') FROM h5"), "1");
}

#[test]
fn a_slow_reader_gets_everything_in_the_end() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| write::query(out, "SELECT repeat('x', 1000), n FROM generate_series(1, 20000) n"));
    // Byte by byte at first, until the gateway and the kernel hold all they will.
    for _ in 0..2000 {
        client.trickle();
    }
    let lines = client.until_ready();
    assert_eq!(lines.len(), 20_003);
    assert!(lines[20_000].ends_with("|20000"));
}

#[test]
fn many_large_statements_without_reading_all_run() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let padding = " ".repeat(100_000);
    client.send(|out| {
        for number in 0..60 {
            write::query(out, &format!("SELECT {number}{padding}"));
        }
    });
    for number in 0..60 {
        assert_eq!(client.until_ready()[1], format!("row {number}"));
    }
}

#[test]
fn copy_data_after_a_copy_that_failed_is_dropped() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        write::query(out, "COPY scratch FROM STDIN");
        write::message(out, b'd', |out| out.extend_from_slice(b"not a number\n"));
        for _ in 0..40 {
            write::message(out, b'd', |out| out.extend(std::iter::repeat_n(b'1', 100_000)));
        }
        write::message(out, b'c', |_| {});
        write::query(out, "SELECT 'in step'");
    });
    let lines = client.until_ready();
    assert!(lines.iter().any(|line| line.starts_with("error 22P02")), "{lines:?}");
    assert_eq!(client.until_ready()[1], "row in step");
}

#[test]
fn a_target_that_ends_the_session_is_quoted_once() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let pid = client.query("SELECT pg_backend_pid()")[1].clone();
    truth(&format!("SELECT pg_terminate_backend({})", &pid[4..]));
    let lines = client.until_closed();
    assert!(lines.len() == 1 && lines[0].starts_with("error 57P01"), "{lines:?}");
}
