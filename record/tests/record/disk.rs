//! A disk that is full, really: a file system of a few hundred kilobytes.

use crate::scene::{at, command, opened, record, recorder};
use sallyport_core::{JournalFault, SessionId};
use sallyport_record::{Known, State, verify};
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// Mounted for the length of a test. Needs root, and a test that cannot have it fails.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "tmpfs"])
            .arg(dir.path())
            .status()
            .unwrap();
        assert!(mounted.success(), "this test mounts a small file system and needs root for it");
        Self(dir)
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[test]
fn a_full_disk_ends_the_session_that_met_it_and_no_other() {
    let disk = SmallDisk::mount("512k");
    let recorder = recorder(disk.path());
    let (full, other) = (SessionId::new("full"), SessionId::new("other"));
    let mut first = recorder.begin(&full, false).unwrap();
    let mut second = recorder.begin(&other, false).unwrap();
    first.append(at(0), &opened(&full)).unwrap();
    first.flush().unwrap();
    recorder.caught_up().unwrap();

    let filler = disk.path().join("filler");
    let filled = fs::write(&filler, vec![0u8; 1024 * 1024]).unwrap_err();
    assert_eq!(filled.kind(), io::ErrorKind::StorageFull);

    let statement = "x".repeat(64 * 1024);
    first.append(at(1), &command(1, &statement)).unwrap();
    let Err(JournalFault::Io(fault)) = first.flush() else { panic!("a full disk refuses") };
    assert_eq!(fault.kind(), io::ErrorKind::StorageFull);
    assert!(matches!(first.append(at(2), &command(2, "SELECT 1")), Err(JournalFault::Poisoned)));
    assert!(matches!(first.flush(), Err(JournalFault::Poisoned)));
    drop(first);

    fs::remove_file(&filler).unwrap();
    record(second.as_mut(), &other);
    recorder.caught_up().unwrap();
    let report = verify(disk.path(), &Known::default()).unwrap();
    assert!(report.is_intact(), "{report}");
    let state = |name: &str| {
        let found = report.sessions.iter().find(|one| one.session.as_str() == name).unwrap();
        (found.state, found.entries)
    };
    assert_eq!(state("other"), (State::Closed, 7));
    let (state, entries) = state("full");
    assert!(matches!(state, State::Torn | State::Open) && entries == 1, "{state:?} {entries}");
}

#[test]
fn no_session_begins_while_the_log_takes_nothing() {
    let disk = SmallDisk::mount("256k");
    let recorder = recorder(disk.path());
    let living = SessionId::new("living");
    let mut journal = recorder.begin(&living, false).unwrap();
    journal.append(at(0), &opened(&living)).unwrap();
    journal.flush().unwrap();
    recorder.caught_up().unwrap();
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0u8; 1024 * 1024]).unwrap_err();
    // Its last entry fits into the page that its file has already; sealing and logging it does not, once the log's
    // own page is full.
    let mut refused = None;
    for no in 0..100 {
        let session = SessionId::new(format!("s{no}"));
        match recorder.begin(&session, false) {
            Ok(journal) => drop(journal),
            Err(fault) => refused = Some(fault),
        }
        recorder.caught_up().unwrap();
        if refused.is_some() {
            break;
        }
    }
    assert!(refused.is_some());
    fs::remove_file(&filler).unwrap();
    drop(journal);
    recorder.caught_up().unwrap();
    recorder.begin(&SessionId::new("again"), false).unwrap();
}
