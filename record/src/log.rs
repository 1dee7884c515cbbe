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
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// A line of the log is a few hundred bytes; a longer one is none of ours.
const MAX_LINE_BYTES: u64 = 4096;

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

/// The notes in a file of checkpoints.
pub fn notes(text: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = String::new();
    let mut signed = false;
    for line in text.lines() {
        if signed && line.is_empty() {
            notes.push(std::mem::take(&mut note));
            signed = false;
            continue;
        }
        signed |= line.starts_with('\u{2014}');
        note.push_str(line);
        note.push('\n');
    }
    if !note.is_empty() {
        notes.push(note);
    }
    notes
}

/// The hashes of the first `size` leaves, for proofs.
pub fn leaf_hashes(files: &LogFiles, size: u64) -> io::Result<Vec<Node>> {
    let limit = usize::try_from(size).unwrap_or(usize::MAX);
    lines(&files.leaves())?.take(limit).map(|line| Ok(tree::leaf_hash(&line?))).collect()
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
    fn publish(&mut self, note: &str) -> io::Result<()> {
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

fn append_to(path: &Path) -> Result<File, RecordFault> {
    OpenOptions::new().create(true).append(true).open(path).map_err(RecordFault::io("open", path))
}

/// The newest checkpoint that is whole. A torn one at the end, left by a crash, is cut off.
fn newest(files: &LogFiles, key: &VerifyingKey) -> Result<Option<Checkpoint>, RecordFault> {
    let path = files.checkpoints();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(RecordFault::io("read", path)(fault)),
    };
    // A whole note ends with its signature's newline and the empty line behind it.
    let whole = text.rfind("\n\n").filter(|_| text.ends_with("\n\n"));
    let text = match whole {
        Some(_) => text.as_str(),
        None => {
            let notes = notes(&text);
            let torn = notes.last().map_or(0, String::len);
            let kept = text.len().saturating_sub(torn);
            let file = append_to(&path)?;
            file.set_len(kept as u64).map_err(RecordFault::io("cut", &path))?;
            text.get(..kept).unwrap_or_default()
        }
    };
    let Some(note) = notes(text).pop() else { return Ok(None) };
    let checkpoint = Checkpoint::open(&note, key)
        .map_err(|fault| RecordFault::Log(format!("the newest checkpoint: {fault}")))?;
    Ok(Some(checkpoint))
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
