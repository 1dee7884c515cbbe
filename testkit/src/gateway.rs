//! The gateway itself, as the executable that users run, driven through its own command line.

use crate::process::{self, Finished, Process};
use crate::scratch::{Scratch, free_port, root};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(60);
const VERB_LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    /// Appended to the configuration file.
    pub extra: String,
    /// `required` or `optional`, for the database listener.
    pub tls: Option<&'static str>,
    pub store_url: Option<String>,
    /// Release builds for measurements; tests use the one that cargo just built.
    pub executable: Option<PathBuf>,
}

#[derive(Debug)]
pub struct Gateway {
    pub port: u16,
    pub api_port: u16,
    pub scratch: Scratch,
    executable: PathBuf,
    process: Option<Process>,
}

/// Where cargo put the executable.
pub fn executable() -> PathBuf {
    if let Some(named) = std::env::var_os("SALLYPORT_BIN") {
        return named.into();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("debug").join("sallyport")
}

impl Gateway {
    /// Starts a gateway with an empty store and signs its first operator in.
    pub fn start(options: &GatewayOptions) -> Result<Self> {
        let scratch = Scratch::new()?;
        let (port, api_port) = (free_port()?, free_port()?);
        let store =
            options.store_url.as_ref().map(|url| format!("[store]\nurl = \"{url}\"\n")).unwrap_or_default();
        let configuration = format!(
            "data_dir = \"{data}\"\n[api]\nlisten = \"127.0.0.1:{api_port}\"\n[[listener]]\nprotocol = \"postgres\"\n\
             listen = [\"127.0.0.1:{port}\", \"[::1]:{port}\"]\ntls = \"{tls}\"\n{store}{extra}\n",
            data = scratch.path().join("data").display(),
            tls = options.tls.unwrap_or("optional"),
            extra = options.extra,
        );
        scratch.file("sallyport.toml", &configuration)?;
        let executable = options.executable.clone().unwrap_or_else(executable);
        let mut gateway = Self { port, api_port, scratch, executable, process: None };
        gateway.launch()?;
        let password = gateway.data().join("operator-password");
        let url = gateway.url();
        let arguments = ["login", "--url", &url, "--user", "operator", "--password-file"];
        gateway
            .verb_raw(&[&arguments[..], &[&password.display().to_string()]].concat(), "")?
            .ok()
            .context("login")?;
        let keeper = gateway.scratch.file("keeper-password", &crate::postgres::random_text()?)?;
        gateway.verb(&["people", "add", "keeper", "--password-file", &keeper.display().to_string()])?;
        Ok(gateway)
    }

    /// Starts the process again, after [`Gateway::kill`] or for the first time.
    pub fn launch(&mut self) -> Result<()> {
        let mut command = Command::new(&self.executable);
        command.arg("serve").arg("--config").arg(self.scratch.path().join("sallyport.toml"));
        command.env("HOME", self.scratch.path()).current_dir(self.scratch.path());
        let mut process = Process::start(&mut command, &self.scratch.path().join("gateway.log"))?;
        let (port, api_port) = (self.port, self.api_port);
        process.wait_until("the gateway", START_LIMIT, || {
            [port, api_port].iter().all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok())
        })?;
        self.process = Some(process);
        Ok(())
    }
    /// kill -9.
    pub fn kill(&mut self) {
        self.process = None;
    }
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the gateway is not running")
    }
    /// The process, where it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }
    pub fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("gateway.log")).unwrap_or_default()
    }

    /// One verb of the command line, with the operator signed in.
    pub fn verb_raw(&self, arguments: &[&str], input: &str) -> Result<Finished> {
        let mut command = Command::new(&self.executable);
        command
            .args(arguments)
            .env("HOME", self.scratch.path())
            .env("SALLYPORT_URL", self.url())
            .env("NO_COLOR", "1");
        command.env_remove("XDG_CONFIG_HOME").current_dir(self.scratch.path());
        process::run(&mut command, input, VERB_LIMIT)
    }
    pub fn verb(&self, arguments: &[&str]) -> Result<String> {
        let finished = self.verb_raw(arguments, "")?;
        Ok(finished.ok().with_context(|| format!("sallyport {}", arguments.join(" ")))?.out)
    }
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let out = self.verb(&[arguments, &["--json"]].concat())?;
        serde_json::from_str(&out)
            .with_context(|| format!("read the JSON of sallyport {}: {out}", arguments.join(" ")))
    }

    /// Registers a server under `name`, with its password from a file that is removed again.
    pub fn add_target(
        &self,
        name: &str,
        server: &crate::Postgres,
        database: &str,
        more: &[&str],
    ) -> Result<()> {
        let authority = format!("ca_file={}", server.certificates.authority.display());
        self.add_target_set(name, server, database, &["sslmode=verify-full", &authority], more)
    }
    /// Reached in clear over loopback: only to be compared with peers that do the same.
    pub fn add_target_in_clear(&self, name: &str, server: &crate::Postgres, database: &str) -> Result<()> {
        self.add_target_set(name, server, database, &["sslmode=disable"], &[])
    }
    fn add_target_set(
        &self,
        name: &str,
        server: &crate::Postgres,
        database: &str,
        settings: &[&str],
        more: &[&str],
    ) -> Result<()> {
        let secret = self.scratch.file("target-password", &server.password)?;
        let (secret_text, port) = (secret.display().to_string(), server.port.to_string());
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let arguments = [
            "targets",
            "add",
            name,
            "--protocol",
            "postgres",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--account",
            crate::postgres::SUPERUSER,
            "--database",
            database,
            "--password-file",
            &secret_text,
        ];
        let result = self.verb(&[&arguments[..], &settings, more].concat());
        std::fs::remove_file(secret).context("remove the password file")?;
        result.map(|_| ())
    }
    /// Registers an agent of the person `keeper`, so that the operator may approve, and gives back a token for it.
    pub fn add_agent(&self, name: &str, more: &[&str]) -> Result<String> {
        self.verb(&[&["agents", "add", name, "--owner", "keeper"][..], more].concat())?;
        self.token(name, "1h")
    }
    pub fn token(&self, agent: &str, lifetime: &str) -> Result<String> {
        let token = self.verb(&["token", "--agent", agent, "--for", lifetime])?;
        Ok(token.trim().to_owned())
    }
    /// Puts these rules in force.
    pub fn put_policy(&self, text: &str) -> Result<()> {
        let file = self.scratch.file("rules.cedar", text)?;
        self.verb(&["policy", "put", &file.display().to_string()]).map(|_| ())
    }
    /// The authority that signed the gateway's own certificate.
    pub fn authority(&self) -> PathBuf {
        self.data().join("tls").join("ca.crt")
    }
    pub fn config(&self) -> PathBuf {
        self.scratch.path().join("sallyport.toml")
    }
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the gateway's last lines:");
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}
