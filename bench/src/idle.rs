//! What an idle session costs: the proportional set size of the proxy with many authenticated, silent connections,
//! less what it was without them.

use crate::peers::Peers;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[derive(Clone, Debug, Serialize)]
pub struct Idle {
    pub peer: &'static str,
    pub sessions: usize,
    /// Fresh after authentication, and after one small SELECT.
    pub fresh_kib: f64,
    pub used_kib: f64,
}

pub fn measure(peers: &Peers, sessions: usize) -> Result<Vec<Idle>> {
    let peer = peers.find("sallyport")?;
    let before = pss_kib(&peer.pids)?;
    let mut open = Vec::with_capacity(sessions);
    for _ in 0..sessions {
        open.push(connect(peer.port, peer.user, peer.database, &peer.password)?);
    }
    std::thread::sleep(Duration::from_secs(3));
    let fresh = pss_kib(&peer.pids)?;
    for stream in &mut open {
        query(stream, "SELECT 1")?;
    }
    std::thread::sleep(Duration::from_secs(3));
    let used = pss_kib(&peer.pids)?;
    let each = |now: f64| (now - before) / sessions.max(1) as f64;
    Ok(vec![Idle { peer: "sallyport", sessions, fresh_kib: each(fresh), used_kib: each(used) }])
}

fn pss_kib(pids: &[u32]) -> Result<f64> {
    let mut total = 0.0;
    for pid in pids {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
            .context("read a process's memory")?;
        let line = text.lines().find(|line| line.starts_with("Pss:")).context("find Pss")?;
        total +=
            line.split_whitespace().nth(1).and_then(|field| field.parse::<f64>().ok()).context("read Pss")?;
    }
    Ok(total)
}

/// A startup with a clear-text password, which is what the gateway asks for on loopback.
fn connect(port: u16, user: &str, database: &str, password: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("connect")?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).context("set a deadline")?;
    let mut startup = vec![0, 3, 0, 0];
    for text in ["user", user, "database", database] {
        startup.extend_from_slice(text.as_bytes());
        startup.push(0);
    }
    startup.push(0);
    let mut message = u32::try_from(startup.len() + 4).context("measure the startup")?.to_be_bytes().to_vec();
    message.extend_from_slice(&startup);
    stream.write_all(&message).context("send the startup")?;
    loop {
        let (kind, body) = read_message(&mut stream)?;
        match (kind, body.get(..4)) {
            (b'R', Some([0, 0, 0, 3])) => send(&mut stream, b'p', &[password.as_bytes(), b"\0"].concat())?,
            (b'R', Some([0, 0, 0, 0])) | (b'S' | b'K' | b'N', _) => {}
            (b'Z', _) => return Ok(stream),
            _ => bail!("unexpected answer {:?}: {}", kind as char, String::from_utf8_lossy(&body)),
        }
    }
}

fn query(stream: &mut TcpStream, sql: &str) -> Result<()> {
    send(stream, b'Q', &[sql.as_bytes(), b"\0"].concat())?;
    while read_message(stream)?.0 != b'Z' {}
    Ok(())
}

fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) -> Result<()> {
    let length = u32::try_from(body.len() + 4).context("measure a message")?;
    stream.write_all(&[&[kind][..], &length.to_be_bytes(), body].concat()).context("send a message")
}

fn read_message(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let mut head = [0u8; 5];
    stream.read_exact(&mut head).context("read an answer")?;
    let [kind, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).context("read a length")?;
    let mut body = vec![0u8; length.checked_sub(4).context("read a length")?];
    stream.read_exact(&mut body).context("read an answer")?;
    Ok((kind, body))
}
