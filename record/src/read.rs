//! Reads a recording, living or sealed, entry by entry, and checks the chain while it reads.
//!
//! Nothing of a file is believed: lengths are looked at before memory is taken, a block is hashed before it is
//! unpacked, and an unpacked block has a fixed largest size. Memory is one entry and one block.

use crate::frame::{
    self, Entry, HASH_BYTES, HEAD_BYTES, Hash, Head, MAGIC, MAX_BODY_BYTES, Packing, VERSION, genesis,
};
use crate::seal::Blocks;
use sallyport_core::SessionId;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// What is wrong with a recording, and where.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("this is no recording")]
    NotARecording,
    #[error("format {0} is newer than this program; use a newer one")]
    Version(u8),
    #[error("the header was changed")]
    Header,
    #[error("entry {no} was changed: its hash does not fit its content")]
    Changed { no: u64 },
    #[error("entry {no} is missing: entry {found} stands in its place")]
    Missing { no: u64, found: u64 },
    #[error("entry {no} is out of order: entry {found} stands in its place")]
    Reordered { no: u64, found: u64 },
    #[error("entry {no} does not continue the entry before it")]
    Broken { no: u64 },
    #[error("the first entry belongs to another session")]
    Swapped,
    #[error("entry {no} says it is {bytes} bytes long; none is longer than {MAX_BODY_BYTES}")]
    TooLarge { no: u64, bytes: usize },
    #[error("entry {no} is torn: the file ends within it")]
    Torn { no: u64 },
    #[error("a block of the sealed recording was changed before entry {no}")]
    Block { no: u64 },
    #[error("entry {no} stands behind the one that closed the recording")]
    AfterClose { no: u64 },
    #[error("the recording ends before it was closed: entry {no} should follow")]
    CutOff { no: u64 },
}

impl ReadFault {
    /// The first bad entry, where there is one.
    pub fn entry(&self) -> Option<u64> {
        match self {
            Self::Io(_) | Self::NotARecording | Self::Version(_) | Self::Header => None,
            Self::Swapped => Some(0),
            Self::Changed { no }
            | Self::Missing { no, .. }
            | Self::Reordered { no, .. }
            | Self::Broken { no }
            | Self::TooLarge { no, .. }
            | Self::Torn { no }
            | Self::Block { no }
            | Self::AfterClose { no }
            | Self::CutOff { no } => Some(*no),
        }
    }
}

/// What a whole recording comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    pub session: SessionId,
    pub entries: u64,
    pub head: Hash,
    pub closed: bool,
    pub sealed: bool,
}

enum Source<R> {
    Raw(R),
    Blocks(Box<Blocks<R>>),
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Raw(raw) => raw.read(out),
            Source::Blocks(blocks) => blocks.read(out),
        }
    }
}

/// An iterator over checked entries. After the first fault it ends.
pub struct Recording<R> {
    source: Source<R>,
    session: SessionId,
    next: u64,
    head: Hash,
    closed: bool,
    over: bool,
    /// Bytes of whole entries and the header, in the unpacked stream.
    whole_bytes: u64,
}

/// Opens the recording at `path`.
pub fn read(path: &Path) -> Result<Recording<BufReader<File>>, ReadFault> {
    Recording::new(BufReader::new(File::open(path)?))
}

/// Reads a whole recording from memory and keeps nothing of it. For fuzzing: never panics, memory is bounded.
pub fn read_bytes(bytes: &[u8]) -> Result<Outline, ReadFault> {
    let mut recording = Recording::new(bytes)?;
    for entry in recording.by_ref() {
        entry?;
    }
    Ok(recording.outline())
}

impl<R: Read> Recording<R> {
    pub fn new(mut source: R) -> Result<Self, ReadFault> {
        let mut fixed = [0u8; MAGIC.len() + 4];
        match fill(&mut source, &mut fixed)? {
            Filled::Whole => {}
            Filled::Part | Filled::Nothing => return Err(ReadFault::NotARecording),
        }
        let Some((magic, rest)) = fixed.split_first_chunk::<8>() else {
            return Err(ReadFault::NotARecording);
        };
        if magic != MAGIC {
            return Err(ReadFault::NotARecording);
        }
        let &[version, packing, reserved, length] = rest else { return Err(ReadFault::Header) };
        if version != VERSION {
            return Err(ReadFault::Version(version));
        }
        let packing = match packing {
            0 => Packing::Raw,
            1 => Packing::Blocks,
            _ => return Err(ReadFault::Header),
        };
        let mut name = vec![0u8; usize::from(length)];
        match fill(&mut source, &mut name)? {
            Filled::Whole => {}
            Filled::Part | Filled::Nothing => return Err(ReadFault::Header),
        }
        let name = String::from_utf8(name).map_err(|_| ReadFault::Header)?;
        if reserved != 0 || !frame::is_sound_name(&name) {
            return Err(ReadFault::Header);
        }
        let session = SessionId::new(name);
        let source = match packing {
            Packing::Raw => Source::Raw(source),
            Packing::Blocks => Source::Blocks(Box::new(Blocks::new(source)?)),
        };
        let whole_bytes = (fixed.len() + usize::from(length)) as u64;
        let head = genesis(&session);
        Ok(Self { source, session, next: 0, head, closed: false, over: false, whole_bytes })
    }

    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// What was read so far.
    pub fn outline(&self) -> Outline {
        Outline {
            session: self.session.clone(),
            entries: self.next,
            head: self.head,
            closed: self.closed,
            sealed: self.is_sealed(),
        }
    }

    pub(crate) fn whole_bytes(&self) -> u64 {
        self.whole_bytes
    }

    fn is_sealed(&self) -> bool {
        match self.source {
            Source::Raw(_) => false,
            Source::Blocks(_) => true,
        }
    }

    fn entry(&mut self) -> Result<Option<Entry>, ReadFault> {
        let no = self.next;
        let mut fixed = [0u8; HEAD_BYTES];
        match self.take(&mut fixed)? {
            Filled::Whole => {}
            Filled::Nothing if self.is_sealed() && !self.closed => return Err(ReadFault::CutOff { no }),
            Filled::Nothing => return Ok(None),
            Filled::Part => return Err(ReadFault::Torn { no }),
        }
        if self.closed {
            return Err(ReadFault::AfterClose { no });
        }
        let head = Head::parse(&fixed).ok_or(ReadFault::Torn { no })?;
        if head.length > MAX_BODY_BYTES {
            return Err(ReadFault::TooLarge { no, bytes: head.length });
        }
        let body = self.body(no, head.length)?;
        let mut hash = [0u8; HASH_BYTES];
        match self.take(&mut hash)? {
            Filled::Whole => {}
            Filled::Part | Filled::Nothing => return Err(ReadFault::Torn { no }),
        }
        let entry = Entry { no: head.no, at: head.at, before: head.before, hash: Hash(hash), body };
        self.check(&fixed, &entry)?;
        self.next += 1;
        self.head = entry.hash;
        self.closed = entry.is_close();
        self.whole_bytes += (HEAD_BYTES + entry.body.len() + HASH_BYTES) as u64;
        Ok(Some(entry))
    }

    /// Grows as bytes come, so that a length alone takes no memory.
    fn body(&mut self, no: u64, length: usize) -> Result<Vec<u8>, ReadFault> {
        let mut body = Vec::with_capacity(length.min(64 * 1024));
        let limit = length as u64;
        let got = (&mut self.source).take(limit).read_to_end(&mut body);
        let got = got.map_err(|fault| block_fault(no, fault))?;
        if got < length { Err(ReadFault::Torn { no }) } else { Ok(body) }
    }

    fn check(&self, fixed: &[u8], entry: &Entry) -> Result<(), ReadFault> {
        let no = self.next;
        let mut hasher = blake3::Hasher::new();
        hasher.update(fixed);
        hasher.update(&entry.body);
        if Hash(*hasher.finalize().as_bytes()) != entry.hash {
            return Err(ReadFault::Changed { no });
        }
        if entry.no > no {
            return Err(ReadFault::Missing { no, found: entry.no });
        }
        if entry.no < no {
            return Err(ReadFault::Reordered { no, found: entry.no });
        }
        if entry.before != self.head {
            return Err(if no == 0 { ReadFault::Swapped } else { ReadFault::Broken { no } });
        }
        Ok(())
    }

    fn take(&mut self, out: &mut [u8]) -> Result<Filled, ReadFault> {
        let no = self.next;
        fill(&mut self.source, out).map_err(|fault| block_fault(no, fault))
    }
}

/// `seal` reports a damaged block as invalid data; everything else is the disk's.
fn block_fault(no: u64, fault: io::Error) -> ReadFault {
    match fault.kind() {
        io::ErrorKind::InvalidData => ReadFault::Block { no },
        _ => ReadFault::Io(fault),
    }
}

impl<R: Read> Iterator for Recording<R> {
    type Item = Result<Entry, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let entry = self.entry();
        self.over = !matches!(entry, Ok(Some(_)));
        entry.transpose()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    Whole,
    Part,
    Nothing,
}

/// Reads until `out` is full or the source ends.
pub(crate) fn fill(source: &mut impl Read, out: &mut [u8]) -> io::Result<Filled> {
    let mut got = 0;
    while let Some(room) = out.get_mut(got..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) if got == 0 => return Ok(Filled::Nothing),
            Ok(0) => return Ok(Filled::Part),
            Ok(more) => got += more,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Filled::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{begin, finish, write_header};
    use crate::seal::Sealing;
    use proptest::prelude::*;
    use sallyport_core::Moment;

    fn header(packing: Packing) -> Vec<u8> {
        let mut out = Vec::new();
        write_header(packing, &SessionId::new("s"), &mut out);
        out
    }

    fn block(packed: &[u8], plain: u32) -> Vec<u8> {
        let lengths = [(packed.len() as u32).to_le_bytes(), plain.to_le_bytes()].concat();
        let mut out = lengths.clone();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&lengths).update(packed);
        out.extend_from_slice(hasher.finalize().as_bytes());
        out.extend_from_slice(packed);
        out
    }

    #[test]
    fn a_bomb_is_refused_before_it_unpacks() {
        let bomb = zstd::bulk::compress(&vec![0u8; 64 * 1024 * 1024], 19).unwrap();
        for plain in [1, 256 * 1024, 256 * 1024 + 1, 64 * 1024 * 1024, u32::MAX] {
            let mut file = header(Packing::Blocks);
            file.extend_from_slice(&block(&bomb, plain));
            assert!(matches!(read_bytes(&file), Err(ReadFault::Block { no: 0 })), "{plain}");
        }
    }

    #[test]
    fn a_length_alone_takes_no_memory() {
        let mut file = header(Packing::Raw);
        file.extend_from_slice(&(MAX_BODY_BYTES as u32).to_le_bytes());
        file.extend_from_slice(&[0; 48]);
        assert!(matches!(read_bytes(&file), Err(ReadFault::Torn { no: 0 })));
        let mut file = header(Packing::Raw);
        file.extend_from_slice(&u32::MAX.to_le_bytes());
        file.extend_from_slice(&[0; 48]);
        assert!(matches!(read_bytes(&file), Err(ReadFault::TooLarge { no: 0, .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), packing in 0usize..3) {
            let mut file = match packing {
                0 => Vec::new(),
                1 => header(Packing::Raw),
                _ => header(Packing::Blocks),
            };
            file.extend_from_slice(&bytes);
            _ = read_bytes(&file);
            if packing == 2 {
                // Behind a right hash, too.
                let mut file = header(Packing::Blocks);
                file.extend_from_slice(&block(&bytes, 4096));
                prop_assert!(read_bytes(&file).is_err());
            }
        }

        #[test]
        fn sealing_changes_no_hash(bodies in proptest::collection::vec("[a-z]{0,200}", 0..40)) {
            let session = SessionId::new("s");
            let (mut stream, mut before) = (Vec::new(), genesis(&session));
            for (no, body) in bodies.iter().enumerate() {
                let start = begin(&mut stream, no as u64, Moment(no as i64), &before);
                stream.extend_from_slice(body.as_bytes());
                before = finish(&mut stream, start).unwrap();
            }
            let start = begin(&mut stream, bodies.len() as u64, Moment(0), &before);
            stream.extend_from_slice(b"{\"event\":\"closed\"}");
            let head = finish(&mut stream, start).unwrap();
            let mut sealed = Vec::new();
            Sealing::new(&session, stream.as_slice()).unwrap().read_to_end(&mut sealed).unwrap();
            let raw = read_bytes(&[header(Packing::Raw), stream].concat()).unwrap();
            let sealed = read_bytes(&sealed).unwrap();
            prop_assert_eq!((raw.entries, raw.head), (sealed.entries, sealed.head));
            prop_assert_eq!(raw.head, head);
            prop_assert!(sealed.closed && sealed.sealed);
        }
    }
}
