//! What a caller tries while a command of its own waits for people.

use crate::server::truth;
use crate::stage::{stage, until};
use crate::wire::{Client, bind, execute, parse, run, show};
use sallyport_postgres::wire::write;
use std::net::Shutdown;

#[test]
fn nothing_overtakes_a_held_command() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE w1 AS SELECT 1 AS id");
    client.send(|out| {
        write::query(out, "UPDATE w1 SET id = 2");
        write::query(out, "INSERT INTO w1 VALUES (7)");
        run(out, "INSERT INTO w1 VALUES (8)");
        write::sync(out);
    });
    assert!(show(&client.next()).contains("waits for approval A0"));
    assert_eq!(truth("SELECT string_agg(id::text, ',') FROM w1"), "1", "something overtook it");
    let recorded = stage.recorded();
    assert!(!recorded.contains("INSERT INTO w1"), "what waits behind was looked at: {recorded}");
    stage.desk.approve("A0");
    assert_eq!(client.until_ready(), ["done UPDATE 1", "ready I"]);
    assert_eq!(client.until_ready(), ["done INSERT 0 1", "ready I"]);
    assert_eq!(client.until_ready().last().unwrap(), "ready I");
    assert_eq!(truth("SELECT string_agg(id::text, ',') FROM w1"), "2,7,8");
}

#[test]
fn what_follows_a_refused_bind_is_dropped_up_to_its_sync() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE w2 AS SELECT 1 AS id");
    client.send(|out| {
        run(out, "INSERT INTO w2 VALUES (5)");
        parse(out, "", "UPDATE w2 SET id = $1");
        bind(out, "", "", &["6"], false);
        execute(out, "", 0);
        run(out, "INSERT INTO w2 VALUES (9)");
        write::sync(out);
        write::query(out, "SELECT 'in step'");
    });
    while !show(&client.next()).contains("waits for approval A0") {}
    stage.desk.refuse("A0");
    let lines = client.until_ready();
    assert!(lines.iter().any(|line| line.contains("not today")), "{lines:?}");
    assert_eq!(client.until_ready()[1], "row in step");
    assert_eq!(truth("SELECT string_agg(id::text, ',') FROM w2"), "1", "the pipeline ran in part");
}

/// The end of a connection comes after everything that was sent before it. A gateway that stops reading there would
/// let the approval of somebody who left run.
#[test]
fn a_caller_that_leaves_behind_a_pile_has_left() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE w3 AS SELECT 1 AS id");
    client.send(|out| write::query(out, "UPDATE w3 SET id = 2"));
    assert!(show(&client.next()).contains("waits for approval A0"));
    let padding = " ".repeat(100_000);
    client.send(|out| (0..20).for_each(|_| write::query(out, &format!("SELECT 1{padding}"))));
    client.stream.shutdown(Shutdown::Both).unwrap();
    until("the request is withdrawn", || !stage.desk.withdrawn.lock().unwrap().is_empty());
    until("the session is over", || stage.recorded().contains(r#""event":"closed""#));
    assert_eq!(truth("SELECT id FROM w3"), "1");
}

#[test]
fn a_pile_without_end_ends_the_session() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE w4 AS SELECT 1 AS id");
    client.send(|out| write::query(out, "UPDATE w4 SET id = 2"));
    assert!(show(&client.next()).contains("waits for approval A0"));
    let mut sending = client.stream.try_clone().unwrap();
    let pile = std::thread::spawn(move || {
        let padding = vec![b' '; 1024 * 1024];
        (0..64).any(|_| std::io::Write::write_all(&mut sending, &padding).is_err())
    });
    until("the request is withdrawn", || stage.desk.withdrawn.lock().unwrap().as_slice() == ["A0"]);
    assert!(pile.join().unwrap(), "64 MiB were taken behind a command that waits");
    until("the session is over", || stage.recorded().contains(r#""event":"closed""#));
    assert!(stage.recorded().contains("16 MiB were sent behind"), "{}", stage.recorded());
    assert_eq!(truth("SELECT id FROM w4"), "1");
}
