#![allow(clippy::print_stdout, reason = "a measurement talks to a terminal")]
//! Sallyport beside its peers, in one run: direct, PgBouncer (session pool), HAProxy (tcp) and Sallyport, in rotating
//! order, with policy, masks and recording on. Ratios are of the same round, because the machine is shared.
//!
//! `BENCH_ROUNDS` (5), `BENCH_SECONDS` (3), `BENCH_CLIENTS` (1,8,32), `BENCH_MODES` (simple,extended,prepared) and
//! `BENCH_IDLE` (1000) make it shorter or longer.

mod idle;
mod measure;
mod peers;
mod report;

use anyhow::{Context, Result};
use measure::{Mode, Run};
use peers::Peers;

fn main() -> Result<()> {
    let rounds: usize = setting("BENCH_ROUNDS", "5").parse().context("read BENCH_ROUNDS")?;
    let seconds: u32 = setting("BENCH_SECONDS", "3").parse().context("read BENCH_SECONDS")?;
    let idle: usize = setting("BENCH_IDLE", "1000").parse().context("read BENCH_IDLE")?;
    let clients: Vec<u32> = setting("BENCH_CLIENTS", "1,8,32")
        .split(',')
        .map(|text| text.trim().parse().context("read BENCH_CLIENTS"))
        .collect::<Result<_>>()?;
    let modes: Vec<Mode> = setting("BENCH_MODES", "simple,extended,prepared")
        .split(',')
        .map(|text| Mode::parse(text.trim()))
        .collect::<Result<_>>()?;

    println!("starting PostgreSQL, PgBouncer, HAProxy and the gateway");
    let peers = Peers::start(idle)?;
    let mut runs: Vec<Run> = Vec::new();
    for round in 0..rounds {
        for mode in &modes {
            for clients in &clients {
                for step in 0..peers.all().len() {
                    // Another first one each round: whoever runs first finds a cooler machine.
                    let all = peers.all();
                    let at = (step + round) % all.len();
                    let Some(peer) = all.get(at) else { continue };
                    let run = measure::run(&peers, peer, *mode, *clients, seconds, round)?;
                    println!(
                        "round {} {:8} {:2} clients {:10} {:8.0} tps  p50 {:5.0} µs  p99 {:6.0} µs  {:5.1} µs CPU",
                        round + 1,
                        mode.name(),
                        clients,
                        peer.name,
                        run.tps,
                        run.p50_us,
                        run.p99_us,
                        run.cpu_us
                    );
                    runs.push(run);
                }
            }
        }
    }
    let memory = idle::measure(&peers, idle)?;
    let results = report::summarise(&runs, &memory, &peers.versions()?);
    report::print(&results);
    report::write(&results)?;
    Ok(())
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
