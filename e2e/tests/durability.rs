//! kill -9 of the gateway under load: nothing ran without its record, and the record verifies.

use crate::shop::{LIMIT, Shop};
use anyhow::Result;
use sallyport_testkit::{Process, Version};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const KILLS: usize = 10;
const LOAD: usize = 200;

#[test]
fn every_statement_that_ran_has_its_entry_after_kill_9() -> Result<()> {
    let mut shop = Shop::open(Version::Distribution)?;
    let script =
        "\\set mark random(1, 1000000000)\nSELECT name, :mark AS mark FROM customers WHERE id = 1;\n";
    let script = shop.gateway.scratch.file("marked.sql", script)?;
    for round in 0..KILLS {
        let mut pgbench = Command::new("pgbench");
        let mode = ["simple", "extended", "prepared"][round % 3];
        pgbench.args([
            "-n",
            "-h",
            "127.0.0.1",
            "-U",
            "caller",
            "-c",
            "4",
            "-j",
            "2",
            "-T",
            "30",
            "-M",
            mode,
            "-p",
        ]);
        pgbench
            .arg(shop.gateway.port.to_string())
            .arg("-f")
            .arg(&script)
            .arg("shop")
            .env("PGPASSWORD", &shop.token);
        let log = shop.gateway.folder().join(format!("pgbench-{round}.log"));
        let before = marks(&shop.server.log()).len();
        let mut load = Process::start(&mut pgbench, &log)?;
        load.wait_until("some load", LIMIT, || marks(&shop.server.log()).len() > before + LOAD)?;
        shop.gateway.kill();
        drop(load);
        shop.gateway.launch()?;
    }
    let ran = marks(&shop.server.log());
    assert!(ran.len() > KILLS * LOAD, "too little load: {}", ran.len());
    let recorded = marks(&shop.gateway.verb(&["sessions", "export", "--all"])?);
    let missing: Vec<&String> = ran.difference(&recorded).collect();
    assert!(
        missing.is_empty(),
        "{} statements ran without an entry, such as {:?}",
        missing.len(),
        missing.first()
    );
    shop.gateway.verb(&["verify", &recordings(&shop).display().to_string()])?;
    Ok(())
}

/// The marks of statements in a log or an export: the number before `AS mark`, or the bound parameter.
fn marks(text: &str) -> HashSet<String> {
    let digits = |after: &str| -> Option<String> {
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        (!number.is_empty()).then_some(number)
    };
    let mut found = HashSet::new();
    for line in text.lines() {
        let literal =
            line.split_once(" AS mark").and_then(|(before, _)| digits(before.rsplit([' ', ',']).next()?));
        let bound = line.split_once("$1 = '").and_then(|(_, after)| digits(after));
        let recorded = line.split_once("\"parameters\":[\"").and_then(|(_, after)| digits(after));
        found.extend(literal.into_iter().chain(bound).chain(recorded));
    }
    found
}

#[test]
fn a_changed_recording_is_named() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.psql("SELECT name FROM customers WHERE id = 1")?;
    let folder = recordings(&shop).display().to_string();
    shop.gateway.verb(&["verify", &folder])?;
    let started = Instant::now();
    let file = loop {
        if let Some(file) = newest(&recordings(&shop))? {
            break file;
        }
        anyhow::ensure!(started.elapsed() < LIMIT, "no recording was sealed");
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes)?;
    let report = shop.gateway.verb_raw(&["verify", &folder], "")?;
    assert_ne!(report.code, Some(0), "{}", report.both());
    Ok(())
}

fn recordings(shop: &Shop) -> PathBuf {
    shop.gateway.data().join("recordings")
}

/// The last recording of a session that was closed and sealed.
fn newest(folder: &Path) -> Result<Option<PathBuf>> {
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                open.push(path);
            } else if name.starts_with("s-") && name.ends_with(".rec") {
                found.push((path.metadata()?.modified()?, path));
            }
        }
    }
    found.sort();
    Ok(found.pop().map(|(_, path)| path))
}
