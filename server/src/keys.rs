//! `keys rotate`: a new key for the log of recordings, or for the vault. Works on the folder of a gateway that is not at
//! work, and refuses one that is. Each rotation is in the recording of the house before it is made.

use crate::clock::WallClock;
use crate::config::Config;
use anyhow::{Context, Result, bail};
use sallyport_api::{AdminJournal, credential};
use sallyport_record::{Options, RecordFault, Recorder};
use sallyport_store::{Store, StoredTarget};
use sallyport_vault::Vault;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

pub fn log_key(config: &Config) -> PathBuf {
    config.data_dir.join("log.key")
}

/// The key that signs the log, unless another was about to take its place.
pub fn signing(config: &Config) -> Result<sallyport_record::SigningKey> {
    let path = log_key(config);
    if sallyport_record::is_unfinished(&path) {
        bail!(
            "a rotation of {} was begun and not finished: run `sallyport keys rotate log` with this configuration, \
             which finishes it",
            path.display()
        );
    }
    sallyport_record::signing_key(&path).context("open the log's signing key")
}

pub fn rotate_log(file: Option<&Path>) -> Result<ExitCode> {
    let config = existing(file)?;
    let key = log_key(&config);
    // A rotation that was cut short is finished first: it has been recorded already.
    if !sallyport_record::is_unfinished(&key) {
        recorded(&config, "log key")?;
    }
    sallyport_record::rotate(&config.recordings(), &key, &Options::default()).map_err(explained)?;
    say(&format!(
        "The log has a new key. What was signed before stays verifiable by either.\n\
         Keep {} elsewhere, as you kept the one before, and back {} up.",
        config.recordings().join("log").join("public-key").display(),
        key.display()
    ))
}

pub fn rotate_vault(file: Option<&Path>, keep_old: bool) -> Result<ExitCode> {
    let config = existing(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start")?;
    let vault = Vault::open_existing(config.data_dir.join("vault.key")).context("open the vault")?;
    // Held to the end: nobody starts a gateway in the middle.
    let house = House::open(&config)?;
    let moved = runtime.block_on(async {
        let store = Store::open(&config.store_url()).await.context("open the store")?;
        house.record("vault key").await?;
        let moved = rewrap(&vault, &store).await;
        store.close().await;
        moved
    });
    let closed = house.close();
    let moved = moved.context("the older keys are kept; run it again once this is mended")?;
    closed?;
    if !keep_old {
        vault.forget_older_keys().context("forget the older keys")?;
    }
    let older = if keep_old { "are kept" } else { "are gone" };
    say(&format!(
        "The vault has a new key; {moved} credentials are under it, and the older keys {older}.\n\
         Back {} up now, apart from the store. Who had the old key may have read the credentials: if you rotate for that \
         reason, change them at the targets too.",
        config.data_dir.join("vault.key").display()
    ))
}

/// Every credential under a new key, each looked at afterwards.
async fn rewrap(vault: &Vault, store: &Store) -> Result<usize> {
    vault.rotate().context("make the new key")?;
    let mut moved = 0;
    for target in store.targets().await.context("list the targets")? {
        moved += usize::from(rewrap_one(vault, store, &target).await?);
    }
    for StoredTarget { target, credential, .. } in store.targets().await.context("list the targets")? {
        if let Some(text) = credential {
            let under = credential::is_under_newest(vault, &text)
                .with_context(|| format!("look at the credential of {}", target.name))?;
            if !under {
                bail!("the credential of {} was changed meanwhile", target.name);
            }
        }
    }
    Ok(moved)
}

async fn rewrap_one(vault: &Vault, store: &Store, stored: &StoredTarget) -> Result<bool> {
    let name = &stored.target.name;
    let Some(before) = &stored.credential else { return Ok(false) };
    let after = credential::rewrap(vault, name, before).with_context(|| {
        format!("the credential of {name} does not open: set it again, or remove the target")
    })?;
    let swapped = store.swap_credential(name.as_str(), before, &after).await;
    if !swapped.with_context(|| format!("write the credential of {name}"))? {
        bail!("the credential of {name} was changed meanwhile");
    }
    Ok(true)
}

/// The recordings, held as a gateway holds them, and the one of this command.
struct House {
    recorder: Recorder,
    journal: AdminJournal,
}

impl House {
    fn open(config: &Config) -> Result<Self> {
        let recorder = Recorder::open(&config.recordings(), signing(config)?, Options::default());
        let recorder = recorder.map_err(explained)?;
        let journal = recorder.house_journal().context("open the recording of changes")?;
        Ok(Self { recorder, journal: AdminJournal::new(journal, Arc::new(WallClock)) })
    }
    async fn record(&self, what: &str) -> Result<()> {
        let uid = rustix::process::getuid().as_raw();
        let by = format!("the user {uid} of the gateway's machine");
        let recorded = self.journal.change_by(&by, "rotate", what, &serde_json::json!({})).await;
        recorded.map_err(|problem| anyhow::anyhow!("{}; nothing was changed", problem.title))
    }
    fn close(self) -> Result<()> {
        self.journal.close().context("close the recording of changes")?;
        self.recorder.caught_up().context("close the recording of changes")
    }
}

fn recorded(config: &Config, what: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start")?;
    let house = House::open(config)?;
    runtime.block_on(house.record(what))?;
    house.close()
}

/// The configuration of a gateway that was started before: a rotation makes no new house.
fn existing(file: Option<&Path>) -> Result<Config> {
    let config = Config::read(file)?;
    if !log_key(&config).exists() {
        bail!(
            "there are no keys in {}: name the gateway's configuration with --config",
            config.data_dir.display()
        );
    }
    Ok(config)
}

fn explained(fault: RecordFault) -> anyhow::Error {
    match fault {
        RecordFault::InUse(folder) => anyhow::anyhow!(
            "a gateway is at work on {}: stop it, rotate, start it again. Sessions end with it, so choose the hour",
            folder.display()
        ),
        fault => anyhow::Error::new(fault),
    }
}

fn say(text: &str) -> Result<ExitCode> {
    writeln!(std::io::stdout(), "{text}").context("write standard output")?;
    Ok(ExitCode::SUCCESS)
}
