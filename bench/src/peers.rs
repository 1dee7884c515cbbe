//! The ways to the same server, and to the replay server in front of it.

use crate::client::Login;
use anyhow::{Context, Result};
use sallyport_testkit::process::{self, Process};
use sallyport_testkit::scratch::{free_port, root};
use sallyport_testkit::{Gateway, GatewayOptions, Postgres, Scratch, Version};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

const USER: &str = "postgres";
const LIMIT: Duration = Duration::from_secs(300);

/// One way to the server.
#[derive(Clone, Debug)]
pub struct Peer {
    pub name: &'static str,
    pub port: u16,
    pub user: &'static str,
    pub database: &'static str,
    pub password: String,
    /// The processes whose CPU time and memory count; none for the server itself.
    pub pids: Vec<u32>,
}

pub struct Peers {
    pub server: Postgres,
    pub gateway: Gateway,
    pub scratch: Scratch,
    _processes: Vec<Process>,
    all: Vec<Peer>,
    replayed: Vec<Peer>,
}

/// What tells the executable of the benchmark to be one of the peers.
pub const BARE: &str = "bare-proxy";
pub const REPLAY: &str = "replay-server";
/// The target behind which the replay server stands.
const REPLAYED: &str = "replayed";

impl Peers {
    pub fn start(idle: usize) -> Result<Self> {
        let room = idle + 200;
        let server = Postgres::start_with(
            Version::Distribution,
            &format!("max_connections={room}\nshared_buffers=256MB"),
        )?;
        server.sql("postgres", "CREATE DATABASE bench")?;
        let mut fill = pgbench(&server.password);
        fill.args(["-i", "-q", "-s", "10", "-h", "127.0.0.1", "-U", USER, "-p"])
            .arg(server.port.to_string())
            .arg("bench");
        process::run(&mut fill, "", LIMIT)?.ok().context("pgbench -i")?;
        let scratch = Scratch::new()?;
        let (replay, replay_port) = start_own(&scratch, REPLAY, server.port)?;
        let (bare, bare_port) = start_own(&scratch, BARE, server.port)?;
        let (bare_replay, bare_replay_port) = start_own(&scratch, BARE, replay_port)?;
        let (bouncer, bouncer_port) = start_pgbouncer(&scratch, &server, replay_port, room)?;
        let (haproxy, haproxy_port) = start_haproxy(&scratch, &server, room)?;
        let release = root().join("target/release/sallyport");
        let options = GatewayOptions { executable: Some(release), ..GatewayOptions::default() };
        let mut gateway = Gateway::start(&options)?;
        // In clear, as the other peers reach the server: what TLS costs is not what is compared here.
        gateway.add_target_in_clear("bench", &server, "bench")?;
        add_replayed(&gateway, &server, replay_port)?;
        let rules = root().join("policy/packs/agents-read-only.cedar");
        gateway.verb(&["policy", "put", &rules.display().to_string()])?;
        let token = gateway.add_agent("bencher", &["--group", "agents"])?;
        let direct = Peer {
            name: "direct",
            port: server.port,
            user: USER,
            database: "bench",
            password: server.password.clone(),
            pids: Vec::new(),
        };
        let all = vec![
            direct.clone(),
            Peer { name: "pgbouncer", port: bouncer_port, pids: vec![bouncer.id()], ..direct.clone() },
            Peer { name: "haproxy", port: haproxy_port, pids: vec![haproxy.id()], ..direct.clone() },
            Peer { name: "bare", port: bare_port, pids: vec![bare.id()], ..direct.clone() },
            Peer {
                name: "sallyport",
                port: gateway.port,
                user: "bencher",
                database: "bench",
                password: token,
                pids: vec![gateway.process()?.id()],
            },
        ];
        let to = |name, port, pids| Peer { name, port, pids, ..direct.clone() };
        let replayed = vec![
            to("direct", replay_port, Vec::new()),
            Peer { database: REPLAYED, ..to("pgbouncer", bouncer_port, vec![bouncer.id()]) },
            to("bare", bare_replay_port, vec![bare_replay.id()]),
        ];
        let processes = vec![replay, bare, bare_replay, bouncer, haproxy];
        Ok(Self { server, gateway, scratch, _processes: processes, all, replayed })
    }

    pub fn all(&self) -> &[Peer] {
        &self.all
    }
    pub fn find(&self, name: &str) -> Result<&Peer> {
        self.all.iter().find(|peer| peer.name == name).context("find a peer")
    }

    /// The ways for large results, to the server itself or to the replay server: each peer, and the gateway once for
    /// each of these agents.
    pub fn for_results(&self, agents: &[Agent], replayed: bool) -> Result<Vec<Peer>> {
        let mut peers: Vec<Peer> = match replayed {
            true => self.replayed.clone(),
            false => self
                .all
                .iter()
                .filter(|peer| !matches!(peer.name, "haproxy" | "sallyport"))
                .cloned()
                .collect(),
        };
        let gateway = self.find("sallyport")?;
        peers.extend(agents.iter().map(|agent| Peer {
            name: agent.name,
            user: agent.user,
            password: agent.token.clone(),
            database: if replayed { REPLAYED } else { "bench" },
            ..gateway.clone()
        }));
        Ok(peers)
    }

    /// The gateway as it is when it has just begun.
    pub fn restart_gateway(&mut self) -> Result<()> {
        self.gateway.kill();
        self.gateway.launch()?;
        let id = self.gateway.process()?.id();
        for peer in self.all.iter_mut().filter(|peer| peer.name == "sallyport") {
            peer.pids = vec![id];
        }
        Ok(())
    }

    pub fn versions(&self) -> Result<BTreeMap<String, String>> {
        let mut versions = BTreeMap::new();
        versions.insert(
            "postgresql".into(),
            self.server.sql("postgres", "SHOW server_version")?.trim().to_owned(),
        );
        for (name, program, argument) in
            [("pgbouncer", "/usr/sbin/pgbouncer", "-V"), ("haproxy", "/usr/sbin/haproxy", "-v")]
        {
            let out = process::run(Command::new(program).arg(argument), "", LIMIT)?.out;
            versions.insert(name.into(), out.lines().next().unwrap_or_default().to_owned());
        }
        let version = self.gateway.verb(&["--version"])?;
        versions.insert("sallyport".into(), version.trim().to_owned());
        Ok(versions)
    }
}

/// Whoever reads large results through the gateway, and so under which masks.
#[derive(Clone, Debug)]
pub struct Agent {
    pub name: &'static str,
    pub user: &'static str,
    pub token: String,
}

impl Peer {
    pub fn login(&self) -> Login<'_> {
        Login { port: self.port, user: self.user, database: self.database, password: &self.password }
    }
}

/// This executable again, as one of the peers.
fn start_own(scratch: &Scratch, role: &str, target: u16) -> Result<(Process, u16)> {
    let port = free_port()?;
    let program = std::env::current_exe().context("find this executable")?;
    let mut command = Command::new(program);
    command.arg(role).arg(port.to_string()).arg(target.to_string());
    let mut process = Process::start(&mut command, &scratch.path().join(format!("{role}-{port}.out")))?;
    process.wait_until(role, Duration::from_secs(20), || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    Ok((process, port))
}

fn add_replayed(gateway: &Gateway, server: &Postgres, port: u16) -> Result<()> {
    let secret = gateway.scratch.file("replay-password", &server.password)?;
    let (secret_text, port) = (secret.display().to_string(), port.to_string());
    let name = ["targets", "add", REPLAYED, "--protocol", "postgres", "--host", "127.0.0.1"];
    let route = ["--port", &port, "--account", USER, "--database", "bench"];
    let more = ["--password-file", &secret_text, "--set", "sslmode=disable"];
    let added = gateway.verb(&[&name[..], &route, &more].concat());
    std::fs::remove_file(secret).context("remove the password file")?;
    added.map(|_| ())
}

pub fn pgbench(password: &str) -> Command {
    let mut command = Command::new("pgbench");
    command.env("PGPASSWORD", password).env("PGSSLMODE", "disable");
    command
}

fn start_pgbouncer(
    scratch: &Scratch,
    server: &Postgres,
    replay_port: u16,
    room: usize,
) -> Result<(Process, u16)> {
    let port = free_port()?;
    let users = scratch.file("users.txt", &format!("\"{USER}\" \"{}\"\n", server.password))?;
    let file = scratch.file(
        "pgbouncer.ini",
        &format!(
            "[databases]\nbench = host=127.0.0.1 port={} dbname=bench user={USER}\n\
             {REPLAYED} = host=127.0.0.1 port={replay_port} dbname=bench user={USER}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = session\nmax_client_conn = {room}\n\
             default_pool_size = {room}\nunix_socket_dir =\nlogfile = {}\nignore_startup_parameters = extra_float_digits\n\
             server_tls_sslmode = disable\n",
            server.port,
            users.display(),
            scratch.path().join("pgbouncer.log").display()
        ),
    )?;
    let mut command = Command::new("/usr/sbin/pgbouncer");
    if rustix::process::geteuid().is_root() {
        for path in [&users, &file] {
            process::run(Command::new("chown").arg("postgres").arg(path), "", LIMIT)?.ok()?;
        }
        process::run(Command::new("chmod").arg("777").arg(scratch.path()), "", LIMIT)?.ok()?;
        command = Command::new("/usr/sbin/pgbouncer");
        command.args(["-u", "postgres"]);
    }
    command.arg(&file);
    let mut process = Process::start(&mut command, &scratch.path().join("pgbouncer.out"))?;
    process.wait_until("PgBouncer", Duration::from_secs(20), || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    Ok((process, port))
}

fn start_haproxy(scratch: &Scratch, server: &Postgres, room: usize) -> Result<(Process, u16)> {
    let port = free_port()?;
    let file = scratch.file(
        "haproxy.cfg",
        &format!(
            "global\n  maxconn {room}\n  nbthread 2\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n\
             listen bench\n  bind 127.0.0.1:{port}\n  server one 127.0.0.1:{}\n",
            server.port
        ),
    )?;
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(&file);
    let mut process = Process::start(&mut command, &scratch.path().join("haproxy.out"))?;
    process.wait_until("HAProxy", Duration::from_secs(20), || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    Ok((process, port))
}
