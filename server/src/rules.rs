//! Where the rules come from: a folder, the store, or the packs of a new installation; and how changes are noticed.

use crate::clock::WallClock;
use crate::offline;
use anyhow::{Context, Result};
use sallyport_core::Clock;
use sallyport_policy::{RuleBook, RuleFile};
use sallyport_store::{PolicyFile, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often a folder of rules is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

fn rule_files(files: &[PolicyFile]) -> Vec<RuleFile> {
    files.iter().map(|file| RuleFile::new(file.path.clone(), file.text.clone())).collect()
}

/// The rules of the start: the folder's, the store's, or those of a new installation.
pub async fn load(folder: Option<&Path>, store: &Store) -> Result<RuleBook> {
    let refused = |found| anyhow::anyhow!("the rules cannot be put in force:\n{found}");
    if let Some(folder) = folder {
        return RuleBook::load(offline::rule_files(&[folder.to_path_buf()])?).map_err(refused);
    }
    let stored = store.policy().await.context("read the rules from the store")?;
    let (revision, files) = match stored {
        Some(stored) => (stored.revision, rule_files(&stored.files)),
        None => {
            let files = crate::first_start::default_rules();
            let note = "the rules of a new installation";
            let put = store.put_policy(&files, 0, "the gateway", note, WallClock.now());
            // Of two nodes that start at once one is told that the rules are there already; they are the same.
            if let Err(fault) = put.await {
                tracing::warn!(%fault, "the rules of a new installation were not written to the store");
            }
            (1, rule_files(&files))
        }
    };
    let book = RuleBook::load(Vec::new()).map_err(refused)?;
    book.advance(revision, files).map_err(refused)?;
    Ok(book)
}

/// The rules that a start would find, and nothing is written. For who only looks.
pub async fn read(folder: Option<&Path>, store: &Store) -> Result<RuleBook> {
    let files = match folder {
        Some(folder) => offline::rule_files(&[folder.to_path_buf()])?,
        None => match store.policy().await.context("read the rules from the store")? {
            Some(stored) => rule_files(&stored.files),
            None => rule_files(&crate::first_start::default_rules()),
        },
    };
    RuleBook::load(files).map_err(|found| anyhow::anyhow!("the rules cannot be put in force:\n{found}"))
}

/// Reads a folder again when it changes. Rules that cannot be in force change nothing, and are told once.
pub async fn follow_folder(folder: PathBuf, book: Arc<RuleBook>) {
    let mut seen = stamp(&folder);
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tick.tick().await;
        let now = stamp(&folder);
        if now == seen {
            continue;
        }
        seen = now;
        let outcome = offline::rule_files(std::slice::from_ref(&folder))
            .and_then(|files| book.replace(files).map_err(|diagnostics| anyhow::anyhow!("{diagnostics}")));
        match outcome {
            Ok(epoch) => tracing::info!(epoch = epoch.0, "the rules were read again"),
            Err(problem) => {
                tracing::error!("the changed rules were refused; those in force stay in force: {problem:#}")
            }
        }
    }
}

/// Names, sizes and times: enough to see that somebody wrote.
fn stamp(folder: &Path) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let about = path.metadata().ok()?;
            Some((path, about.len(), about.modified().ok()))
        })
        .collect();
    files.sort();
    files
}

/// On another node somebody may have put rules in force: the store is asked now and then.
pub async fn follow_store(store: Store, book: Arc<RuleBook>) {
    let mut refused = 0;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tick.tick().await;
        let Ok(Some(stored)) = store.policy().await else { continue };
        if stored.revision == refused {
            continue;
        }
        match book.advance(stored.revision, rule_files(&stored.files)) {
            Ok(Some(epoch)) => {
                tracing::info!(revision = stored.revision, epoch = epoch.0, "the rules changed")
            }
            Ok(None) => {}
            Err(found) => {
                refused = stored.revision;
                tracing::error!(revision = stored.revision, "the store's rules were refused: {found}");
            }
        }
    }
}
