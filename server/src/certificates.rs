//! The certificate that callers see, followed while the gateway runs: new files are taken without a restart, and files
//! that cannot be used change nothing. One of our own is made anew before it ends.

use crate::config::{Config, Tls};
use anyhow::{Context, Result};
use sallyport_core::Moment;
use sallyport_relay::tls::{ServerCertificate, Shown};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often one of our own is asked whether it is due.
const RENEW_EVERY: Duration = Duration::from_secs(3600);

/// The operator's files, or those that the first start made.
pub fn files(config: &Config) -> Option<ServerCertificate> {
    let Tls { certificate: Some(certificate), key: Some(key), .. } = &config.tls else { return None };
    Some(ServerCertificate { certificate: certificate.clone(), key: key.clone(), authority: None })
}

pub fn own_folder(config: &Config) -> PathBuf {
    config.data_dir.join("tls")
}

pub fn open(config: &Config) -> Result<Arc<Shown>> {
    let files = match files(config) {
        Some(files) => files,
        None => ServerCertificate::first_start(&own_folder(config), &config.tls.names).context("tls")?,
    };
    Shown::open(files).context("tls")
}

/// Never ends. A change is read once it rests for one look, so that a renewal is not met between its two files.
pub async fn follow(config: Config, shown: Arc<Shown>) {
    let files = shown.files().clone();
    let ours = files.authority.is_some();
    let look = || [stamp(&files.certificate), stamp(&files.key)];
    let (mut taken, mut seen) = (look(), look());
    let mut renewed = Instant::now();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tick.tick().await;
        if ours && renewed.elapsed() >= RENEW_EVERY {
            renewed = Instant::now();
            renew(&config);
        }
        let now = look();
        let rests = now == seen;
        seen = now;
        if rests && seen != taken {
            taken.clone_from(&seen);
            take(&shown, &files);
        }
    }
}

fn take(shown: &Shown, files: &ServerCertificate) {
    match shown.read_again() {
        Ok(until) => {
            let until = Moment::from_seconds(until);
            tracing::info!(file = %files.certificate.display(), %until, "new connections see the new certificate");
        }
        Err(fault) => tracing::error!(
            %fault,
            "the changed certificate was refused, the one in force stays; mend the file that is named"
        ),
    }
}

fn renew(config: &Config) {
    if let Err(fault) = ServerCertificate::first_start(&own_folder(config), &config.tls.names) {
        tracing::error!(%fault, "the gateway's own certificate could not be looked at or made anew");
    }
}

/// Enough to see that somebody wrote, or put another file in its place.
fn stamp(file: &Path) -> Option<(u64, u64, Option<SystemTime>)> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.ino(), about.len(), about.modified().ok()))
}
