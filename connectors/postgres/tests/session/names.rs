//! Names that the gateway and the target could take for different ones.

use crate::server::truth;
use crate::stage::stage;
use crate::wire::{Client, bind, close, execute, parse};
use sallyport_postgres::wire::{front::Named, write};

/// PostgreSQL keeps 63 bytes of a name and takes two that begin alike for one. A gateway that kept more of them would
/// judge one statement and have the other run.
#[test]
fn two_long_names_are_not_one_statement() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE n1 AS SELECT 1 AS id");
    let (innocent, guilty) = (format!("{}x", "a".repeat(63)), format!("{}y", "a".repeat(63)));
    client.send(|out| {
        parse(out, &innocent, "SELECT 1");
        write::sync(out);
        close(out, Named::Statement, &guilty);
        write::sync(out);
        parse(out, &guilty, "UPDATE n1 SET id = 66");
        write::sync(out);
        bind(out, "", &innocent, &[], false);
        execute(out, "", 0);
        write::sync(out);
        write::describe(out, Named::Statement, &innocent);
        write::sync(out);
        execute(out, &innocent, 0);
        write::sync(out);
    });
    for _ in 0..6 {
        let lines = client.until_ready();
        assert!(lines[0].starts_with("error 42622") && lines[1] == "ready I", "{lines:?}");
    }
    assert_eq!(truth("SELECT id FROM n1"), "1", "a held statement ran under another's name");
    let kept = "b".repeat(63);
    client.send(|out| {
        parse(out, &kept, "SELECT 'kept'");
        bind(out, &kept, &kept, &[], false);
        execute(out, &kept, 0);
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["1", "2", "row kept", "done SELECT 1", "ready I"]);
}

/// Names in SQL are shortened at a letter's end, by the grammar here and by the target.
#[test]
fn a_long_name_in_sql_is_shortened_as_the_target_does() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE n2 AS SELECT 1 AS id");
    let (short, long) = ("é".repeat(31), "é".repeat(40));
    client.send(|out| {
        parse(out, &short, "SELECT 1");
        write::sync(out);
        write::query(out, &format!("DEALLOCATE \"{long}\""));
        write::query(out, &format!("PREPARE \"{long}\" AS UPDATE n2 SET id = 66"));
    });
    for _ in 0..3 {
        client.until_ready();
    }
    client.send(|out| {
        bind(out, "", &short, &[], false);
        execute(out, "", 0);
        write::sync(out);
    });
    let answer = crate::wire::show(&client.next());
    assert!(answer.contains("needs a person"), "{answer}");
    assert_eq!(truth("SELECT id FROM n2"), "1", "a held statement ran under another's name");
}

/// What stands in for a refused command is a portal that nobody can have made.
#[test]
fn the_stand_in_for_a_refusal_cannot_be_bound() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let guess = "sallyport refused this command; the client was told why instead";
    client.query("CREATE TABLE n3 AS SELECT 1 AS id");
    client.query("BEGIN");
    client.query(&format!("DECLARE \"{guess}\" CURSOR FOR SELECT id FROM plain"));
    let refused = client.query("DROP TABLE n3");
    assert!(refused[0].starts_with("error 42501") && refused[1] == "ready E", "{refused:?}");
    client.query("ROLLBACK");
    client.send(|out| {
        parse(out, "s", "SELECT id FROM plain ORDER BY id");
        bind(out, guess, "s", &[], false);
        parse(out, "", "DROP TABLE n3");
        write::sync(out);
    });
    let lines = client.until_ready();
    assert!(lines[2].starts_with("error 42501") && lines.len() == 4, "{lines:?}");
    assert_eq!(client.query("SELECT 'in step'")[1], "row in step");
}
