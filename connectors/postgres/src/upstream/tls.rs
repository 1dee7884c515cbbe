//! From a dialled connection to one that the target's settings allow: clear text where they say so, TLS otherwise.
//!
//! Nothing secret is sent here, and no answer of the target leads from TLS back to clear text.

use super::trust::Trusts;
use crate::config::PostgresSettings;
use crate::seam::Stream;
use sallyport_core::{Fault, Secret};
use sallyport_relay::tls_client::{self, Verify};
use sallyport_relay::{Route, dial};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion};

/// Length 8, code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What the login has to know of the TLS below it.
#[derive(Debug)]
pub(super) struct Tls {
    pub version: &'static str,
    /// What SCRAM binds to; None where the certificate leaves it undefined.
    pub end_point: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Opened {
    pub stream: Stream,
    pub tls: Option<Tls>,
}

pub(super) async fn open(
    route: &Route,
    settings: &PostgresSettings,
    identity: Option<&(Secret, Secret)>,
    limit: Duration,
) -> Result<Opened, Fault> {
    let client = prepare(settings, identity).await?;
    let mut stream = dial::dial(route, limit).await?;
    let Some(client) = client else {
        return Ok(Opened { stream: Stream::Plain(stream), tls: None });
    };
    ask(&mut stream).await?;
    let stream = tls_client::handshake(client, &route.target().host, stream).await?;
    let tls = Tls { version: version(&stream), end_point: tls_client::server_end_point(&stream) };
    if settings.tls == Some(Verify::Nothing) {
        tracing::debug!(target = %route.target().name, "TLS without a look at the certificate, as its settings say");
    }
    Ok(Opened { stream: Stream::Tls(Box::new(stream.into())), tls: Some(tls) })
}

/// Reading authorities takes files and time: not on an async thread, and not where they are at hand.
async fn prepare(
    settings: &PostgresSettings,
    identity: Option<&(Secret, Secret)>,
) -> Result<Option<Arc<ClientConfig>>, Fault> {
    const PUBLIC: &str = "the gateway cannot set up TLS for this target";
    if settings.tls.is_none() {
        return Ok(None);
    }
    let trusts = Trusts::of_process();
    if let (None, Some(client)) = (identity, trusts.at_hand(settings)) {
        return Ok(Some(client));
    }
    let (settings, identity) = (settings.clone(), identity.cloned());
    tokio::task::spawn_blocking(move || trusts.client(&settings, identity.as_ref()))
        .await
        .map_err(|fault| Fault::ours(PUBLIC, fault))?
        .map_err(|fault| Fault::ours(PUBLIC, fault))
}

/// Asks for TLS. The one byte of the answer must be all that there is: a target waits for our first TLS message, so
/// whatever follows in clear was put there by somebody else.
async fn ask(stream: &mut TcpStream) -> Result<(), Fault> {
    const GONE: Fault = Fault::Target("the target closed the connection when asked for TLS");
    stream.write_all(&SSL_REQUEST).await.map_err(|_| GONE)?;
    let mut answer = [0u8; 16];
    let length = stream.read(&mut answer).await.map_err(|_| GONE)?;
    match answer.get(..length).unwrap_or_default() {
        [] => Err(GONE),
        b"S" => Ok(()),
        [b'S', ..] => Err(Fault::Target("the target's answer to the request for TLS was tampered with")),
        [b'N', ..] => Err(Fault::Target("the target speaks no TLS, which its settings ask for")),
        _ => Err(Fault::Target("the target did not understand the request for TLS")),
    }
}

fn version(stream: &TlsStream<TcpStream>) -> &'static str {
    match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    }
}
