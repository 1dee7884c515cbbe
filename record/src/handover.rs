//! From one signing key of the log to the next. Both sign a note that names the two and how far the log had come, so
//! that whoever kept either of them can follow to the other, and each key is good for its own part of the log only.
//!
//! Invariant: the note is in its file, and the size at which the keys change is signed by the new one, before the old
//! one is gone. Each step can be taken again after a crash.

use crate::fault::RecordFault;
use crate::keys;
use crate::log::{Log, LogFiles, newest, notes};
use crate::note::{self, Checkpoint, NoteFault};
use crate::recorder::{Options, take_lock};
use crate::tree::Node;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{SigningKey, VerifyingKey};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What follows the origin in the first line. No checkpoint can be taken for it, nor it for one.
const PURPOSE: &str = " handover v1";

/// What both keys signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    pub origin: String,
    pub from: VerifyingKey,
    pub to: VerifyingKey,
    /// How many leaves the log had, and their root: the last that `from` may sign and the first that `to` may.
    pub size: u64,
    pub root: Node,
}

impl Handover {
    fn text(&self) -> String {
        let named = |key| note::verifier(&self.origin, key);
        let (from, to, root) = (named(&self.from), named(&self.to), BASE64.encode(self.root));
        format!("{}{PURPOSE}\n{from}\n{to}\n{}\n{root}\n", self.origin, self.size)
    }

    fn sign(&self, from: &SigningKey, to: &SigningKey) -> String {
        let signed = note::sign(&self.text(), &self.origin, from);
        note::sign_also(&signed, &self.text(), &self.origin, to)
    }

    /// Reads a note and checks that both keys which it names signed it.
    pub fn open(note: &str) -> Result<Handover, NoteFault> {
        let text = note.split_once("\n\n").map(|(text, _)| text).ok_or(NoteFault::Form)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(NoteFault::Form);
        let origin = line()?.strip_suffix(PURPOSE).ok_or(NoteFault::Form)?;
        let mut key = || {
            let (name, key) = note::parse_verifier(line()?).ok_or(NoteFault::Form)?;
            if name == origin { Ok(key) } else { Err(NoteFault::Form) }
        };
        let (from, to) = (key()?, key()?);
        let size = line()?.parse().map_err(|_| NoteFault::Form)?;
        let root = BASE64.decode(line()?).map_err(|_| NoteFault::Form)?;
        let root = root.try_into().map_err(|_| NoteFault::Form)?;
        let handover = Handover { origin: origin.to_owned(), from, to, size, root };
        // What was read is what would be written: nothing else was signed.
        if note::open(note, origin, &from)? != handover.text() || note::open(note, origin, &to).is_err() {
            return Err(NoteFault::Signature);
        }
        Ok(handover)
    }
}

/// The keys of a log, oldest first, as far as the one that is trusted vouches for them.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    terms: Vec<Term>,
    /// Those that lead from key to key.
    pub handovers: Vec<Handover>,
}

#[derive(Clone, Debug)]
struct Term {
    key: VerifyingKey,
    from: u64,
    to: u64,
}

impl Keys {
    /// The chain that `trusted` is a part of. What is wrong with the file is told, and nothing behind it is believed.
    pub(crate) fn of(files: &LogFiles, trusted: VerifyingKey) -> Result<(Keys, Vec<String>), RecordFault> {
        let mut wrong = Vec::new();
        let mut chain: Vec<Handover> = Vec::new();
        for (index, note) in notes(&text(files)?).0.into_iter().enumerate() {
            let follows = |next: &Handover| {
                chain.last().is_none_or(|last| last.to == next.from && last.size <= next.size)
            };
            match Handover::open(note) {
                Ok(next) if follows(&next) => chain.push(next),
                Ok(_) => {
                    wrong.push(format!("handover number {} does not follow the one before", index + 1));
                    break;
                }
                Err(fault) => {
                    wrong.push(format!("handover number {}: {fault}", index + 1));
                    break;
                }
            }
        }
        if !chain.iter().any(|handover| handover.from == trusted || handover.to == trusted) {
            // The only key there is, or one that this log never had: then no signature will be of it.
            let terms = vec![Term { key: trusted, from: 0, to: u64::MAX }];
            return Ok((Keys { terms, handovers: Vec::new() }, wrong));
        }
        let mut terms = Vec::new();
        let mut from = 0;
        for handover in &chain {
            terms.push(Term { key: handover.from, from, to: handover.size });
            from = handover.size;
        }
        terms.extend(chain.last().map(|last| Term { key: last.to, from, to: u64::MAX }));
        Ok((Keys { terms, handovers: chain }, wrong))
    }

    /// A checkpoint signed by the key whose turn it was.
    pub(crate) fn open(&self, note: &str) -> Result<Checkpoint, NoteFault> {
        let mut fault = NoteFault::Unsigned;
        for term in &self.terms {
            match Checkpoint::open(note, &term.key) {
                Ok(point) if (term.from..=term.to).contains(&point.size) => return Ok(point),
                Ok(_) => fault = NoteFault::NotItsTurn,
                Err(NoteFault::Unsigned) => {}
                Err(other) => fault = other,
            }
        }
        Err(fault)
    }
}

fn text(files: &LogFiles) -> Result<String, RecordFault> {
    match fs::read(files.handovers()) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(fault) => Err(RecordFault::io("read", files.handovers())(fault)),
    }
}

/// Where the next key stands until it signs.
pub fn next_key(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

/// A new key signs the log in `root` from here on; what was signed before stays verifiable. No gateway may be at work
/// there. After a failure it is called again.
pub fn rotate(root: &Path, key: &Path, options: &Options) -> Result<VerifyingKey, RecordFault> {
    let _lock = take_lock(root)?;
    let next_path = next_key(key);
    let old = keys::existing(key)?;
    let next = keys::signing_key(&next_path)?;
    hand_over(root, &options.origin, old, &next)?;
    fs::rename(&next_path, key).map_err(RecordFault::io("replace", key))?;
    let folder = key.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(RecordFault::io("settle", folder))?;
    // Writes the public key beside the log, and reads all of it once under the new one.
    let log = Log::open(root, &options.origin, next)?;
    Ok(log.verifying_key())
}

fn hand_over(root: &Path, origin: &str, old: SigningKey, next: &SigningKey) -> Result<(), RecordFault> {
    let files = LogFiles::of(root);
    let before = text(&files)?;
    let (whole, bytes) = notes(&before);
    let last = whole.last().and_then(|note| Handover::open(note).ok());
    let handed = last.is_some_and(|last| last.to == next.verifying_key());
    if handed && newest(&files, &next.verifying_key()).is_ok_and(|point| point.is_some()) {
        return Ok(());
    }
    let mut log = Log::open(root, origin, old.clone())?;
    let point = log.now();
    if !handed {
        let (from, to) = (old.verifying_key(), next.verifying_key());
        let handover = Handover { origin: origin.to_owned(), from, to, size: point.size, root: point.root };
        append(&files.handovers(), bytes as u64, &handover.sign(&old, next))?;
    }
    log.publish(&point.sign(next)).map_err(RecordFault::io("append to", files.checkpoints()))
}

/// Behind the last whole note: a torn one is of a rotation that is done again now.
fn append(path: &Path, whole: u64, note: &str) -> Result<(), RecordFault> {
    let mut file = crate::log::append_to(path)?;
    let written = file
        .set_len(whole)
        .and_then(|()| file.write_all(format!("{note}\n").as_bytes()))
        .and_then(|()| file.sync_all());
    written.map_err(RecordFault::io("append to", path))
}

/// Whether a key stands in this place that is not the one of the log, because a rotation ended in its middle.
pub fn is_unfinished(key: &Path) -> bool {
    next_key(key).exists()
}
