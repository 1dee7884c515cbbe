//! Processes that die: ten are killed while they write, and one meets the limit of its file size.
//!
//! Without the test harness, because this program is also the process that dies: `death write FOLDER` and
//! `death limit FOLDER`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use sallyport_core::journal::Event;
use sallyport_core::{Journal, JournalFault, Moment, SessionId};
use sallyport_record::{Known, Options, Recorder, SigningKey, State, verify};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "write", root] => write_forever(Path::new(root)),
        [_, "limit", root] => write_to_the_limit(Path::new(root)),
        _ => {
            ten_deaths_lose_no_flushed_entry();
            a_file_at_its_limit_ends_one_session();
        }
    }
}

fn open(root: &Path) -> Recorder {
    Recorder::open(root, SigningKey::from_bytes(&[7; 32]), Options::default()).unwrap()
}

fn notice(journal: &mut dyn Journal, no: i64) -> Result<u64, JournalFault> {
    let text = format!("entry {no} {}", "y".repeat((no as usize * 37) % 3000));
    journal.append(Moment(no), &Event::Notice { text: text.into() })
}

/// Four sessions at a time, closed and followed by others; each flush is announced once it has returned.
fn write_forever(root: &Path) {
    let recorder = open(root);
    let born = std::process::id();
    std::thread::scope(|scope| {
        for lane in 0..4 {
            let recorder = &recorder;
            scope.spawn(move || {
                for round in 0.. {
                    let session = SessionId::new(format!("p{born}-{lane}-{round}"));
                    let mut journal = recorder.begin(&session, lane == 0).unwrap();
                    for no in 0..200 {
                        let last = notice(journal.as_mut(), no).unwrap();
                        if no % 3 == 0 {
                            drop(journal.flush().unwrap());
                            let line = format!("{session} {last}\n");
                            io::stdout().lock().write_all(line.as_bytes()).unwrap();
                        }
                    }
                }
            });
        }
    });
}

fn ten_deaths_lose_no_flushed_entry() {
    let dir = tempfile::tempdir().unwrap();
    for death in 0..10 {
        let announced = kill_a_writer(dir.path(), 150 + death * 97);
        let known =
            Known { key: Some(SigningKey::from_bytes(&[7; 32]).verifying_key()), checkpoints: vec![] };
        let report = verify(dir.path(), &known).unwrap();
        assert!(report.is_intact(), "death {death}: {report}");
        let recorder = open(dir.path());
        recorder.recover().unwrap();
        let report = verify(dir.path(), &known).unwrap();
        assert!(report.is_intact(), "death {death}: {report}");
        for one in &report.sessions {
            assert_eq!(one.state, State::Closed);
        }
        for (session, last) in announced {
            let found = report.sessions.iter().find(|one| one.session.as_str() == session);
            let entries = found.map_or(0, |one| one.entries);
            // One more entry closes it.
            assert!(entries > last + 1, "death {death}: {session} announced entry {last} and has {entries}");
        }
    }
}

/// Kills it after so many announcements. What it announced, by session.
fn kill_a_writer(root: &Path, after: usize) -> BTreeMap<String, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("write")
        .arg(root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut announced = BTreeMap::new();
    let mut hear = |line: String| {
        if let Some((session, last)) = line.split_once(' ') {
            announced.insert(session.to_owned(), last.parse().unwrap());
        }
    };
    for _ in 0..after {
        hear(lines.next().expect("the writer writes until it is killed").unwrap());
    }
    child.kill().unwrap();
    // What it had announced and nobody had read yet.
    lines.map_while(Result::ok).for_each(hear);
    child.wait().unwrap();
    announced
}

/// The shell lowers the limit and has the signal ignored, so that the write fails as it does on a full disk.
fn a_file_at_its_limit_ends_one_session() {
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" limit \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(dir.path())
        .status()
        .unwrap();
    assert!(status.success());
}

fn write_to_the_limit(root: &Path) {
    let recorder = open(root);
    let mut first = recorder.begin(&SessionId::new("first"), false).unwrap();
    let fault = (0..1000).find_map(|no| {
        notice(first.as_mut(), no).unwrap();
        first.flush().err()
    });
    let Some(JournalFault::Io(fault)) = fault else { panic!("the limit was not met") };
    assert_eq!(fault.kind(), io::ErrorKind::FileTooLarge);
    assert!(matches!(notice(first.as_mut(), 0), Err(JournalFault::Poisoned)));
    let mut second = recorder.begin(&SessionId::new("second"), false).unwrap();
    notice(second.as_mut(), 0).unwrap();
    second.flush().unwrap();
    second.close(Moment(1), "done").unwrap();
    recorder.caught_up().unwrap();
    let report = verify(root, &Known::default()).unwrap();
    assert!(report.is_intact(), "{report}");
    let states: Vec<_> = report.sessions.iter().map(|one| one.state).collect();
    assert_eq!(states, [State::Torn, State::Closed]);
}
