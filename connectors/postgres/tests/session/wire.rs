//! A client that says exactly what a test tells it to.

use sallyport_postgres::wire::{back, body, front::Named, whole, write};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
    /// Everything that ever came: where canaries are looked for.
    pub seen: Vec<u8>,
    pub key: (u32, Vec<u8>),
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut startup = 196_608u32.to_be_bytes().to_vec();
        startup.extend_from_slice(b"user\0me\0\0");
        stream.write_all(&(startup.len() as u32 + 4).to_be_bytes()).unwrap();
        stream.write_all(&startup).unwrap();
        let mut client = Self { stream, read: vec![], seen: vec![], key: (0, vec![]) };
        loop {
            let message = client.next();
            match message[0] {
                b'K' => {
                    let key = body(&message);
                    client.key = (u32::from_be_bytes(key[..4].try_into().unwrap()), key[4..].to_vec());
                }
                b'Z' => return client,
                b'E' => panic!("refused: {}", show(&message)),
                _ => {}
            }
        }
    }
    pub fn send(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        fill(&mut out);
        self.stream.write_all(&out).unwrap();
    }
    /// The next whole message. None: the connection is closed.
    pub fn try_next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((head, message)) = whole(&self.read).unwrap() {
                let message = message.to_vec();
                self.read.drain(..head.total);
                return Some(message);
            }
            let mut chunk = [0; 65536];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(count) => {
                    self.seen.extend_from_slice(&chunk[..count]);
                    self.read.extend_from_slice(&chunk[..count]);
                }
                Err(fault) if fault.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(fault) => panic!("{fault}"),
            }
        }
    }
    /// Reads one byte.
    pub fn trickle(&mut self) {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).unwrap();
        self.seen.push(byte[0]);
        self.read.push(byte[0]);
    }
    pub fn next(&mut self) -> Vec<u8> {
        self.try_next().expect("the connection is open")
    }
    /// Everything up to ReadyForQuery, one line for each message.
    pub fn until_ready(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let message = self.next();
            lines.push(show(&message));
            if message[0] == b'Z' {
                return lines;
            }
        }
    }
    pub fn until_closed(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.try_next()).map(|message| show(&message)).collect()
    }
    pub fn query(&mut self, sql: &str) -> Vec<String> {
        self.send(|out| write::query(out, sql));
        self.until_ready()
    }
}

/// A message as a line of a test.
pub fn show(message: &[u8]) -> String {
    let rest = body(message);
    match message[0] {
        b'D' => {
            let mut cells = Vec::new();
            back::row_cells(message, &mut cells).unwrap();
            let texts: Vec<_> = cells
                .iter()
                .map(|cell| {
                    cell.of(message).map_or("NULL".into(), |it| String::from_utf8_lossy(it).into_owned())
                })
                .collect();
            format!("row {}", texts.join("|"))
        }
        b'E' | b'N' => {
            let field = |wanted| {
                let mut texts = back::texts(rest);
                texts
                    .find(|(letter, _)| *letter == wanted)
                    .map_or("", |(_, it)| std::str::from_utf8(it).unwrap())
            };
            let what = if message[0] == b'E' { "error" } else { "notice" };
            format!("{what} {} {}", field(b'C'), field(b'M'))
        }
        b'C' => format!("done {}", back::tag(rest).unwrap().0),
        b'Z' => format!("ready {}", char::from(rest[0])),
        b'T' => "columns".into(),
        b'd' => format!("copy {}", String::from_utf8_lossy(rest).trim_end()),
        b'A' => "notification".into(),
        other => char::from(other).to_string(),
    }
}

pub fn parse(out: &mut Vec<u8>, name: &str, sql: &str) {
    write::message(out, b'P', |out| {
        write::text(out, name);
        write::text(out, sql);
        out.extend_from_slice(&[0, 0]);
    });
}

pub fn bind(out: &mut Vec<u8>, portal: &str, statement: &str, values: &[&str], binary: bool) {
    write::message(out, b'B', |out| {
        write::text(out, portal);
        write::text(out, statement);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&(values.len() as u16).to_be_bytes());
        for value in values {
            out.extend_from_slice(&(value.len() as u32).to_be_bytes());
            out.extend_from_slice(value.as_bytes());
        }
        out.extend_from_slice(if binary { &[0, 1, 0, 1] } else { &[0, 0] });
    });
}

pub fn execute(out: &mut Vec<u8>, portal: &str, rows: u32) {
    write::message(out, b'E', |out| {
        write::text(out, portal);
        out.extend_from_slice(&rows.to_be_bytes());
    });
}

/// Parse, Bind, Describe, Execute of one statement, as libpq sends them; no Sync.
pub fn run(out: &mut Vec<u8>, sql: &str) {
    parse(out, "", sql);
    bind(out, "", "", &[], false);
    write::describe(out, Named::Portal, "");
    execute(out, "", 0);
}

pub fn close(out: &mut Vec<u8>, what: Named, name: &str) {
    write::message(out, b'C', |out| {
        out.push(what.letter());
        write::text(out, name);
    });
}
