//! One run of pgbench through one peer.

use crate::peers::{Peer, Peers, pgbench};
use anyhow::{Context, Result, bail};
use sallyport_testkit::process;
use serde::Serialize;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Simple,
    Extended,
    Prepared,
}

impl Mode {
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "simple" => Ok(Mode::Simple),
            "extended" => Ok(Mode::Extended),
            "prepared" => Ok(Mode::Prepared),
            other => bail!("unknown mode {other}: write simple, extended or prepared"),
        }
    }
    pub fn name(self) -> &'static str {
        match self {
            Mode::Simple => "simple",
            Mode::Extended => "extended",
            Mode::Prepared => "prepared",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub peer: &'static str,
    pub mode: Mode,
    pub clients: u32,
    pub round: usize,
    pub tps: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// CPU time of the peer's own processes for each transaction, without that of logging in.
    pub cpu_us: f64,
}

pub fn run(peers: &Peers, peer: &Peer, mode: Mode, clients: u32, seconds: u32, round: usize) -> Result<Run> {
    let log = peers.scratch.path().join(format!("log-{}-{}-{clients}-{round}", peer.name, mode.name()));
    let threads = clients.min(2);
    let mut command = pgbench(&peer.password);
    command.args([
        "-n",
        "-S",
        "-h",
        "127.0.0.1",
        "-U",
        peer.user,
        "-M",
        mode.name(),
        "-T",
        &seconds.to_string(),
    ]);
    command.args(["-c", &clients.to_string(), "-j", &threads.to_string(), "-p", &peer.port.to_string()]);
    command
        .args(["-l", "--sampling-rate=0.1"])
        .arg(format!("--log-prefix={}", log.display()))
        .arg(peer.database);
    let limit = Duration::from_secs(u64::from(seconds) + 60);
    let logins = cpu_of_logins(peer, mode, clients, limit)?;
    let before = cpu_us(&peer.pids)?;
    let out = process::run(&mut command, "", limit)?
        .ok()
        .with_context(|| format!("pgbench through {}", peer.name))?
        .out;
    let spent = (cpu_us(&peer.pids)? - before - logins).max(0.0);
    let tps = number_after(&out, "tps = ")?;
    let transactions = number_after(&out, "number of transactions actually processed: ")?;
    if out.contains("number of failed transactions: ")
        && number_after(&out, "number of failed transactions: ")? > 0.0
    {
        bail!("pgbench through {} had failed transactions:\n{out}", peer.name);
    }
    let mut latencies = latencies(peers.scratch.path(), &log)?;
    latencies.sort_by(f64::total_cmp);
    Ok(Run {
        peer: peer.name,
        mode,
        clients,
        round,
        tps,
        p50_us: quantile(&latencies, 0.5),
        p99_us: quantile(&latencies, 0.99),
        cpu_us: spent / transactions.max(1.0),
    })
}

/// What it costs to connect so many clients that each ask once: no part of a transaction's price, as it is no part of
/// the throughput that pgbench reports.
fn cpu_of_logins(peer: &Peer, mode: Mode, clients: u32, limit: Duration) -> Result<f64> {
    let mut command = pgbench(&peer.password);
    let (clients, port) = (clients.to_string(), peer.port.to_string());
    command.args(["-n", "-S", "-h", "127.0.0.1", "-U", peer.user, "-M", mode.name(), "-t", "1"]);
    command.args(["-c", &clients, "-p", &port, peer.database]);
    let before = cpu_us(&peer.pids)?;
    process::run(&mut command, "", limit)?
        .ok()
        .with_context(|| format!("pgbench -t 1 through {}", peer.name))?;
    Ok(cpu_us(&peer.pids)? - before)
}

fn number_after(text: &str, label: &str) -> Result<f64> {
    let rest =
        text.split(label).nth(1).with_context(|| format!("find {label:?} in pgbench's output:\n{text}"))?;
    let digits: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    digits.parse().with_context(|| format!("read the number after {label:?}"))
}

/// Third column of pgbench's log: microseconds. The logs are removed once read.
pub fn latencies(folder: &std::path::Path, prefix: &std::path::Path) -> Result<Vec<f64>> {
    let name = prefix.file_name().context("name the log")?.to_string_lossy().into_owned();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).context("list the logs")? {
        let path = entry?.path();
        if !path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}."))) {
            continue;
        }
        let text = std::fs::read_to_string(&path).context("read a log")?;
        all.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()));
        std::fs::remove_file(&path).context("remove a log")?;
    }
    Ok(all)
}

pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = (sorted.len().saturating_sub(1)) as f64 * q;
    sorted.get(at.round() as usize).copied().unwrap_or(f64::NAN)
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

/// User and system time of these processes, in microseconds.
pub fn cpu_us(pids: &[u32]) -> Result<f64> {
    let tick = 1_000_000.0 / rustix::param::clock_ticks_per_second() as f64;
    let mut ticks = 0.0;
    for pid in pids {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("read a process's times")?;
        let rest = text.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        for at in [11, 12] {
            ticks += fields
                .get(at)
                .and_then(|field| field.parse::<f64>().ok())
                .context("read a process's times")?;
        }
    }
    Ok(ticks * tick)
}
