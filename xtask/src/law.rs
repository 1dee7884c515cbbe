//! Who may never depend on whom, and where a protocol's name may stand. Reads `cargo metadata`, so that what is
//! checked is what is built.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// For each crate of ours: which crates of ours it may use in what ships (not in its tests).
const MAY_USE: &[(&str, &[&str])] = &[
    ("sallyport-core", &[]),
    ("sallyport-policy", &["sallyport-core"]),
    ("sallyport-sql", &["sallyport-core"]),
    ("sallyport-record", &["sallyport-core"]),
    ("sallyport-identity", &["sallyport-core"]),
    ("sallyport-vault", &["sallyport-core"]),
    ("sallyport-store", &["sallyport-core"]),
    ("sallyport-relay", &["sallyport-core"]),
    ("sallyport-postgres", &["sallyport-core", "sallyport-relay", "sallyport-sql"]),
    (
        "sallyport-api",
        &[
            "sallyport-core",
            "sallyport-policy",
            "sallyport-record",
            "sallyport-identity",
            "sallyport-vault",
            "sallyport-store",
        ],
    ),
    ("sallyport-cli", &[]),
    ("sallyport-testkit", &[]),
    ("sallyport-e2e", &["sallyport-testkit"]),
    ("sallyport-evasion", &[]),
    ("sallyport-bench", &["sallyport-testkit"]),
    ("xtask", &[]),
];

/// Nothing that does I/O or cryptographic transport belongs under the law itself.
const CORE_MAY_NOT_USE: &[&str] =
    &["tokio", "axum", "sqlx", "rustls", "hyper", "reqwest", "cedar-policy", "pg_query"];

/// Protocol names, and the folders where they may stand.
const PROTOCOLS: &[&str] = &["postgres", "pg_query", "psql"];
const PROTOCOL_FREE: &[&str] =
    &["core/src", "policy/src", "record/src", "identity/src", "vault/src", "relay/src", "cli/src"];

pub fn check() -> Result<()> {
    let mut problems = Vec::new();
    check_dependencies(&mut problems)?;
    check_protocol_names(&mut problems)?;
    check_traces(&mut problems)?;
    if problems.is_empty() { Ok(()) } else { bail!("\n  {}", problems.join("\n  ")) }
}

fn check_dependencies(problems: &mut Vec<String>) -> Result<()> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .output()
        .context("run cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("find packages in cargo metadata")?;
    for package in packages {
        let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
        let uses =
            package.get("dependencies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let shipped = uses.iter().filter(|used| used.get("kind").is_none_or(Value::is_null));
        for used in shipped.filter_map(|used| used.get("name").and_then(Value::as_str)) {
            if used == "sallyport" {
                problems.push(format!("{name} depends on the server: nothing may"));
            }
            if name == "sallyport-core" && CORE_MAY_NOT_USE.contains(&used) {
                problems.push(format!("core depends on {used}: the law does no I/O and knows no runtime"));
            }
            if name != "sallyport" && (used.starts_with("sallyport-") || used == "xtask") {
                match MAY_USE.iter().find(|(who, _)| *who == name) {
                    Some((_, allowed)) if allowed.contains(&used) => {}
                    Some(_) => problems
                        .push(format!("{name} may not depend on {used}: see the law in ARCHITECTURE.md")),
                    None => {
                        problems.push(format!("{name} has no line in the law: add one to xtask/src/law.rs"))
                    }
                }
            }
        }
    }
    Ok(())
}

fn check_protocol_names(problems: &mut Vec<String>) -> Result<()> {
    for folder in PROTOCOL_FREE {
        for file in tracked(folder)? {
            if !file.ends_with(".rs") {
                continue;
            }
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in shipped.lines().enumerate() {
                let lower = line.to_lowercase();
                let code = lower.trim_start();
                if code.starts_with("//") {
                    continue;
                }
                if PROTOCOLS.iter().any(|name| lower.contains(name)) {
                    problems.push(format!("{file}:{}: a protocol is named outside its folder", number + 1));
                }
            }
        }
    }
    Ok(())
}

/// Nothing of one machine in the tree.
fn check_traces(problems: &mut Vec<String>) -> Result<()> {
    let traces = [["/ro", "ot/"].concat(), ["/wo", "rk/"].concat(), ["/ho", "me/"].concat()];
    for file in tracked(".")? {
        let Ok(text) = std::fs::read_to_string(Path::new(&file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if traces.iter().any(|trace| line.contains(trace.as_str())) {
                problems.push(format!("{file}:{}: a path of one machine", number + 1));
            }
        }
    }
    Ok(())
}

fn tracked(folder: &str) -> Result<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "--", folder]).output().context("run git ls-files")?;
    Ok(String::from_utf8(output.stdout).context("read git ls-files")?.lines().map(str::to_owned).collect())
}
