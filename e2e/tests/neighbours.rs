//! What takes one caller long is nobody else's wait: the sessions beside it share its thread.

use crate::line::Line;
use crate::shop::{ALLOW_ALL, Shop};
use anyhow::{Context, Result, ensure};
use sallyport_testkit::Version;
use std::thread;
use std::time::{Duration, Instant};

/// As long as it takes a debug build to look at, and no text that the gateway refuses for its length.
fn long_commands() -> Vec<(&'static str, String)> {
    let columns: Vec<String> = (0..40_000).map(|n| format!("c{n}")).collect();
    let values = "('ada@example.com', 7),".repeat(24_000);
    let prepared: String = (0..6_000).map(|n| format!("PREPARE p{n} AS SELECT 1;EXECUTE q;")).collect();
    vec![
        ("a wide SELECT", format!("SELECT {} FROM nothing", columns.join(","))),
        ("a long list of VALUES", format!("SELECT count(*) FROM (VALUES {}(NULL, 1)) v(a, b)", values)),
        ("many statements", "SELECT 1;".repeat(4_000)),
        ("many statements by name", prepared),
        ("one long row to mask", "SELECT repeat('ada@example.com tel. ', 200000)".to_owned()),
    ]
}

/// How long the command took, and the longest that a neighbour waited for an answer meanwhile.
fn beside(port: u16, token: &str, command: &str) -> Result<(Duration, Duration)> {
    let mut long = Line::open(port)?;
    long.log_in("shop", token)?;
    let mut neighbours = Vec::new();
    for _ in 0..3 {
        let mut line = Line::open(port)?;
        line.log_in("shop", token)?;
        neighbours.push(line);
    }
    let begun = Instant::now();
    long.ask(command)?;
    let patient = thread::spawn(move || long.answers().map(|answers| (begun.elapsed(), answers.len())));
    let mut longest = Duration::ZERO;
    while !patient.is_finished() {
        for line in &mut neighbours {
            let asked = Instant::now();
            line.ask("SELECT 'beside'")?;
            let answers = line.answers()?;
            ensure!(answers.iter().any(|line| line.ends_with("beside")), "another answer: {answers:?}");
            longest = longest.max(asked.elapsed());
        }
    }
    let (took, count) = patient.join().ok().context("the long one panicked")??;
    ensure!(count > 0, "no answer");
    Ok((took, longest))
}

#[test]
fn what_takes_long_makes_nobody_else_wait() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(&format!(
        "{ALLOW_ALL} @id(\"mask\") @mask(\"redact\") forbid(principal, action == Action::\"see\", \
         resource in Class::\"email\");"
    ))?;
    for (what, command) in long_commands() {
        let (took, longest) = beside(shop.gateway.port, &shop.token, &command)?;
        println!("{what}: {took:?}, a neighbour at most {longest:?}");
        // The machine is shared; without a care for neighbours they wait for nearly all of it.
        ensure!(took > Duration::from_millis(100), "{what} took {took:?}: that proves nothing");
        ensure!(longest < took / 2, "{what} took {took:?}, and a neighbour waited {longest:?}");
    }
    Ok(())
}
