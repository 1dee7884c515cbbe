//! The one log of all recordings: a leaf when a session opens, now and then while it lives, and when it closes. The
//! leaves are a Merkle tree, and what was appended together is signed together.
//!
//! Invariant: nothing unsigned ever becomes signed later. Leaves behind the last checkpoint, left by a crash, are cut
//! off when the log is opened; the recordings they spoke of are looked at again and logged anew.

use crate::fault::RecordFault;
use crate::frame::Hash;
use crate::note::{self, Checkpoint};
use crate::tree::{self, Edge, Node};
use ed25519_dalek::{SigningKey, VerifyingKey};
use sallyport_core::{Moment, SessionId};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A line of the log is a few hundred bytes; a longer one is none of ours.
const MAX_LINE_BYTES: u64 = 4096;
/// How much of the history of checkpoints is read to find the newest.
const MAX_NOTES_BYTES: u64 = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafState {
    Opened,
    Running,
    Closed,
}

/// One line of the log. The leaf's hash is over the line's bytes without its newline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    pub v: u8,
    pub session: SessionId,
    pub state: LeafState,
    /// How many entries the recording had, and the hash of the last.
    pub entries: u64,
    pub head: HexHash,
    pub at: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HexHash(pub Hash);

impl Serialize for HexHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HexHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digest = sallyport_core::Digest::deserialize(deserializer)?;
        Ok(HexHash(Hash(digest.0)))
    }
}

/// Where the files of the log are.
#[derive(Clone, Debug)]
pub struct LogFiles(PathBuf);

impl LogFiles {
    /// The log within the folder of the recorder.
    pub fn of(root: &Path) -> Self {
        Self(root.join("log"))
    }
    pub fn folder(&self) -> &Path {
        &self.0
    }
    pub fn leaves(&self) -> PathBuf {
        self.0.join("leaves")
    }
    /// Every checkpoint, oldest first, with an empty line behind each.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }
    /// The newest, alone.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint")
    }
    pub fn public_key(&self) -> PathBuf {
        self.0.join("public-key")
    }
    /// From each signing key to the next, oldest first. Not there where the first key still signs.
    pub fn handovers(&self) -> PathBuf {
        self.0.join("handovers")
    }
}

/// Each whole line of the leaves, without its newline. A last line without one is not given.
pub fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
    let mut file = BufReader::new(File::open(path)?);
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match io::Read::take(&mut file, MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(_) if line.pop_if(|last| *last == b'\n').is_some() => Some(Ok(line)),
            Ok(got) if got as u64 == MAX_LINE_BYTES => Some(Err(io::ErrorKind::InvalidData.into())),
            Ok(_) => None,
            Err(fault) => Some(Err(fault)),
        }
    }))
}

/// The whole notes in a file of checkpoints, and how many bytes they take. Behind them may be a torn one.
pub fn notes(text: &str) -> (Vec<&str>, usize) {
    let mut notes = Vec::new();
    let (mut start, mut at, mut signed) = (0, 0, false);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if signed && line == "\n" {
            notes.extend(text.get(start..at));
            (start, signed) = (end, false);
        }
        signed |= line.starts_with('\u{2014}');
        at = end;
    }
    (notes, start)
}

/// The hashes of the first `size` leaves, for proofs.
pub fn leaf_hashes(files: &LogFiles, size: u64) -> io::Result<Vec<Node>> {
    let limit = usize::try_from(size).unwrap_or(usize::MAX);
    lines(&files.leaves())?.take(limit).map(|line| Ok(tree::leaf_hash(&line?))).collect()
}

/// What shows to somebody else that a session is in the log: `leaf` is leaf `index` of the tree that `checkpoint` signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub leaf: String,
    pub index: u64,
    pub path: Vec<Node>,
    pub checkpoint: String,
}

/// The proof for the last leaf of a session under the newest checkpoint. `None`: no signed leaf speaks of it.
pub fn prove(
    files: &LogFiles,
    session: &SessionId,
    key: &VerifyingKey,
) -> Result<Option<Proof>, RecordFault> {
    let note = match fs::read_to_string(files.checkpoint()) {
        Ok(note) => note,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(RecordFault::io("read", files.checkpoint())(fault)),
    };
    let signed = Checkpoint::open(&note, key).map_err(|fault| RecordFault::Log(fault.to_string()))?;
    let (mut hashes, mut found) = (Vec::new(), None);
    let path = files.leaves();
    for line in lines(&path).map_err(RecordFault::io("read", &path))? {
        if hashes.len() as u64 == signed.size {
            break;
        }
        let line = line.map_err(RecordFault::io("read", &path))?;
        if serde_json::from_slice::<Leaf>(&line).is_ok_and(|leaf| leaf.session == *session) {
            found = Some((hashes.len(), String::from_utf8_lossy(&line).into_owned()));
        }
        hashes.push(tree::leaf_hash(&line));
    }
    let Some((index, leaf)) = found else { return Ok(None) };
    let Some(path) = tree::inclusion(&hashes, index) else { return Ok(None) };
    Ok(Some(Proof { leaf, index: index as u64, path, checkpoint: note }))
}

/// The writer of the log. One thread has it.
#[derive(Debug)]
pub struct Log {
    files: LogFiles,
    leaves: File,
    leaves_bytes: u64,
    checkpoints: File,
    edge: Edge,
    origin: String,
    key: SigningKey,
}

impl Log {
    pub fn open(root: &Path, origin: &str, key: SigningKey) -> Result<Log, RecordFault> {
        let files = LogFiles::of(root);
        fs::create_dir_all(files.folder()).map_err(RecordFault::io("create", files.folder()))?;
        let vkey = format!("{}\n", note::verifier(origin, &key.verifying_key()));
        fs::write(files.public_key(), vkey).map_err(RecordFault::io("write", files.public_key()))?;
        let last = newest(&files, &key.verifying_key())?;
        let (edge, leaves_bytes) = grow_to(&files, last.as_ref())?;
        let leaves = append_to(&files.leaves())?;
        leaves.set_len(leaves_bytes).map_err(RecordFault::io("cut", files.leaves()))?;
        let checkpoints = append_to(&files.checkpoints())?;
        Ok(Log { files, leaves, leaves_bytes, checkpoints, edge, origin: origin.to_owned(), key })
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }
    /// What it would sign now.
    pub(crate) fn now(&self) -> Checkpoint {
        Checkpoint { origin: self.origin.clone(), size: self.edge.size(), root: self.edge.root() }
    }
    pub fn files(&self) -> &LogFiles {
        &self.files
    }

    /// Puts the leaves on the disk and signs the new size once. All of them, or none.
    pub fn append(&mut self, batch: &[Leaf]) -> Result<Checkpoint, RecordFault> {
        let mut edge = self.edge.clone();
        let mut bytes = Vec::new();
        for leaf in batch {
            let line = serde_json::to_vec(leaf).map_err(|fault| RecordFault::Log(fault.to_string()))?;
            edge.push(tree::leaf_hash(&line));
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: edge.size(), root: edge.root() };
        let note = checkpoint.sign(&self.key);
        let written = self.leaves.write_all(&bytes).and_then(|()| self.leaves.sync_data());
        if let Err(fault) = written {
            self.take_back();
            return Err(RecordFault::io("append to", self.files.leaves())(fault));
        }
        let signed = self.publish(&note);
        if let Err(fault) = signed {
            self.take_back();
            return Err(RecordFault::io("append to", self.files.checkpoints())(fault));
        }
        self.leaves_bytes += bytes.len() as u64;
        self.edge = edge;
        Ok(checkpoint)
    }

    /// The history first: it is what counts; the newest alone is for the convenience of others.
    pub(crate) fn publish(&mut self, note: &str) -> io::Result<()> {
        let before = self.checkpoints.metadata()?.len();
        let written = self
            .checkpoints
            .write_all(format!("{note}\n").as_bytes())
            .and_then(|()| self.checkpoints.sync_data());
        if let Err(fault) = written {
            self.checkpoints.set_len(before)?;
            return Err(fault);
        }
        let part = self.files.checkpoint().with_extension("part");
        let newest = fs::write(&part, note).and_then(|()| fs::rename(&part, self.files.checkpoint()));
        if let Err(fault) = newest {
            tracing::warn!(%fault, "the newest checkpoint stands in the history only");
        }
        Ok(())
    }

    fn take_back(&self) {
        if let Err(fault) = self.leaves.set_len(self.leaves_bytes) {
            tracing::error!(%fault, "unsigned leaves stay in the log until the next start");
        }
    }
}

pub(crate) fn append_to(path: &Path) -> Result<File, RecordFault> {
    OpenOptions::new().create(true).append(true).open(path).map_err(RecordFault::io("open", path))
}

/// The newest checkpoint that is whole. A torn one at the end, left by a crash, is cut off.
pub(crate) fn newest(files: &LogFiles, key: &VerifyingKey) -> Result<Option<Checkpoint>, RecordFault> {
    let path = files.checkpoints();
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(RecordFault::io("read", path)(fault)),
    };
    let (text, from) = last_text(&mut file).map_err(RecordFault::io("read", &path))?;
    let (notes, whole) = notes(&text);
    if whole < text.len() {
        let kept = from + whole as u64;
        append_to(&path)?.set_len(kept).map_err(RecordFault::io("cut", &path))?;
    }
    let Some(note) = notes.last() else { return Ok(None) };
    let checkpoint = Checkpoint::open(note, key)
        .map_err(|fault| RecordFault::Log(format!("the newest checkpoint: {fault}")))?;
    Ok(Some(checkpoint))
}

/// The end of the history, from the beginning of a note on, and where that is in the file.
fn last_text(file: &mut File) -> io::Result<(String, u64)> {
    let from = file.metadata()?.len().saturating_sub(MAX_NOTES_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MAX_NOTES_BYTES).read_to_end(&mut bytes)?;
    // The first note may have been met in its middle. Everything up to its signature's end is left out.
    let signature = "\n\u{2014}".as_bytes();
    let met = if from == 0 { 0 } else { memchr::memmem::find(&bytes, signature).unwrap_or(0) + 1 };
    let end = memchr::memmem::find(bytes.get(met..).unwrap_or_default(), b"\n\n").filter(|_| from > 0);
    let start = end.map_or(0, |end| met + end + 2);
    let text = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned();
    Ok((text, from + start as u64))
}

/// Reads the leaves that the checkpoint covers. How many bytes they take is where the next one goes.
fn grow_to(files: &LogFiles, last: Option<&Checkpoint>) -> Result<(Edge, u64), RecordFault> {
    let mut edge = Edge::default();
    let mut bytes = 0;
    let Some(last) = last else { return Ok((edge, 0)) };
    let path = files.leaves();
    for line in lines(&path).map_err(RecordFault::io("read", &path))? {
        if edge.size() == last.size {
            break;
        }
        let line = line.map_err(RecordFault::io("read", &path))?;
        bytes += line.len() as u64 + 1;
        edge.push(tree::leaf_hash(&line));
    }
    if edge.size() < last.size {
        let text = format!("its newest checkpoint names {} leaves and {} are there", last.size, edge.size());
        return Err(RecordFault::Log(text));
    }
    if edge.root() != last.root {
        return Err(RecordFault::Log("its leaves are not the ones that were signed".to_owned()));
    }
    Ok((edge, bytes))
}
