//! A client that costs little: it logs in, asks in the simple protocol, and counts what comes back without keeping it.
//! What a program like psql does to show rows would hide what stands between it and the server.

use anyhow::{Context, Result, bail, ensure};
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BUFFER_BYTES: usize = 256 * 1024;
const LIMIT: Duration = Duration::from_secs(120);

trait Both: Read + Write + Send {}
impl<T: Read + Write + Send> Both for T {}

pub struct Client {
    stream: Box<dyn Both>,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

/// What a statement brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drained {
    pub rows: u64,
    pub bytes: u64,
    pub seconds: f64,
}

/// Where to, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    pub port: u16,
    pub user: &'a str,
    pub database: &'a str,
    pub password: &'a str,
}

impl Client {
    pub fn connect(login: Login<'_>) -> Result<Self> {
        let stream = dial(login.port)?;
        Self::log_in(Box::new(stream), login, BUFFER_BYTES)
    }

    /// A session that is only there: it holds next to nothing itself.
    pub fn small(login: Login<'_>) -> Result<Self> {
        let stream = dial(login.port)?;
        Self::log_in(Box::new(stream), login, 4096)
    }

    /// The same over TLS, believing this authority.
    pub fn small_over_tls(login: Login<'_>, config: &Arc<ClientConfig>) -> Result<Self> {
        let mut stream = dial(login.port)?;
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).context("ask for TLS")?;
        let mut answer = [0u8; 1];
        stream.read_exact(&mut answer).context("read the answer about TLS")?;
        ensure!(answer == *b"S", "TLS was refused");
        let name = ServerName::try_from("localhost").context("name the server")?;
        let connection = ClientConnection::new(Arc::clone(config), name).context("begin TLS")?;
        Self::log_in(Box::new(StreamOwned::new(connection, stream)), login, 4096)
    }

    fn log_in(stream: Box<dyn Both>, login: Login<'_>, room: usize) -> Result<Self> {
        let mut client = Self { stream, buffer: vec![0; room], from: 0, to: 0 };
        let mut startup = vec![0, 3, 0, 0];
        for text in ["user", login.user, "database", login.database] {
            startup.extend_from_slice(text.as_bytes());
            startup.push(0);
        }
        startup.push(0);
        let length = u32::try_from(startup.len() + 4).context("measure the startup")?;
        client.write(&[&length.to_be_bytes()[..], &startup].concat())?;
        let mut scram: Option<ScramSha256> = None;
        loop {
            let (kind, body) = client.message()?;
            let code = body.first_chunk::<4>().map(|code| u32::from_be_bytes(*code));
            let rest = body.get(4..).unwrap_or_default();
            match (kind, code) {
                (b'R', Some(0)) | (b'S' | b'K' | b'N', _) => {}
                (b'R', Some(3)) => client.send(b'p', &[login.password.as_bytes(), b"\0"].concat())?,
                (b'R', Some(10)) => {
                    let begun = ScramSha256::new(login.password.as_bytes(), ChannelBinding::unsupported());
                    let first = begun.message();
                    let length = u32::try_from(first.len()).context("measure the login")?.to_be_bytes();
                    client.send(b'p', &[SCRAM_SHA_256.as_bytes(), b"\0", &length, first].concat())?;
                    scram = Some(begun);
                }
                (b'R', Some(11)) => {
                    let scram = scram.as_mut().context("SCRAM goes on before it began")?;
                    scram.update(rest).context("go on with SCRAM")?;
                    let next = scram.message().to_vec();
                    client.send(b'p', &next)?;
                }
                (b'R', Some(12)) => {
                    let scram = scram.as_mut().context("SCRAM ends before it began")?;
                    scram.finish(rest).context("end SCRAM")?;
                }
                (b'Z', _) => return Ok(client),
                _ => bail!("unexpected answer {:?}: {}", kind as char, String::from_utf8_lossy(&body)),
            }
        }
    }

    /// Asks and throws away what comes back, counted.
    pub fn drain(&mut self, sql: &str) -> Result<Drained> {
        let begun = Instant::now();
        self.send(b'Q', &[sql.as_bytes(), b"\0"].concat())?;
        let mut drained = Drained::default();
        loop {
            let (kind, length) = self.head()?;
            match kind {
                b'D' | b'd' => {
                    self.skip(length)?;
                    drained.rows += 1;
                    drained.bytes += length as u64 + 5;
                }
                b'E' => {
                    let body = self.body(length)?;
                    bail!("{sql}: {}", String::from_utf8_lossy(&body));
                }
                b'Z' => {
                    self.skip(length)?;
                    drained.seconds = begun.elapsed().as_secs_f64();
                    return Ok(drained);
                }
                _ => self.skip(length)?,
            }
        }
    }

    /// Asks and reads nothing at all.
    pub fn ask_only(&mut self, sql: &str) -> Result<()> {
        self.send(b'Q', &[sql.as_bytes(), b"\0"].concat())
    }

    fn send(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        let length = u32::try_from(body.len() + 4).context("measure a message")?;
        self.write(&[&[kind][..], &length.to_be_bytes(), body].concat())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("send a message")?;
        self.stream.flush().context("send a message")
    }

    fn message(&mut self) -> Result<(u8, Vec<u8>)> {
        let (kind, length) = self.head()?;
        Ok((kind, self.body(length)?))
    }

    /// The next message's type and the length of its body.
    fn head(&mut self) -> Result<(u8, usize)> {
        while self.to - self.from < 5 {
            self.fill()?;
        }
        let head = self.buffer.get(self.from..).and_then(<[u8]>::first_chunk::<5>).context("read a head")?;
        let [kind, length @ ..] = *head;
        self.from += 5;
        let length = usize::try_from(u32::from_be_bytes(length)).context("read a length")?;
        Ok((kind, length.checked_sub(4).context("read a length")?))
    }

    fn skip(&mut self, mut length: usize) -> Result<()> {
        loop {
            let here = length.min(self.to - self.from);
            self.from += here;
            length -= here;
            if length == 0 {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn body(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = Vec::with_capacity(length);
        while body.len() < length {
            let here = (length - body.len()).min(self.to - self.from);
            body.extend_from_slice(self.buffer.get(self.from..self.from + here).unwrap_or_default());
            self.from += here;
            if body.len() < length {
                self.fill()?;
            }
        }
        Ok(body)
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        let room = self.buffer.get_mut(self.to..).context("room to read into")?;
        let count = self.stream.read(room).context("read an answer")?;
        ensure!(count > 0, "the connection was closed");
        self.to += count;
        Ok(())
    }
}

fn dial(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).context("connect")?;
    stream.set_nodelay(true).context("send at once")?;
    stream.set_read_timeout(Some(LIMIT)).context("set a deadline")?;
    Ok(stream)
}

/// TLS that believes the authority in this file.
pub fn believing(authority: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).context("read the authority")? {
        roots.add(certificate.context("read the authority")?).context("believe the authority")?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(Arc::new(builder.context("set TLS up")?.with_root_certificates(roots).with_no_client_auth()))
}
