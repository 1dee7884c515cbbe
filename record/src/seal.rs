//! A closed recording, packed: the same stream of entries cut into blocks, each a zstd frame with a hash before it.
//! The chain is over what is unpacked, so packing changes no hash.

use crate::frame::{Packing, write_header};
use crate::read::{Filled, fill};
use sallyport_core::SessionId;
use std::io::{self, Read};
use zstd::bulk::{Compressor, Decompressor};

/// No block unpacks to more.
pub(crate) const BLOCK_BYTES: usize = 256 * 1024;
/// Packed and unpacked length, and the hash of both and of what is packed.
const BLOCK_HEAD: usize = 4 + 4 + 32;
/// Recordings repeat themselves: the fastest level packs them almost as well as the usual one, for half the time.
const LEVEL: i32 = 1;

fn block_hash(lengths: &[u8], packed: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(lengths);
    hasher.update(packed);
    *hasher.finalize().as_bytes()
}

/// The sealed form of a raw stream of entries, made while it is read.
pub(crate) struct Sealing<R> {
    raw: R,
    compressor: Compressor<'static>,
    plain: Vec<u8>,
    out: Vec<u8>,
    sent: usize,
}

impl<R: Read> Sealing<R> {
    /// `raw` stands behind the header of the raw file.
    pub(crate) fn new(session: &SessionId, raw: R) -> io::Result<Self> {
        let mut out = Vec::new();
        write_header(Packing::Blocks, session, &mut out);
        let compressor = Compressor::new(LEVEL)?;
        Ok(Self { raw, compressor, plain: Vec::new(), out, sent: 0 })
    }

    fn next_block(&mut self) -> io::Result<()> {
        self.out.clear();
        self.sent = 0;
        self.plain.clear();
        (&mut self.raw).take(BLOCK_BYTES as u64).read_to_end(&mut self.plain)?;
        if self.plain.is_empty() {
            return Ok(());
        }
        let packed = self.compressor.compress(&self.plain)?;
        let lengths = [length(&packed)?, length(&self.plain)?].concat();
        self.out.extend_from_slice(&lengths);
        self.out.extend_from_slice(&block_hash(&lengths, &packed));
        self.out.extend_from_slice(&packed);
        Ok(())
    }
}

fn length(bytes: &[u8]) -> io::Result<[u8; 4]> {
    u32::try_from(bytes.len()).map(u32::to_le_bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl<R: Read> Read for Sealing<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.sent == self.out.len() {
            self.next_block()?;
        }
        let mut rest = self.out.get(self.sent..).unwrap_or_default();
        let got = rest.read(to)?;
        self.sent += got;
        Ok(got)
    }
}

/// Unpacks. Anything that is not as [`Sealing`] wrote it is `InvalidData`.
pub(crate) struct Blocks<R> {
    source: R,
    decompressor: Decompressor<'static>,
    packed: Vec<u8>,
    plain: Vec<u8>,
    taken: usize,
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(source: R) -> io::Result<Self> {
        let decompressor = Decompressor::new()?;
        Ok(Self { source, decompressor, packed: Vec::new(), plain: Vec::new(), taken: 0 })
    }

    fn next_block(&mut self) -> io::Result<()> {
        self.plain.clear();
        self.taken = 0;
        let mut head = [0u8; BLOCK_HEAD];
        match fill(&mut self.source, &mut head)? {
            Filled::Whole => {}
            Filled::Nothing => return Ok(()),
            Filled::Part => return Err(damaged()),
        }
        let (lengths, hash) = head.split_at_checked(8).ok_or_else(damaged)?;
        let (packed, rest) = lengths.split_first_chunk::<4>().ok_or_else(damaged)?;
        let plain = rest.first_chunk::<4>().ok_or_else(damaged)?;
        let (packed, plain) = (u32::from_le_bytes(*packed) as usize, u32::from_le_bytes(*plain) as usize);
        if plain == 0 || plain > BLOCK_BYTES || packed > zstd::zstd_safe::compress_bound(BLOCK_BYTES) {
            return Err(damaged());
        }
        self.packed.clear();
        (&mut self.source).take(packed as u64).read_to_end(&mut self.packed)?;
        if self.packed.len() != packed || block_hash(lengths, &self.packed) != hash {
            return Err(damaged());
        }
        self.plain.reserve_exact(plain);
        let unpacked = self.decompressor.decompress_to_buffer(&self.packed, &mut self.plain);
        match unpacked {
            Ok(got) if got == plain => Ok(()),
            Ok(_) | Err(_) => Err(damaged()),
        }
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a block is damaged")
}

impl<R: Read> Read for Blocks<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.plain.len() {
            self.next_block()?;
        }
        let mut rest = self.plain.get(self.taken..).unwrap_or_default();
        let got = rest.read(to)?;
        self.taken += got;
        Ok(got)
    }
}
