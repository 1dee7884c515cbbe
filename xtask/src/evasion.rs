//! The long runs of the proofs in `evasion/`: as many statements or reads as are asked for, from a seed that is asked for.

use anyhow::{Context, Result, bail};
use std::process::Command;

/// What the differential test and the canary test are repeated with where nothing is said.
const STATEMENTS: &str = "200000";
const READS: &str = "100000";

pub fn differential() -> Result<()> {
    long("whatever_the_server_did", "EVASION_STATEMENTS", STATEMENTS)
}

pub fn canaries() -> Result<()> {
    long("no_canary_comes", "EVASION_READS", READS)
}

fn long(test: &str, variable: &str, usually: &str) -> Result<()> {
    let count = std::env::args().nth(2).unwrap_or_else(|| usually.to_owned());
    cargo(&["build", "--locked", "--bin", "sallyport"], variable, &count)?;
    cargo(
        &["test", "--locked", "--package", "sallyport-evasion", "--", test, "--nocapture"],
        variable,
        &count,
    )
}

fn cargo(arguments: &[&str], variable: &str, count: &str) -> Result<()> {
    let status =
        Command::new("cargo").args(arguments).env(variable, count).status().context("start cargo")?;
    if status.success() { Ok(()) } else { bail!("cargo {} failed", arguments.join(" ")) }
}
