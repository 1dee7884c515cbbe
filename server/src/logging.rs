//! One line a step in a session's life, on standard error. Never a credential, never a row.

use crate::config::{Log, LogFormat};
use anyhow::{Context, Result};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

pub fn start(log: &Log) -> Result<()> {
    let filter =
        EnvFilter::try_new(format!("{},sqlx=warn,hyper=warn,reqwest=warn,rustls=warn", log.level))
            .with_context(|| format!("log.level {:?}: write error, warn, info, debug or trace", log.level))?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let started = match log.format {
        LogFormat::Text => builder.with_ansi(colour).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|fault| anyhow::anyhow!("start the log: {fault}"))
}
