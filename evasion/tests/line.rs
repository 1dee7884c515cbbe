//! A client of few words: logs in, and sends what it is told to, many messages at once.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// PostgreSQL protocol 3.0.
const VERSION: u32 = 196_608;

pub struct Line {
    stream: TcpStream,
    unread: Vec<u8>,
    at: usize,
    out: Vec<u8>,
    /// The server eats a Sync that comes while it waits for COPY data.
    synced: bool,
}

/// What came for one message, or one pipelined batch up to its Sync.
#[derive(Debug, Default, Clone)]
pub struct Answer {
    pub rows: Vec<Vec<Option<Vec<u8>>>>,
    pub error: Option<String>,
    pub tags: Vec<String>,
    pub notices: Vec<String>,
    /// Every byte that came, of whatever message.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The first cell of the first row.
    pub fn cell(&self) -> Option<String> {
        let cell = self.rows.first()?.first()?.as_ref()?;
        Some(String::from_utf8_lossy(cell).into_owned())
    }
}

impl Line {
    /// Startup and token, up to ReadyForQuery.
    pub fn open(port: u16, database: &str, name: &str, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).context("connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = Self { stream, unread: Vec::new(), at: 0, out: Vec::new(), synced: false };
        let mut startup = VERSION.to_be_bytes().to_vec();
        for (key, value) in [("user", "caller"), ("database", database), ("application_name", name)] {
            startup.extend(format!("{key}\0{value}\0").bytes());
        }
        startup.push(0);
        line.out.extend((startup.len() as u32 + 4).to_be_bytes());
        line.out.extend(startup);
        line.send()?;
        loop {
            let (tag, body) = line.message()?;
            match tag {
                b'R' if body == [0, 0, 0, 3] => {
                    line.say(b'p', &[token.as_bytes(), b"\0"].concat());
                    line.send()?;
                }
                b'E' => bail!("refused: {}", told(&body)),
                b'Z' => return Ok(line),
                _ => {}
            }
        }
    }

    fn say(&mut self, tag: u8, body: &[u8]) {
        self.out.push(tag);
        self.out.extend((body.len() as u32 + 4).to_be_bytes());
        self.out.extend(body);
    }
    pub fn query(&mut self, sql: &str) {
        self.synced = false;
        self.say(b'Q', &[sql.as_bytes(), b"\0"].concat());
    }
    /// Parse, Bind, Describe, Execute and Sync.
    pub fn extended(&mut self, sql: &str, binary: bool) {
        self.say(b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"].concat());
        self.say(b'B', if binary { b"\0\0\0\0\0\0\0\x01\0\x01" } else { b"\0\0\0\0\0\0\0\0" });
        self.say(b'D', b"P\0");
        self.say(b'E', b"\0\0\0\0\0");
        self.say(b'S', b"");
        self.synced = true;
    }
    pub fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.out).context("write")?;
        self.out.clear();
        Ok(())
    }
    pub fn ask(&mut self, sql: &str) -> Result<Answer> {
        self.query(sql);
        self.send()?;
        self.answer()
    }

    /// Everything up to ReadyForQuery. Where the server wants COPY data, it gets none.
    pub fn answer(&mut self) -> Result<Answer> {
        let mut answer = Answer::default();
        loop {
            let (tag, body) = self.message()?;
            answer.bytes.extend(&body);
            match tag {
                b'Z' => return Ok(answer),
                b'D' => answer.rows.push(cells(&body)?),
                b'E' => answer.error = Some(told(&body)),
                b'N' => answer.notices.push(told(&body)),
                b'C' => answer.tags.push(text(&body)),
                b'G' => {
                    self.say(b'c', b"");
                    if self.synced {
                        self.say(b'S', b"");
                    }
                    self.send()?;
                }
                _ => {}
            }
        }
    }

    fn message(&mut self) -> Result<(u8, Vec<u8>)> {
        loop {
            let waiting = &self.unread[self.at..];
            if waiting.len() >= 5 {
                let length = u32::from_be_bytes(waiting[1..5].try_into()?) as usize;
                if waiting.len() > length {
                    let message = (waiting[0], waiting[5..=length].to_vec());
                    self.at += length + 1;
                    return Ok(message);
                }
            }
            self.unread.drain(..self.at);
            self.at = 0;
            let mut chunk = [0; 65_536];
            match self.stream.read(&mut chunk).context("read")? {
                0 => bail!("the connection was closed"),
                count => {
                    self.unread.extend(&chunk[..count]);
                }
            }
        }
    }

    pub fn close(mut self) {
        self.say(b'X', b"");
        _ = self.send();
    }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).trim_end_matches('\0').to_owned()
}

/// Code and message of an error or notice.
fn told(body: &[u8]) -> String {
    let field = |wanted: u8| {
        let mut fields = body.split(|byte| *byte == 0);
        let found = fields.find(|field| field.first() == Some(&wanted));
        found.map_or_else(String::new, |field| text(&field[1..]))
    };
    format!("{} {}", field(b'C'), field(b'M'))
}

fn cells(body: &[u8]) -> Result<Vec<Option<Vec<u8>>>> {
    let mut at = 2;
    let count = u16::from_be_bytes(body[..2].try_into()?);
    let mut cells = Vec::with_capacity(count.into());
    for _ in 0..count {
        let length = i32::from_be_bytes(body[at..at + 4].try_into()?);
        at += 4;
        let end = at + usize::try_from(length).unwrap_or(0);
        cells.push((length >= 0).then(|| body[at..end].to_vec()));
        at = end;
    }
    Ok(cells)
}
