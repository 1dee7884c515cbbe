//! Where a sign-in is kept: one file of the user's own, readable by nobody else.

use crate::connection::CliFault;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

#[derive(Serialize, Deserialize)]
pub struct SignIn {
    pub url: String,
    pub token: String,
    /// Microseconds since 1970.
    pub expires: i64,
}

fn folder() -> Result<PathBuf, CliFault> {
    if let Some(home) = std::env::var_os("SALLYPORT_HOME") {
        return Ok(home.into());
    }
    if let Some(config) = std::env::var_os("XDG_CONFIG_HOME") {
        return Ok(PathBuf::from(config).join("sallyport"));
    }
    let home = std::env::var_os("HOME").ok_or_else(|| CliFault::call("set HOME or SALLYPORT_HOME"))?;
    Ok(PathBuf::from(home).join(".config").join("sallyport"))
}

pub fn save(signin: &SignIn) -> Result<PathBuf, CliFault> {
    let folder = folder()?;
    let failed = |fault: std::io::Error| {
        CliFault::call(format!("cannot keep the sign-in in {}: {fault}", folder.display()))
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    let (file, fresh) = (folder.join("signin.json"), folder.join("signin.json.new"));
    let text = serde_json::to_string(signin).map_err(|fault| CliFault::call(fault.to_string()))?;
    _ = std::fs::remove_file(&fresh);
    let mut out =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
    out.write_all(text.as_bytes()).map_err(failed)?;
    std::fs::rename(&fresh, &file).map_err(failed)?;
    Ok(file)
}

pub fn load() -> Result<Option<SignIn>, CliFault> {
    let file = folder()?.join("signin.json");
    match std::fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|fault| {
            CliFault::call(format!("{} is damaged ({fault}): run `sallyport login` again", file.display()))
        }),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(CliFault::call(format!("cannot read {}: {fault}", file.display()))),
    }
}

pub fn forget() -> Result<(), CliFault> {
    let file = folder()?.join("signin.json");
    match std::fs::remove_file(&file) {
        Ok(()) => Ok(()),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(fault) => Err(CliFault::call(format!("cannot remove {}: {fault}", file.display()))),
    }
}
