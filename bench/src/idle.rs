//! What a session costs that says nothing: the proportional set size of the gateway with many authenticated, silent
//! connections, less what it was without them. And how soon the memory is back that a large result needed.

use crate::client::{self, Client};
use crate::large::{forget_peak, peak_kib, rss_kib};
use crate::peers::{Agent, Peer, Peers};
use anyhow::{Context, Result};
use serde::Serialize;
use std::time::Duration;

/// Longer than a session has to be silent before it gives memory back.
const SETTLE: Duration = Duration::from_secs(3);

#[derive(Clone, Debug, Serialize)]
pub struct Idle {
    pub peer: &'static str,
    pub over: &'static str,
    pub sessions: usize,
    /// Fresh after authentication, and after one small SELECT.
    pub fresh_kib: f64,
    pub used_kib: f64,
}

pub fn measure(peers: &Peers, sessions: usize) -> Result<Idle> {
    let peer = peers.find("sallyport")?;
    many(peer, sessions, "clear", || Client::small(peer.login()))
}

pub fn measure_tls(peers: &Peers, sessions: usize) -> Result<Idle> {
    let peer = peers.find("sallyport")?;
    let config = client::believing(&peers.gateway.authority())?;
    many(peer, sessions, "TLS", || Client::small_over_tls(peer.login(), &config))
}

fn many(
    peer: &Peer,
    sessions: usize,
    over: &'static str,
    connect: impl Fn() -> Result<Client>,
) -> Result<Idle> {
    // What is made at the first session of all is no part of one.
    let mut open = vec![connect()?];
    std::thread::sleep(SETTLE);
    let before = pss_kib(&peer.pids)?;
    for _ in 0..sessions {
        open.push(connect()?);
    }
    std::thread::sleep(SETTLE);
    let fresh = pss_kib(&peer.pids)?;
    for client in &mut open {
        client.drain("SELECT 1")?;
    }
    std::thread::sleep(SETTLE);
    let used = pss_kib(&peer.pids)?;
    let each = |now: f64| (now - before) / sessions.max(1) as f64;
    Ok(Idle { peer: peer.name, over, sessions, fresh_kib: each(fresh), used_kib: each(used) })
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

/// What a masked result of 100 MB leaves behind.
#[derive(Clone, Debug, Serialize)]
pub struct Afterwards {
    pub mb: f64,
    pub peak_more_kib: f64,
    pub after_a_second_more_kib: f64,
}

pub fn after_a_result(peers: &Peers, agents: &[Agent], rows: usize) -> Result<Afterwards> {
    let agent = agents.get(1).context("find the masked agent")?;
    let peer = Peer { user: agent.user, password: agent.token.clone(), ..peers.find("sallyport")?.clone() };
    let sql = format!("SELECT * FROM wide LIMIT {}", rows * 2 / 5);
    let mut client = Client::connect(peer.login())?;
    // The first of all makes what all sessions share.
    client.drain(&sql)?;
    std::thread::sleep(SETTLE);
    let before = rss_kib(&peer.pids)?;
    forget_peak(&peer.pids)?;
    let drained = client.drain(&sql)?;
    let peak = peak_kib(&peer.pids)?;
    std::thread::sleep(Duration::from_secs(1));
    let after = rss_kib(&peer.pids)?;
    Ok(Afterwards {
        mb: drained.bytes as f64 / 1e6,
        peak_more_kib: peak - before,
        after_a_second_more_kib: after - before,
    })
}
