//! The log's key changes hands: whoever kept either key can check all of it, and neither can sign for the other.

use crate::scene::{key, options, record, recorder};
use sallyport_core::SessionId;
use sallyport_record::log::LogFiles;
use sallyport_record::note::Checkpoint;
use sallyport_record::{Kind, Known, Recorder, Report, SigningKey, is_unfinished, next_key, rotate, verify};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A house with one closed session under the key in `log.key`.
fn house() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(dir.path());
    add(&recorder, "one");
    drop(recorder);
    let path = dir.path().join("log.key");
    write_key(&path, &key());
    (dir, path)
}

fn write_key(path: &Path, key: &SigningKey) {
    use ed25519_dalek::pkcs8::EncodePrivateKey;
    fs::write(path, key.to_pkcs8_pem(Default::default()).unwrap().as_bytes()).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn add(recorder: &Recorder, name: &str) {
    let session = SessionId::new(name);
    record(recorder.begin(&session, false).unwrap().as_mut(), &session);
    recorder.caught_up().unwrap();
}

fn reopened(root: &Path, path: &Path) -> Recorder {
    Recorder::open(root, sallyport_record::signing_key(path).unwrap(), options()).unwrap()
}

fn check(root: &Path, key: &SigningKey, checkpoints: &[String]) -> Report {
    verify(root, &Known { key: Some(key.verifying_key()), checkpoints: checkpoints.to_vec() }).unwrap()
}

#[test]
fn all_of_a_log_verifies_by_any_of_its_keys_after_two_rotations() {
    let (dir, path) = house();
    let root = dir.path();
    let kept = fs::read_to_string(LogFiles::of(root).checkpoint()).unwrap();
    let mut keys = vec![key()];
    for name in ["two", "three"] {
        rotate(root, &path, &options()).unwrap();
        assert!(!is_unfinished(&path));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        keys.push(sallyport_record::signing_key(&path).unwrap());
        add(&reopened(root, &path), name);
    }
    assert_ne!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
    for key in &keys {
        let report = check(root, key, std::slice::from_ref(&kept));
        assert!(report.is_intact(), "{report}");
        assert_eq!((report.handovers, report.sessions.len()), (2, 3));
    }
    let report = verify(root, &Known::default()).unwrap();
    assert!(report.is_intact() && report.to_string().contains("3 keys signed it"), "{report}");
    let stranger = check(root, &SigningKey::from_bytes(&[9; 32]), &[]);
    assert!(stranger.findings.iter().any(|finding| finding.kind == Kind::Signature), "{stranger}");
}

#[test]
fn the_old_key_signs_nothing_any_more_and_the_new_one_nothing_from_before() {
    let (dir, path) = house();
    let root = dir.path();
    rotate(root, &path, &options()).unwrap();
    let new = sallyport_record::signing_key(&path).unwrap();
    add(&reopened(root, &path), "two");
    let files = LogFiles::of(root);
    let last =
        Checkpoint::open(&fs::read_to_string(files.checkpoint()).unwrap(), &new.verifying_key()).unwrap();
    let late = last.sign(&key());
    let found = check(root, &new, &[late]).findings;
    assert!(
        matches!(&found[..], [one] if one.kind == Kind::Signature && one.says.contains("turn")),
        "{found:?}"
    );
    let early = Checkpoint { size: 1, ..last }.sign(&new);
    let found = check(root, &new, &[early]).findings;
    assert!(
        matches!(&found[..], [one] if one.kind == Kind::Signature && one.says.contains("turn")),
        "{found:?}"
    );
}

#[test]
fn a_handover_that_was_changed_forged_or_taken_away_is_found() {
    let (dir, path) = house();
    let root = dir.path();
    rotate(root, &path, &options()).unwrap();
    let new = sallyport_record::signing_key(&path).unwrap();
    let file = LogFiles::of(root).handovers();
    let true_note = fs::read_to_string(&file).unwrap();
    let size = true_note.lines().nth(3).unwrap().to_owned();
    let changed = true_note.replacen(&format!("\n{size}\n"), "\n1\n", 1);
    assert_ne!(changed, true_note);
    // Half of it: what the old key alone, or a new one alone, could have written.
    let (text, signatures) = true_note.split_once("\n\n").unwrap();
    let signatures: Vec<_> = signatures.lines().filter(|line| !line.is_empty()).collect();
    let halves = signatures.iter().map(|signature| format!("{text}\n\n{signature}\n\n"));
    for forged in halves.chain([changed, String::new()]) {
        fs::write(&file, &forged).unwrap();
        for key in [key(), new.clone()] {
            let report = check(root, &key, &[]);
            assert!(report.findings.iter().any(|one| one.kind == Kind::Signature), "{forged}\n{report}");
        }
    }
    fs::write(&file, true_note).unwrap();
    assert!(check(root, &key(), &[]).is_intact());
}

#[test]
fn a_rotation_that_was_cut_short_anywhere_is_finished_by_the_next() {
    // What a crash can leave: the next key alone; with the handover; with its first checkpoint as well.
    for steps in 0..3 {
        let (dir, path) = house();
        let root = dir.path();
        let files = LogFiles::of(root);
        let (old_pem, old_points) = (fs::read(&path).unwrap(), fs::read(files.checkpoints()).unwrap());
        rotate(root, &path, &options()).unwrap();
        let new = fs::read(&path).unwrap();
        fs::rename(&path, next_key(&path)).unwrap();
        fs::write(&path, old_pem).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        if steps < 2 {
            fs::write(files.checkpoints(), old_points).unwrap();
        }
        if steps < 1 {
            fs::remove_file(files.handovers()).unwrap();
        }
        assert!(is_unfinished(&path));
        rotate(root, &path, &options()).unwrap();
        assert!(!is_unfinished(&path));
        assert_eq!(fs::read(&path).unwrap(), new, "the key that was begun with is the one that signs");
        add(&reopened(root, &path), "two");
        let report = check(root, &key(), &[]);
        assert!(report.is_intact() && report.handovers == 1, "{steps}: {report}");
    }
}

#[test]
fn a_log_at_work_is_not_handed_over() {
    let (dir, path) = house();
    let _at_work = reopened(dir.path(), &path);
    let refused = rotate(dir.path(), &path, &options()).unwrap_err().to_string();
    assert!(refused.contains("in use"), "{refused}");
    assert!(!is_unfinished(&path));
}
