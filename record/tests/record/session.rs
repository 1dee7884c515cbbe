//! The way of one recording, from its first entry to the shelf.

use crate::scene::{at, command, key, opened, options, record, recorder};
use sallyport_core::journal::Event;
use sallyport_core::{Flush, JournalFault, SessionId};
use sallyport_record::{News, RecordFault, Recorder, Recovered};
use std::fs;

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
