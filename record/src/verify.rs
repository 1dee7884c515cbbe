//! Checks evidence without a gateway: the chain of each recording, the signed log of all of them, and that the two
//! agree.

use crate::fault::RecordFault;
use crate::frame::{self, Hash, genesis};
use crate::handover::Keys;
use crate::keys::public_key;
use crate::log::{Leaf, LeafState, LogFiles, lines, notes};
use crate::read::{ReadFault, Recording};
use crate::recorder::{Stored, stored};
use crate::report::{Finding, Kind, Report, SessionReport, State};
use crate::shelf::LocalShelf;
use crate::tail::{self, Tail};
use crate::tree::{self, Edge, Node};
use ed25519_dalek::VerifyingKey;
use sallyport_core::SessionId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Take};
use std::path::{Path, PathBuf};

/// The most that is kept for one recording's running heads.
const MAX_LEAVES_OF_A_SESSION: usize = 1_000_000;

/// What an auditor brings along.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Without it the key beside the log is used, and the report says so.
    pub key: Option<VerifyingKey>,
    /// Checkpoints kept from earlier: the log must have grown from each of them.
    pub checkpoints: Vec<String>,
}

/// `path` is the folder of a recorder, or one recording.
pub fn verify(path: &Path, known: &Known) -> Result<Report, RecordFault> {
    let mut report = Report::default();
    if path.is_file() {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let one = Listed::new(Stored {
            session: SessionId::new(name),
            day: String::new(),
            path: path.to_owned(),
            sealed: path.extension().is_some_and(|kind| kind == "rec"),
        });
        let root = path.ancestors().nth(3).filter(|root| LogFiles::of(root).leaves().is_file());
        let log = root.map(|root| SignedLog::read(root, known, &mut report)).transpose()?;
        check_recording(&one, log.as_ref(), &mut report);
        return Ok(report);
    }
    // A gateway may run meanwhile. What is listed first can only be further in the log, never behind it.
    let shelf = LocalShelf::new(path.join("sessions"));
    let all = stored(&shelf).map_err(RecordFault::io("list", shelf.root()))?;
    let all: Vec<Listed> = all.into_iter().map(Listed::new).collect();
    let log = SignedLog::read(path, known, &mut report)?;
    let mut seen = BTreeSet::new();
    for listed in &all {
        let one = &listed.stored;
        if !seen.insert(one.session.clone()) {
            let says = format!("it has a second recording: {}", one.path.display());
            report.findings.push(Finding::of(Kind::Repeated, &one.session, None, says));
        }
        check_recording(listed, Some(&log), &mut report);
    }
    for session in log.sessions.keys().filter(|session| !seen.contains(*session)) {
        // Opened since the folder was listed, on a gateway that runs.
        if crate::recorder::find(shelf.root(), session)?.is_none() {
            let says = "the log knows this session and its recording is gone";
            report.findings.push(Finding::of(Kind::Absent, session, None, says));
        }
    }
    Ok(report)
}

struct Listed {
    stored: Stored,
    /// Not sealed, or sealed and not yet in the log: the living file goes only when it is.
    pending: bool,
}

impl Listed {
    fn new(stored: Stored) -> Self {
        let pending = !stored.sealed || stored.path.with_extension("live").exists();
        Self { stored, pending }
    }
}

#[derive(Default)]
struct Expected {
    /// Entries and head, as logged; for each number of entries what was said of it.
    heads: BTreeMap<u64, Vec<Hash>>,
    closed: bool,
}

struct SignedLog {
    sessions: BTreeMap<SessionId, Expected>,
}

impl SignedLog {
    fn read(root: &Path, known: &Known, report: &mut Report) -> Result<SignedLog, RecordFault> {
        let files = LogFiles::of(root);
        report.with_log = true;
        let key = match known.key {
            Some(key) => key,
            None => {
                report.key_from_folder = true;
                key_beside(&files)?
            }
        };
        let (keys, wrong) = Keys::of(&files, key)?;
        report.findings.extend(wrong.into_iter().map(|says| Finding::of_log(Kind::Signature, says)));
        report.handovers = keys.handovers.len() as u64;
        let own = read_text(&files.checkpoints())?;
        let kept: Vec<&str> = known.checkpoints.iter().map(String::as_str).collect();
        let points = signed_sizes(&notes(&own).0, &kept, &keys, report);
        let signed = points.keys().next_back().copied().unwrap_or(0);
        let mut log = SignedLog { sessions: BTreeMap::new() };
        let mut edge = Edge::default();
        check_roots(&points, &edge, report);
        let path = files.leaves();
        for line in lines(&path).map_err(RecordFault::io("read", &path))? {
            let line = line.map_err(RecordFault::io("read", &path))?;
            if edge.size() == signed {
                report.unsigned_leaves += 1;
                continue;
            }
            log.add(&line, edge.size(), report);
            edge.push(tree::leaf_hash(&line));
            check_roots(&points, &edge, report);
        }
        report.leaves = edge.size();
        if edge.size() < signed {
            let says = format!("{signed} leaves were signed and {} are there", edge.size());
            report.findings.push(Finding::of_log(Kind::LogChanged, says));
        }
        Ok(log)
    }

    fn add(&mut self, line: &[u8], index: u64, report: &mut Report) {
        let leaf: Leaf = match serde_json::from_slice(line) {
            Ok(leaf) => leaf,
            Err(fault) => {
                let says = format!("leaf {index} is not readable: {fault}");
                return report.findings.push(Finding::of_log(Kind::LogChanged, says));
            }
        };
        let expected = self.sessions.entry(leaf.session).or_default();
        expected.closed |= leaf.state == LeafState::Closed;
        if expected.heads.len() < MAX_LEAVES_OF_A_SESSION {
            expected.heads.entry(leaf.entries).or_default().push(leaf.head.0);
        }
    }
}

fn key_beside(files: &LogFiles) -> Result<VerifyingKey, RecordFault> {
    let path = files.public_key();
    let text = read_text(&path)?;
    public_key(&text)
        .ok_or_else(|| RecordFault::Key { path, problem: "it is no public key of a signed note".to_owned() })
}

fn read_text(path: &Path) -> Result<String, RecordFault> {
    // A torn end may be cut within a character.
    let bytes = fs::read(path).map_err(RecordFault::io("read", path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The roots that were signed for each size. Two for one size are two histories.
fn signed_sizes(own: &[&str], known: &[&str], keys: &Keys, report: &mut Report) -> BTreeMap<u64, Signed> {
    let mut points: BTreeMap<u64, Signed> = BTreeMap::new();
    let mut largest = 0;
    for (index, note) in own.iter().chain(known).enumerate() {
        let is_own = index < own.len();
        let whose = if is_own { "checkpoint" } else { "the checkpoint given," };
        let point = match keys.open(note) {
            Ok(point) => point,
            Err(fault) => {
                let says = format!("{whose} number {}: {fault}", index + 1);
                report.findings.push(Finding::of_log(Kind::Signature, says));
                continue;
            }
        };
        if is_own && point.size < largest {
            let says = format!("checkpoint number {} is smaller than the one before it", index + 1);
            report.findings.push(Finding::of_log(Kind::Fork, says));
        }
        if is_own {
            largest = point.size;
        }
        report.checkpoints += u64::from(is_own);
        let before = points.entry(point.size).or_insert(Signed { root: point.root, given: !is_own });
        if before.root != point.root {
            let says = format!("two signed checkpoints of {} leaves name different histories", point.size);
            report.findings.push(Finding::of_log(Kind::Fork, says));
        }
    }
    // Two keys signed each of these as well.
    for handover in &keys.handovers {
        let before = points.entry(handover.size).or_insert(Signed { root: handover.root, given: false });
        if before.root != handover.root {
            let says = format!("the handover of {} leaves names another history", handover.size);
            report.findings.push(Finding::of_log(Kind::Fork, says));
        }
    }
    points
}

struct Signed {
    root: Node,
    /// Brought along by the auditor, and not in the log's own history.
    given: bool,
}

fn check_roots(points: &BTreeMap<u64, Signed>, edge: &Edge, report: &mut Report) {
    let Some(point) = points.get(&edge.size()) else { return };
    if point.root == edge.root() {
        return;
    }
    let size = edge.size();
    let (kind, says) = if point.given {
        (Kind::Fork, format!("the checkpoint given, of {size} leaves, is of another history than this log"))
    } else {
        (Kind::LogChanged, format!("the first {size} leaves are not the ones that were signed"))
    };
    report.findings.push(Finding::of_log(kind, says));
}

fn check_recording(listed: &Listed, log: Option<&SignedLog>, report: &mut Report) {
    let one = &listed.stored;
    let expected = log.and_then(|log| log.sessions.get(&one.session));
    let (path, opened) = open(one);
    let session = &one.session;
    let findings = &mut report.findings;
    let before = findings.len();
    let mut entries = 0;
    let mut head = genesis(session);
    let mut closed = false;
    let mut torn = false;
    match opened {
        Err(fault) if is_unfinished_header(&fault, one) => torn = true,
        Err(fault) => findings.push(Finding::of_read(session, &fault)),
        Ok((mut recording, length)) => {
            if recording.session() != session {
                let says = format!("the file holds the recording of session {}", recording.session());
                findings.push(Finding::of(Kind::Swapped, session, Some(0), says));
            }
            torn = walk((&mut recording, length), &path, session, expected, findings);
            let outline = recording.outline();
            (entries, head, closed) = (outline.entries, outline.head, outline.closed);
        }
    }
    // What a gateway is about to log, or died before it could, is no finding; the report says that it is not signed.
    let pending = listed.pending;
    if let (Some(_), None, false) = (log, expected, pending) {
        let says = "no signed leaf of the log speaks of it";
        findings.push(Finding::of(Kind::NotInLog, session, None, says));
    }
    if let Some(expected) = expected.filter(|_| findings.len() == before) {
        check_end(session, (entries, closed && one.sealed && !pending), expected, findings);
    }
    let state = match () {
        () if findings.len() > before => State::Damaged,
        () if torn => State::Torn,
        () if closed => State::Closed,
        () => State::Open,
    };
    let in_log = expected.is_some();
    report.sessions.push(SessionReport { session: session.clone(), path, state, entries, head, in_log });
}

/// A gateway that died while it created the file: nothing was ever recorded in it.
fn is_unfinished_header(fault: &ReadFault, one: &Stored) -> bool {
    let whole = frame::header_bytes(&one.session);
    let short = || fs::metadata(&one.path).is_ok_and(|file| file.len() < whole);
    matches!(fault, ReadFault::NotARecording | ReadFault::Header) && !one.sealed && short()
}

/// A recording as long as it was when it was opened, and that length.
type Snapshot = (Recording<BufReader<Take<File>>>, u64);

/// A living recording may be sealed between the listing and the reading.
fn open(one: &Stored) -> (PathBuf, Result<Snapshot, ReadFault>) {
    match snapshot(&one.path) {
        Err(ReadFault::Io(fault)) if fault.kind() == io::ErrorKind::NotFound && !one.sealed => {
            let sealed = one.path.with_extension("rec");
            let opened = snapshot(&sealed);
            (sealed, opened)
        }
        opened => (one.path.clone(), opened),
    }
}

fn snapshot(path: &Path) -> Result<Snapshot, ReadFault> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((Recording::new(BufReader::new(file.take(length)))?, length))
}

/// Every entry, compared with what the log knows of it. True: the end is torn.
fn walk(
    (recording, length): (&mut Recording<BufReader<Take<File>>>, u64),
    path: &Path,
    session: &SessionId,
    expected: Option<&Expected>,
    findings: &mut Vec<Finding>,
) -> bool {
    let mut fault = None;
    compare(session, 0, &genesis(session), expected, findings);
    for entry in recording.by_ref() {
        match entry {
            Ok(entry) => compare(session, entry.no + 1, &entry.hash, expected, findings),
            Err(found) => fault = Some(found),
        }
    }
    let Some(fault) = fault else { return false };
    let outline = recording.outline();
    if !outline.sealed {
        match tail::look(path, (recording.whole_bytes(), length), outline.entries, &fault) {
            Ok(Tail::Torn { .. }) => return true,
            Ok(Tail::Changed) if matches!(fault, ReadFault::Torn { .. }) => {
                let changed = ReadFault::Changed { no: outline.entries };
                findings.push(Finding::of_read(session, &changed));
                return false;
            }
            Ok(Tail::Changed | Tail::Whole) | Err(_) => {}
        }
    }
    findings.push(Finding::of_read(session, &fault));
    false
}

fn compare(
    session: &SessionId,
    entries: u64,
    head: &Hash,
    expected: Option<&Expected>,
    findings: &mut Vec<Finding>,
) {
    let Some(heads) = expected.and_then(|expected| expected.heads.get(&entries)) else { return };
    if heads.iter().any(|logged| logged != head) {
        let says = "the log knows another hash of it: the recording was written anew from here or before";
        findings.push(Finding::of(Kind::HeadDiffers, session, entries.checked_sub(1), says));
    }
}

fn check_end(
    session: &SessionId,
    (entries, must_be_logged): (u64, bool),
    expected: &Expected,
    findings: &mut Vec<Finding>,
) {
    let logged = expected.heads.keys().next_back().copied().unwrap_or(0);
    if entries < logged {
        let says = format!("the log knows of {logged} entries and {entries} are there");
        findings.push(Finding::of(Kind::Truncated, session, Some(entries), says));
    } else if expected.closed && entries > logged {
        let says = format!("it was closed with {logged} entries and {entries} are there");
        findings.push(Finding::of(Kind::HeadDiffers, session, Some(logged), says));
    } else if must_be_logged && !expected.closed {
        let says = "it is closed and no signed leaf of the log says so";
        findings.push(Finding::of(Kind::NotInLog, session, None, says));
    }
}
