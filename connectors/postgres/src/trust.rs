//! Reaching a target that trusts the gateway, without TLS: what the tests of the pump need. `upstream` replaces it.
use crate::seam::{BackendKey, Stream, TargetSide};
use crate::wire::{self, back, write};
use bytes::{Buf, BytesMut};
use sallyport_core::{Fault, Secret};
use sallyport_relay::{Credential, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GONE: Fault = Fault::Target("cannot be reached");

pub async fn connect(
    route: &Route,
    _: &Credential,
    wanted: &[(String, String)],
) -> Result<TargetSide, Fault> {
    let target = route.target();
    let mut stream = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(|_| GONE)?;
    stream.set_nodelay(true).map_err(|_| GONE)?;
    let mut body = Vec::new();
    body.extend_from_slice(&196_608u32.to_be_bytes());
    for (k, v) in [("user", target.account.as_str()), ("database", route.database())] {
        write::text(&mut body, k);
        write::text(&mut body, v);
    }
    for (k, v) in wanted {
        write::text(&mut body, k);
        write::text(&mut body, v);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).map_err(|_| GONE)?;
    stream.write_all(&length.to_be_bytes()).await.map_err(|_| GONE)?;
    stream.write_all(&body).await.map_err(|_| GONE)?;
    let mut leftover = BytesMut::new();
    let (mut parameters, mut backend_key) = (Vec::new(), None);
    loop {
        let Some((head, message)) = wire::whole(&leftover).map_err(|_| GONE)? else {
            if stream.read_buf(&mut leftover).await.map_err(|_| GONE)? == 0 {
                return Err(GONE);
            }
            continue;
        };
        let body = wire::body(message);
        match head.tag {
            b'R' if body == [0, 0, 0, 0] => {}
            b'S' => {
                let (k, v) = back::parameter(body).map_err(|_| GONE)?;
                parameters.push((k.to_owned(), v.to_owned()));
            }
            b'K' => {
                let mut reader = wire::Reader::new(body);
                let pid = reader.uint32().map_err(|_| GONE)?;
                backend_key =
                    Some(BackendKey { pid, secret: Secret::new(body.get(4..).unwrap_or_default()) });
            }
            b'Z' => {
                leftover.advance(head.total);
                return Ok(TargetSide {
                    stream: Stream::Plain(stream),
                    leftover,
                    parameters,
                    backend_key,
                    server_version: 15,
                });
            }
            b'N' => {}
            _ => return Err(Fault::Target("does not let the gateway in")),
        }
        leftover.advance(head.total);
    }
}

pub async fn cancel(route: &Route, key: &BackendKey) -> Result<(), Fault> {
    let target = route.target();
    let mut stream = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(|_| GONE)?;
    let mut out = Vec::new();
    out.extend_from_slice(&(12 + u32::try_from(key.secret.expose().len()).unwrap_or(4)).to_be_bytes());
    out.extend_from_slice(&80_877_102u32.to_be_bytes());
    out.extend_from_slice(&key.pid.to_be_bytes());
    out.extend_from_slice(key.secret.expose());
    stream.write_all(&out).await.map_err(|_| GONE)?;
    _ = stream.read_u8().await;
    Ok(())
}
