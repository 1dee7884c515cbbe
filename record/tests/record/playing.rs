//! What a person sees of a recording, and at what pace.

use crate::scene::{at, record, recorder};
use sallyport_core::journal::Event;
use sallyport_core::{Cell, CommandNo, SessionId};
use sallyport_record::{Speed, json_lines, read, replay};
use std::path::Path;
use std::time::Duration;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Written by the first version of this format. It stays as it is, and stays readable.
#[test]
fn recordings_of_format_1_are_still_read() {
    for (name, sealed) in [("v1.rec", true), ("v1.live", false)] {
        let mut recording = read(&fixture(name)).unwrap();
        let entries: Vec<_> = recording.by_ref().map(|entry| entry.unwrap()).collect();
        assert_eq!(entries.len(), 7);
        let outline = recording.outline();
        assert_eq!((outline.closed, outline.sealed), (true, sealed));
        let head = "ffac93dd4a168f40df5a3eab420165f97d6f8d93813d6ce8bdf13b8c1d49b122";
        assert_eq!(outline.head.to_string(), head);
    }
}

#[test]
fn a_replay_shows_statements_verdicts_and_tables() {
    let mut out = Vec::new();
    let mut pauses = Vec::new();
    let entries = read(&fixture("v1.rec")).unwrap();
    replay(entries, Speed::Times(2.0), false, &mut out, |pause| pauses.push(pause)).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
    assert_eq!(pauses, [Duration::from_micros(500); 6]);
}

#[test]
fn rows_without_columns_of_their_own_are_shown_under_the_last_ones() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("s1");
    let mut journal = recorder.begin(&session, false).unwrap();
    let columns = Event::Columns { of: CommandNo(1), names: vec!["flavour".into()], masked: vec![None] };
    journal.append(at(0), &columns).unwrap();
    for (no, cell) in [(1, b"sweet"), (2, b"salty")] {
        journal.append_row(at(no), CommandNo(no as u64), cell, &[Cell::new(0, 5)], &[false]).unwrap();
        journal.append(at(no), &Event::Notice { text: "between".into() }).unwrap();
    }
    journal.close(at(3), "over").unwrap();
    recorder.caught_up().unwrap();
    let mut out = Vec::new();
    replay(recorder.read(&session).unwrap(), Speed::AtOnce, false, &mut out, |_| panic!("at once")).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.matches("flavour").count(), 2, "{out}");
    assert!(out.contains("sweet") && out.contains("salty"), "{out}");
}

#[test]
fn json_has_a_line_for_each_entry() {
    let mut out = Vec::new();
    json_lines(read(&fixture("v1.rec")).unwrap(), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn nothing_recorded_steers_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("s1");
    let mut journal = recorder.begin(&session, false).unwrap();
    let text = "\u{1b}]0;owned\u{7}\u{202e}\r\nDROP";
    journal.append(at(0), &Event::Notice { text: text.into() }).unwrap();
    record(journal.as_mut(), &session);
    let mut out = Vec::new();
    recorder.caught_up().unwrap();
    let entries = recorder.read(&session).unwrap();
    replay(entries, Speed::AtOnce, false, &mut out, |_| panic!("at once")).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.chars().all(|letter| letter == '\n' || !letter.is_control()) && !out.contains('\u{202e}'));
}
