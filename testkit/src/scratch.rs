//! A folder and ports for one test.

use anyhow::{Context, Result};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr().context("read the port")?.port())
}

/// The root of the tree.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
