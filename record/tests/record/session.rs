//! The way of one recording, from its first entry to the shelf.

use crate::scene::{at, command, key, opened, options, record, recorder};
use sallyport_core::journal::Event;
use sallyport_core::{Flush, JournalFault, SessionId};
use sallyport_record::note::Checkpoint;
use sallyport_record::{
    Kind, Known, News, Options, RecordFault, Recorder, Recovered, State, log, tree, verify,
};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_session_is_sealed_with_every_entry() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("s1");
    let mut journal = recorder.begin(&session, false).unwrap();
    record(journal.as_mut(), &session);
    recorder.caught_up().unwrap();

    let found = recorder.find(&session).unwrap();
    assert!(found.sealed);
    let mut reading = recorder.read(&session).unwrap();
    let events: Vec<_> = reading.by_ref().map(|entry| entry.unwrap().event().unwrap()).collect();
    assert_eq!(events.len(), 7);
    assert_eq!(events[0], opened(&session));
    let Event::Row { cells, .. } = &events[3] else { panic!("a row") };
    assert_eq!(cells[1].as_deref(), Some("\\x00ff"));
    assert!(matches!(&events[6], Event::Closed { reason, .. } if reason == "the caller left"));
    assert!(reading.outline().closed);

    let summary = recorder.summary(&session).unwrap();
    insta::assert_json_snapshot!(summary);
    assert!(!found.path.with_extension("live").exists());
}

#[test]
fn what_was_flushed_can_be_read_while_the_session_lives() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("s1");
    let mut journal = recorder.begin(&session, false).unwrap();
    journal.append(at(0), &opened(&session)).unwrap();
    assert_eq!(recorder.read(&session).unwrap().count(), 0);
    assert!(matches!(journal.flush().unwrap(), Flush::Done));
    assert_eq!(recorder.read(&session).unwrap().count(), 1);
}

#[tokio::test]
async fn a_strict_flush_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("s1");
    let mut journal = recorder.begin(&session, true).unwrap();
    for no in 0..20 {
        journal.append(at(no), &command(no as u64, "SELECT 1")).unwrap();
        let Flush::Wait(disk) = journal.flush().unwrap() else { panic!("a strict target waits") };
        disk.await.unwrap();
    }
}

#[tokio::test]
async fn a_watcher_hears_each_entry_and_is_told_what_it_lost() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let (mine, other) = (SessionId::new("mine"), SessionId::new("other"));
    let mut follow = recorder.follow(Some(mine.clone()));
    for session in [&other, &mine] {
        let mut journal = recorder.begin(session, false).unwrap();
        record(journal.as_mut(), session);
    }
    for no in 0..7 {
        let Some(News::Entry { session, entry }) = follow.next().await else { panic!("an entry") };
        assert_eq!((session, entry.no), (mine.clone(), no));
    }
    let mut journal = recorder.begin(&SessionId::new("third"), false).unwrap();
    for no in 0..5000 {
        journal.append(at(no), &command(no as u64, "SELECT 1")).unwrap();
    }
    journal.flush().unwrap();
    assert!(matches!(follow.next().await, Some(News::Lost(lost)) if lost > 3000));
}

#[test]
fn a_statement_that_is_too_large_is_refused_and_the_chain_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("s1");
    let mut journal = recorder.begin(&session, false).unwrap();
    journal.append(at(0), &opened(&session)).unwrap();
    let huge = "x".repeat(17 * 1024 * 1024);
    let refused = journal.append(at(1), &command(1, &huge)).unwrap_err();
    assert!(matches!(refused, JournalFault::TooLarge { .. }));
    assert_eq!(journal.append(at(2), &command(1, "SELECT 1")).unwrap(), 1);
    drop(journal);
    recorder.caught_up().unwrap();
    let entries: Vec<_> = recorder.read(&session).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(entries.len(), 3);
    assert!(String::from_utf8_lossy(&entries[2].body).contains("without closing its recording"));
}

#[test]
fn names_that_are_no_file_names_and_repeated_ones_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    for name in ["", "..", "a/b", ".a", "a\0", &"x".repeat(129)] {
        let refused = recorder.begin(&SessionId::new(name), false).err();
        assert!(matches!(refused, Some(RecordFault::Name(_))), "{name:?}");
    }
    let _first = recorder.begin(&SessionId::new("s1"), false).unwrap();
    let refused = recorder.begin(&SessionId::new("s1"), false).err();
    assert!(matches!(refused, Some(RecordFault::Exists(_))));
}

#[test]
fn the_houses_own_changes_are_a_recording() {
    let dir = tempfile::tempdir().unwrap();
    {
        let recorder = recorder(dir.path());
        let mut house = recorder.house_journal().unwrap();
        let change = Event::Change {
            by: "ada".into(),
            action: "create".into(),
            object: "target prod".into(),
            detail: "{}".into(),
        };
        house.append(at(0), &change).unwrap();
        assert!(matches!(house.flush().unwrap(), Flush::Wait(_)));
    }
    let report = verify(dir.path(), &Known::default()).unwrap();
    assert!(report.is_intact(), "{report}");
    assert!(report.sessions[0].session.as_str().starts_with("house-"));
    assert_eq!((report.sessions[0].state, report.sessions[0].entries), (State::Closed, 2));
}

#[test]
fn the_heads_of_a_living_session_are_logged_and_bind_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { heads_every: Duration::from_millis(1), ..options() };
    let recorder = Recorder::open(dir.path(), key(), options).unwrap();
    let session = SessionId::new("long");
    let mut journal = recorder.begin(&session, false).unwrap();
    journal.append(at(0), &opened(&session)).unwrap();
    let one = journal.flush().map(|_| recorder.find(&session).unwrap().path).unwrap();
    let length_of_one = fs::metadata(&one).unwrap().len();
    journal.append(at(1), &command(1, "SELECT 1")).unwrap();
    journal.flush().unwrap();
    let leaves = recorder.log_files().leaves();
    let logged = || fs::read_to_string(&leaves).unwrap().contains(r#""state":"running","entries":2"#);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !logged() {
        assert!(Instant::now() < deadline, "no head within 30 seconds");
        recorder.caught_up().unwrap();
    }
    recorder.caught_up().unwrap();
    assert!(verify(dir.path(), &Known::default()).unwrap().is_intact());
    fs::OpenOptions::new().write(true).open(&one).unwrap().set_len(length_of_one).unwrap();
    let report = verify(dir.path(), &Known::default()).unwrap();
    assert_eq!((report.findings[0].kind, report.findings[0].entry), (Kind::Truncated, Some(1)));
}

#[test]
fn a_session_can_be_proven_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    for no in 0..9 {
        let session = SessionId::new(format!("s{no}"));
        record(recorder.begin(&session, false).unwrap().as_mut(), &session);
    }
    recorder.caught_up().unwrap();
    let public = recorder.verifying_key();
    let proof = log::prove(&recorder.log_files(), &SessionId::new("s4"), &public).unwrap().unwrap();
    assert!(proof.leaf.contains(r#""state":"closed","entries":7"#));
    let signed = Checkpoint::open(&proof.checkpoint, &public).unwrap();
    let leaf = tree::leaf_hash(proof.leaf.as_bytes());
    assert!(tree::verify_inclusion(&leaf, proof.index, signed.size, &proof.path, &signed.root));
    assert!(log::prove(&recorder.log_files(), &SessionId::new("nobody"), &public).unwrap().is_none());
}

#[test]
fn a_torn_checkpoint_is_cut_off_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let session = SessionId::new("s1");
    let files = {
        let recorder = recorder(dir.path());
        record(recorder.begin(&session, false).unwrap().as_mut(), &session);
        recorder.caught_up().unwrap();
        recorder.log_files()
    };
    let leaves = fs::read_to_string(files.leaves()).unwrap();
    let leaf: log::Leaf = serde_json::from_str(leaves.lines().last().unwrap()).unwrap();
    let mut log = log::Log::open(dir.path(), &options().origin, key()).unwrap();
    for _ in 0..370 {
        log.append(std::slice::from_ref(&leaf)).unwrap();
    }
    let path = files.checkpoints();
    let whole = fs::read(&path).unwrap();
    // More than what is read to find the newest.
    assert!(whole.len() > 65_536, "{}", whole.len());
    let note = "sallyport/recordings\n9\nAAAA\n\n\u{2014} x y\n".as_bytes();
    for torn in 1..=note.len() {
        fs::write(&path, [&whole, &note[..torn]].concat()).unwrap();
        let report = verify(dir.path(), &Known::default()).unwrap();
        assert!(report.is_intact(), "{torn}: {report}");
        drop(recorder(dir.path()));
        assert_eq!(fs::read(&path).unwrap(), whole, "{torn}");
    }
}

#[test]
fn a_house_that_is_at_work_is_intact_at_every_moment() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { heads_every: Duration::from_millis(1), ..options() };
    let recorder = Recorder::open(dir.path(), key(), options).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for lane in 0..2 {
            let (recorder, over) = (&recorder, &over);
            scope.spawn(move || {
                let large = "z".repeat(20_000);
                for round in 0.. {
                    let session = SessionId::new(format!("s{lane}-{round}"));
                    let mut journal = recorder.begin(&session, false).unwrap();
                    for no in 0..30 {
                        journal.append(at(no), &command(no as u64, &large)).unwrap();
                        drop(journal.flush().unwrap());
                    }
                    journal.close(at(31), "done").unwrap();
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        for _ in 0..40 {
            let report = verify(dir.path(), &Known::default()).unwrap();
            if !report.is_intact() {
                over.store(true, Ordering::Relaxed);
                panic!("{report}");
            }
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn one_folder_has_one_gateway() {
    let dir = tempfile::tempdir().unwrap();
    let _first = recorder(dir.path());
    let refused = Recorder::open(dir.path(), key(), options()).unwrap_err();
    assert!(matches!(refused, RecordFault::InUse(_)));
}

#[test]
fn a_dead_gateways_recording_is_closed_whatever_the_length_of_its_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let session = SessionId::new("s1");
    let whole = {
        let recorder = recorder(dir.path());
        let mut journal = recorder.begin(&session, false).unwrap();
        journal.append(at(0), &opened(&session)).unwrap();
        journal.append(at(1), &command(1, "SELECT 1")).unwrap();
        journal.flush().unwrap();
        fs::read(recorder.find(&session).unwrap().path).unwrap()
    };
    let mut ends = Vec::new();
    for length in 0..=whole.len() {
        let dir = tempfile::tempdir().unwrap();
        let day = dir.path().join("sessions/2023-11-14");
        fs::create_dir_all(&day).unwrap();
        fs::write(day.join("s1.live"), &whole[..length]).unwrap();
        let recorder = recorder(dir.path());
        let recovery = recorder.recover().unwrap();
        let [(_, Recovered::Closed { entries, torn_bytes })] = recovery.sessions.as_slice() else {
            panic!("{length}: {recovery:?}")
        };
        ends.push((*entries, *torn_bytes));
        if *entries == 0 {
            continue;
        }
        assert_eq!(*torn_bytes > 0, day.join("s1.torn").exists());
        let entries: Vec<_> = recorder.read(&session).unwrap().map(|entry| entry.unwrap()).collect();
        let last = entries.last().unwrap().event().unwrap();
        assert!(matches!(last, Event::Closed { reason, .. } if reason.starts_with("the gateway died")));
        assert_eq!(recorder.recover().unwrap().sessions, []);
    }
    // A whole header, one whole entry, two whole entries: each then closed by one more.
    assert_eq!(ends.iter().filter(|(_, torn)| *torn == 0).count(), 4);
    assert_eq!(ends.last(), Some(&(3, 0)));
}
