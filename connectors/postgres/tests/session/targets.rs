//! Targets that break the protocol: one session ends, clearly, and nothing of it crosses.

use crate::server::server;
use crate::stage::stage_at;
use crate::wire::Client;
use sallyport_postgres::wire::write;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A target that is the real one until a query of a caller comes; then it says `instead`.
fn target(instead: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut real = TcpStream::connect(("127.0.0.1", server().port)).unwrap();
            thread::spawn(move || {
                let (mut back, mut there) = (real.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut back, &mut there));
                let mut buffer = [0; 65536];
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    if buffer[..count].windows(7).any(|window| window == b"TRIGGER") {
                        _ = client.write_all(instead);
                    } else if real.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
                _ = real.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    port
}

fn ends(instead: &'static [u8]) -> Vec<String> {
    let stage = stage_at(true, target(instead));
    let mut client = Client::connect(stage.port);
    client.send(|out| write::query(out, "SELECT 'TRIGGER'"));
    let lines = client.until_closed();
    assert!(!String::from_utf8_lossy(&client.seen).contains("secret"), "{lines:?}");
    lines
}

#[test]
fn answers_out_of_turn_end_the_session() {
    // A row before its description; a second key; an unknown type; COPY in both directions; more results than asked.
    for instead in [
        &b"D\0\0\0\x10\0\x01\0\0\0\x06secret"[..],
        b"K\0\0\0\x0c\0\0\0\x01abcd",
        b"y\0\0\0\x0asecret",
        b"W\0\0\0\x07\0\0\0",
        b"1\0\0\0\x04",
        b"Z\0\0\0\x05I",
        b"d\0\0\0\x0asecret",
    ] {
        let lines = ends(instead);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("error 08006"), "{lines:?}");
    }
}

#[test]
fn impossible_lengths_end_the_session() {
    for instead in [&b"D\xff\xff\xff\xff"[..], b"C\x7f\xff\xff\xff", b"T\0\0\0\x01", b"E\0\0\0\x03"] {
        let lines = ends(instead);
        assert!(lines.len() == 1 && lines[0].starts_with("error 08006"), "{lines:?}");
    }
}

#[test]
fn more_results_than_were_asked_for_end_the_session() {
    let lines = ends(b"C\0\0\0\x0dSELECT 1\0C\0\0\0\x0dSELECT 1\0");
    assert_eq!(lines.first().map(String::as_str), Some("done SELECT 1"));
    assert!(lines.last().is_some_and(|line| line.starts_with("error 08006")), "{lines:?}");
}

#[test]
fn an_error_without_a_code_gets_one() {
    let stage = stage_at(true, target(b"E\0\0\0\x0eMstrange\0\0Z\0\0\0\x05I"));
    let mut client = Client::connect(stage.port);
    assert_eq!(client.query("SELECT 'TRIGGER'"), ["error XX000 strange", "ready I"]);
    assert_eq!(client.query("SELECT 1")[1], "row 1");
}
