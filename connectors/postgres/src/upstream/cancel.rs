//! Cancelling what a session runs at its target: a connection of its own, as the protocol wants it.
//!
//! It goes the same way as the session's: where that has TLS, the key never crosses in clear. It carries no client
//! certificate, so a target that demands one does not hear it.

use super::{SLOW, tls};
use crate::config::PostgresSettings;
use crate::seam::BackendKey;
use sallyport_core::Fault;
use sallyport_relay::Route;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const CANCELLING: Duration = Duration::from_secs(10);
const CANCEL_REQUEST: u32 = 80_877_102;

/// Asks the target to cancel what the connection of `key` runs. The target tells nobody whether it did.
pub async fn cancel(route: &Route, key: &BackendKey) -> Result<(), Fault> {
    timeout(CANCELLING, ask(route, key)).await.map_err(|_| SLOW)?
}

async fn ask(route: &Route, key: &BackendKey) -> Result<(), Fault> {
    let settings = PostgresSettings::of(route.target())?;
    let mut stream = tls::open(route, &settings, None, CANCELLING).await?.stream;
    let sent = async {
        stream.write_all(&packet(key)?).await?;
        stream.flush().await?;
        // The target closes once it has acted on it. What it says before that means nothing.
        let mut rest = [0u8; 64];
        stream.read(&mut rest).await
    };
    match sent.await {
        Ok(_) => Ok(()),
        Err(fault) if [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&fault.kind()) => {
            Ok(())
        }
        Err(fault) => {
            tracing::warn!(target = %route.target().name, %fault, "the target did not take a cancel");
            Err(Fault::Target("the target did not take the request to cancel"))
        }
    }
}

fn packet(key: &BackendKey) -> std::io::Result<Vec<u8>> {
    let secret = key.secret.expose();
    let length = u32::try_from(12 + secret.len()).map_err(std::io::Error::other)?;
    let mut packet = length.to_be_bytes().to_vec();
    packet.extend_from_slice(&CANCEL_REQUEST.to_be_bytes());
    packet.extend_from_slice(&key.pid.to_be_bytes());
    packet.extend_from_slice(secret);
    Ok(packet)
}
