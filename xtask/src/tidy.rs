//! Formatting, lints, the dependency law, licences. All of it runs; the first failure is reported last, with the rest.

use anyhow::{Context, Result, bail};
use std::process::Command;

pub fn run() -> Result<()> {
    let mut failed = Vec::new();
    let mut note = |name: &str, result: Result<()>| {
        if let Err(problem) = result {
            eprintln!("tidy: {name}: {problem:#}");
            failed.push(name.to_owned());
        }
    };
    note("law", crate::law::check());
    note("functions", crate::functions::check());
    note("fmt", cargo(&["fmt", "--all", "--check"]));
    note(
        "clippy",
        cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]),
    );
    note("deny", cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]));
    if failed.is_empty() { Ok(()) } else { bail!("not tidy: {}", failed.join(", ")) }
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let status = Command::new("cargo").args(arguments).status().context("start cargo")?;
    if status.success() { Ok(()) } else { bail!("cargo {} failed", arguments.join(" ")) }
}
