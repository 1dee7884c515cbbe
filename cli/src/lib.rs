//! The verbs that talk to a gateway, through its public API and nothing else.
//!
//! Coloured tables for people, `--json` for programs, exit codes that mean something: 0 done, 1 the gateway or the
//! network is at fault, 2 the call was wrong, 3 refused.

mod connection;
mod paint;
mod signin;
mod verbs;

pub use verbs::Verb;

use clap::Args;
use connection::CliFault;
use std::process::ExitCode;

/// What every verb takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// The gateway's address; the one of the last login where nothing is said
    #[arg(
        long,
        global = true,
        env = "SALLYPORT_URL",
        hide_env_values = true,
        value_name = "URL",
        display_order = 900
    )]
    pub url: Option<String>,
    /// Print JSON for programs
    #[arg(long, global = true, display_order = 901)]
    pub json: bool,
}

/// Runs one verb to its end.
pub fn run(verb: Verb, common: &Common) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("sallyport: cannot start: {fault}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(verbs::run(verb, common)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => report(&fault),
    }
}

fn report(fault: &CliFault) -> ExitCode {
    eprintln!("{}: {fault}", paint::fault("sallyport"));
    ExitCode::from(fault.exit_code())
}
