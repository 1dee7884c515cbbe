//! Fresh databases: files in a folder that goes away, or databases of a throw-away PostgreSQL of the distribution.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub trait Fresh {
    fn url(&self, case: &str) -> String;
}

pub struct SqliteFolder(TempDir);

impl SqliteFolder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Fresh for SqliteFolder {
    fn url(&self, case: &str) -> String {
        format!("sqlite://{}/{case}.db", self.0.path().display())
    }
}

pub struct PostgresServer {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl PostgresServer {
    /// A missing PostgreSQL is a failure, not a reason to skip.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("sallyport-pg").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, programs: newest_programs(), port };
        let data = server.data();
        std::fs::create_dir(&data).unwrap();
        if as_root() {
            done(Command::new("chown").arg("postgres").arg(&data));
        }
        let mut initdb = server.program("initdb");
        done(initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]));
        server.go();
        server
    }
    pub fn go(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300",
            self.port
        );
        let (data, mut start) = (self.data(), self.program("pg_ctl"));
        start.arg("-D").arg(&data).args(["-w", "-t", "30", "-o", &options, "-l"]).arg(data.join("log"));
        done(start.arg("start"));
    }
    pub fn stop(&self) {
        let mut stop = self.program("pg_ctl");
        done(stop.arg("-D").arg(self.data()).args(["-m", "fast", "-w", "stop"]));
    }
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
    /// PostgreSQL refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if as_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Fresh for PostgresServer {
    fn url(&self, case: &str) -> String {
        let mut create = self.program("createdb");
        done(create.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres", case]));
        format!("postgres://postgres@127.0.0.1:{}/{case}?sslmode=disable", self.port)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let data = self.data();
        let _ = self.program("pg_ctl").arg("-D").arg(data).args(["-m", "immediate", "-w", "stop"]).output();
    }
}

fn newest_programs() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: apt-get install postgresql")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|programs| programs.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().expect("PostgreSQL is not installed: apt-get install postgresql")
}

fn as_root() -> bool {
    std::fs::metadata(Path::new("/proc/self")).unwrap().uid() == 0
}

fn done(command: &mut Command) {
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
