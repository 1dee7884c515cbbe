//! Targets that break the protocol: one session ends, clearly, and nothing of it crosses.

use crate::server::server;
use crate::stage::stage_at;
use crate::wire::{Client, show};
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

/// RowDescription of text columns of no table, so many.
fn columns(count: u16) -> Vec<u8> {
    let mut out = Vec::new();
    write::message(&mut out, b'T', |out| {
        out.extend_from_slice(&count.to_be_bytes());
        for _ in 0..count {
            out.extend_from_slice(b"?column?\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
        }
    });
    out
}

fn row(cells: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    write::message(&mut out, b'D', |out| {
        out.extend_from_slice(&u16::try_from(cells.len()).unwrap().to_be_bytes());
        for cell in cells {
            out.extend_from_slice(&u32::try_from(cell.len()).unwrap().to_be_bytes());
            out.extend_from_slice(cell);
        }
    });
    out
}

fn leak(bytes: Vec<u8>) -> &'static [u8] {
    bytes.leak()
}

const END: &[u8] = b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";

#[test]
fn rows_of_another_width_than_described_show_nothing_more() {
    // What has no description has no plan: whatever stands there is a value that nobody judged.
    let wide = leak([columns(1), row(&[b"fine", b"secret words"]), END.to_vec()].concat());
    let lines = ends_or_answers(wide);
    assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:?}");
    let narrow = leak([columns(3), row(&[b"fine"]), END.to_vec()].concat());
    assert!(!ends_or_answers(narrow).is_empty());
    let empty = leak([columns(0), row(&[b"secret words"]), END.to_vec()].concat());
    let lines = ends_or_answers(empty);
    assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:?}");
}

/// All lines up to ReadyForQuery or the end, whichever comes; then the same gateway serves somebody else.
fn ends_or_answers(instead: &'static [u8]) -> Vec<String> {
    let stage = stage_at(true, target(instead));
    let mut client = Client::connect(stage.port);
    client.send(|out| write::query(out, "SELECT 'TRIGGER'"));
    let mut lines = Vec::new();
    while let Some(message) = client.try_next() {
        lines.push(show(&message));
        if message[0] == b'Z' {
            break;
        }
    }
    assert_eq!(Client::connect(stage.port).query("SELECT 'others'")[1], "row others");
    lines
}

#[test]
fn columns_without_number_are_bounded() {
    let most = leak([columns(1_664), row(&[b"x".as_slice(); 1_664]), END.to_vec()].concat());
    let lines = ends_or_answers(most);
    assert_eq!(lines.last().map(String::as_str), Some("ready I"), "{:?}", lines.first());
    let more = leak([columns(65_535), row(&[b"x".as_slice(); 65_535]), END.to_vec()].concat());
    let lines = ends_or_answers(more);
    assert!(lines.len() == 1 && lines[0].contains("over 4096"), "{lines:?}");
    // A million of them cannot be counted; a description of gigabytes is not waited for.
    let mut long = b"T\x10\0\0\0\xff\xff".to_vec();
    long.extend(std::iter::repeat_n(b'x', 100_000));
    let lines = ends_or_answers(leak(long));
    assert!(lines.len() == 1 && lines[0].contains("over 4 MiB"), "{lines:?}");
}

#[test]
fn a_row_of_gigabytes_under_a_mask_is_not_waited_for() {
    let mut out = columns(1);
    out.extend_from_slice(b"D\x7f\xff\xff\xff\0\x01\x7f\xff\xff\xf0secret@canary.example");
    let lines = ends_or_answers(leak(out));
    assert!(lines.last().is_some_and(|line| line.contains("too large to be masked")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:?}");
}

#[test]
fn floods_beside_the_answer_pass_and_keep_the_step() {
    let mut out = Vec::new();
    for number in 0..20_000 {
        write::parameter_status(&mut out, "application_name", &number.to_string());
        out.extend_from_slice(b"N\0\0\0\x18SNOTICE\0C00000\0Mhi\0\0");
    }
    out.extend_from_slice(&[columns(1), row(&[b"fine"]), END.to_vec()].concat());
    let lines = ends_or_answers(leak(out));
    assert_eq!(lines.len(), 40_004, "{:?}", lines.last());
    assert_eq!(&lines[40_000..], ["columns", "row fine", "done SELECT 1", "ready I"]);
}

#[test]
fn a_target_that_starts_to_read_texts_differently_is_left() {
    let mut out = Vec::new();
    write::parameter_status(&mut out, "standard_conforming_strings", "off");
    let lines = ends_or_answers(leak([out, END.to_vec()].concat()));
    assert!(lines.len() == 1 && lines[0].contains("reads backslashes in texts differently"), "{lines:?}");
}

/// One byte in each packet: whatever was read in pieces is the same as what was read at once.
#[test]
fn an_answer_in_single_bytes_is_the_same_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            client.set_nodelay(true).unwrap();
            let mut real = TcpStream::connect(("127.0.0.1", server().port)).unwrap();
            thread::spawn(move || {
                let (mut back, mut there) = (real.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let (mut buffer, mut slow) = ([0; 65536], false);
                    while let Ok(count @ 1..) = back.read(&mut buffer) {
                        slow |= buffer[..count].windows(4).any(|window| window == b"drip");
                        let step = if slow { 1 } else { count };
                        if !buffer[..count].chunks(step).all(|piece| there.write_all(piece).is_ok()) {
                            break;
                        }
                    }
                });
                let _ended = std::io::copy(&mut client, &mut real);
                _ = real.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    let stage = stage_at(true, port);
    let mut client = Client::connect(stage.port);
    client.query("SELECT 'drip'");
    let lines = client.query("SELECT id, email, card FROM customers ORDER BY id; SELECT repeat('x', 5000)");
    assert_eq!(lines[1], "row 1|[redacted]|************1111", "{lines:?}");
    assert_eq!(lines[6].len(), 5004, "{lines:?}");
    assert!(!String::from_utf8_lossy(&client.seen).contains("canary"));
}
