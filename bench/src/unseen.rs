//! What a statement costs that nobody has seen before, under a thousand rules that all could apply: each of them differs
//! from every other in more than a number. Some are about a table that was asked of before, some each about another
//! one. Beside it the same client with one statement again and again.

use crate::client::Client;
use crate::measure::{median, quantile};
use crate::peers::{Agent, Peer, Peers};
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write;
use std::time::Instant;

const RULES: usize = 1000;
/// Statements of one peer in a row, before the next one has its turn.
const BLOCK: usize = 100;
const PEERS: usize = 3;
const SEEN: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = 1";

#[derive(Clone, Debug, Serialize)]
pub struct Unseen {
    pub peer: &'static str,
    pub rules: usize,
    pub statements: usize,
    pub unseen_p50_us: f64,
    pub unseen_p99_us: f64,
    /// About a table that nobody has asked of before either.
    pub strange_p50_us: f64,
    pub strange_p99_us: f64,
    pub seen_p50_us: f64,
    pub seen_p99_us: f64,
}

#[derive(Default)]
struct Times {
    unseen: Vec<f64>,
    strange: Vec<f64>,
    seen: Vec<f64>,
}

pub fn measure(peers: &Peers, agents: &[Agent], statements: usize) -> Result<Vec<Unseen>> {
    let agent = agents.first().context("find an agent")?;
    peers.server.sql("bench", &tables(statements))?;
    peers.gateway.put_policy(&rules(crate::large::RULES)?)?;
    let result = alternate(peers, agent, statements);
    peers.gateway.put_policy(crate::large::RULES)?;
    result
}

/// One for each statement of each peer.
fn tables(statements: usize) -> String {
    let all = 1..=statements.div_ceil(BLOCK) * BLOCK * PEERS;
    all.map(|number| format!("CREATE TABLE strange{number} (v int, w text);\n")).collect()
}

/// Rules that may all concern the session and decide nothing in it.
fn rules(own: &str) -> Result<String> {
    let mut text = own.to_owned();
    for index in 0..RULES {
        writeln!(
            text,
            "@id(\"other-{index}\") forbid(principal, action, resource in Schema::\"schema{index}\");"
        )?;
    }
    Ok(text)
}

fn alternate(peers: &Peers, agent: &Agent, statements: usize) -> Result<Vec<Unseen>> {
    let gateway =
        Peer { user: agent.user, password: agent.token.clone(), ..peers.find("sallyport")?.clone() };
    let all: [&Peer; PEERS] = [peers.find("direct")?, peers.find("bare")?, &gateway];
    let mut clients = Vec::new();
    for peer in all {
        let mut client = Client::connect(peer.login())?;
        client.drain(SEEN)?;
        clients.push((peer.name, client, Times::default()));
    }
    let mut number = 0;
    for round in 0..statements.div_ceil(BLOCK) {
        for step in 0..clients.len() {
            let at = (step + round) % clients.len();
            let Some((_, client, times)) = clients.get_mut(at) else { continue };
            for _ in 0..BLOCK {
                times.seen.push(microseconds(client, SEEN)?);
            }
            for _ in 0..BLOCK {
                number += 1;
                times.unseen.push(microseconds(client, &statement(number))?);
                times.strange.push(microseconds(client, &strange(number))?);
            }
        }
    }
    let rows = clients.into_iter().map(|(peer, _, times)| {
        let (unseen, strange, seen) = (sorted(times.unseen), sorted(times.strange), sorted(times.seen));
        Unseen {
            peer,
            rules: RULES,
            statements: unseen.len(),
            unseen_p50_us: median(unseen.clone()),
            unseen_p99_us: quantile(&unseen, 0.99),
            strange_p50_us: median(strange.clone()),
            strange_p99_us: quantile(&strange, 0.99),
            seen_p50_us: median(seen.clone()),
            seen_p99_us: quantile(&seen, 0.99),
        }
    });
    Ok(rows.collect())
}

/// Another table alias, another name of a column and other numbers each time.
fn statement(number: usize) -> String {
    format!(
        "SELECT a{number}.abalance AS v{number}, a{number}.bid FROM pgbench_accounts AS a{number} \
         WHERE a{number}.aid = {} AND a{number}.bid <> {}",
        1 + number % 900_000,
        1000 + number
    )
}

fn strange(number: usize) -> String {
    format!(
        "SELECT s{number}.v AS v{number} FROM strange{number} AS s{number} WHERE s{number}.w = '{number}'"
    )
}

fn microseconds(client: &mut Client, sql: &str) -> Result<f64> {
    let begun = Instant::now();
    client.drain(sql)?;
    Ok(begun.elapsed().as_secs_f64() * 1e6)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

pub fn print(rows: &[Unseen]) {
    println!(
        "\n{:10} {:>14} {:>14} {:>17} {:>8} {:>12} {:>12}   under {RULES} rules",
        "through",
        "unseen p50 µs",
        "unseen p99 µs",
        "strange table p50",
        "p99 µs",
        "seen p50 µs",
        "seen p99 µs"
    );
    for row in rows {
        println!(
            "{:10} {:>14.0} {:>14.0} {:>17.0} {:>8.0} {:>12.0} {:>12.0}",
            row.peer,
            row.unseen_p50_us,
            row.unseen_p99_us,
            row.strange_p50_us,
            row.strange_p99_us,
            row.seen_p50_us,
            row.seen_p99_us
        );
    }
}
