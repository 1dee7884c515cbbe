//! Every kind of tampering, each done by hand to real files, and what `verify` says of it.

use crate::scene::{at, command, key, opened, options, record, recorder};
use sallyport_core::SessionId;
use sallyport_record::log::LogFiles;
use sallyport_record::note::Checkpoint;
use sallyport_record::{
    Entry, Finding, Kind, Known, Recorder, Report, SigningKey, State, read, read_bytes, verify,
};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Two closed sessions, `one` and `two`.
fn house() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    for name in ["one", "two"] {
        let session = SessionId::new(name);
        record(recorder.begin(&session, false).unwrap().as_mut(), &session);
    }
    recorder.caught_up().unwrap();
    dir
}

fn known() -> Known {
    Known { key: Some(key().verifying_key()), checkpoints: Vec::new() }
}

fn check(root: &Path) -> Report {
    verify(root, &known()).unwrap()
}

/// What is wrong, in short: kind, session and entry.
fn found(root: &Path) -> Vec<(Kind, Option<String>, Option<u64>)> {
    let short =
        |finding: Finding| (finding.kind, finding.session.map(|session| session.to_string()), finding.entry);
    check(root).findings.into_iter().map(short).collect()
}

fn in_one(kind: Kind, entry: u64) -> Vec<(Kind, Option<String>, Option<u64>)> {
    vec![(kind, Some("one".to_owned()), Some(entry))]
}

fn file(root: &Path, name: &str) -> PathBuf {
    let days = fs::read_dir(root.join("sessions")).unwrap();
    days.map(|day| day.unwrap().path().join(name)).find(|path| path.exists()).unwrap()
}

fn entries(path: &Path) -> Vec<Entry> {
    read(path).unwrap().map(|entry| entry.unwrap()).collect()
}

/// A writer of the format that shares no code with the one under test. With `chain`, the entries are numbered and
/// chained anew; otherwise each is written as it stands.
fn forge(session: &str, entries: &[Entry], chain: bool) -> Vec<u8> {
    let mut out = b"SALLYREC\x01\x00\x00".to_vec();
    out.push(session.len() as u8);
    out.extend_from_slice(session.as_bytes());
    let mut before = *blake3::hash(format!("sallyport recording v1\n{session}").as_bytes()).as_bytes();
    for (no, entry) in entries.iter().enumerate() {
        let mut bytes = (entry.body.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&if chain { no as u64 } else { entry.no }.to_le_bytes());
        bytes.extend_from_slice(&entry.at.0.to_le_bytes());
        bytes.extend_from_slice(if chain { &before } else { &entry.before.0 });
        bytes.extend_from_slice(&entry.body);
        before = *blake3::hash(&bytes).as_bytes();
        out.extend_from_slice(&bytes);
        out.extend_from_slice(&before);
    }
    out
}

/// Replaces the sealed recording of `one` by a raw one with these entries.
fn put_forged(root: &Path, change: impl FnOnce(&mut Vec<Entry>), chain: bool) {
    let sealed = file(root, "one.rec");
    let mut all = entries(&sealed);
    change(&mut all);
    fs::remove_file(&sealed).unwrap();
    fs::write(sealed.with_extension("live"), forge("one", &all, chain)).unwrap();
}

#[test]
fn an_untouched_house_is_intact() {
    let dir = house();
    let report = check(dir.path());
    assert!(report.is_intact(), "{report}");
    assert_eq!(report.sessions.len(), 2);
    assert!(report.sessions.iter().all(|one| one.state == State::Closed && one.entries == 7 && one.in_log));
    assert!(report.leaves >= 4 && report.unsigned_leaves == 0);
    // What the outsider's writer writes is what ours wrote.
    put_forged(dir.path(), |_| {}, true);
    assert!(check(dir.path()).is_intact());
}

#[test]
fn each_flipped_bit_of_a_sealed_recording_is_seen() {
    let dir = house();
    let whole = fs::read(file(dir.path(), "one.rec")).unwrap();
    let true_outline = read_bytes(&whole).unwrap();
    assert!(true_outline.sealed && true_outline.closed);
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[index] ^= 1 << bit;
            assert!(read_bytes(&changed).is_err(), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn each_flipped_byte_of_a_living_recording_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("one");
    let mut journal = recorder.begin(&session, false).unwrap();
    journal.append(at(0), &opened(&session)).unwrap();
    journal.append(at(1), &command(1, "SELECT 1")).unwrap();
    journal.append(at(2), &command(2, "SELECT 2")).unwrap();
    journal.flush().unwrap();
    recorder.caught_up().unwrap();
    let path = file(dir.path(), "one.live");
    let whole = fs::read(&path).unwrap();
    let last = whole.len() - (52 + 32 + entries(&path)[2].body.len());
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        let report = check(dir.path());
        // Only the length of the very last entry cannot be told from a tear; the entry does not count either way.
        let torn = report.sessions[0].state == State::Torn && report.sessions[0].entries == 2;
        assert!(!report.is_intact() || torn && (last..last + 4).contains(&index), "byte {index}: {report}");
    }
}

#[test]
fn a_living_recording_torn_at_any_length_is_torn_and_not_tampered_with() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    let session = SessionId::new("one");
    let mut journal = recorder.begin(&session, false).unwrap();
    journal.append(at(0), &opened(&session)).unwrap();
    journal.append(at(1), &command(1, "SELECT 1")).unwrap();
    journal.flush().unwrap();
    recorder.caught_up().unwrap();
    let path = file(dir.path(), "one.live");
    let whole = fs::read(&path).unwrap();
    let all = entries(&path);
    let second = whole.len() - (84 + all[1].body.len());
    for length in second..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let report = check(dir.path());
        assert!(report.is_intact(), "{length}: {report}");
        let expected = match length {
            length if length == second => (State::Open, 1),
            length if length == whole.len() => (State::Open, 2),
            _ => (State::Torn, 1),
        };
        assert_eq!((report.sessions[0].state, report.sessions[0].entries), expected, "{length}");
    }
    // A disk that lost power leaves zeros where the entry should be.
    let mut zeroed = whole.clone();
    zeroed[second + 40..].fill(0);
    fs::write(&path, &zeroed).unwrap();
    assert_eq!(check(dir.path()).sessions[0].state, State::Torn);
}

#[test]
fn a_changed_entry_is_named() {
    let dir = house();
    let sealed = file(dir.path(), "one.rec");
    let mut raw = forge("one", &entries(&sealed), true);
    fs::remove_file(&sealed).unwrap();
    let text = b"SELECT name";
    let place = raw.windows(text.len()).position(|window| window == text).unwrap();
    raw[place] = b'D';
    fs::write(sealed.with_extension("live"), raw).unwrap();
    assert_eq!(found(dir.path()), in_one(Kind::Changed, 1));
}

#[test]
fn a_missing_entry_is_named() {
    let dir = house();
    put_forged(dir.path(), |all| drop(all.remove(3)), false);
    assert_eq!(found(dir.path()), in_one(Kind::Missing, 3));
}

#[test]
fn reordered_and_repeated_entries_are_named() {
    let dir = house();
    put_forged(dir.path(), |all| all.swap(3, 4), false);
    assert_eq!(found(dir.path()), in_one(Kind::Missing, 3));
    let dir = house();
    put_forged(dir.path(), |all| all.insert(4, all[2].clone()), false);
    assert_eq!(found(dir.path()), in_one(Kind::Reordered, 4));
}

#[test]
fn an_entry_hashed_anew_does_not_continue_the_chain() {
    let dir = house();
    let change = |all: &mut Vec<Entry>| all[3].body = br#"{"event":"row","of":1,"cells":[]}"#.to_vec();
    put_forged(dir.path(), change, false);
    assert_eq!(found(dir.path()), in_one(Kind::Changed, 4));
}

#[test]
fn a_recording_written_anew_differs_from_its_logged_head() {
    let dir = house();
    let change = |all: &mut Vec<Entry>| all[3].body = br#"{"event":"row","of":1,"cells":[]}"#.to_vec();
    put_forged(dir.path(), change, true);
    assert_eq!(found(dir.path()), in_one(Kind::HeadDiffers, 6));
}

#[test]
fn a_shortened_recording_is_seen_by_the_log() {
    let dir = house();
    put_forged(dir.path(), |all| all.truncate(4), true);
    assert_eq!(found(dir.path()), in_one(Kind::Truncated, 4));
    let dir = house();
    // Even where the forger closes it again.
    put_forged(dir.path(), |all| drop(all.drain(3..6)), true);
    assert_eq!(found(dir.path()), in_one(Kind::Truncated, 4));
}

#[test]
fn a_sealed_recording_cut_anywhere_is_seen() {
    let dir = house();
    let path = file(dir.path(), "one.rec");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(read(&path).map_or(true, |mut all| all.any(|entry| entry.is_err())), "{length}");
    }
    assert!(!check(dir.path()).is_intact());
}

#[test]
fn swapped_sessions_are_seen() {
    let dir = house();
    let (one, two) = (file(dir.path(), "one.rec"), file(dir.path(), "two.rec"));
    let aside = one.with_extension("aside");
    fs::rename(&one, &aside).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(&aside, &two).unwrap();
    let kinds: Vec<_> = found(dir.path()).into_iter().filter(|found| found.0 == Kind::Swapped).collect();
    assert_eq!(kinds.len(), 2);
    // And with the headers changed as well.
    let entries_of_two = entries(&one);
    fs::write(&one, forge("one", &entries_of_two, false)).unwrap();
    let of_one: Vec<_> =
        found(dir.path()).into_iter().filter(|found| found.1.as_deref() == Some("one")).collect();
    assert_eq!(of_one, in_one(Kind::Swapped, 0));
}

#[test]
fn a_recording_that_is_gone_or_was_never_logged_is_seen() {
    let dir = house();
    let one = file(dir.path(), "one.rec");
    let forged = forge("three", &entries(&one), true);
    fs::write(one.with_file_name("three.rec"), &forged).unwrap();
    assert_eq!(found(dir.path()), vec![(Kind::NotInLog, Some("three".to_owned()), None)]);
    fs::remove_file(one.with_file_name("three.rec")).unwrap();
    // As if its gateway had just died: told as unsigned, and closed as such at the next start.
    fs::write(one.with_file_name("three.live"), &forged[..forged.len() - 1]).unwrap();
    let report = check(dir.path());
    assert!(report.is_intact() && report.to_string().contains("unsigned session three"));
    {
        let recorder = recorder(dir.path());
        recorder.recover().unwrap();
        let last = recorder.read(&SessionId::new("three")).unwrap().last().unwrap().unwrap();
        assert!(String::from_utf8_lossy(&last.body).contains("before the log knew of this session"));
    }
    assert!(check(dir.path()).is_intact());
    fs::remove_file(&one).unwrap();
    assert_eq!(found(dir.path()), vec![(Kind::Absent, Some("one".to_owned()), None)]);
}

#[test]
fn changed_leaves_are_seen() {
    let dir = house();
    let leaves = LogFiles::of(dir.path()).leaves();
    let text = fs::read_to_string(&leaves).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    let last = lines.pop().unwrap();
    fs::write(&leaves, format!("{}\n", lines.join("\n"))).unwrap();
    assert!(found(dir.path()).iter().any(|found| found.0 == Kind::LogChanged));
    let changed = last.replace("\"entries\":7", "\"entries\":6");
    assert_ne!(changed, last);
    fs::write(&leaves, format!("{}\n{changed}\n", lines.join("\n"))).unwrap();
    assert!(found(dir.path()).iter().any(|found| found.0 == Kind::LogChanged));
    // Such a log is not written on either.
    let refused = Recorder::open(dir.path(), key(), options()).unwrap_err();
    assert!(refused.to_string().contains("the log of sessions is damaged"));
}

#[test]
fn a_leaf_that_nobody_signed_proves_nothing() {
    let dir = house();
    let one = file(dir.path(), "one.rec");
    fs::write(one.with_file_name("three.rec"), forge("three", &entries(&one), true)).unwrap();
    let leaves = LogFiles::of(dir.path()).leaves();
    let text = fs::read_to_string(&leaves).unwrap();
    let forged = text.lines().last().unwrap().replace("\"two\"", "\"three\"").replace("\"one\"", "\"three\"");
    fs::write(&leaves, format!("{text}{forged}\n")).unwrap();
    assert_eq!(found(dir.path()), vec![(Kind::NotInLog, Some("three".to_owned()), None)]);
    assert_eq!(check(dir.path()).unsigned_leaves, 1);
}

#[test]
fn a_checkpoint_of_another_key_is_seen() {
    let dir = house();
    let files = LogFiles::of(dir.path());
    let newest = fs::read_to_string(files.checkpoint()).unwrap();
    let checkpoint = Checkpoint::open(&newest, &key().verifying_key()).unwrap();
    let forged = checkpoint.sign(&SigningKey::from_bytes(&[8; 32]));
    let mut history = fs::read_to_string(files.checkpoints()).unwrap();
    history.push_str(&format!("{forged}\n"));
    fs::write(files.checkpoints(), history).unwrap();
    assert_eq!(found(dir.path()), vec![(Kind::Signature, None, None)]);
}

/// The whole house is rolled back, or another history grows from the same start: only who kept a checkpoint sees it.
#[test]
fn a_rolled_back_house_and_a_fork_are_seen_by_who_kept_a_checkpoint() {
    let dir = house();
    let kept = fs::read_to_string(LogFiles::of(dir.path()).checkpoint()).unwrap();
    let other = tempfile::tempdir().unwrap();
    let shorter = recorder(other.path());
    let session = SessionId::new("one");
    record(shorter.begin(&session, false).unwrap().as_mut(), &session);
    shorter.caught_up().unwrap();
    let bring = Known { checkpoints: vec![kept], ..known() };
    assert!(check(other.path()).is_intact());
    let report = verify(other.path(), &bring).unwrap();
    assert_eq!(report.findings.iter().map(|found| found.kind).collect::<Vec<_>>(), [Kind::LogChanged]);
    for name in ["b", "c", "d"] {
        let session = SessionId::new(name);
        record(shorter.begin(&session, false).unwrap().as_mut(), &session);
    }
    shorter.caught_up().unwrap();
    assert!(check(other.path()).is_intact());
    let report = verify(other.path(), &bring).unwrap();
    assert_eq!(report.findings.iter().map(|found| found.kind).collect::<Vec<_>>(), [Kind::Fork]);
    assert!(verify(dir.path(), &bring).unwrap().is_intact());
}

#[test]
fn without_a_key_the_one_beside_is_used_and_said() {
    let dir = house();
    let report = verify(dir.path(), &Known::default()).unwrap();
    assert!(report.is_intact() && report.key_from_folder);
    let one = verify(&file(dir.path(), "one.rec"), &known()).unwrap();
    assert!(one.is_intact() && one.with_log && one.sessions.len() == 1);
    let alone = tempfile::tempdir().unwrap();
    let copy = alone.path().join("one.rec");
    fs::copy(file(dir.path(), "one.rec"), &copy).unwrap();
    let report = verify(&copy, &known()).unwrap();
    assert!(report.is_intact() && !report.with_log);
}

#[test]
fn a_report_reads_alone() {
    let dir = house();
    put_forged(dir.path(), |all| drop(all.remove(3)), false);
    let report = check(dir.path());
    insta::assert_snapshot!(report.to_string().lines().next().unwrap_or_default());
    insta::assert_json_snapshot!(report.findings);
}

#[test]
fn a_recording_that_was_changed_between_two_runs_is_not_sealed() {
    let dir = house();
    // The length of entry 2 is made to reach behind the end: it must not pass for a tear.
    let sealed = file(dir.path(), "one.rec");
    let all = entries(&sealed);
    let mut raw = forge("one", &all, true);
    let place = 12 + 3 + 2 * 84 + all[0].body.len() + all[1].body.len();
    raw[place + 2] = 0x10;
    fs::remove_file(&sealed).unwrap();
    fs::write(sealed.with_extension("live"), raw).unwrap();
    assert!(found(dir.path()).contains(&(Kind::Changed, Some("one".to_owned()), Some(2))));
    let recovery = recorder(dir.path()).recover().unwrap();
    let [(_, sallyport_record::Recovered::Damaged { .. })] = recovery.sessions.as_slice() else {
        panic!("{recovery:?}")
    };
}
