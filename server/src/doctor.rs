//! What is wrong with keys, store, disk, clock, issuers and targets, and how to mend it. Looks, and changes nothing.

use crate::config::Config;
use crate::protocols::Registry;
use crate::{certificates, connectors, keys};
use anyhow::{Context, Result};
use sallyport_api::{Protocols, credential};
use sallyport_core::Target;
use sallyport_identity::Verifier;
use sallyport_policy::RuleBook;
use sallyport_relay::ColumnPath;
use sallyport_relay::tls::ServerCertificate;
use sallyport_store::{Backend, Store, StoredTarget};
use sallyport_vault::Vault;
use serde::Serialize;
use std::io::{IsTerminal, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Less room than this and recordings may soon end sessions.
const LITTLE_ROOM_BYTES: u64 = 1 << 30;
const PROBE_LIMIT: Duration = Duration::from_secs(15);
/// A certificate that ends within this is told of.
const ENDS_SOON_SECONDS: i64 = 21 * 86_400;
/// 2025-01-01: an earlier clock was never set.
const EARLIEST_SECONDS: u64 = 1_735_689_600;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Warning,
    Wrong,
}

#[derive(Serialize)]
struct Finding {
    what: String,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    mend: &'static str,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.0.push(Finding { what: what.into(), state: State::Good, found: found.into(), mend: "" });
    }
    fn warning(&mut self, what: impl Into<String>, found: impl Into<String>, mend: &'static str) {
        self.0.push(Finding { what: what.into(), state: State::Warning, found: found.into(), mend });
    }
    fn wrong(&mut self, what: impl Into<String>, found: impl Into<String>, mend: &'static str) {
        self.0.push(Finding { what: what.into(), state: State::Wrong, found: found.into(), mend });
    }
}

pub fn run(file: Option<&Path>, json: bool) -> Result<ExitCode> {
    let mut findings = Findings::default();
    match Config::read(file) {
        Ok(config) => {
            findings.good(
                "configuration",
                file.map_or("none: the defaults hold".into(), |file| file.display().to_string()),
            );
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().context("start")?;
            runtime.block_on(look(&config, &mut findings));
        }
        Err(fault) => findings.wrong(
            "configuration",
            fault.to_string(),
            "Mend the file; `sallyport example-config` prints every key.",
        ),
    }
    print(&findings.0, json)?;
    let wrong = findings.0.iter().any(|finding| finding.state == State::Wrong);
    Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn look(config: &Config, findings: &mut Findings) {
    clock(findings);
    let started = folder(&config.data_dir, findings);
    room(if started { &config.data_dir } else { Path::new(".") }, findings);
    issuers(config, findings);
    ports(config, findings);
    if !started {
        findings.warning(
            "first start",
            "nothing is there yet",
            "Run `sallyport serve`: the first start makes keys, store and operator.",
        );
        return;
    }
    for key in ["vault.key", "log.key", "issuer/issuer-keys.json"] {
        key_file(&config.data_dir.join(key), findings);
    }
    // The operator's own TLS key may be shared with a group, as distributions do; whether it is usable is asked below.
    if config.tls.key.is_none() {
        for key in ["tls/ca.key", "tls/server.key"] {
            key_file(&config.data_dir.join(key), findings);
        }
    }
    if sallyport_record::is_unfinished(&keys::log_key(config)) {
        findings.wrong(
            "key log.key",
            "a rotation was begun and not finished",
            "Run `sallyport keys rotate log` with this configuration: it finishes it. Until then nothing starts.",
        );
    }
    certificate(config, findings);
    let vault = vault(config, findings);
    if let Some(store) = store(config, findings).await {
        let rules = rules(config, &store, findings).await;
        targets(&store, vault.as_ref(), rules.as_ref(), findings).await;
        store.close().await;
    }
}

fn clock(findings: &mut Findings) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if now < EARLIEST_SECONDS {
        findings.wrong(
            "clock",
            format!("{now} seconds since 1970"),
            "Set the clock: tokens and certificates are judged by it.",
        );
    } else {
        let text = sallyport_core::Moment::from_seconds(i64::try_from(now).unwrap_or(i64::MAX)).to_string();
        findings.good("clock", text);
    }
}

fn folder(folder: &Path, findings: &mut Findings) -> bool {
    match std::fs::metadata(folder) {
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            findings.warning(
                "data folder",
                format!("{} can be entered by others", folder.display()),
                "Run chmod 700 on it; the next start does it too.",
            );
            true
        }
        Ok(_) => {
            findings.good("data folder", folder.display().to_string());
            true
        }
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => false,
        Err(fault) => {
            findings.wrong(
                "data folder",
                format!("{}: {fault}", folder.display()),
                "Run as the gateway's user, or mend its permissions.",
            );
            false
        }
    }
}

fn room(folder: &Path, findings: &mut Findings) {
    match rustix::fs::statvfs(folder) {
        Ok(about) => {
            let free = about.f_bavail.saturating_mul(about.f_frsize);
            let text = format!("{} MiB free", free >> 20);
            if free < LITTLE_ROOM_BYTES {
                findings.warning("disk", text, "Make room: a session that cannot be recorded is ended.");
            } else {
                findings.good("disk", text);
            }
        }
        Err(fault) => {
            findings.wrong("disk", fault.to_string(), "Mend the file system under the data folder.")
        }
    }
}

fn key_file(file: &Path, findings: &mut Findings) {
    let what = format!("key {}", file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default());
    match std::fs::metadata(file) {
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            findings.wrong(
                what,
                format!("{} can be read by others", file.display()),
                "Run chmod 600 on it, and rotate what it protects.",
            );
        }
        Ok(_) => findings.good(what, "only its user can read it"),
        Err(fault) => findings.wrong(
            what,
            format!("{}: {fault}", file.display()),
            "Restore it from the backup; without it what it sealed stays shut.",
        ),
    }
}

/// When what callers see ends. An operator's certificate is renewed by the operator.
fn certificate(config: &Config, findings: &mut Findings) {
    let own = certificates::own_folder(config);
    let (files, mend) = match certificates::files(config) {
        Some(files) => {
            (files, "Put a newer pair in the files of [tls]; a running gateway takes it by itself.")
        }
        None => (ServerCertificate::in_folder(&own), "Restart the gateway: it makes a new one."),
    };
    let pair = match files.read() {
        Ok(pair) => pair,
        Err(fault) => return findings.wrong("certificate", fault.to_string(), mend),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let left = pair.until.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX));
    let until = sallyport_core::Moment::from_seconds(pair.until).to_string();
    let until = until.get(..10).unwrap_or(&until);
    let found = format!("{} ends {until}, in {} days", files.certificate.display(), left / 86_400);
    match left {
        ..=0 => findings.wrong("certificate", format!("{} ended {until}", files.certificate.display()), mend),
        1..ENDS_SOON_SECONDS => findings.warning("certificate", found, mend),
        _ => findings.good("certificate", found),
    }
}

fn vault(config: &Config, findings: &mut Findings) -> Option<Vault> {
    match Vault::open_existing(config.data_dir.join("vault.key")) {
        Ok(vault) => {
            findings.good("vault", "its key opens");
            Some(vault)
        }
        Err(fault) => {
            findings.wrong(
                "vault",
                fault.to_string(),
                "Restore vault.key from the backup, or register the credentials again.",
            );
            None
        }
    }
}

async fn store(config: &Config, findings: &mut Findings) -> Option<Store> {
    if config.store.url.is_none() && !config.data_dir.join("sallyport.db").exists() {
        findings.warning("store", "not there yet", "Run `sallyport serve`: the first start makes it.");
        return None;
    }
    match Store::open(&config.store_url()).await {
        Ok(store) => {
            let name = match store.backend() {
                Backend::Sqlite => "SQLite",
                Backend::Postgres => "PostgreSQL",
            };
            findings.good("store", format!("{name} answers"));
            Some(store)
        }
        Err(fault) => {
            findings.wrong(
                "store",
                fault.to_string(),
                "Check store.url, and that the database is up. While it is down nobody is admitted.",
            );
            None
        }
    }
}

fn issuers(config: &Config, findings: &mut Findings) {
    match Verifier::new(config.identity.issuer.clone(), None) {
        Ok(verifier) => {
            let names: Vec<&str> = verifier.issuers().collect();
            let text = if names.is_empty() { "only the embedded one".to_owned() } else { names.join(", ") };
            findings.good("issuers", text);
        }
        Err(fault) => findings.wrong("issuers", fault.to_string(), "Mend [[identity.issuer]]."),
    }
}

/// A port that is taken is right while the gateway runs; who holds it is asked.
fn ports(config: &Config, findings: &mut Findings) {
    let runs = answers(config.api.listen);
    if runs {
        findings.good("gateway", format!("answers at {}", config.public_url()));
    } else {
        findings.warning(
            "gateway",
            format!("does not answer at {}", config.public_url()),
            "Run `sallyport serve`, if it should be up.",
        );
    }
    for address in config.listener.iter().flat_map(|listener| &listener.listen) {
        match (TcpListener::bind(address), runs) {
            (Ok(_), true) => findings.wrong(
                "listener",
                format!("nothing listens on {address}"),
                "Restart the gateway and read its log.",
            ),
            (Ok(_), false) => findings.good("listener", format!("{address} is free")),
            (Err(_), true) => findings.good("listener", format!("{address} is served")),
            (Err(fault), false) => findings.wrong(
                "listener",
                format!("{address}: {fault}"),
                "Stop what holds the port, or write another in [[listener]].",
            ),
        }
    }
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut head = [0u8; 12];
        stream.read_exact(&mut head)?;
        Ok(head.starts_with(b"HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

async fn rules(config: &Config, store: &Store, findings: &mut Findings) -> Option<RuleBook> {
    match crate::rules::read(config.policy.directory.as_deref(), store).await {
        Ok(book) => {
            findings.good("rules", format!("{} rules can be in force", book.len()));
            Some(book)
        }
        Err(fault) => {
            let mend = "Mend them where they are named; `sallyport policy check` tells the same.";
            findings.wrong("rules", format!("{fault:#}"), mend);
            None
        }
    }
}

async fn targets(store: &Store, vault: Option<&Vault>, rules: Option<&RuleBook>, findings: &mut Findings) {
    let registered = match store.targets().await {
        Ok(registered) => registered,
        Err(fault) => return findings.wrong("targets", fault.to_string(), "Mend the store."),
    };
    if registered.is_empty() {
        findings.warning("targets", "none is registered", "Run `sallyport targets add`.");
    }
    let registry = Registry(connectors::all());
    // What one target lacks another may have: a declared class speaks of all.
    let mut known = Vec::new();
    let mut all_known = !registered.is_empty();
    for target in registered {
        match probe(&registry, vault, target, findings).await {
            Some(columns) => known.extend(columns),
            None => all_known = false,
        }
    }
    if let Some(rules) = rules.filter(|_| all_known) {
        for missing in rules.unmatched(&known) {
            let found =
                format!("{}:{}: no target has a column {}", missing.file, missing.line, missing.column);
            findings.warning(format!("class {}", missing.class), found, UNKNOWN_COLUMN);
        }
    }
}

const UNKNOWN_COLUMN: &str =
    "Mend its name, or take it away: until there is such a column, nothing is masked by it.";

/// Its columns, where it was reached.
async fn probe(
    registry: &Registry,
    vault: Option<&Vault>,
    stored: StoredTarget,
    findings: &mut Findings,
) -> Option<Vec<ColumnPath>> {
    const MEND: &str = "Check its host, port, TLS settings and credential: `sallyport targets change`.";
    let what = format!("target {}", stored.target.name);
    let opened = || match (vault, &stored.credential) {
        (Some(vault), Some(sealed)) => credential::unseal(vault, &stored.target.name, sealed),
        _ => Ok(Default::default()),
    };
    let fields = match opened() {
        Ok(fields) => fields,
        Err(fault) => {
            findings.wrong(what, fault.to_string(), "Set its credential again: `sallyport targets change`.");
            return None;
        }
    };
    match tokio::time::timeout(PROBE_LIMIT, registry.probe(stored.target.clone(), fields)).await {
        Ok(Ok(found)) => findings.good(what.clone(), found),
        Ok(Err(fault)) => {
            findings.wrong(what, fault.public(), MEND);
            return None;
        }
        Err(_) => {
            findings.wrong(what, "it did not answer in time", MEND);
            return None;
        }
    }
    let columns = registry.columns(&stored.target, opened().unwrap_or_default());
    let columns = tokio::time::timeout(PROBE_LIMIT, columns).await.ok()?.ok()?;
    classes(&what, &stored.target, &columns, findings);
    Some(columns)
}

/// Classes that the target's settings give to columns that are not there.
fn classes(what: &str, target: &Target, columns: &[ColumnPath], findings: &mut Findings) {
    for path in target.classes.keys() {
        let parts = sallyport_policy::parts(path);
        let is_there = matches!(parts.as_slice(), [schema, table, column]
            if columns.iter().any(|one| (&one.0, &one.1, &one.2) == (schema, table, column)));
        if !is_there {
            let database = target.database.as_deref().unwrap_or("its own database");
            let found = format!("{path} has a class, and {database} has no such column");
            findings.warning(what, found, UNKNOWN_COLUMN);
        }
    }
}

/// Words within the terminal's width; further lines stand below the first.
fn beside(text: &str, indent: usize, width: Option<usize>) -> String {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
    let mut lines: Vec<String> = Vec::new();
    for given in text.trim_end().lines() {
        let mut line = String::new();
        for word in given.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join(&format!("\n{:indent$}", ""))
}

fn print(findings: &[Finding], json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::to_string_pretty(findings).context("write JSON")?)
            .context("write");
    }
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let width = rustix::termios::tcgetwinsize(&out).ok().map(|size| usize::from(size.ws_col));
    let width = width.filter(|width| *width > 0);
    let names = findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or_default();
    let indent = names + 11;
    for finding in findings {
        let (mark, code) = match finding.state {
            State::Good => ("ok     ", "32"),
            State::Warning => ("warning", "33"),
            State::Wrong => ("wrong  ", "31"),
        };
        let mark = if colour { format!("\x1b[{code}m{mark}\x1b[0m") } else { mark.to_owned() };
        let found = beside(&finding.found, indent, width);
        writeln!(out, "{mark}  {:<names$}  {found}", finding.what).context("write")?;
        if !finding.mend.is_empty() {
            writeln!(out, "{:indent$}{}", "", beside(finding.mend, indent, width)).context("write")?;
        }
    }
    Ok(())
}
