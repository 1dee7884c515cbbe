//! Statements by the thousand: whatever the server says was done, the gateway had named before it happened.

use crate::grammar::Grammar;
use crate::house::{ALLOW_ALL, House};
use crate::line::Line;
use crate::oracle::{self, ASK, Seen};
use crate::told::{self, Told};
use anyhow::{Context, Result};
use sallyport_core::{Action, ObjectKind};
use sallyport_testkit::Version;
use std::collections::BTreeMap;
use std::time::Instant;

/// Of one session, so that a recording stays small.
const OF_A_SESSION: usize = 500;
/// So many are on their way before an answer is read.
const AT_ONCE: usize = 10;
/// What a run of all tests has time for; `cargo xtask differential` says another number.
const USUALLY: usize = 6_000;

struct Tried {
    text: String,
    deep: bool,
    seen: Option<Seen>,
    error: Option<String>,
}

#[derive(Default)]
struct Tally {
    statements: usize,
    ran: usize,
    wrote: usize,
    reads: usize,
    writes: usize,
    unknown: usize,
    behind: usize,
    refused: BTreeMap<String, usize>,
    under: Vec<String>,
}

pub fn asked(variable: &str, usually: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(usually)
}

#[test]
fn whatever_the_server_did_had_been_named() -> Result<()> {
    let statements = asked("EVASION_STATEMENTS", USUALLY);
    let seed = asked("EVASION_SEED", 1) as u64;
    let halves = std::thread::scope(|scope| {
        let runs = Version::ALL.map(|version| scope.spawn(move || at(version, statements / 2, seed)));
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Result<Vec<_>>>()
    })?;
    let mut under = Vec::new();
    for (version, tally) in Version::ALL.iter().zip(halves) {
        eprintln!("{version:?}: {}", said(&tally));
        // Most of what is made has to run, or nothing is proven.
        assert!(tally.ran * 4 > tally.statements * 3, "{} of {} ran", tally.ran, tally.statements);
        assert!(tally.unknown * 4 < tally.ran, "{} of {} are only unknown", tally.unknown, tally.ran);
        under.extend(tally.under);
    }
    under.sort_by_key(String::len);
    under.truncate(30);
    assert!(under.is_empty(), "not told:\n{}", under.join("\n"));
    Ok(())
}

fn said(tally: &Tally) -> String {
    let mut refused: Vec<_> = tally.refused.iter().collect();
    refused.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    refused.truncate(12);
    format!(
        "{} statements, {} ran, {} of them wrote; {} reads and {} writes of tables compared; {} told as unknown; {} behind; \
         {} not told; refused: {refused:?}",
        tally.statements,
        tally.ran,
        tally.wrote,
        tally.reads,
        tally.writes,
        tally.unknown,
        tally.behind,
        tally.under.len()
    )
}

fn at(version: Version, statements: usize, seed: u64) -> Result<Tally> {
    let house = House::open(version, include_str!("../world.sql"), ALLOW_ALL)?;
    let mut tally = Tally::default();
    let started = Instant::now();
    let mut first = 0;
    while first < statements {
        let count = OF_A_SESSION.min(statements - first);
        let mut grammar = Grammar::new(seed.wrapping_mul(1_000_003) + first as u64);
        let name = format!("made-{first}");
        let mut line = house.session("world", &name)?;
        line.ask("SET statement_timeout = '5s'")?;
        let tried = run(&mut line, &mut grammar, count).with_context(|| format!("session {name}"))?;
        line.close();
        compare(&tried, &told::of(&house.gateway.data(), &name)?, &mut tally)?;
        first += count;
        if first % 20_000 == 0 {
            eprintln!("{version:?}: {first} in {:?}, {} not told", started.elapsed(), tally.under.len());
        }
    }
    Ok(tally)
}

fn run(line: &mut Line, grammar: &mut Grammar, count: usize) -> Result<Vec<Tried>> {
    let mut all = Vec::new();
    while all.len() < count {
        let batch: Vec<_> = (0..AT_ONCE.min(count - all.len())).map(|_| grammar.statement()).collect();
        for (at, one) in batch.iter().enumerate() {
            line.query(&format!("BEGIN; {ASK}"));
            if one.several || at % 2 == 0 {
                line.query(&one.text)
            } else {
                line.extended(&one.text, at % 4 == 1)
            }
            line.query(ASK);
            line.query("ROLLBACK");
        }
        line.send()?;
        for one in batch {
            let before = line.answer()?.cell();
            let error = line.answer().with_context(|| one.text.clone())?.error;
            let after = line.answer()?.cell();
            line.answer()?;
            let seen = before.zip(after).map(|(before, after)| oracle::between(&before, &after));
            all.push(Tried { text: one.text, deep: one.deep, seen, error });
        }
    }
    Ok(all)
}

fn compare(tried: &[Tried], told: &[Told], tally: &mut Tally) -> Result<()> {
    anyhow::ensure!(told.len() + 1 >= tried.len() * 2, "{} tried, {} recorded", tried.len(), told.len());
    for (one, told) in tried.iter().zip(told.iter().step_by(2)) {
        tally.statements += 1;
        let Some(seen) = &one.seen else {
            let why = one.error.clone().unwrap_or_default();
            let why: String =
                why.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
            *tally.refused.entry(why).or_default() += 1;
            continue;
        };
        tally.ran += 1;
        tally.wrote += usize::from(!seen.writes.is_empty());
        tally.reads += seen.opened.len();
        tally.writes += seen.writes.len();
        if told.effects.iter().any(|effect| effect.action == Action::Unknown) {
            tally.unknown += 1;
            continue;
        }
        let missing = missing(seen, told);
        if missing.is_empty() {
        } else if one.deep && !DEEP {
            tally.behind += 1;
        } else {
            let said: Vec<String> = told.effects.iter().map(ToString::to_string).collect();
            tally.under.push(format!(
                "{}: not told: {}; told: {}",
                one.text,
                missing.join(", "),
                said.join("; ")
            ));
        }
    }
    Ok(())
}

/// Whether what the catalog says is told as well.
const DEEP: bool = false;

fn missing(seen: &Seen, told: &Told) -> Vec<String> {
    let made = |table: &str| {
        told.effects.iter().any(|effect| {
            effect.action == Action::Create && table.rsplit('.').next() == Some(effect.object.name())
        })
    };
    let named: Vec<(String, &str)> = told
        .effects
        .iter()
        .filter(|effect| effect.object.kind == ObjectKind::Table)
        .map(|effect| (effect.object.path.join("."), effect.action.as_str()))
        .collect();
    let mut missing = Vec::new();
    for (action, table) in &seen.writes {
        if !made(table) && !named.iter().any(|(name, said)| name == table && said == action) {
            missing.push(format!("{action} {table}"));
        }
    }
    for table in &seen.opened {
        if !made(table) && !named.iter().any(|(name, _)| name == table) {
            missing.push(format!("read {table}"));
        }
    }
    missing
}
