#![allow(clippy::print_stdout, reason = "a chore talks to a terminal")]
//! The chores of the tree: `cargo xtask tidy`, `cargo xtask fuzz`, `cargo xtask functions`.

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
        "functions" => functions::write(),
        _ => Err(anyhow::anyhow!("write: cargo xtask tidy | law | fuzz | functions")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem:#}");
            ExitCode::FAILURE
        }
    }
}
