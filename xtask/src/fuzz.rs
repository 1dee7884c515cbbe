//! Runs each fuzz target for a bounded time, on the stable toolchain: coverage instrumentation is a compiler pass, and
//! only the sanitizers need a nightly one. The targets also work with `cargo fuzz run NAME` where that is installed.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

pub fn run() -> Result<()> {
    let seconds: u32 = match std::env::var("FUZZ_SECONDS") {
        Ok(text) => text.parse().context("read FUZZ_SECONDS")?,
        Err(_) => 60,
    };
    let root = Path::new("fuzz");
    let targets = names(&root.join("fuzz_targets"))?;
    build(root)?;
    for target in targets {
        println!("fuzz {target}: {seconds} s");
        fuzz(root, &target, seconds)?;
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    if names.is_empty() {
        bail!("no fuzz target in {}", folder.display())
    }
    Ok(names)
}

fn build(root: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--bins", "--target", &host()?])
        .current_dir(root)
        .env("RUSTFLAGS", COVERAGE)
        .env("CARGO_TARGET_DIR", target_dir()?)
        .status()
        .context("start cargo")?;
    if status.success() { Ok(()) } else { bail!("the fuzz targets do not build") }
}

fn fuzz(root: &Path, target: &str, seconds: u32) -> Result<()> {
    let seeds = root.join("seeds").join(target);
    let corpus = target_dir()?.join("corpus").join(target);
    std::fs::create_dir_all(&corpus).context("make the corpus folder")?;
    let artifacts = target_dir()?.join("artifacts");
    std::fs::create_dir_all(&artifacts).context("make the artifacts folder")?;
    let mut command = Command::new(target_dir()?.join(host()?).join("release").join(target));
    command.arg(&corpus);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    let status = command
        .arg(format!("-max_total_time={seconds}"))
        .arg("-max_len=65536")
        .arg("-rss_limit_mb=2048")
        .arg("-timeout=10")
        .arg("-print_final_stats=1")
        .arg("-verbosity=0")
        .arg(format!("-artifact_prefix={}/{target}-", artifacts.display()))
        .status()
        .with_context(|| format!("start {target}"))?;
    if status.success() {
        Ok(())
    } else {
        bail!("{target} found a failure: its input is in {}", artifacts.display())
    }
}

fn target_dir() -> Result<PathBuf> {
    let base = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(std::env::current_dir().context("find the current folder")?.join(base).join("fuzz"))
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("run rustc")?;
    let text = String::from_utf8(output.stdout).context("read rustc's version")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("find the host in rustc's version")?;
    Ok(line.to_owned())
}
