//! One executable: the gateway and the verbs that talk to it.

mod certificates;
mod clock;
mod config;
mod connectors;
mod credentials;
mod doctor;
mod door;
mod first_start;
mod index;
mod keys;
mod live;
mod logging;
mod offline;
mod plane;
mod protocols;
mod rules;
mod serve;

use clap::{Parser, Subcommand};
use sallyport_cli::{Common, Verb};
use std::path::PathBuf;
use std::process::ExitCode;

/// Sallyport stands between callers and what they may do: it decides every command before the target sees it, masks
/// what comes back, and records both.
#[derive(Parser)]
#[command(name = "sallyport", version, propagate_version = true, disable_help_subcommand = true)]
struct Sallyport {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: What,
}

#[derive(Subcommand)]
enum What {
    /// Start the gateway
    Serve {
        /// The configuration file; without one the defaults hold, with data in ./sallyport-data
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Say what is wrong with keys, store, disk, clock, issuers and targets, and how to mend it
    Doctor {
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Name what statements would do, or find sensitive values; reads lines of JSON, needs no server
    #[command(subcommand)]
    Inspect(Inspect),
    /// Check recordings and the signed log, without a server
    Verify {
        /// A recording, or a folder of recordings
        path: PathBuf,
        /// The log's public key, from a place the gateway cannot change; the one beside the log where nothing is said
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// A checkpoint that you kept from before
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
    },
    /// New keys for the log of recordings and for the vault, while the gateway is stopped
    #[command(subcommand)]
    Keys(Keys),
    /// Print every key of the configuration with its default
    ExampleConfig,
    #[command(flatten)]
    Remote(Verb),
}

#[derive(Subcommand)]
enum Keys {
    /// Put a new key in the place of an old one; what the old one signed or sealed stays good
    #[command(subcommand)]
    Rotate(Rotate),
}

#[derive(Subcommand)]
enum Rotate {
    /// The key that signs the log of recordings: handed over by a note that both keys sign
    Log {
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// The key that seals the targets' credentials: each is put under the new one
    Vault {
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Keep the older keys in the file, so that it opens an older copy of the store too
        #[arg(long)]
        keep_old: bool,
    },
}

#[derive(Subcommand)]
enum Inspect {
    /// {"id", "sql", "before"?} to {"id", "effects", "reads", "writes", "unknown"}
    Sql {
        #[arg(long, default_value = "postgres")]
        dialect: String,
    },
    /// {"id", "column", "value"} to {"id", "entities", "masked"}
    Values,
}

fn main() -> ExitCode {
    let Sallyport { common, verb } = Sallyport::parse();
    let result = match verb {
        What::Serve { config } => serve::run(config.as_deref()),
        What::Doctor { config } => doctor::run(config.as_deref(), common.json),
        What::Inspect(Inspect::Sql { dialect }) => offline::inspect_sql(&dialect),
        What::Inspect(Inspect::Values) => offline::lines(sallyport_core::mask::inspect::answer),
        What::Verify { path, key, checkpoint } => {
            offline::verify(&path, key.as_deref(), &checkpoint, common.json)
        }
        What::Keys(Keys::Rotate(Rotate::Log { config })) => keys::rotate_log(config.as_deref()),
        What::Keys(Keys::Rotate(Rotate::Vault { config, keep_old })) => {
            keys::rotate_vault(config.as_deref(), keep_old)
        }
        What::ExampleConfig => offline::example(),
        What::Remote(verb) => return sallyport_cli::run(verb, &common),
    };
    match result {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("sallyport: {problem:#}");
            ExitCode::FAILURE
        }
    }
}
