//! Ratios of medians, a table for people, and bench/results.json.

use crate::idle::{Afterwards, Idle};
use crate::large::{self, LargeRow};
use crate::loops::{self, Loops};
use crate::marks::{self, Mark};
use crate::measure::{Mode, Run, median};
use crate::neighbours::{self, Neighbours};
use crate::unseen::{self, Unseen};
use anyhow::{Context, Result};
use sallyport_testkit::scratch::root;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
pub struct Results {
    pub versions: BTreeMap<String, String>,
    pub rows: Vec<Row>,
    pub idle: Vec<Idle>,
    pub marks: Vec<Mark>,
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
    pub of_bare: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub cpu_us: f64,
}

pub fn summarise(runs: &[Run], idle: &[Idle], versions: &BTreeMap<String, String>) -> Results {
    let mut cells: Vec<(Mode, u32, &'static str)> =
        runs.iter().map(|run| (run.mode, run.clients, run.peer)).collect();
    cells.sort_unstable();
    cells.dedup();
    let rows: Vec<Row> = cells
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
                of_bare: beside("bare"),
                p50_us: median(mine.iter().map(|run| run.p50_us).collect()),
                p99_us: median(mine.iter().map(|run| run.p99_us).collect()),
                cpu_us: median(mine.iter().map(|run| run.cpu_us).collect()),
            }
        })
        .collect();
    let marks = marks::of_transactions(&rows);
    Results { versions: versions.clone(), rows, idle: idle.to_vec(), marks }
}

pub fn print(results: &Results) {
    println!(
        "\n{:9} {:>7} {:10} {:>9} {:>9} {:>12} {:>7} {:>8} {:>8} {:>8}",
        "mode", "clients", "through", "tps", "÷direct", "÷pgbouncer", "÷bare", "p50 µs", "p99 µs", "CPU µs"
    );
    for row in &results.rows {
        println!(
            "{:9} {:>7} {:10} {:>9.0} {:>9.2} {:>12.2} {:>7.2} {:>8.0} {:>8.0} {:>8.1}",
            row.mode.name(),
            row.clients,
            row.peer,
            row.tps,
            row.of_direct,
            row.of_pgbouncer,
            row.of_bare,
            row.p50_us,
            row.p99_us,
            row.cpu_us
        );
    }
    print_idle(&results.idle);
    marks::print(&results.marks);
}

fn print_idle(idle: &[Idle]) {
    for idle in idle {
        println!(
            "\n{}, {}: {} idle sessions: {:.1} KiB each when fresh, {:.1} KiB after a SELECT",
            idle.peer, idle.over, idle.sessions, idle.fresh_kib, idle.used_kib
        );
    }
}

/// What is measured beside small transactions.
#[derive(Debug, Default, Serialize)]
pub struct Rest {
    pub versions: BTreeMap<String, String>,
    pub large: Vec<LargeRow>,
    pub unseen: Vec<Unseen>,
    pub neighbours: Vec<Neighbours>,
    pub idle: Vec<Idle>,
    pub after: Option<Afterwards>,
    pub loops: Option<Loops>,
    pub marks: Vec<Mark>,
}

impl Rest {
    pub fn judge(&mut self) {
        self.marks.extend(marks::of_results(&self.large));
        self.marks.extend(marks::of_unseen(&self.unseen));
        self.marks.extend(self.loops.iter().flat_map(marks::of_loops));
        self.marks.extend(marks::of_idle(&self.idle, self.after.as_ref()));
        self.marks.extend(marks::of_neighbours(&self.neighbours));
    }

    pub fn print(&self) {
        if !self.large.is_empty() {
            large::print(&self.large);
        }
        if !self.unseen.is_empty() {
            unseen::print(&self.unseen);
        }
        if !self.neighbours.is_empty() {
            neighbours::print(&self.neighbours);
        }
        print_idle(&self.idle);
        if let Some(after) = &self.after {
            println!(
                "\nafter a masked result of {:.0} MB: {:.0} KiB more at most, {:.0} KiB more a second later",
                after.mb, after.peak_more_kib, after.after_a_second_more_kib
            );
        }
        if let Some(loops) = &self.loops {
            loops::print(loops);
        }
        marks::print(&self.marks);
    }
}

pub fn write(results: &impl Serialize, file: &str) -> Result<()> {
    let text = serde_json::to_string_pretty(results).context("write the results as JSON")?;
    std::fs::write(root().join(file), text + "\n").with_context(|| format!("write {file}"))?;
    println!("\nwritten to {file}");
    Ok(())
}
