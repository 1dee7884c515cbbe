//! What the server says was done, by its own counters, locks, triggers and event triggers.

use std::collections::{BTreeMap, BTreeSet};

/// Asked before and after each statement, in its transaction. In a recording it marks where one ends.
pub const ASK: &str = "SELECT oracle.seen()";

/// What was done between two answers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `insert public.t`: rows changed, or a statement's trigger ran.
    pub writes: BTreeSet<(String, String)>,
    /// Relations that were opened to be read, or scanned.
    pub opened: BTreeSet<String>,
    /// Every relation that anything was done to.
    pub touched: BTreeSet<String>,
    pub defined: Vec<String>,
}

pub fn between(before: &str, after: &str) -> Seen {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for line in before.lines() {
        if let Some((what, count)) = line.rsplit_once(' ').and_then(|(what, n)| Some((what, n.parse().ok()?)))
        {
            counts.insert(what, count);
        }
    }
    let (locked, logged): (BTreeSet<&str>, usize) =
        (before.lines().collect(), before.lines().filter(|line| is_logged(line)).count());
    let mut seen = Seen::default();
    for line in after.lines().filter(|line| !is_logged(line)) {
        let Some((what, tail)) = line.rsplit_once(' ') else { continue };
        let Some((action, table)) = what.split_once(' ') else { continue };
        let table = table.to_owned();
        match (action, tail.parse::<u64>()) {
            ("lock", _) if !locked.contains(line) => {
                if tail == "AccessShareLock" {
                    seen.opened.insert(table.clone());
                }
                seen.touched.insert(table);
            }
            (_, Ok(count)) if count > counts.get(what).copied().unwrap_or(0) => {
                if action != "scan" {
                    seen.writes.insert((action.to_owned(), table.clone()));
                }
                seen.touched.insert(table);
            }
            _ => {}
        }
    }
    for line in after.lines().filter(|line| is_logged(line)).skip(logged) {
        match line.strip_prefix("log ").and_then(|rest| rest.split_once(' ')) {
            Some((action, table)) => {
                seen.writes.insert((action.to_owned(), table.to_owned()));
                seen.touched.insert(table.to_owned());
            }
            None => seen.defined.push(line.to_owned()),
        }
    }
    seen
}

fn is_logged(line: &str) -> bool {
    line.starts_with("log ") || line.starts_with("ddl ")
}
