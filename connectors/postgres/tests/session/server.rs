//! One real PostgreSQL for all tests of this binary, on a free port, in a folder that goes with it.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub struct Server {
    pub port: u16,
}

/// The server and its folder.
struct Running {
    child: Child,
    _folder: tempfile::TempDir,
}

const TABLES: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name text, email text, card text, balance numeric, born date);
    INSERT INTO customers VALUES
        (1, 'Ada', 'ada@canary.example', '4111111111111111', 12.5, '1970-02-03'),
        (2, 'Bob', 'bob@canary.example', '5500005555555559', 99, '1980-02-03'),
        (3, 'Cyd', NULL, NULL, 0, NULL);
    CREATE VIEW contacts AS SELECT id, email AS address FROM customers;
    CREATE VIEW far AS SELECT upper(address) AS loud, id FROM contacts;
    CREATE TABLE plain (id int, note text);
    INSERT INTO plain SELECT n, 'note ' || n FROM generate_series(1, 1000) n;
    CREATE FUNCTION gossip() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN RAISE NOTICE 'she is %', (SELECT email FROM customers WHERE id = 1); END $$;
    CREATE TABLE vault (id int PRIMARY KEY, label text, secret text, extra jsonb, words text[]);
    INSERT INTO vault VALUES (1, 'one', 'qzjxkvwpyhbmgfdt', jsonb_build_object('a', 'qzjxkvwpyhbmgfdt'),
        ARRAY['qzjxkvwpyhbmgfdt', 'other']);
    CREATE VIEW vault_view AS SELECT id, secret AS s FROM vault;
    CREATE VIEW vault_far AS SELECT id, concat(s, '!') AS t FROM vault_view;
    CREATE MATERIALIZED VIEW vault_kept AS SELECT id, reverse(secret) AS r FROM vault;
    CREATE FUNCTION echo(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    CREATE FUNCTION of_row(vault) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.secret';
    CREATE FUNCTION all_rows() RETURNS SETOF vault LANGUAGE sql AS 'SELECT * FROM vault';
    CREATE TABLE scratch (id int);
    CREATE SEQUENCE numbers;
    CREATE SCHEMA shadow;
    CREATE TABLE shadow.plain (id int, note text);
    CREATE FUNCTION wander() RETURNS text LANGUAGE sql AS
        $$ SELECT set_config('search_path', 'shadow', false) $$;
    CREATE FUNCTION hidden(n int) RETURNS int LANGUAGE plpgsql AS
        $$ BEGIN EXECUTE 'INSERT INTO scratch VALUES (' || n || ')'; RETURN n; END $$;
    CREATE FUNCTION loosen() RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RETURN set_config('default_' || 'transaction_read_only', 'off', false); END $$;
    CREATE ROLE other;
    GRANT ALL ON SCHEMA shadow, public TO other;
    GRANT ALL ON plain, shadow.plain TO other;
    CREATE FUNCTION told() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers WHERE id = 1';
    CREATE VIEW hearsay AS SELECT told() AS x;
    CREATE TABLE late (email text UNIQUE DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO late VALUES ('ada@canary.example');
    CREATE TABLE people (id int PRIMARY KEY, name text, mail text UNIQUE, mobile text, pay int, account bigint,
        ref uuid, loud text GENERATED ALWAYS AS (upper(mail)) STORED, card varchar(30));
    CREATE TABLE sales (id int PRIMARY KEY, buyer varchar(60), amount int, seller text CHECK (seller <> 'evil@canary.example'));
    CREATE TABLE held (buyer text);
    INSERT INTO held VALUES ('x');
    CREATE VIEW folk AS SELECT id, mail AS post, upper(mail) AS shout FROM people;
";

pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        // The server ends with the thread that started it, so that thread stays until the process ends.
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let (server, _running) = start();
            tell.send(server).unwrap();
            loop {
                std::thread::park();
            }
        });
        told.recv().expect("PostgreSQL starts")
    })
}

fn bin(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed")
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is installed")
}

fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=SIGINT"])
        .arg(bin(program));
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn start() -> (Server, Running) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    for path in [folder.path(), &data] {
        assert!(Command::new("chown").arg("postgres:postgres").arg(path).status().unwrap().success());
    }
    let made = as_postgres("initdb")
        .arg("-D")
        .arg(&data)
        .args(["-A", "trust", "-E", "UTF8", "-N"])
        .status()
        .unwrap();
    assert!(made.success(), "initdb");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = as_postgres("postgres")
        .arg("-D")
        .arg(&data)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"])
        .args(["-p", &port.to_string()])
        .spawn()
        .unwrap();
    let running = Running { child, _folder: folder };
    let limit = Instant::now() + Duration::from_secs(30);
    let mut direct = direct_psql(port);
    direct.args(["-c", "SELECT 1"]);
    while TcpStream::connect(("127.0.0.1", port)).is_err() || !direct.status().unwrap().success() {
        assert!(Instant::now() < limit, "PostgreSQL did not start");
        std::thread::yield_now();
    }
    let mut tables = direct_psql(port);
    assert!(tables.args(["-v", "ON_ERROR_STOP=1", "-c", TABLES]).status().unwrap().success(), "tables");
    (Server { port }, running)
}

fn direct_psql(port: u16) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres", "postgres"]);
    psql.stdout(Stdio::null()).stderr(Stdio::null());
    psql
}

/// Straight at the server: what it really holds.
pub fn truth(sql: &str) -> String {
    let mut psql = direct_psql(server().port);
    let output = psql.args(["-A", "-t", "-c", sql]).stdout(Stdio::piped()).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
