//! Each labelled statement through the wire, simple and extended, at each server; then the recordings are read.

use crate::cases::{self, Case};
use crate::house::{ALLOW_ALL, House};
use crate::line::Answer;
use crate::oracle::{self, ASK, Seen};
use crate::told::{self, Told};
use anyhow::{Context, Result};
use sallyport_core::Action;
use sallyport_testkit::Version;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One case, tried in one way.
struct Trial {
    /// What went before it was refused.
    early: Option<String>,
    error: Option<String>,
    seen: Option<Seen>,
}

#[derive(Default)]
struct Tally {
    statements: usize,
    trials: usize,
    /// Trials in which the server's own account named every write and every read of the label.
    confirmed: usize,
    failed: usize,
    denied: Vec<String>,
    /// Labels that only the effect `unknown` covers.
    unknown: usize,
    over: usize,
    behind: Vec<String>,
    caught_up: Vec<String>,
}

#[test]
fn no_labelled_statement_does_more_than_was_told() -> Result<()> {
    let cases = cases::all()?;
    assert!(cases.len() >= 400, "{} statements", cases.len());
    let cases = &cases;
    let problems: Vec<String> = std::thread::scope(|scope| {
        let runs = Version::ALL.map(|version| scope.spawn(move || at(version, cases)));
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Result<Vec<_>>>()
    })?
    .concat();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    Ok(())
}

fn at(version: Version, cases: &[Case]) -> Result<Vec<String>> {
    let house = House::open(version, include_str!("../world.sql"), ALLOW_ALL)?;
    let data = house.server.folder().join("data").display().to_string();
    let major = house.major()?;
    let (mut trials, mut problems) = (BTreeMap::new(), Vec::new());
    for (at, case) in cases.iter().enumerate().filter(|(_, case)| case.since <= major) {
        for extended in [false, true] {
            if !(extended && case.simple) {
                let name = name(at, extended);
                match run(&house, case, &name, extended, &data) {
                    Ok(trial) => _ = trials.insert((at, extended), trial),
                    Err(fault) => {
                        problems.push(format!("PostgreSQL {major}, {name}: {}: {fault:#}", case.text))
                    }
                }
            }
        }
    }
    let told = told::all(&house.gateway.data())?;
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for ((at, extended), trial) in &trials {
        let (case, name) = (&cases[*at], name(*at, *extended));
        let way =
            format!("PostgreSQL {major}, {}: {}", if *extended { "extended" } else { "simple" }, case.text);
        let tally = tallies.entry(&case.family).or_default();
        tally.statements += usize::from(!extended);
        if let Some(early) = &trial.early {
            tally.denied.push(format!("{way}: {early}"));
            continue;
        }
        let told =
            told.get(&name).and_then(|all| all.first()).with_context(|| format!("no record of {name}"))?;
        judge(case, trial, told, &data, tally, &way, &mut problems);
    }
    eprintln!("{}", summary(major, &tallies));
    Ok(problems)
}

fn name(at: usize, extended: bool) -> String {
    format!("case-{at}-{}", if extended { "extended" } else { "simple" })
}

fn run(house: &House, case: &Case, name: &str, extended: bool, data: &str) -> Result<Trial> {
    let (database, text) = (if case.alone { "alone" } else { "world" }, case.text.replace("{data}", data));
    if case.alone {
        house.copy(database)?;
    }
    let mut line = house.session(database, name)?;
    if !case.alone {
        line.ask("BEGIN")?;
    }
    for first in &case.before {
        if let Some(error) = line.ask(first)?.error {
            anyhow::ensure!(case.denied, "{first}: {error}");
            return Ok(Trial { early: Some(format!("{first}: {error}")), error: None, seen: None });
        }
    }
    let before = line.ask(ASK)?.cell();
    let answer = if extended {
        line.extended(&text, false);
        line.send()?;
        line.answer()?
    } else {
        line.ask(&text)?
    };
    let after = line.ask(ASK).map(|answer: Answer| answer.cell());
    line.close();
    let seen = match (before, after) {
        (Some(before), Ok(Some(after))) if !case.alone => Some(oracle::between(&before, &after)),
        _ => None,
    };
    anyhow::ensure!(!case.denied, "what goes before is not refused");
    Ok(Trial { early: None, error: answer.error, seen })
}

fn judge(
    case: &Case,
    trial: &Trial,
    told: &Told,
    data: &str,
    tally: &mut Tally,
    way: &str,
    problems: &mut Vec<String>,
) {
    tally.trials += 1;
    if let Some(denied) = &told.denied {
        tally.denied.push(format!("{way}: {denied}"));
        return;
    }
    match &trial.error {
        Some(error) if !case.fails => problems.push(format!("{way}: the server refused it: {error}")),
        None if case.fails => problems.push(format!("{way}: the server did not refuse it")),
        Some(_) => tally.failed += 1,
        None => {}
    }
    let unknown = told.effects.iter().any(|effect| effect.action == Action::Unknown);
    let said: Vec<String> = told.effects.iter().map(ToString::to_string).collect();
    let mut missing = Vec::new();
    for truth in &case.truth {
        let mut truth = truth.clone();
        truth.object = truth.object.replace("{data}", data);
        if told.effects.iter().any(|effect| truth.is_in(effect)) {
        } else if unknown {
            tally.unknown += 1;
        } else {
            missing.push(truth.to_string());
        }
    }
    if missing.is_empty() {
        tally.caught_up.extend(case.behind.then(|| case.text.clone()));
    } else {
        let under = format!("{way}: not told: {}; told: {}", missing.join("; "), said.join("; "));
        if case.behind { tally.behind.push(under) } else { problems.push(under) }
    }
    let ours = |effect: &&sallyport_core::Effect| {
        effect.action != Action::Unknown && !effect.object.path.iter().any(|part| part.starts_with("oracle"))
    };
    tally.over += told
        .effects
        .iter()
        .filter(ours)
        .filter(|effect| {
            !case.truth.iter().any(|truth| truth.is_about(effect) && truth.whole == effect.whole)
        })
        .count();
    if let (Some(seen), None) = (&trial.seen, &trial.error) {
        confirm(case, seen, tally, way, problems);
    }
}

/// The label against what the server says.
fn confirm(case: &Case, seen: &Seen, tally: &mut Tally, way: &str, problems: &mut Vec<String>) {
    let is_write = |action: &str| matches!(action, "insert" | "update" | "delete" | "truncate");
    for (action, table) in seen.writes.iter().filter(|(_, table)| !table.starts_with("pg_temp.")) {
        if !case.truth.iter().any(|truth| truth.action == *action && truth.object == *table) {
            problems.push(format!("{way}: the label lacks what the server did: {action} {table}"));
        }
    }
    // A temporary table is nobody else's: what is in it was read where it came from.
    for table in seen.opened.iter().filter(|table| !table.starts_with("pg_temp.")) {
        if !case
            .truth
            .iter()
            .any(|truth| truth.object == *table || table.ends_with(&format!(".{}", truth.object)))
        {
            problems.push(format!("{way}: the label lacks what the server opened: {table}"));
        }
    }
    let mut all = true;
    for truth in &case.truth {
        let shown = if is_write(&truth.action) {
            seen.writes.contains(&(truth.action.clone(), truth.object.clone()))
        } else if truth.action == "read" {
            seen.touched.contains(&truth.object)
        } else {
            continue;
        };
        all &= shown;
        let visible = truth.object.contains('.') && !truth.object.starts_with("pg_catalog.");
        if !shown && !case.unseen && visible && !truth.object.starts_with("information_schema.") {
            problems.push(format!("{way}: the label says what the server did not do: {truth}: {seen:?}"));
        }
    }
    tally.confirmed += usize::from(all);
}

fn summary(major: u32, tallies: &BTreeMap<&str, Tally>) -> String {
    let mut text = format!("PostgreSQL {major}\n");
    for (family, tally) in tallies {
        let Tally { statements, trials, confirmed, failed, denied, unknown, over, behind, caught_up } = tally;
        _ = writeln!(
            text,
            "  {family}: {statements} statements, {trials} trials, {confirmed} confirmed by the server, {failed} \
             refused by it, {} denied, {over} effects too many, {unknown} only as unknown, {} behind, {} no longer",
            denied.len(),
            behind.len(),
            caught_up.len(),
        );
        denied.iter().for_each(|one| _ = writeln!(text, "    denied: {one}"));
        behind.iter().for_each(|one| _ = writeln!(text, "    behind: {one}"));
        caught_up.iter().for_each(|one| _ = writeln!(text, "    no longer behind: {one}"));
    }
    text
}
