//! An approval is for what names and settings meant when it was asked: whatever changes them needs a new one.

use crate::server::truth;
use crate::stage::{Stage, stage};
use crate::wire::{Client, bind, execute, parse, run, show};
use sallyport_postgres::wire::write;

/// A table of this name is deferred: refused now, and the same command passes once after its approval.
const SAME: &str = "UPDATE plain SET note = note";

fn refused(client: &mut Client, sql: &str) {
    let lines = client.query(sql);
    assert!(lines.iter().any(|line| line.starts_with("error 42501")), "it ran: {lines:?}");
}

fn passes(client: &mut Client, sql: &str) {
    let lines = client.query(sql);
    assert!(lines.iter().any(|line| line.starts_with("done UPDATE")), "{lines:?}");
}

/// The newest request is approved: the next equal command passes.
fn approve_newest(stage: &Stage) {
    let newest = stage.desk.requests.lock().unwrap().len() - 1;
    stage.desk.grant_later(&format!("A{newest}"));
}

/// Approved as things are; after `change` it does not pass.
fn changed_by(change: &[&str]) {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    refused(&mut client, SAME);
    approve_newest(&stage);
    for sql in change {
        let lines = client.query(sql);
        assert!(!lines.iter().any(|line| line.starts_with("error")), "{sql}: {lines:?}");
    }
    refused(&mut client, SAME);
}

/// Approved after `before`; passes after `change`.
fn the_same_after(before: &[&str], change: &[&str]) {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    for sql in before {
        client.query(sql);
    }
    refused(&mut client, SAME);
    approve_newest(&stage);
    for sql in change {
        let lines = client.query(sql);
        assert!(!lines.iter().any(|line| line.starts_with("error")), "{sql}: {lines:?}");
    }
    passes(&mut client, SAME);
}

#[test]
fn another_search_path_needs_another_approval_however_it_is_set() {
    changed_by(&["SET search_path TO shadow"]);
    changed_by(&["BEGIN", "SET LOCAL search_path TO shadow"]);
    changed_by(&["SET search_path TO shadow", "RESET work_mem"]);
    changed_by(&["BEGIN", "SAVEPOINT a", "SET search_path TO shadow", "SAVEPOINT b", "ROLLBACK TO b"]);
}

#[test]
fn a_search_path_that_was_put_back_is_the_same_one() {
    the_same_after(&[], &["BEGIN", "SET search_path TO shadow", "ROLLBACK"]);
    the_same_after(&[], &["BEGIN", "SET LOCAL search_path TO shadow", "COMMIT"]);
    the_same_after(&[], &["BEGIN", "SAVEPOINT a", "SET search_path TO shadow", "ROLLBACK TO a"]);
    the_same_after(&[], &["SET search_path TO shadow", "RESET search_path"]);
    the_same_after(&[], &["SET search_path TO shadow", "DISCARD ALL"]);
    the_same_after(&["SET search_path TO shadow"], &["SET work_mem TO '5MB'", "RESET work_mem"]);
}

#[test]
fn another_user_and_other_settings_need_another_approval() {
    changed_by(&["SET ROLE other"]);
    changed_by(&["SET SESSION AUTHORIZATION other"]);
    changed_by(&["SET session_replication_role TO replica"]);
    changed_by(&["SET DateStyle TO 'SQL, DMY'"]);
}

#[test]
fn a_table_that_hides_the_approved_one_needs_another_approval() {
    changed_by(&["CREATE TEMP TABLE plain (id int, note text)"]);
}

#[test]
fn what_runs_before_it_in_the_same_message_is_part_of_it() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    refused(&mut client, SAME);
    approve_newest(&stage);
    refused(&mut client, &format!("SET search_path TO shadow; {SAME}"));
    let shown = stage.desk.requests.lock().unwrap()[1].context.clone();
    assert!(shown.contains("before it in the same message: \"SET search_path TO shadow;\""), "{shown}");
    assert!(shown.contains("schemas: \"{pg_catalog,public}\""), "{shown}");
    passes(&mut client, SAME);
}

#[test]
fn what_runs_by_name_is_part_of_it() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("PREPARE w AS UPDATE plain SET note = 'note ' || id");
    refused(&mut client, "EXECUTE w");
    let shown = stage.desk.requests.lock().unwrap()[0].context.clone();
    assert!(shown.contains("note ' || id"), "the approver does not see what runs: {shown}");
    approve_newest(&stage);
    client.query("DEALLOCATE w");
    client.query("PREPARE w AS UPDATE plain SET note = 'another'");
    refused(&mut client, "EXECUTE w");
    assert_eq!(truth("SELECT count(*) FROM plain WHERE note = 'another'"), "0");
}

#[test]
fn a_definition_that_changes_while_it_waits_needs_another_approval() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    for (at, change) in [
        "CREATE TRIGGER t BEFORE UPDATE ON waits EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE RULE r AS ON UPDATE TO waits DO ALSO DELETE FROM waits",
        "ALTER TABLE waits ADD more text",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 111'",
        "CREATE POLICY p ON waits USING (id > 5)",
    ]
    .iter()
    .enumerate()
    {
        client.query("CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'");
        client.query("CREATE TABLE waits AS SELECT 1 AS id");
        client.send(|out| write::query(out, "UPDATE waits SET id = one() + 1"));
        assert!(show(&client.next()).starts_with("notice"));
        truth(change);
        stage.desk.approve(&format!("A{at}"));
        let lines = client.until_ready();
        assert!(lines[0].contains("is not what was approved"), "{change}: {lines:?}");
        assert_eq!(truth("SELECT id FROM waits"), "1");
        truth("DROP TABLE waits");
    }
    assert!(stage.recorded().contains(r#""outcome":"mismatch""#), "{}", stage.recorded());
}

#[test]
fn names_of_any_kind_are_asked_about() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let table = r#""we""ird, {x\\} ' $1""#;
    client.query(&format!("CREATE TABLE {table} AS SELECT 1 AS id"));
    client.send(|out| write::query(out, &format!("UPDATE {table} SET id = 2")));
    assert!(show(&client.next()).starts_with("notice"));
    let context = stage.desk.requests.lock().unwrap()[0].context.clone();
    let oid = truth("SELECT oid FROM pg_class WHERE relname LIKE 'we\"ird%'");
    assert!(context.contains(&format!(": \"{oid} ")), "{oid} is not in {context}");
    stage.desk.approve("A0");
    assert_eq!(client.until_ready(), ["done UPDATE 1", "ready I"]);
}

#[test]
fn nobody_is_asked_where_it_could_not_run() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("BEGIN");
    client.query("SELECT 1/0");
    let lines = client.query("UPDATE scratch SET id = 1");
    assert!(lines[0].starts_with("error 25P02") && lines[1] == "ready E", "{lines:?}");
    assert_eq!(client.query("ROLLBACK"), ["done ROLLBACK", "ready I"]);

    client.send(|out| {
        run(out, "SELECT 1/0");
        run(out, "UPDATE scratch SET id = 1");
        write::sync(out);
        run(out, "SELECT 'after'");
        write::sync(out);
    });
    let lines = client.until_ready();
    assert_eq!(lines.iter().filter(|line| line.starts_with("error")).count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("error 22012")), "{lines:?}");
    assert!(client.until_ready().contains(&"row after".to_owned()));
    assert!(stage.desk.requests.lock().unwrap().is_empty(), "somebody was asked for nothing");
    assert!(stage.recorded().contains("an earlier message of the pipeline failed"));
}

#[test]
fn asking_touches_neither_the_clients_transaction_nor_its_unnamed_portal() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE unnamed AS SELECT 1 AS id");
    client.send(|out| {
        run(out, "INSERT INTO unnamed VALUES (7)");
        parse(out, "", "SELECT id FROM unnamed ORDER BY id");
        bind(out, "", "", &[], false);
        parse(out, "w", "UPDATE unnamed SET id = id + 1");
        bind(out, "w", "w", &[], false);
        execute(out, "", 0);
        execute(out, "w", 0);
        run(out, "SELECT 1/0");
        write::sync(out);
    });
    let mut lines = Vec::new();
    while !lines.iter().any(|line: &String| line.starts_with("notice")) {
        lines.push(show(&client.next()));
    }
    stage.desk.approve("A0");
    lines.extend(client.until_ready());
    for line in ["row 1", "row 7", "done SELECT 2", "done UPDATE 2"] {
        assert!(lines.contains(&line.to_owned()), "{line} is not in {lines:?}");
    }
    // One transaction, as the client sent it: all of it is undone.
    assert_eq!(truth("SELECT string_agg(id::text, ',') FROM unnamed"), "1");
}

#[test]
fn without_approvals_a_command_is_refused_and_the_session_goes_on() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.query("CREATE TABLE down AS SELECT 1 AS id");
    stage.desk.down.store(true, std::sync::atomic::Ordering::SeqCst);
    let lines = client.query("UPDATE down SET id = 2");
    assert!(lines[0].starts_with("error 42501 The approvals cannot be reached."), "{lines:?}");
    assert_eq!(lines[1], "ready I");
    assert_eq!(client.query("SELECT id FROM down")[1], "row 1");
    assert!(stage.recorded().contains(r#""outcome":"withdrawn""#));
    stage.desk.down.store(false, std::sync::atomic::Ordering::SeqCst);
    client.send(|out| write::query(out, "UPDATE down SET id = 2"));
    assert!(show(&client.next()).starts_with("notice"));
    stage.desk.approve("A0");
    assert_eq!(client.until_ready(), ["done UPDATE 1", "ready I"]);
}
