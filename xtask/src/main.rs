#![allow(clippy::print_stdout, reason = "a chore talks to a terminal")]
//! The chores of the tree: `cargo xtask tidy`, `cargo xtask fuzz`, `cargo xtask functions`.

mod evasion;
mod functions;
mod fuzz;
mod law;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let result = match task.as_str() {
        "tidy" => tidy::run(),
        "law" => law::check(),
        "fuzz" => fuzz::run(),
        "differential" => evasion::differential(),
        "canaries" => evasion::canaries(),
        "functions" => functions::write(),
        _ => Err(anyhow::anyhow!(
            "write: cargo xtask tidy | law | fuzz | differential [N] | canaries [N] | functions"
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem:#}");
            ExitCode::FAILURE
        }
    }
}
