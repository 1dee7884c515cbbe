//! What is measured on one core without a connection: decisions, detection and recording. Their programs stand beside
//! what they measure; here they are run and read.

use anyhow::{Context, Result};
use sallyport_testkit::Scratch;
use sallyport_testkit::process;
use sallyport_testkit::scratch::root;
use serde::Serialize;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Serialize)]
pub struct Loops {
    /// Microseconds for a statement whose effects were judged before, and for one that was not.
    pub decision_warm_us: f64,
    pub decision_cold_us: f64,
    /// Gigabytes a second.
    pub detection_clean: f64,
    pub detection_dirty: f64,
    pub detection_typed: f64,
    /// Entries a second of processor time, where each statement is written out by itself, and where sixteen are.
    pub entries_each: f64,
    pub entries_sixteen: f64,
    /// And where a long result fills the buffer.
    pub entries_full: f64,
}

pub fn measure() -> Result<Loops> {
    let scratch = Scratch::new()?;
    let cost = example("cost", &[])?;
    let speed = example("scan_speed", &[])?;
    let entries = example("speed", &[&scratch.path().join("speed").display().to_string()])?;
    let related = line_with(&cost, "1000 rules, none about others")?;
    let gigabytes = |name: &str| number_after(line_with(&speed, name)?, name);
    let of = |each: &str| number_after(line_with(&entries, each)?, "by the clock, ");
    Ok(Loops {
        decision_warm_us: number_after(related, "   warm ")?,
        decision_cold_us: number_after(related, "   cold ")?,
        detection_clean: gigabytes("clean: ")?,
        detection_dirty: gigabytes("dirty: ")?,
        detection_typed: gigabytes("typed: ")?,
        entries_each: of("each 1 statements")?,
        entries_sixteen: of("each 16 statements")?,
        entries_full: of("each 256 KiB")?,
    })
}

fn example(name: &str, arguments: &[&str]) -> Result<String> {
    let program = root().join("target/release/examples").join(name);
    let finished = process::run(Command::new(program).args(arguments), "", LIMIT)
        .with_context(|| format!("run the example {name}; `make bench-all` builds it"))?;
    Ok(finished.ok()?.out)
}

fn line_with<'t>(text: &'t str, words: &str) -> Result<&'t str> {
    text.lines().find(|line| line.contains(words)).with_context(|| format!("find {words:?} in:\n{text}"))
}

fn number_after(line: &str, label: &str) -> Result<f64> {
    let rest = line.split(label).nth(1).with_context(|| format!("find {label:?} in {line:?}"))?;
    let is_digit = |c: &char| c.is_ascii_digit() || *c == '.';
    let digits: String = rest.trim_start().chars().take_while(is_digit).collect();
    digits.parse().with_context(|| format!("read the number after {label:?}"))
}

pub fn print(loops: &Loops) {
    println!(
        "\ndecision: {:.3} µs when seen before, {:.2} µs when not (1000 rules)",
        loops.decision_warm_us, loops.decision_cold_us
    );
    println!(
        "detection: {:.2} GB/s clean, {:.2} dirty, {:.2} typed",
        loops.detection_clean, loops.detection_dirty, loops.detection_typed
    );
    println!(
        "recording: {:.0} entries/s with a write for each statement, {:.0} for sixteen, {:.0} in full buffers",
        loops.entries_each, loops.entries_sixteen, loops.entries_full
    );
}
