//! The way out: a TCP connection to a registered target, and to nothing else.

use crate::route::Route;
use sallyport_core::Fault;
use socket2::{SockRef, TcpKeepalive};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

/// One address that does not answer must not use up the time of the others.
const PER_ADDRESS: Duration = Duration::from_secs(4);
const MAX_ADDRESSES: usize = 8;
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Tries every address of the target in turn, all within `limit`.
pub async fn dial(route: &Route, limit: Duration) -> Result<TcpStream, Fault> {
    let target = route.target();
    let deadline = Instant::now() + limit;
    let unknown = || Fault::Target("the target's host name cannot be resolved");
    let looked_up = timeout_at(deadline, lookup_host((target.host.as_str(), target.port))).await;
    let addresses = looked_up.map_err(|_| unknown())?.map_err(|fault| {
        tracing::warn!(target = %target.name, host = target.host, %fault, "the target's host name cannot be resolved");
        unknown()
    })?;
    let addresses: Vec<SocketAddr> = addresses.take(MAX_ADDRESSES).collect();
    for address in &addresses {
        let attempt = timeout(PER_ADDRESS, TcpStream::connect(address));
        match timeout_at(deadline, attempt).await {
            Ok(Ok(Ok(stream))) => {
                tune(&stream);
                return Ok(stream);
            }
            Ok(Ok(Err(fault))) => {
                tracing::warn!(target = %target.name, %address, %fault, "the target refused a connection");
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(target = %target.name, %address, "the target did not answer")
            }
        }
    }
    Err(Fault::Target("the target cannot be reached"))
}

/// Small messages leave at once, and a peer that vanished is noticed.
pub fn tune(stream: &TcpStream) {
    _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 4);
    _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}
