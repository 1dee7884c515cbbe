//! Ratios of medians, a table for people, and bench/results.json.

use crate::idle::Idle;
use crate::measure::{Mode, Run, quantile};
use anyhow::{Context, Result};
use sallyport_testkit::scratch::root;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
pub struct Results {
    pub versions: BTreeMap<String, String>,
    pub rows: Vec<Row>,
    pub idle: Vec<Idle>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub mode: Mode,
    pub clients: u32,
    pub peer: &'static str,
    pub tps: f64,
    /// Medians, over the rounds, of this peer's throughput divided by the other's in the same round.
    pub of_direct: f64,
    pub of_pgbouncer: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub cpu_us: f64,
}

pub fn summarise(runs: &[Run], idle: &[Idle], versions: &BTreeMap<String, String>) -> Results {
    let mut cells: Vec<(Mode, u32, &'static str)> =
        runs.iter().map(|run| (run.mode, run.clients, run.peer)).collect();
    cells.sort_unstable();
    cells.dedup();
    let rows = cells
        .into_iter()
        .map(|(mode, clients, peer)| {
            let mine: Vec<&Run> = runs
                .iter()
                .filter(|run| run.mode == mode && run.clients == clients && run.peer == peer)
                .collect();
            let beside = |other: &str| {
                let same = |run: &&&Run| {
                    runs.iter().find(|them| {
                        them.peer == other
                            && them.mode == mode
                            && them.clients == clients
                            && them.round == run.round
                    })
                };
                median(mine.iter().filter_map(|run| Some(run.tps / same(&run)?.tps)).collect())
            };
            Row {
                mode,
                clients,
                peer,
                tps: median(mine.iter().map(|run| run.tps).collect()),
                of_direct: beside("direct"),
                of_pgbouncer: beside("pgbouncer"),
                p50_us: median(mine.iter().map(|run| run.p50_us).collect()),
                p99_us: median(mine.iter().map(|run| run.p99_us).collect()),
                cpu_us: median(mine.iter().map(|run| run.cpu_us).collect()),
            }
        })
        .collect();
    Results { versions: versions.clone(), rows, idle: idle.to_vec() }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

pub fn print(results: &Results) {
    println!(
        "\n{:9} {:>7} {:10} {:>9} {:>9} {:>12} {:>8} {:>8} {:>8}",
        "mode", "clients", "through", "tps", "÷direct", "÷pgbouncer", "p50 µs", "p99 µs", "CPU µs"
    );
    for row in &results.rows {
        println!(
            "{:9} {:>7} {:10} {:>9.0} {:>9.2} {:>12.2} {:>8.0} {:>8.0} {:>8.1}",
            row.mode.name(),
            row.clients,
            row.peer,
            row.tps,
            row.of_direct,
            row.of_pgbouncer,
            row.p50_us,
            row.p99_us,
            row.cpu_us
        );
    }
    for idle in &results.idle {
        println!(
            "\n{}: {} idle sessions: {:.1} KiB each when fresh, {:.1} KiB after a SELECT",
            idle.peer, idle.sessions, idle.fresh_kib, idle.used_kib
        );
    }
}

pub fn write(results: &Results) -> Result<()> {
    let text = serde_json::to_string_pretty(results).context("write the results as JSON")?;
    std::fs::write(root().join("bench/results.json"), text + "\n").context("write bench/results.json")?;
    println!("\nwritten to bench/results.json");
    Ok(())
}
