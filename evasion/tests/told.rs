//! What the gateway recorded of a session: the effects of everything that ran between two questions to the oracle.

use crate::oracle::ASK;
use anyhow::{Context, Result};
use sallyport_core::Effect;
use sallyport_core::journal::Event;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The commands between one question to the oracle and the next.
#[derive(Debug, Default, Clone)]
pub struct Told {
    pub effects: Vec<Effect>,
    /// The gateway itself refused one of them.
    pub denied: Option<String>,
    pub texts: Vec<String>,
}

/// Every recording in the gateway's folder, by the name that the client gave itself.
pub fn all(data: &Path) -> Result<HashMap<String, Vec<Told>>> {
    let mut sessions = HashMap::new();
    for path in files(&data.join("recordings"))? {
        if let Some((name, told)) =
            session(&path, None).with_context(|| format!("read {}", path.display()))?
        {
            sessions.insert(name, told);
        }
    }
    Ok(sessions)
}

/// The recording of the session that gave itself this name.
pub fn of(data: &Path, name: &str) -> Result<Vec<Told>> {
    for path in files(&data.join("recordings"))? {
        if let Some((_, told)) = session(&path, Some(name))? {
            return Ok(told);
        }
    }
    anyhow::bail!("no recording of {name}")
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).context("list the recordings")? {
        let path = item?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|kind| kind == "rec" || kind == "live") {
            found.push(path);
        }
    }
    Ok(found)
}

fn session(path: &Path, wanted: Option<&str>) -> Result<Option<(String, Vec<Told>)>> {
    let (mut name, mut all, mut now) = (None, Vec::new(), None::<Told>);
    let recording = match sallyport_record::read(path) {
        Ok(recording) => recording,
        // Sealed, and so moved, between listing and reading.
        Err(sallyport_record::ReadFault::Io(fault)) if fault.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(fault) => return Err(fault.into()),
    };
    for entry in recording {
        let Ok(entry) = entry else { break };
        match entry.event()? {
            Event::Opened { client, .. } => {
                name = client.map(std::borrow::Cow::into_owned);
                if wanted.is_some() && wanted != name.as_deref() {
                    return Ok(None);
                }
            }
            Event::Command { text, .. } if text == ASK => all.extend(now.replace(Told::default())),
            Event::Command { text, effects, verdict, message, .. } => {
                if let Some(now) = &mut now {
                    now.effects.extend(effects.iter().cloned());
                    now.texts.push(text.into_owned());
                    if verdict == "deny" {
                        now.denied = Some(message.map_or_else(String::new, std::borrow::Cow::into_owned));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(name.map(|name| (name, all)))
}
