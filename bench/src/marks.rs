//! The marks that Sallyport sets itself, and what was measured of them.

use crate::idle::{Afterwards, Idle};
use crate::large::LargeRow;
use crate::loops::Loops;
use crate::measure::Mode;
use crate::neighbours::Neighbours;
use crate::report::Row;
use crate::unseen::Unseen;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    pub what: String,
    pub mark: String,
    pub measured: String,
    pub met: bool,
}

fn at_least(what: impl Into<String>, mark: f64, measured: f64) -> Mark {
    let digits = if mark >= 1000.0 { 0 } else { 2 };
    Mark {
        what: what.into(),
        mark: format!("at least {mark}"),
        measured: format!("{measured:.digits$}"),
        met: measured >= mark,
    }
}

fn at_most(what: impl Into<String>, mark: f64, measured: f64) -> Mark {
    let digits = if mark >= 40.0 { 0 } else { 2 };
    Mark {
        what: what.into(),
        mark: format!("at most {mark}"),
        measured: format!("{measured:.digits$}"),
        met: measured <= mark,
    }
}

/// Those of small transactions.
pub fn of_transactions(rows: &[Row]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for ours in rows.iter().filter(|row| row.peer == "sallyport") {
        let (mode, clients) = (ours.mode, ours.clients);
        let beside =
            |peer| rows.iter().find(|row| (row.mode, row.clients, row.peer) == (mode, clients, peer));
        let name = format!("pgbench -S, {}, {clients}:", mode.name());
        let of_pgbouncer = match clients {
            1 => Some(0.85),
            8 => Some(1.1),
            32 => Some(0.95),
            _ => None,
        };
        if let Some(mark) = of_pgbouncer {
            marks.push(at_least(format!("{name} throughput of PgBouncer's"), mark, ours.of_pgbouncer));
        }
        marks.push(at_least(format!("{name} throughput of the bare proxy's"), 0.92, ours.of_bare));
        if clients > 1 {
            marks.push(at_most(format!("{name} CPU a transaction, µs"), 18.0, ours.cpu_us));
        }
        if let Some(direct) = beside("direct").filter(|_| clients == 1) {
            marks.push(at_most(format!("{name} added p50, µs"), 45.0, ours.p50_us - direct.p50_us));
        }
        if let Some(bare) = beside("bare") {
            marks.push(at_most(format!("{name} p99 of the bare proxy's"), 1.2, ours.p99_us / bare.p99_us));
        }
    }
    marks.sort_by_key(|mark| !mark.what.contains(Mode::Simple.name()));
    marks
}

pub fn of_results(rows: &[LargeRow]) -> Vec<Mark> {
    let masked = rows.iter().filter(|row| row.peer.starts_with("sallyport,"));
    masked
        .map(|row| {
            let name = format!("1 M rows, {}, {}:", row.way, row.peer.trim_start_matches("sallyport, "));
            match row.server {
                "replay" => at_least(format!("{name} replay server, of PgBouncer's"), 1.3, row.of_pgbouncer),
                _ => at_least(format!("{name} real server, of the bare proxy's"), 0.95, row.of_bare),
            }
        })
        .collect()
}

pub fn of_unseen(rows: &[Unseen]) -> Vec<Mark> {
    let find = |peer| rows.iter().find(|row| row.peer == peer);
    let (Some(ours), Some(direct)) = (find("sallyport"), find("direct")) else { return Vec::new() };
    let added = |name: &str, p50: fn(&Unseen) -> f64, p99: fn(&Unseen) -> f64| {
        [
            at_most(format!("{name}, 1000 rules: added p50, µs"), 60.0, p50(ours) - p50(direct)),
            at_most(format!("{name}, 1000 rules: added p99, µs"), 300.0, p99(ours) - p99(direct)),
        ]
    };
    let unseen = added("a statement never seen", |row| row.unseen_p50_us, |row| row.unseen_p99_us);
    let strange =
        added("one about a table never asked of", |row| row.strange_p50_us, |row| row.strange_p99_us);
    unseen.into_iter().chain(strange).collect()
}

pub fn of_loops(loops: &Loops) -> Vec<Mark> {
    vec![
        at_most("a statement seen before: decision, µs", 1.0, loops.decision_warm_us),
        at_least("detection, clean, GB/s", 1.8, loops.detection_clean),
        at_least("detection, dirty, GB/s", 1.0, loops.detection_dirty),
        at_least("detection, typed, GB/s", 6.0, loops.detection_typed),
        at_least("recording, entries/s on one core", 1_000_000.0, loops.entries_full),
    ]
}

pub fn of_idle(idle: &[Idle], after: Option<&Afterwards>) -> Vec<Mark> {
    let mut marks: Vec<Mark> = idle
        .iter()
        .map(|idle| {
            let mark = if idle.over == "TLS" { 24.0 } else { 6.0 };
            at_most(format!("an idle session, {}, KiB after a SELECT", idle.over), mark, idle.used_kib)
        })
        .collect();
    if let Some(after) = after {
        let what = format!("after a result of {:.0} MB: KiB more a second later", after.mb);
        marks.push(at_most(what, 64.0, after.after_a_second_more_kib));
    }
    marks
}

pub fn of_neighbours(rows: &[Neighbours]) -> Vec<Mark> {
    let ours = rows.iter().filter(|row| row.peer == "sallyport");
    ours.map(|row| at_most("others' p99 beside an export and a client that stopped", 1.3, row.p99_ratio))
        .collect()
}

pub fn print(marks: &[Mark]) {
    println!("\n{:70} {:>16} {:>10}", "mark", "", "measured");
    for mark in marks {
        let verdict = if mark.met { "met" } else { "MISSED" };
        println!("{:70} {:>16} {:>10}  {verdict}", mark.what, mark.mark, mark.measured);
    }
}
