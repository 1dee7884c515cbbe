//! A connection that says exactly what a test tells it to: the bytes of a hostile caller, with TLS where it wants some.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use anyhow::{Context, Result, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sallyport_testkit::Gateway;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

pub const SSL: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
pub const GSS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
pub const V3_0: u32 = 0x0003_0000;
const PATIENCE: Duration = Duration::from_secs(40);

enum Way {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub struct Line {
    way: Way,
    tcp: TcpStream,
}

impl Line {
    pub fn open(port: u16) -> Result<Self> {
        Self::from(Ipv4Addr::LOCALHOST, port)
    }
    /// From another address of this machine.
    pub fn from(source: Ipv4Addr, port: u16) -> Result<Self> {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).context("make a socket")?;
        if source != Ipv4Addr::LOCALHOST {
            socket.bind(&SocketAddr::from((source, 0)).into()).context("take an address")?;
        }
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).context("connect")?;
        let tcp = TcpStream::from(socket);
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { way: Way::Plain(tcp.try_clone()?), tcp })
    }
    /// Shakes hands on what is there now; the gateway's own authority is believed, and no other.
    pub fn tls(self, gateway: &Gateway, name: &str, alpn: &[&[u8]]) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(gateway.authority())? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned())?)?;
        let Way::Plain(mut stream) = self.way else { anyhow::bail!("there is TLS already") };
        while client.is_handshaking() {
            client.complete_io(&mut stream).context("shake hands")?;
        }
        Ok(Self { way: Way::Tls(Box::new(StreamOwned::new(client, stream))), tcp: self.tcp })
    }
    pub fn say(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = match &mut self.way {
            Way::Plain(stream) => stream.write_all(bytes),
            Way::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
        sent.context("write")
    }
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.way {
            Way::Plain(stream) => stream.read(buffer),
            Way::Tls(stream) => stream.read(buffer),
        };
        match read {
            Err(fault) if is_gone(&fault) => Ok(0),
            read => read,
        }
    }
    /// The next byte. None: it was closed.
    pub fn byte(&mut self) -> Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.read(&mut byte).context("read a byte")? == 1).then_some(byte[0]))
    }
    fn exactly(&mut self, count: usize) -> Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; count];
        let mut at = 0;
        while at < count {
            match self.read(&mut bytes[at..]).context("read")? {
                0 => return Ok(None),
                read => at += read,
            }
        }
        Ok(Some(bytes))
    }
    /// The next message: its type and its body. None: it was closed.
    pub fn message(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        let Some(head) = self.exactly(5)? else { return Ok(None) };
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        ensure!((4..256 << 20).contains(&length), "no message begins with {head:?}");
        Ok(self.exactly(length - 4)?.map(|body| (head[0], body)))
    }
    /// What comes up to the end of the connection.
    pub fn rest(&mut self) -> Result<Vec<u8>> {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match self.read(&mut buffer).context("wait for the end")? {
                0 => return Ok(all),
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
    }
    /// The one error before the end, as `CODE message`.
    pub fn refusal(&mut self) -> Result<String> {
        let Some((tag, body)) = self.message()? else { return Ok("closed".into()) };
        ensure!(tag == b'E', "{:?} is no error", char::from(tag));
        ensure!(self.rest()?.is_empty(), "something follows an error that ends the connection");
        Ok(format!("{} {}", field(&body, b'C'), field(&body, b'M')))
    }
    /// Startup and token, up to ReadyForQuery. The key for cancels comes back.
    pub fn log_in(&mut self, database: &str, token: &str) -> Result<(u32, Vec<u8>)> {
        self.say(&startup(V3_0, &[("user", "caller"), ("database", database)]))?;
        ensure!(
            self.message()?.is_some_and(|(tag, body)| tag == b'R' && body == [0, 0, 0, 3]),
            "no token was asked"
        );
        self.say(&password(token.as_bytes()))?;
        let mut key = (0, Vec::new());
        loop {
            match self.message()?.context("the connection was closed")? {
                (b'K', body) => key = (u32::from_be_bytes(body[..4].try_into()?), body[4..].to_vec()),
                (b'Z', _) => return Ok(key),
                (b'E', body) => anyhow::bail!("refused: {}", field(&body, b'M')),
                _ => {}
            }
        }
    }
    pub fn ask(&mut self, sql: &str) -> Result<()> {
        self.say(&query(sql))
    }
    /// Each message up to ReadyForQuery, or to the end of the connection: errors and notices as text, rows as text.
    pub fn answers(&mut self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        while let Some((tag, body)) = self.message()? {
            match tag {
                b'Z' => return Ok(lines),
                b'E' | b'N' => {
                    lines.push(format!("{} {} {}", char::from(tag), field(&body, b'C'), field(&body, b'M')));
                }
                _ => lines.push(format!("{} {}", char::from(tag), String::from_utf8_lossy(&body))),
            }
        }
        lines.push("closed".into());
        Ok(lines)
    }
    pub fn leave(&self) {
        _ = self.tcp.shutdown(Shutdown::Both);
    }
    pub fn raw(&self) -> &TcpStream {
        &self.tcp
    }
}

fn is_gone(fault: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, InvalidData, UnexpectedEof};
    matches!(fault.kind(), ConnectionReset | UnexpectedEof | BrokenPipe | InvalidData)
}

/// A field of an error or a notice.
pub fn field(body: &[u8], wanted: u8) -> String {
    let mut texts = body.split(|byte| *byte == 0).filter(|text| !text.is_empty());
    texts
        .find(|text| text[0] == wanted)
        .map_or(String::new(), |text| String::from_utf8_lossy(&text[1..]).into())
}

pub fn packet(length: u32, rest: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes(), rest].concat()
}

pub fn sized(rest: &[u8]) -> Vec<u8> {
    packet(u32::try_from(rest.len() + 4).unwrap_or(u32::MAX), rest)
}

pub fn startup(version: u32, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    pairs.iter().for_each(|(name, value)| body.extend(format!("{name}\0{value}\0").bytes()));
    body.push(0);
    sized(&body)
}

pub fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], sized(body).as_slice()].concat()
}

pub fn password(text: &[u8]) -> Vec<u8> {
    tagged(b'p', &[text, b"\0"].concat())
}

pub fn query(sql: &str) -> Vec<u8> {
    tagged(b'Q', &[sql.as_bytes(), b"\0"].concat())
}

pub fn cancel(pid: u32, key: &[u8]) -> Vec<u8> {
    sized(&[&80_877_102u32.to_be_bytes(), &pid.to_be_bytes(), key].concat())
}

/// One request to the control plane, on a connection of its own: the status and the body.
pub fn http(
    api: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<(u16, String)> {
    let mut line = Line::open(api)?;
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let json = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let length = body.len();
    line.say(
        format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{json}{more}Content-Length: {length}\r\n\r\n{body}"
        )
        .as_bytes(),
    )?;
    let answer = String::from_utf8_lossy(&line.rest()?).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).context("no HTTP answer")?;
    Ok((status, answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned()))
}
