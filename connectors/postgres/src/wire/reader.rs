//! Walks the body of a message.

use super::Malformed;

const SHORT: Malformed = Malformed("a message is shorter than it says");

#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
    /// Starts behind the header, so that positions are positions within the message.
    pub fn of_message(message: &'a [u8]) -> Self {
        Self { bytes: message, at: super::HEADER.min(message.len()) }
    }
    pub fn position(&self) -> usize {
        self.at
    }
    pub fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(count).ok_or(SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(taken)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.first_chunk::<N>().copied().ok_or(SHORT)
    }
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }
    pub fn int16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }
    pub fn int32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }
    pub fn uint32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }
    /// A count of things. The specification calls it signed; servers and clients count up to 65,535.
    pub fn count(&mut self) -> Result<usize, Malformed> {
        self.array().map(u16::from_be_bytes).map(usize::from)
    }
    /// Bytes up to a zero, which is consumed.
    pub fn zero_ended(&mut self) -> Result<&'a [u8], Malformed> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = memchr::memchr(0, rest).ok_or(Malformed("a text in a message does not end"))?;
        let text = rest.get(..end).unwrap_or_default();
        self.at += end + 1;
        Ok(text)
    }
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.zero_ended()?).map_err(|_| Malformed("a name is not valid UTF-8"))
    }
}
