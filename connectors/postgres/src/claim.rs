//! What a new connection turns out to be: TLS or not, a cancel request, or a client with its startup and its token.
//!
//! Nobody is believed here; `Door` decides. Invariants: no length is believed before it is checked against a limit, no
//! byte that came before a TLS handshake is read after it, each negotiation happens at most once, and all of it is
//! over within [`ARRIVAL_LIMIT`].

mod startup;

use crate::seam::{Arrival, CancelAsk, ClientSide, Stream};
use bytes::BytesMut;
use sallyport_core::Secret;
use sallyport_relay::{Claim, House};
use startup::{Packet, Startup};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};

pub const PROTOCOL: &str = "postgres";
/// From the first byte to the token.
pub const ARRIVAL_LIMIT: Duration = Duration::from_secs(20);
/// What a client that does not take its refusal gets before it is cut.
const FAREWELL_LIMIT: Duration = Duration::from_secs(2);
/// The same bound as PostgreSQL's own.
const MAX_STARTUP_BYTES: usize = 10_000;
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// What direct TLS has to negotiate, so that no other protocol's client is mistaken for one of ours.
pub const ALPN: &[u8] = b"postgresql";
/// The first byte of a TLS handshake.
const TLS_RECORD: u8 = 0x16;

/// Why a connection did not become a client: what it is told, if it is told anything.
#[derive(Debug)]
pub(crate) enum Turned {
    /// An error in the protocol's words, then the end.
    Told { code: &'static str, message: String, hint: Option<&'static str> },
    /// It would not understand, or must not be answered.
    Silent(&'static str),
}

impl Turned {
    pub(crate) fn told(code: &'static str, message: impl Into<String>) -> Self {
        Self::Told { code, message: message.into(), hint: None }
    }
    pub(crate) fn hint(mut self, text: &'static str) -> Self {
        if let Turned::Told { hint, .. } = &mut self {
            *hint = Some(text);
        }
        self
    }
}

impl From<std::io::Error> for Turned {
    fn from(_: std::io::Error) -> Self {
        Turned::Silent("the client went away during startup")
    }
}

/// Reads until it is clear what the connection is. It has told the peer where it is `None`.
pub async fn arrive(stream: TcpStream, peer: SocketAddr, house: &House) -> Option<Arrival> {
    arrive_within(stream, peer, house, ARRIVAL_LIMIT).await
}

pub async fn arrive_within(
    stream: TcpStream,
    peer: SocketAddr,
    house: &House,
    limit: Duration,
) -> Option<Arrival> {
    let mut guest =
        Guest { stream: Some(Stream::Plain(stream)), buffer: BytesMut::new(), peer, server_name: None };
    let turned = match tokio::time::timeout(limit, guest.arrive(house)).await {
        Ok(Ok(arrival)) => return Some(arrival),
        Ok(Err(turned)) => turned,
        Err(_) => Turned::Silent("the startup took too long"),
    };
    match &turned {
        Turned::Silent(why) => tracing::info!(%peer, why, "connection closed at startup"),
        Turned::Told { code, message, hint } => {
            tracing::info!(%peer, code, message, "connection refused at startup");
            guest.say_goodbye(code, message, *hint).await;
        }
    }
    None
}

struct Guest {
    stream: Option<Stream>,
    buffer: BytesMut,
    peer: SocketAddr,
    server_name: Option<String>,
}

impl Guest {
    async fn arrive(&mut self, house: &House) -> Result<Arrival, Turned> {
        let mut asked_gss = false;
        if self.peek().await? == TLS_RECORD {
            self.direct_tls(house).await?;
        }
        loop {
            match startup::read(&self.packet().await?)? {
                Packet::Cancel { pid, key } => {
                    let stream = self.stream.take().ok_or(Turned::Silent("the connection is gone"))?;
                    return Ok(Arrival::Cancel(CancelAsk { pid, key: Secret::new(key) }, stream));
                }
                Packet::Gss if asked_gss || self.is_encrypted() => {
                    return Err(Turned::Silent("encryption was negotiated twice"));
                }
                Packet::Gss => {
                    asked_gss = true;
                    self.nothing_early()?;
                    self.send(b"N").await?;
                }
                Packet::Tls if self.is_encrypted() => {
                    return Err(Turned::Silent("encryption was negotiated twice"));
                }
                Packet::Tls => self.ask_tls(house).await?,
                Packet::Startup(startup) => return self.welcome(house, startup).await,
            }
        }
    }

    /// SSLRequest. Bytes that came with it were not protected, whatever they say: they end the connection.
    async fn ask_tls(&mut self, house: &House) -> Result<(), Turned> {
        self.nothing_early()?;
        match &house.tls {
            Some(config) => {
                self.send(b"S").await?;
                self.handshake(Arc::clone(config)).await
            }
            None => self.send(b"N").await,
        }
    }

    async fn direct_tls(&mut self, house: &House) -> Result<(), Turned> {
        let Some(config) = &house.tls else {
            return Err(Turned::Silent("direct TLS where there is no certificate"));
        };
        self.handshake(Arc::clone(config)).await?;
        let spoken = match &self.stream {
            Some(Stream::Tls(stream)) => stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec),
            Some(Stream::Plain(_)) | None => None,
        };
        if spoken.as_deref() != Some(ALPN) {
            return Err(Turned::Silent("direct TLS without the protocol's name in ALPN"));
        }
        Ok(())
    }

    async fn handshake(&mut self, config: Arc<tokio_rustls::rustls::ServerConfig>) -> Result<(), Turned> {
        let Some(Stream::Plain(stream)) = self.stream.take() else {
            return Err(Turned::Silent("encryption was negotiated twice"));
        };
        let accepted = TlsAcceptor::from(config).accept(stream).await;
        let accepted = accepted.map_err(|_| Turned::Silent("the TLS handshake failed"))?;
        self.server_name = accepted.get_ref().1.server_name().map(str::to_owned);
        self.stream = Some(Stream::Tls(Box::new(TlsStream::Server(accepted))));
        Ok(())
    }

    async fn welcome(&mut self, house: &House, startup: Startup) -> Result<Arrival, Turned> {
        if house.require_tls && !self.is_encrypted() {
            let turned = Turned::told(
                "28000",
                "This gateway is reached over TLS only: a token would cross the network in clear.",
            );
            return Err(
                turned.hint("Connect with sslmode=verify-full and the gateway's authority as sslrootcert.")
            );
        }
        self.negotiate(&startup).await?;
        let (target, database) = startup.target(self.server_name.as_deref())?;
        let token = self.token().await?;
        let claim = Claim {
            protocol: PROTOCOL,
            token,
            target,
            database,
            peer: self.peer,
            client: startup.application.clone(),
            user: startup.user.clone(),
        };
        let stream = self.stream.take().ok_or(Turned::Silent("the connection is gone"))?;
        let client = ClientSide {
            stream,
            leftover: std::mem::take(&mut self.buffer),
            protocol_minor: startup.agreed_minor(),
            parameters: startup.parameters,
            peer: self.peer,
        };
        Ok(Arrival::Client(Box::new(client), Box::new(claim)))
    }

    /// A newer minor version, or protocol options that nobody here knows, are answered with what is spoken here.
    async fn negotiate(&mut self, startup: &Startup) -> Result<(), Turned> {
        if startup.minor == startup.agreed_minor() && startup.unknown_options.is_empty() {
            return Ok(());
        }
        let mut out = Vec::new();
        crate::wire::write::message(&mut out, b'v', |out| {
            out.extend_from_slice(&(0x0003_0000 | u32::from(startup.agreed_minor())).to_be_bytes());
            let count = u32::try_from(startup.unknown_options.len()).unwrap_or(0);
            out.extend_from_slice(&count.to_be_bytes());
            startup.unknown_options.iter().for_each(|name| crate::wire::write::text(out, name));
        });
        self.send(&out).await
    }

    /// The token, in the place where the protocol has a password.
    async fn token(&mut self) -> Result<Secret, Turned> {
        let mut ask = Vec::new();
        crate::wire::write::message(&mut ask, b'R', |out| out.extend_from_slice(&3u32.to_be_bytes()));
        self.send(&ask).await?;
        let [tag, length @ ..] = self.exactly::<5>().await?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if tag != b'p' {
            return Err(Turned::told("08P01", "The gateway asked for a password and got another message."));
        }
        if !(5..=MAX_TOKEN_BYTES + 5).contains(&length) {
            return Err(Turned::told("08P01", format!("A token is at most {MAX_TOKEN_BYTES} bytes long.")));
        }
        let mut body = self.take(length - 4).await?;
        if body.pop() != Some(0) || body.contains(&0) {
            return Err(Turned::told("08P01", "The password message is malformed."));
        }
        Ok(Secret::new(body))
    }

    fn is_encrypted(&self) -> bool {
        matches!(self.stream, Some(Stream::Tls(_)))
    }

    fn nothing_early(&self) -> Result<(), Turned> {
        if self.buffer.is_empty() {
            Ok(())
        } else {
            tracing::warn!(peer = %self.peer, "bytes were sent ahead of an encryption handshake");
            Err(Turned::Silent("bytes were sent ahead of an encryption handshake"))
        }
    }

    /// The first byte, left where it is: read from the socket only if nothing is buffered.
    async fn peek(&mut self) -> Result<u8, Turned> {
        let Some(Stream::Plain(stream)) = &self.stream else {
            return Err(Turned::Silent("the connection is gone"));
        };
        let mut first = [0u8; 1];
        match stream.peek(&mut first).await? {
            0 => Err(Turned::Silent("the client went away before it said anything")),
            _ => Ok(first.first().copied().unwrap_or_default()),
        }
    }

    /// An untagged packet of the startup: what follows its length.
    async fn packet(&mut self) -> Result<Vec<u8>, Turned> {
        let length = usize::try_from(u32::from_be_bytes(self.exactly::<4>().await?)).unwrap_or(usize::MAX);
        if !(8..=MAX_STARTUP_BYTES).contains(&length) {
            return Err(Turned::told("08P01", "The startup packet has an impossible length."));
        }
        self.take(length - 4).await
    }

    async fn exactly<const N: usize>(&mut self) -> Result<[u8; N], Turned> {
        let bytes = self.take(N).await?;
        <[u8; N]>::try_from(bytes.as_slice())
            .map_err(|_| Turned::Silent("the client went away during startup"))
    }

    /// So many bytes and not one more from the buffer; the socket is read in whatever pieces come.
    async fn take(&mut self, count: usize) -> Result<Vec<u8>, Turned> {
        let stream = self.stream.as_mut().ok_or(Turned::Silent("the connection is gone"))?;
        while self.buffer.len() < count {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Turned::Silent("the client went away during startup"));
            }
        }
        Ok(self.buffer.split_to(count).to_vec())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Turned> {
        let stream = self.stream.as_mut().ok_or(Turned::Silent("the connection is gone"))?;
        stream.write_all(bytes).await?;
        stream.flush().await?;
        Ok(())
    }

    async fn say_goodbye(&mut self, code: &str, message: &str, hint: Option<&str>) {
        let mut out = Vec::new();
        let report = crate::wire::write::Report { severity: "FATAL", code, message, detail: None, hint };
        report.error(&mut out);
        let farewell = async {
            self.send(&out).await.ok()?;
            self.stream.as_mut()?.shutdown().await.ok()
        };
        _ = tokio::time::timeout(FAREWELL_LIMIT, farewell).await;
    }
}
