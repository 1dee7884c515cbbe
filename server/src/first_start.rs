//! What the first start makes, so that nothing has to be configured: the data folder, the first operator, the rules.

use crate::clock::WallClock;
use crate::config::Config;
use anyhow::{Context, Result};
use base64::Engine as _;
use sallyport_core::{Clock, Secret};
use sallyport_store::{Person, PolicyFile, Store};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The first person. Its password stands in a file that only the gateway's user can read, until it is changed.
pub const OPERATOR: &str = "operator";
pub const OPERATOR_GROUPS: &[&str] = &["admins", "approvers"];

pub fn data_folder(config: &Config) -> Result<()> {
    let folder = &config.data_dir;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("make {}", folder.display()))?;
    let mode =
        fs::metadata(folder).with_context(|| format!("look at {}", folder.display()))?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .with_context(|| format!("close {} to others", folder.display()))?;
    }
    Ok(())
}

pub fn password_file(config: &Config) -> PathBuf {
    config.data_dir.join("operator-password")
}

/// Makes the operator where there is nobody yet. Says where the password is; never what it is.
pub async fn operator(config: &Config, store: &Store) -> Result<Option<PathBuf>> {
    if !store.people().await.context("list the people")?.is_empty() {
        return Ok(None);
    }
    let mut bytes = [0u8; 18];
    getrandom::fill(&mut bytes).map_err(|fault| anyhow::anyhow!("no randomness: {fault}"))?;
    let password = Secret::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes));
    let file = password_file(config);
    write_private(&file, &password)?;
    let hash = tokio::task::spawn_blocking(move || sallyport_identity::password::hash(&password)).await;
    let hash = hash.context("hash the operator's password")?.context("hash the operator's password")?;
    let now = WallClock.now();
    let person = Person {
        name: OPERATOR.into(),
        display: "Operator".into(),
        email: None,
        password_hash: Some(hash),
        groups: OPERATOR_GROUPS.iter().map(|group| (*group).to_owned()).collect(),
        attributes: BTreeMap::new(),
        disabled: false,
        revision: 0,
        created: now,
        updated: now,
    };
    store.add_person(&person, now).await.context("make the operator")?;
    Ok(Some(file))
}

fn write_private(file: &Path, secret: &Secret) -> Result<()> {
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("write {}", file.display()))?;
    out.write_all(secret.expose()).with_context(|| format!("write {}", file.display()))?;
    out.sync_all().with_context(|| format!("keep {}", file.display()))
}

/// The rules of a new installation: agents read, and write with approval; people of the right group do more.
pub fn default_rules() -> Vec<PolicyFile> {
    ["agents-write-with-approval", "people-break-glass"]
        .iter()
        .filter_map(|name| sallyport_policy::Pack::named(name))
        .map(|pack| PolicyFile { path: format!("{}.cedar", pack.name), text: pack.text.to_owned() })
        .collect()
}
