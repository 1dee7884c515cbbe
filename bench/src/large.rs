//! Large results: a million rows of ten text columns, three of them personal, as a query and as COPY TO STDOUT. Through
//! the gateway they pass unmasked, with the three columns masked by rule, and with every column searched for values.

use crate::client::{Client, Drained};
use crate::measure::{cpu_us, median};
use crate::peers::{Agent, Peer, Peers};
use crate::replay::MARK;
use anyhow::{Context, Result};
use serde::Serialize;
use std::time::Duration;

/// The gateway's part: name, user, and the groups that the rules below speak of.
const AGENTS: [(&str, &str, &str); 3] = [
    ("sallyport", "plain", "plain"),
    ("sallyport, 3 masked", "three", "three"),
    ("sallyport, detecting", "detecting", "detecting"),
];

pub const RULES: &str = r#"
@id("bench-read")
permit(principal, action in [Action::"connect", Action::"read", Action::"transaction", Action::"set"], resource);

@id("bench-mask-email")
@mask("partial(4)")
forbid(principal in Group::"three", action == Action::"see", resource == Column::"public.wide.email");
@id("bench-mask-phone")
@mask("redact")
forbid(principal in Group::"three", action == Action::"see", resource == Column::"public.wide.phone");
@id("bench-mask-card")
@mask("partial(4)")
forbid(principal in Group::"three", action == Action::"see", resource == Column::"public.wide.card");

@id("bench-detect")
@mask("partial(4)")
forbid(principal in Group::"detecting", action == Action::"see", resource)
when {
    resource in [Class::"email", Class::"credit_card", Class::"phone", Class::"iban", Class::"us_ssn",
        Class::"br_cpf", Class::"ip_address", Class::"mac_address", Class::"jwt", Class::"api_key",
        Class::"aws_access_key", Class::"private_key", Class::"url_password", Class::"crypto_address",
        Class::"person", Class::"postal_address", Class::"date_of_birth"]
};
"#;

#[derive(Clone, Debug, Serialize)]
pub struct LargeRun {
    pub server: &'static str,
    pub way: &'static str,
    pub peer: &'static str,
    pub round: usize,
    pub rows: u64,
    pub mb: f64,
    pub seconds: f64,
    pub cpu_s: f64,
    /// What the peer's processes held before, at most, and a second afterwards.
    pub memory: Option<Memory>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    pub before_kib: f64,
    pub peak_kib: f64,
    pub after_kib: f64,
}

/// Makes the table, the rules and whoever reads under them.
pub fn prepare(peers: &Peers, rows: usize) -> Result<Vec<Agent>> {
    peers.server.sql("bench", &table(rows))?;
    peers.gateway.put_policy(RULES)?;
    AGENTS
        .into_iter()
        .map(|(name, user, group)| {
            let token = peers.gateway.add_agent(user, &["--group", group])?;
            Ok(Agent { name, user, token })
        })
        .collect()
}

fn table(rows: usize) -> String {
    let cards: Vec<String> = (0..97).map(|at| format!("'{}'", card(at))).collect();
    format!(
        "DROP TABLE IF EXISTS wide;
         CREATE TABLE wide AS SELECT i::text AS id, md5(i::text)::uuid::text AS ref,
           to_char(timestamp '2024-01-01' + i * interval '7 seconds', 'YYYY-MM-DD HH24:MI:SS') AS placed,
           'user' || i || '@mail' || i % 100 || '.example.com' AS email,
           '+1 415 ' || 200 + i % 700 || ' ' || lpad((i % 10000)::text, 4, '0') AS phone,
           (ARRAY[{}])[1 + i % 97] AS card,
           (ARRAY['Wool blanket (grey)', 'Leather walking boots', 'Rua das Flores', 'shipped'])[1 + i % 4] AS item,
           (ARRAY['left with the neighbour on the third floor', 'returned, box damaged', 'pending'])[1 + i % 3] AS note,
           'https://shop.example.com/p/' || substr(md5((i * 7)::text), 1, 6) AS url,
           'LB-' || 1000 + i % 9000 || '-BR' AS code
         FROM generate_series(1, {rows}) AS i;
         VACUUM ANALYZE wide;",
        cards.join(", ")
    )
}

/// A number with the right check digit.
fn card(at: u64) -> String {
    let body = 411_111_000_000_000 + at * 7_919_131;
    let sum: u64 = (0..15u32)
        .map(|place| {
            let digit = body / 10u64.pow(place) % 10;
            if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// All ways through all peers, the first another one each round.
pub fn measure(peers: &Peers, agents: &[Agent], replayed: bool, rounds: usize) -> Result<Vec<LargeRun>> {
    let server = if replayed { "replay" } else { "postgresql" };
    let all = peers.for_results(agents, replayed)?;
    let mark = if replayed { MARK } else { "" };
    let ways =
        [("query", format!("SELECT * FROM wide {mark}")), ("copy", format!("COPY wide TO STDOUT {mark}"))];
    let mut runs = Vec::new();
    for (_, sql) in &ways {
        // The server's cache is warm and the replay server knows its part before anything is measured.
        let direct = all.first().context("find a peer")?;
        Client::connect(direct.login())?.drain(sql)?;
    }
    for round in 0..rounds {
        for (way, sql) in &ways {
            for step in 0..all.len() {
                let Some(peer) = all.get((step + round) % all.len()) else { continue };
                let run = run(peer, server, way, sql, round)
                    .with_context(|| format!("{way} through {}", peer.name))?;
                let rate = run.mb / run.seconds;
                println!(
                    "round {} {server:10} {way:5} {:20} {rate:7.0} MB/s {:6.2} s CPU/GB",
                    round + 1,
                    run.peer,
                    run.cpu_s / run.mb * 1000.0
                );
                runs.push(run);
            }
        }
    }
    Ok(runs)
}

fn run(peer: &Peer, server: &'static str, way: &'static str, sql: &str, round: usize) -> Result<LargeRun> {
    let mut client = Client::connect(peer.login())?;
    // What is planned once is not a part of moving bytes.
    client.drain("SELECT 1")?;
    let before = rss_kib(&peer.pids)?;
    forget_peak(&peer.pids)?;
    let cpu = cpu_us(&peer.pids)?;
    let Drained { rows, bytes, seconds } = client.drain(sql)?;
    let cpu_s = (cpu_us(&peer.pids)? - cpu) / 1e6;
    let memory = match peer.pids.is_empty() {
        true => None,
        false => {
            let peak_kib = peak_kib(&peer.pids)?;
            std::thread::sleep(Duration::from_secs(1));
            Some(Memory { before_kib: before, peak_kib, after_kib: rss_kib(&peer.pids)? })
        }
    };
    Ok(LargeRun { server, way, peer: peer.name, round, rows, mb: bytes as f64 / 1e6, seconds, cpu_s, memory })
}

pub fn rss_kib(pids: &[u32]) -> Result<f64> {
    status(pids, "VmRSS:")
}
pub fn peak_kib(pids: &[u32]) -> Result<f64> {
    status(pids, "VmHWM:")
}
/// From now on the peak is counted anew.
pub fn forget_peak(pids: &[u32]) -> Result<()> {
    pids.iter()
        .try_for_each(|pid| std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("forget the peak"))
}

fn status(pids: &[u32], name: &str) -> Result<f64> {
    let mut total = 0.0;
    for pid in pids {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).context("read its status")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).context("find the line")?;
        total += line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).context("read it")?;
    }
    Ok(total)
}

#[derive(Clone, Debug, Serialize)]
pub struct LargeRow {
    pub server: &'static str,
    pub way: &'static str,
    pub peer: &'static str,
    pub mb_per_s: f64,
    /// Medians, over the rounds, of rows a second divided by another's in the same round.
    pub of_direct: f64,
    pub of_pgbouncer: f64,
    pub of_bare: f64,
    pub cpu_ms_per_mb: f64,
    /// Above what it held before.
    pub peak_more_mib: f64,
    pub after_more_mib: f64,
}

pub fn summarise(runs: &[LargeRun]) -> Vec<LargeRow> {
    let mut cells: Vec<(&str, &str, &str)> = Vec::new();
    for run in runs {
        let cell = (run.server, run.way, run.peer);
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    let rows = cells.into_iter().map(|(server, way, peer)| {
        let of = |name: &str| -> Vec<&LargeRun> {
            runs.iter().filter(|run| (run.server, run.way) == (server, way) && run.peer == name).collect()
        };
        let mine = of(peer);
        let beside = |name: &str| {
            let theirs = of(name);
            median(
                mine.iter()
                    .filter_map(|run| {
                        let them = theirs.iter().find(|them| them.round == run.round)?;
                        Some(run.rows as f64 / run.seconds / (them.rows as f64 / them.seconds))
                    })
                    .collect(),
            )
        };
        // What a masked result weighs is not what was carried: the same rows count the same for all.
        let clear_mb = median(of("direct").iter().map(|run| run.mb).collect());
        let memory = |value: fn(&Memory) -> f64| {
            median(mine.iter().filter_map(|run| run.memory.as_ref()).map(value).collect())
        };
        LargeRow {
            server: mine.first().map_or("", |run| run.server),
            way: mine.first().map_or("", |run| run.way),
            peer: mine.first().map_or("", |run| run.peer),
            mb_per_s: median(mine.iter().map(|run| clear_mb / run.seconds).collect()),
            of_direct: beside("direct"),
            of_pgbouncer: beside("pgbouncer"),
            of_bare: beside("bare"),
            cpu_ms_per_mb: median(mine.iter().map(|run| run.cpu_s * 1000.0 / clear_mb).collect()),
            peak_more_mib: memory(|memory| (memory.peak_kib - memory.before_kib) / 1024.0),
            after_more_mib: memory(|memory| (memory.after_kib - memory.before_kib) / 1024.0),
        }
    });
    rows.collect()
}

pub fn print(rows: &[LargeRow]) {
    println!(
        "\n{:11} {:5} {:21} {:>6} {:>8} {:>11} {:>6} {:>10} {:>9} {:>9}",
        "server",
        "way",
        "through",
        "MB/s",
        "÷direct",
        "÷pgbouncer",
        "÷bare",
        "CPU ms/MB",
        "peak MiB",
        "after 1 s"
    );
    for row in rows {
        println!(
            "{:11} {:5} {:21} {:>6.0} {:>8.2} {:>11.2} {:>6.2} {:>10.2} {:>9.1} {:>9.1}",
            row.server,
            row.way,
            row.peer,
            row.mb_per_s,
            row.of_direct,
            row.of_pgbouncer,
            row.of_bare,
            row.cpu_ms_per_mb,
            row.peak_more_mib,
            row.after_more_mib
        );
    }
}
