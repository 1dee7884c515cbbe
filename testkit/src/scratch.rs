//! A folder and ports for one test.

use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// A folder that servers running as other users can enter.
    pub fn new() -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("sallyport-").tempdir().context("make a scratch folder")?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
            .context("open the folder")?;
        Ok(Self(folder))
    }
    pub fn path(&self) -> &Path {
        self.0.path()
    }
    pub fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::write(&path, text).with_context(|| format!("write {name}"))?;
        Ok(path)
    }
}

/// A port that was free a moment ago, and that nobody else in this process was given. Below those from which the system
/// takes the ports of outgoing connections, of which tests have thousands.
pub fn free_port() -> Result<u16> {
    const FIRST: u16 = 12_000;
    const COUNT: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Processes that run beside each other begin at different places.
    let begin = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let place = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = FIRST + u16::try_from(place)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} on is free")
}

/// The root of the tree.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
