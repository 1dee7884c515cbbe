#![allow(clippy::print_stdout, reason = "a measurement talks to a terminal")]
//! Sallyport beside its peers, in one run: direct, PgBouncer (session pool), HAProxy (tcp), a bare tokio proxy and
//! Sallyport, in rotating order, with policy, masks and recording on. Ratios are of the same round, because the machine
//! is shared.
//!
//! Without arguments it measures small transactions and writes results.json. With `all`, or with names of parts
//! (`large`, `replay`, `unseen`, `idle`, `neighbours`, `loops`), it measures the rest and writes results-marks.json.
//!
//! `BENCH_ROUNDS` (5; 3 for the rest), `BENCH_SECONDS` (2), `BENCH_CLIENTS` (1,8,32), `BENCH_MODES`
//! (simple,extended,prepared), `BENCH_IDLE` (1000) and `BENCH_ROWS` (1000000) make it shorter or longer.

mod bare;
mod client;
mod idle;
mod large;
mod loops;
mod marks;
mod measure;
mod neighbours;
mod peers;
mod replay;
mod report;
mod unseen;

use anyhow::{Context, Result, bail};
use measure::{Mode, Run};
use peers::Peers;
use report::Rest;

const PARTS: [&str; 6] = ["loops", "large", "replay", "unseen", "neighbours", "idle"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => transactions(),
        [role @ (peers::BARE | peers::REPLAY), listen, target] => {
            let (listen, target) =
                (listen.parse().context("read a port")?, target.parse().context("read a port")?);
            if *role == peers::BARE { bare::run(listen, target) } else { replay::run(listen, target) }
        }
        ["all"] => rest(&PARTS),
        parts => match parts.iter().find(|part| !PARTS.contains(part)) {
            Some(unknown) => bail!("unknown part {unknown}: write all, or some of {}", PARTS.join(", ")),
            None => rest(parts),
        },
    }
}

fn transactions() -> Result<()> {
    let rounds: usize = number("BENCH_ROUNDS", 5)?;
    let seconds: u32 = number("BENCH_SECONDS", 2)?;
    let idle: usize = number("BENCH_IDLE", 1000)?;
    let clients: Vec<u32> = setting("BENCH_CLIENTS", "1,8,32")
        .split(',')
        .map(|text| text.trim().parse().context("read BENCH_CLIENTS"))
        .collect::<Result<_>>()?;
    let modes: Vec<Mode> = setting("BENCH_MODES", "simple,extended,prepared")
        .split(',')
        .map(|text| Mode::parse(text.trim()))
        .collect::<Result<_>>()?;

    println!("starting PostgreSQL, PgBouncer, HAProxy, the bare proxy and the gateway");
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
    let results = report::summarise(&runs, &[memory], &peers.versions()?);
    report::print(&results);
    report::write(&results, "bench/results.json")
}

fn rest(parts: &[&str]) -> Result<()> {
    let rounds: usize = number("BENCH_ROUNDS", 3)?;
    let rows: usize = number("BENCH_ROWS", 1_000_000)?;
    let sessions: usize = number("BENCH_IDLE", 1000)?;
    let seconds: u32 = number("BENCH_SECONDS", 2)?;
    let mut rest = Rest::default();
    if parts.contains(&"loops") {
        println!("running what needs no connection");
        rest.loops = Some(loops::measure()?);
    }
    if parts.iter().any(|part| *part != "loops") {
        println!(
            "starting PostgreSQL, PgBouncer, HAProxy, the bare proxy, the replay server and the gateway"
        );
        let mut peers = Peers::start(sessions)?;
        let agents = large::prepare(&peers, rows)?;
        let mut runs = Vec::new();
        if parts.contains(&"large") {
            runs.extend(large::measure(&peers, &agents, false, rounds)?);
        }
        if parts.contains(&"replay") {
            runs.extend(large::measure(&peers, &agents, true, rounds)?);
        }
        rest.large = large::summarise(&runs);
        if parts.contains(&"unseen") {
            rest.unseen = unseen::measure(&peers, &agents, 1000)?;
        }
        if parts.contains(&"neighbours") {
            rest.neighbours = neighbours::measure(&peers, &agents, seconds * 2, rounds)?;
        }
        if parts.contains(&"idle") {
            // Each in a gateway that has just begun: what an earlier part gave back would hide what this one takes.
            peers.restart_gateway()?;
            rest.after = Some(idle::after_a_result(&peers, &agents, rows)?);
            peers.restart_gateway()?;
            rest.idle.push(idle::measure(&peers, sessions)?);
            peers.restart_gateway()?;
            rest.idle.push(idle::measure_tls(&peers, sessions)?);
        }
        rest.versions = peers.versions()?;
    }
    rest.judge();
    rest.print();
    report::write(&rest, "bench/results-marks.json")
}

fn number<T: std::str::FromStr>(name: &str, default: T) -> Result<T> {
    match std::env::var(name) {
        Ok(text) => text.trim().parse().ok().with_context(|| format!("read {name}")),
        Err(_) => Ok(default),
    }
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
