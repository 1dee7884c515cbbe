//! Where the parts of the connector meet: what `claim` hands on when a caller may come in, what `upstream` hands on
//! when a target let us in. Nothing here reads or writes by itself.
//!
//! - `claim::arrive(TcpStream, SocketAddr, &House) -> Option<Arrival>`: it has told the peer where it is `None`.
//! - `upstream::connect(&Route, &Credential, &[(String, String)]) -> Result<TargetSide, Fault>`.
//! - `upstream::cancel(&Route, &BackendKey) -> Result<(), Fault>`: a connection of its own, as the protocol wants it.

use bytes::BytesMut;
use sallyport_core::Secret;
use sallyport_relay::Claim;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// What a new connection turned out to be.
#[derive(Debug)]
pub enum Arrival {
    /// A request to cancel what another connection runs. Its own closes without an answer, once it is dealt with.
    Cancel(CancelAsk, Stream),
    /// A client that presented a token; nobody has looked at it yet.
    Client(Box<ClientSide>, Box<Claim>),
}

/// The key that a cancel request named. Wrong until `cancel` says otherwise.
#[derive(Debug)]
pub struct CancelAsk {
    pub pid: u32,
    pub key: Secret,
}

/// A client whose startup was accepted and whose token was read. It waits for the answer to its password message:
/// not even AuthenticationOk was sent, so that whatever goes wrong until the target is ready is still an error of the
/// startup.
#[derive(Debug)]
pub struct ClientSide {
    pub stream: Stream,
    /// Bytes read past the password message.
    pub leftover: BytesMut,
    /// 0 or 2: which protocol 3.x the two agreed on.
    pub protocol_minor: u16,
    /// Startup parameters that passed the allow-list, without user and database.
    pub parameters: Vec<(String, String)>,
    pub peer: SocketAddr,
}

/// A target that authenticated us and is ready for its first query.
#[derive(Debug)]
pub struct TargetSide {
    pub stream: Stream,
    pub leftover: BytesMut,
    /// Every ParameterStatus it sent, in order.
    pub parameters: Vec<(String, String)>,
    /// Never shown to a client.
    pub backend_key: Option<BackendKey>,
    /// Major version: 15.
    pub server_version: u32,
}

/// The target's own key, with which we may cancel there.
#[derive(Clone, Debug)]
pub struct BackendKey {
    pub pid: u32,
    pub secret: Secret,
}

/// A peer, with TLS or without.
#[derive(Debug)]
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
