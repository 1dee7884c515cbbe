//! What `discover` reads: real tables of every sort, and targets that answer without end or sense.

use crate::stage::{LIMIT, password, route, target};
use sallyport_core::mask::survey::{Confidence, Sampled, Sampling};
use sallyport_core::{Fault, Target};
use sallyport_postgres::Postgres as Connector;
use sallyport_relay::{Connector as _, Credential, Route};
use sallyport_testkit::postgres::SUPERUSER;
use sallyport_testkit::{Postgres, Version};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SETUP: &str = r#"
CREATE SCHEMA crm;
CREATE DOMAIN crm.mail AS text;
CREATE TABLE crm.people (
    id bigint PRIMARY KEY, ref uuid, created_at timestamptz, updated timestamp, seq bigint, epoch_ms bigint,
    full_name text, contact crm.mail, "Home Phone" varchar(40), ssn integer, born date, ip inet, mac macaddr,
    addresses text[], data jsonb, note text, version text, amount numeric, active boolean, raw bytea, hash text
);
INSERT INTO crm.people SELECT i, gen_random_uuid(), now() - i * interval '1 h', now(), 4000000000000000 + i,
    1700000000000 + i * 977, 'Canary Person' || chr(65 + i % 26), 'canary.mail' || i || '@example.com',
    '+1 415 555 0' || 100 + i % 100, 219400000 + i, '1980-01-01'::date + i, ('10.1.2.' || i % 250)::inet, '08:00:2b:01:02:03',
    ARRAY['canary.list' || i || '@example.org'], jsonb_build_object('to', 'canary.json' || i || '@example.net', 'n', i),
    CASE WHEN i % 10 = 0 THEN 'wrote to canary.note' || i || '@example.com today' ELSE 'nothing to tell' END,
    '1.2.' || i, i * 1.5, true, '\xdeadbeef', md5(i::text) FROM generate_series(1, 300) i;
CREATE TABLE crm.empty (id int, email text, tracking_number text);
CREATE TABLE crm.parts (id int, iban text) PARTITION BY RANGE (id);
CREATE TABLE crm.parts_1 PARTITION OF crm.parts FOR VALUES FROM (0) TO (1000);
INSERT INTO crm.parts SELECT i, 'DE89370400440532013000' FROM generate_series(1, 20) i;
CREATE VIEW crm.seen AS SELECT contact AS mail_of FROM crm.people;
CREATE TABLE crm.closed (email text);
CREATE TABLE crm.half (email text, secret_phone text);
INSERT INTO crm.half SELECT 'canary.half' || i || '@example.com', '+1 415 555 0132' FROM generate_series(1, 5) i;
CREATE TABLE crm.locked (email text);
CREATE TABLE crm."Odd.Name""s" ("e.mail" text);
INSERT INTO crm."Odd.Name""s" VALUES ('canary.odd@example.com'), ('canary.odd2@example.com'), ('canary.odd3@example.com');
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
CREATE FOREIGN TABLE crm.far (email text) SERVER elsewhere;
CREATE TABLE crm.mixed (email text, at int) PARTITION BY RANGE (at);
CREATE FOREIGN TABLE crm.mixed_1 PARTITION OF crm.mixed FOR VALUES FROM (0) TO (9) SERVER elsewhere;
CREATE FUNCTION crm.slow(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN true; END';
CREATE VIEW crm.slow_view AS SELECT contact AS email FROM crm.people WHERE crm.slow(contact);
CREATE TABLE crm.written (at timestamptz);
CREATE FUNCTION crm.write() RETURNS text LANGUAGE sql VOLATILE AS 'INSERT INTO crm.written VALUES (now()) RETURNING ''x''';
CREATE VIEW crm.writing_view AS SELECT crm.write() AS email;
CREATE TABLE crm.large AS SELECT i AS id, 'canary.large' || i || '@example.com' AS email FROM generate_series(1, 100000) i;
ANALYZE crm.large;
CREATE TABLE crm.huge AS SELECT repeat('canary.huge@example.com ', 400000) AS blob_text FROM generate_series(1, 30) i;
CREATE ROLE looker LOGIN PASSWORD 'looking';
GRANT USAGE ON SCHEMA crm TO looker;
GRANT SELECT ON ALL TABLES IN SCHEMA crm TO looker;
REVOKE ALL ON crm.closed FROM looker;
REVOKE ALL ON crm.half FROM looker;
GRANT SELECT (email) ON crm.half TO looker;
GRANT INSERT ON crm.written TO looker;
"#;

fn how(rows: u32) -> Sampling {
    Sampling { rows, schemas: Vec::new(), views: false, foreign: false, limit_seconds: 20 }
}

async fn sample(
    target: Target,
    database: &str,
    credential: &Credential,
    how: Sampling,
) -> Result<Sampled, Fault> {
    let route = Route::for_probe(Arc::new(target), database.into());
    tokio::time::timeout(LIMIT, Connector::new().sample(route, credential.clone(), how))
        .await
        .expect("in time")
}

/// `column class confidence` of each proposal.
fn proposed(sampled: &Sampled) -> Vec<String> {
    let mut all = Vec::new();
    for column in &sampled.columns {
        for one in &column.proposals {
            all.push(format!("{} {} {:?}", column.path[1..].join("."), one.class, one.confidence));
        }
    }
    all.sort();
    all
}

fn why(sampled: &Sampled, what: &str) -> String {
    let found = sampled.unread.iter().find(|one| one.path.join(".") == what);
    found.map(|one| one.why.clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_of_table_is_read_or_named() {
    let server = Postgres::start(Version::Distribution).unwrap();
    server.sql("postgres", SETUP).unwrap();
    let here = || target("127.0.0.1", server.port, "looker", &[("sslmode", "require")]);
    let secret = password("looking");
    // A lock that the reading would have to wait for.
    let mut holder = crate::stage::connect(
        target("127.0.0.1", server.port, SUPERUSER, &[("sslmode", "require")]),
        &password(&server.password),
    )
    .await
    .unwrap();
    let mut lock = Vec::new();
    sallyport_postgres::wire::write::query(
        &mut lock,
        "BEGIN; LOCK TABLE crm.locked IN ACCESS EXCLUSIVE MODE",
    );
    holder.stream.write_all(&lock).await.unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"Z\0\0\0\x05T") {
        assert!(holder.stream.read_buf(&mut said).await.unwrap() > 0);
    }

    let sampled = sample(here(), "postgres", &secret, how(200)).await.unwrap();
    let expected = [
        r#"Odd.Name"s.e.mail email Sure"#,
        "closed.email email Name",
        "empty.email email Name",
        "far.email email Name",
        "half.email email Sure",
        "half.secret_phone phone Name",
        "huge.blob_text email Within",
        "large.email email Sure",
        "locked.email email Name",
        "mixed.email email Name",
        "parts.iban iban Sure",
        "people.Home Phone phone Sure",
        "people.addresses email Sure",
        "people.born date_of_birth Sure",
        "people.contact email Sure",
        "people.data email Within",
        "people.full_name person Sure",
        "people.ip ip_address Sure",
        "people.mac mac_address Sure",
        "people.note email Within",
        "people.ssn us_ssn Sure",
    ];
    assert_eq!(proposed(&sampled), expected);
    let people = |name: &str| sampled.columns.iter().find(|one| one.path == ["crm", "people", name]).unwrap();
    assert_eq!((people("contact").sampled, people("contact").kind.as_str()), (200, "mail"));
    assert_eq!(people("addresses").kind, "text[]");
    // Blocks from all over the table, not its beginning.
    let large = sampled.columns.iter().find(|one| one.path == ["crm", "large", "email"]).unwrap();
    assert!(large.sampled > 0 && large.sampled <= 200);

    assert_eq!(why(&sampled, "crm.closed"), "the account may not read it");
    assert_eq!(why(&sampled, "crm.half.secret_phone"), "the account may not read it");
    assert_eq!(why(&sampled, "crm.locked"), "somebody holds a lock on it");
    assert!(why(&sampled, "crm.seen").starts_with("a view"));
    assert!(why(&sampled, "crm.far").starts_with("a foreign table"));
    assert!(why(&sampled, "crm.mixed").starts_with("a foreign table"), "a partition of it is");
    assert_eq!(why(&sampled, "crm.parts_1"), "", "partitions are read with their parent");
    let said = format!("{sampled:?}");
    assert!(!said.contains("canary") && !said.contains("Canary") && !said.contains("555"), "{said}");

    // What was not read is read where it is asked for, and what it does is bounded.
    let all = Sampling { views: true, foreign: true, schemas: vec!["crm".into()], ..how(50) };
    let sampled = sample(here(), "postgres", &secret, all).await.unwrap();
    assert!(proposed(&sampled).contains(&"seen.mail_of email Sure".to_owned()));
    assert_eq!(why(&sampled, "crm.slow_view"), "it took longer than 3 s");
    assert!(why(&sampled, "crm.writing_view").contains("SQLSTATE 25006"), "it may only read");
    assert!(why(&sampled, "crm.far").contains("SQLSTATE"), "{sampled:?}");
    assert_eq!(server.sql("postgres", "SELECT count(*) FROM crm.written").unwrap().trim(), "0");
    let nothing = sample(here(), "postgres", &secret, Sampling { schemas: vec!["nowhere".into()], ..how(9) });
    assert_eq!(nothing.await.unwrap(), Sampled::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_time_left_is_said_and_no_fault() {
    let server = Postgres::start(Version::Distribution).unwrap();
    server
        .sql(
            "postgres",
            "CREATE FUNCTION slow(int) RETURNS text LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_sleep(60); RETURN 1; END'; CREATE TABLE a (id int, email text); INSERT INTO a VALUES (1);",
        )
        .unwrap();
    for view in ["v1", "v2", "v3"] {
        server.sql("postgres", &format!("CREATE VIEW {view} AS SELECT slow(id) AS email FROM a")).unwrap();
    }
    let here = target("127.0.0.1", server.port, SUPERUSER, &[("sslmode", "require")]);
    let short = Sampling { views: true, limit_seconds: 4, ..how(10) };
    let started = Instant::now();
    let sampled = sample(here, "postgres", &password(&server.password), short).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    assert_eq!(sampled.tables, 1);
    assert_eq!(why(&sampled, "public.v1"), "it took longer than 3 s");
    assert!(why(&sampled, "public.v3").starts_with("no time was left"), "{sampled:?}");
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag], &length[..], body].concat()
}

fn row(cells: &[&str]) -> Vec<u8> {
    let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
    for cell in cells {
        body.extend(u32::try_from(cell.len()).unwrap().to_be_bytes());
        body.extend(cell.as_bytes());
    }
    message(b'D', &body)
}

fn ready(rows: &[Vec<u8>]) -> Vec<u8> {
    [&rows.concat()[..], &message(b'C', b"SELECT 1\0"), &message(b'Z', b"I")].concat()
}

/// What a server says to the n-th question: the same bytes, so many times. Nothing more follows.
type Script = fn(usize) -> (Vec<u8>, usize);

/// Types, foreign tables and columns as an honest server would name them; three tables with one column.
fn honest(question: usize) -> Vec<u8> {
    match question {
        0 => ready(&[row(&["25", "text", "b", "S", "0", "0"])]),
        1 => ready(&[]),
        _ => {
            let one = |oid, table| row(&[oid, "public", table, "r", "10", "email", "25", "t"]);
            ready(&[one("7", "a"), one("8", "b"), one("9", "c")])
        }
    }
}

async fn hostile(script: Script) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let start = [
                message(b'R', &[0, 0, 0, 0]),
                message(b'S', b"server_version\x0016.1\0"),
                message(b'Z', b"I"),
            ];
            let mut told = Vec::new();
            if stream.read_buf(&mut told).await.unwrap_or(0) == 0 {
                continue;
            }
            _ = stream.write_all(&start.concat()).await;
            for question in 0.. {
                told.clear();
                if stream.read_buf(&mut told).await.unwrap_or(0) == 0 {
                    break;
                }
                let (bytes, times) = script(question);
                for _ in 0..times {
                    if stream.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
            }
        }
    });
    port
}

async fn of_hostile(script: Script) -> (Result<Sampled, Fault>, Duration) {
    let port = hostile(script).await;
    let here = target("127.0.0.1", port, "app", &[("sslmode", "disable")]);
    let started = Instant::now();
    let outcome = sample(here, "shop", &password("x"), Sampling { limit_seconds: 6, ..how(100) }).await;
    (outcome, started.elapsed())
}

const FOREVER: usize = usize::MAX;

/// Each is over soon, whatever it sends; and what it sends is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_without_end_or_sense_is_refused() {
    let endless: [(&str, Script); 6] = [
        ("rows of types", |_| (row(&["25", "text", "b", "S", "0", "0"]), FOREVER)),
        ("notices", |_| (message(b'N', b"Mx\0\0"), FOREVER)),
        ("a message of two gigabytes", |_| (b"D\x7f\xff\xff\xff".to_vec(), 1)),
        ("nonsense", |_| (b"HTTP/1.1 200 OK\r\n".to_vec(), 1)),
        ("a copy", |_| (message(b'H', &[0, 0, 0]), 1)),
        ("a name of a megabyte", |question| match question {
            2 => (ready(&[row(&["7", &"x".repeat(1 << 20), "t", "r", "1", "email", "25", "t"])]), 1),
            other => (honest(other), 1),
        }),
    ];
    for (what, script) in endless {
        let (outcome, took) = of_hostile(script).await;
        assert!(matches!(outcome, Err(Fault::Target(_))), "{what}: {outcome:?}");
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_without_end_or_sense_are_named() {
    let scripts: [(&str, Script); 5] = [
        ("rows that nobody asked for", |question| match question {
            0..=2 => (honest(question), 1),
            _ => (row(&["canary@example.com"]), FOREVER),
        }),
        ("silence", |question| match question {
            0..=2 => (honest(question), 1),
            _ => (Vec::new(), 1),
        }),
        ("cells of megabytes", |question| match question {
            0..=2 => (honest(question), 1),
            3 | 5 => (ready(&[]), 1),
            _ => (row(&[&"canary@example.com ".repeat(400_000)]), FOREVER),
        }),
        ("an error of its own words", |question| match question {
            0..=2 => (honest(question), 1),
            3 => (
                [message(b'E', b"C0\x1b[31canary\0Mcanary@example.com\0\0"), message(b'Z', b"E")].concat(),
                1,
            ),
            _ => (Vec::new(), 0),
        }),
        ("the same row for ever, in batches", |question| match question {
            0..=2 => (honest(question), 1),
            3 | 5 => (ready(&[]), 1),
            _ => (ready(&vec![row(&["canary@example.com"]); 100]), 1),
        }),
    ];
    for (what, script) in scripts {
        let (outcome, took) = of_hostile(script).await;
        let sampled = outcome.unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
        assert!(!format!("{sampled:?}").contains("canary"), "{what}: {sampled:?}");
        assert!(sampled.columns.iter().all(|one| one.sampled <= 200), "{what}");
        let named = sampled.columns.iter().all(|one| one.proposals[0].confidence <= Confidence::Name);
        assert!(named && sampled.columns.len() == 3, "{what}: {sampled:?}");
        assert_eq!(sampled.tables + sampled.unread.len(), 3, "{what}: {sampled:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_said_in_our_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let here = route(target("127.0.0.1", port, "app", &[("sslmode", "disable")]));
    let fault = Connector::new().sample(here, password("x"), how(10)).await.unwrap_err();
    assert!(matches!(fault, Fault::Target(_)), "{fault}");
}
