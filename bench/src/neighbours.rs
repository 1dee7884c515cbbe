//! What others notice while one client has stopped reading and one exports a million masked rows: four sessions that
//! ask at a fixed rate, alone and then beside those two. The same through the bare proxy says what of it is the server
//! and the machine.

use crate::client::Client;
use crate::measure::{latencies, median, quantile};
use crate::peers::{Agent, Peer, Peers, pgbench};
use anyhow::{Context, Result};
use sallyport_testkit::process;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Together, so that the machine has time to spare for all of them.
const PER_SECOND: u32 = 400;
const EXPORT: &str = "SELECT * FROM wide";

#[derive(Clone, Debug, Serialize)]
pub struct Neighbours {
    pub peer: &'static str,
    pub alone_p50_us: f64,
    pub alone_p99_us: f64,
    pub beside_p50_us: f64,
    pub beside_p99_us: f64,
    /// Medians of the rounds' own ratios.
    pub p99_ratio: f64,
}

pub fn measure(peers: &Peers, agents: &[Agent], seconds: u32, rounds: usize) -> Result<Vec<Neighbours>> {
    let plain = agents.first().context("find the plain agent")?;
    let masked = agents.get(1).context("find the masked agent")?;
    let gateway = peers.find("sallyport")?;
    let through = |agent: &Agent| Peer { user: agent.user, password: agent.token.clone(), ..gateway.clone() };
    let bare = peers.find("bare")?.clone();
    let pairs = [(bare.clone(), bare), (through(plain), through(masked))];
    let mut rows = Vec::new();
    for (asking, exporting) in &pairs {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            alone.push(ask(peers, asking, seconds, &format!("alone-{round}"))?);
            beside.push(with_company(exporting, || ask(peers, asking, seconds, &format!("beside-{round}")))?);
        }
        let middle =
            |runs: &[(f64, f64)], which: fn(&(f64, f64)) -> f64| median(runs.iter().map(which).collect());
        rows.push(Neighbours {
            peer: asking.name,
            alone_p50_us: middle(&alone, |run| run.0),
            alone_p99_us: middle(&alone, |run| run.1),
            beside_p50_us: middle(&beside, |run| run.0),
            beside_p99_us: middle(&beside, |run| run.1),
            p99_ratio: median(alone.iter().zip(&beside).map(|(alone, beside)| beside.1 / alone.1).collect()),
        });
    }
    Ok(rows)
}

/// One that asks for everything and reads nothing, and one that reads it over and over.
fn with_company<T>(exporting: &Peer, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut stopped = Client::connect(exporting.login())?;
    stopped.ask_only(EXPORT)?;
    let mut exporter = Client::connect(exporting.login())?;
    let over = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&over);
    let thread = std::thread::spawn(move || -> Result<()> {
        while !until.load(Ordering::Relaxed) {
            exporter.drain(EXPORT)?;
        }
        Ok(())
    });
    let result = work();
    over.store(true, Ordering::Relaxed);
    thread.join().map_err(|_| anyhow::anyhow!("the exporter panicked"))??;
    drop(stopped);
    result
}

fn ask(peers: &Peers, peer: &Peer, seconds: u32, name: &str) -> Result<(f64, f64)> {
    let log = peers.scratch.path().join(format!("neighbours-{}-{name}", peer.name));
    let mut command = pgbench(&peer.password);
    let (port, seconds_text, rate) = (peer.port.to_string(), seconds.to_string(), PER_SECOND.to_string());
    command.args(["-n", "-S", "-M", "prepared", "-h", "127.0.0.1", "-U", peer.user, "-p", &port]);
    command.args(["-c", "4", "-j", "1", "-T", &seconds_text, "-R", &rate, "-l"]);
    command.arg(format!("--log-prefix={}", log.display())).arg(peer.database);
    process::run(&mut command, "", Duration::from_secs(u64::from(seconds) + 60))?
        .ok()
        .with_context(|| format!("pgbench through {}", peer.name))?;
    let mut times = latencies(peers.scratch.path(), &log)?;
    times.sort_by(f64::total_cmp);
    Ok((quantile(&times, 0.5), quantile(&times, 0.99)))
}

pub fn print(rows: &[Neighbours]) {
    println!(
        "\n{:10} {:>10} {:>10} {:>11} {:>11} {:>7}",
        "through", "p50 alone", "p99 alone", "p50 beside", "p99 beside", "ratio"
    );
    for row in rows {
        println!(
            "{:10} {:>10.0} {:>10.0} {:>11.0} {:>11.0} {:>7.2}",
            row.peer, row.alone_p50_us, row.alone_p99_us, row.beside_p50_us, row.beside_p99_us, row.p99_ratio
        );
    }
}
