//! A caller that says what no honest client says, in states where nobody asked.

use crate::server::truth;
use crate::stage::{stage, until};
use crate::wire::{Client, bind, execute, parse, show};
use sallyport_postgres::wire::{front::Named, write};
use std::net::Shutdown;

const KNOWN: &[u8] = b"QPBDECHSdcfXFp";

/// The next answer belongs to the next question, or the session has ended with an error.
fn is_in_step_or_over(client: &mut Client) -> bool {
    let mut last = String::new();
    loop {
        match client.try_next() {
            Some(message) if show(&message) == "row in step" => {
                client.until_ready();
                return true;
            }
            Some(message) => last = show(&message),
            None => {
                assert!(last.starts_with("error "), "it ended without a word: {last}");
                return false;
            }
        }
    }
}

#[test]
fn each_of_256_types_is_answered_in_step_or_ends_the_session() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    for tag in 0..=255 {
        client.send(|out| write::message(out, tag, |out| out.extend_from_slice(b"x\0")));
        // A message of an extended kind may have left everything to be ignored up to here.
        _ = std::io::Write::write_all(&mut client.stream, b"S\0\0\0\x04Q\0\0\0\x15SELECT 'in step'\0");
        let lives = is_in_step_or_over(&mut client);
        assert!(!lives || KNOWN.contains(&tag), "the session outlived a message of type {tag}");
        if !lives {
            client = Client::connect(stage.port);
        }
    }
    let unknown = stage.recorded().matches("refused a message of type").count();
    assert_eq!(unknown, 256 - KNOWN.len(), "not every one stands in the record");
}

#[test]
fn a_length_that_lies_ends_the_session() {
    for (message, why) in [
        (&b"Q\0\0\0\x03"[..], "no message"),
        (b"Q\0\0\0\0", "no message"),
        (b"Q\x80\0\0\0", "no message"),
        (b"Q\xff\xff\xff\xff", "no message"),
        (b"Q\x40\0\0\0", "more than 64 MiB"),
        (b"p\x04\0\0\x05", "more than 64 MiB"),
        (b"S\0\0\0\x05\0", "does not say what it should"),
        (b"P\0\0\0\x0aa\0b\0\xff\xff", "does not say what it should"),
        (b"P\0\0\0\x13\0SELECT 1\0DROP\0\0\0", "does not say what it should"),
        (b"Q\0\0\0\x12SELECT 1\0DROP\0", "does not say what it should"),
        (b"Q\0\0\0\x0cSELECT 1", "does not say what it should"),
        (b"B\0\0\0\x0c\0\0\0\0\xff\xff\0\0", "does not say what it should"),
        (b"D\0\0\0\x06Xa", "does not say what it should"),
        // What nobody may say is not waited for: a startup, a request for TLS, another password.
        (b"p\x03\0\0\x05", "a password after it was admitted"),
    ] {
        let stage = stage(false);
        let mut client = Client::connect(stage.port);
        client.send(|out| out.extend_from_slice(message));
        let lines = client.until_closed();
        assert!(lines.len() == 1 && lines[0].starts_with("error 08P01"), "{message:?}: {lines:?}");
        assert!(lines[0].contains(why), "{message:?}: {lines:?}");
    }
}

#[test]
fn a_bind_of_65535_values_is_the_targets_to_take_or_refuse() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let values = vec!["1"; 65_535];
    let places: Vec<String> = (1..=65_535).map(|place| format!("(${place}::int)")).collect();
    client.send(|out| {
        parse(out, "", &format!("SELECT sum(n) FROM (VALUES {}) AS v(n)", places.join(",")));
        bind(out, "", "", &values, false);
        execute(out, "", 0);
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["1", "2", "row 65535", "done SELECT 1", "ready I"]);
    client.send(|out| {
        parse(out, "", "SELECT 1");
        bind(out, "", "", &values, false);
        execute(out, "", 0);
        write::sync(out);
    });
    let lines = client.until_ready();
    assert!(lines[1].starts_with("error 08P01") && lines.len() == 3, "{lines:?}");
    assert_eq!(client.query("SELECT 'in step'")[1], "row in step");
}

#[test]
fn floods_of_small_messages_are_answered_each() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| (0..30_000).for_each(|_| write::sync(out)));
    for _ in 0..30_000 {
        assert_eq!(client.until_ready(), ["ready I"]);
    }
    client.send(|out| {
        (0..200_000).for_each(|_| write::flush(out));
        write::query(out, "SELECT 'in step'");
    });
    assert_eq!(client.until_ready()[1], "row in step");
}

#[test]
fn messages_of_a_copy_outside_of_one_do_nothing() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    client.send(|out| {
        write::message(out, b'd', |out| out.extend_from_slice(b"1\n"));
        write::message(out, b'c', |_| {});
        write::copy_fail(out, "no");
        execute(out, "nobody", 0);
        write::describe(out, Named::Statement, "nobody");
        write::sync(out);
    });
    let lines = client.until_ready();
    assert!(lines.len() == 2 && lines[0].starts_with("error 34000"), "{lines:?}");
    assert_eq!(client.query("SELECT 'in step'")[1], "row in step");
}

#[test]
fn leaving_within_a_copy_leaves_nothing_behind() {
    for terminate in [true, false] {
        let stage = stage(false);
        let mut client = Client::connect(stage.port);
        client.send(|out| write::query(out, "COPY scratch FROM STDIN"));
        assert_eq!(show(&client.next()), "G");
        client.send(|out| {
            write::message(out, b'd', |out| out.extend_from_slice(b"4242\n"));
            // A gigabyte is announced, and hardly any of it comes.
            out.extend_from_slice(b"d\x40\0\0\x004242\n");
        });
        if terminate {
            client.send(|out| write::message(out, b'X', |_| {}));
        }
        client.stream.shutdown(Shutdown::Both).unwrap();
        until("the session is over", || stage.recorded().contains(r#""event":"closed""#));
    }
    assert_eq!(truth("SELECT count(*) FROM scratch WHERE id = 4242"), "0");
}

#[test]
fn what_cannot_be_read_is_refused_and_the_session_lives() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let long = format!("SELECT 1{}", " ".repeat(4 * 1024 * 1024));
    let chain = format!("SELECT {}1", "1+".repeat(200_000));
    let not = format!("SELECT {}true", "NOT ".repeat(100_000));
    for text in [deep.as_bytes(), long.as_bytes(), chain.as_bytes(), not.as_bytes()] {
        client.send(|out| write::message(out, b'Q', |out| out.extend([text, b"\0"].concat())));
        let lines = client.until_ready();
        assert!(lines.len() == 2 && lines[0].starts_with("error 54"), "{:?}", lines[0]);
    }
    for bytes in [&b"SELECT '\xc0\xaf'"[..], b"SELECT '\xed\xa0\x80'", b"SELECT '\xf8'", b"SELECT '\xe3\x81'"]
    {
        client.send(|out| write::message(out, b'Q', |out| out.extend([bytes, b"\0"].concat())));
        let lines = client.until_ready();
        assert!(lines.len() == 2 && lines[0].starts_with("error 0A000"), "{bytes:?}: {lines:?}");
    }
    assert_eq!(client.query("SELECT 'in step'")[1], "row in step");
}

/// Whoever makes the target read texts differently has the gateway judge what does not run.
#[test]
fn the_grammar_of_texts_cannot_be_changed() {
    let stage = stage(false);
    for sql in [
        "SET standard_conforming_strings = off",
        "SET standard_conforming_strings TO 'of'",
        "SET SESSION standard_conforming_strings TO false",
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "SELECT pg_catalog.set_config('client_encoding', 'SJIS', false)",
        "SELECT set_config(lower('CLIENT_ENCODING'), 'GBK', false)",
        "SET NAMES 'BIG5'",
        "SET client_encoding TO GB18030",
        "DO $$ BEGIN SET standard_conforming_strings = off; END $$",
    ] {
        let mut client = Client::connect(stage.port);
        let lines = client.query(sql);
        assert!(lines[0].starts_with("error 42501"), "{sql}: {lines:?}");
    }
}

#[test]
fn prepared_texts_are_not_hoarded() {
    let stage = stage(false);
    let mut client = Client::connect(stage.port);
    let padding = " ".repeat(2 * 1024 * 1024);
    let mut kept = 0;
    let refused = loop {
        client.send(|out| {
            parse(out, &format!("p{kept}"), &format!("SELECT {kept}{padding}"));
            write::sync(out);
        });
        let lines = client.until_ready();
        if lines[0] != "1" {
            break lines;
        }
        kept += 1;
    };
    assert!(refused[0].starts_with("error 54000"), "{refused:?}");
    assert!((8..20).contains(&kept), "{kept} texts of 2 MiB were kept");
    assert_eq!(client.query("DEALLOCATE ALL")[0], "done DEALLOCATE ALL");
    client.send(|out| {
        parse(out, "again", "SELECT 1");
        write::sync(out);
    });
    assert_eq!(client.until_ready(), ["1", "ready I"]);
}

#[test]
fn a_definition_changed_in_a_transaction_is_in_nobodys_way() {
    let stage = stage(true);
    let mut client = Client::connect(stage.port);
    for sql in ["BEGIN", "ALTER TABLE customers ADD COLUMN more int", "SELECT id FROM contacts WHERE id = 1"]
    {
        let lines = client.query(sql);
        assert_eq!(lines.last().unwrap(), "ready T", "{sql}: {lines:?}");
    }
    assert_eq!(client.query("ROLLBACK"), ["done ROLLBACK", "ready I"]);
    assert!(
        client.query("SELECT address FROM contacts WHERE id = 1").iter().any(|line| line == "row [redacted]")
    );
}
