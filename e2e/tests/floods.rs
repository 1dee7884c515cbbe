//! Cases 21 and 22: many peers that do nothing, peers that do too much, and what that costs everybody else.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::line::{Line, SSL, V3_0, field, startup};
use crate::shop::{ALLOW_ALL, LIMIT, Shop};
use anyhow::{Context, Result, ensure};
use sallyport_testkit::{Gateway, GatewayOptions, Version, gateway};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The gateway's own: from the first byte of an arrival to its token.
const ARRIVAL: Duration = Duration::from_secs(20);
const A_MOMENT: Duration = Duration::from_millis(50);

/// From the connection to the first row.
fn served(port: u16, token: &str) -> Result<Duration> {
    let started = Instant::now();
    let mut line = Line::open(port)?;
    line.log_in("shop", token)?;
    line.ask("SELECT 'served'")?;
    ensure!(line.answers()?.iter().any(|line| line.ends_with("served")), "another answer");
    Ok(started.elapsed())
}

/// The middle one of five.
fn usual(port: u16, token: &str) -> Result<Duration> {
    let mut times: Vec<Duration> = (0..5).map(|_| served(port, token)).collect::<Result<_>>()?;
    times.sort();
    Ok(times[2])
}

/// A bound that a slow machine meets too: many times what it took in peace, and some seconds.
fn generous(peace: Duration) -> Duration {
    peace * 20 + Duration::from_secs(3)
}

fn is_closed(stream: &mut TcpStream) -> Result<bool> {
    stream.set_nonblocking(true)?;
    match stream.read(&mut [0; 256]) {
        Ok(0) => Ok(true),
        Ok(_) => Ok(false),
        Err(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(_) => Ok(true),
    }
}

/// A peer that says the beginning of something, and how it goes on, byte by byte.
struct Silent {
    stream: TcpStream,
    drips: Vec<u8>,
}

#[test]
fn two_thousand_that_say_nothing_are_nobodys_delay_and_are_gone_in_time() -> Result<()> {
    let mut shop = Shop::open(Version::Distribution)?;
    let (port, token) = (shop.gateway.port, shop.token.clone());
    let peace = usual(port, &token)?;
    let before = shop.gateway.process()?.memory_kib()?;
    let started = Instant::now();
    let packet = startup(V3_0, &[("user", "me"), ("database", "shop")]);
    // The first byte of TLS, of a hello of 16,000 bytes that comes drop by drop.
    let hello = [&b"\x16\x03\x01\x3e\x80\x01\x00\x3e\x7c\x03\x03"[..], &[7; 1000]].concat();
    let beginnings: [(&[u8], &[u8]); 6] = [
        (b"", b""),
        (&SSL[..3], b""),
        (b"\x16\x03", b""),
        (&packet[..9], b""),
        (b"", &packet),
        (b"", &hello),
    ];
    let mut silent = Vec::new();
    for number in 0..2_000 {
        let (said, drips) = beginnings[number % beginnings.len()];
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(said)?;
        silent.push(Silent { stream, drips: drips.to_vec() });
    }
    let crowded = usual(port, &token)?;
    assert!(crowded < generous(peace), "{crowded:?} among the silent, {peace:?} in peace");
    let memory = shop.gateway.process()?.memory_kib()?.saturating_sub(before);
    assert!(memory < 200 * 1024, "{memory} KiB for 2,000 that say nothing");
    let mut early = 0;
    while !silent.is_empty() {
        let late = ARRIVAL + generous(peace) + Duration::from_secs(10);
        ensure!(started.elapsed() < late, "{} are still there after {late:?}", silent.len());
        let mut left = Vec::new();
        for mut one in silent {
            if is_closed(&mut one.stream)? {
                early += usize::from(started.elapsed() < ARRIVAL / 2);
                continue;
            }
            if !one.drips.is_empty() && one.stream.write(&one.drips[..1]).is_ok() {
                one.drips.remove(0);
            }
            left.push(one);
        }
        silent = left;
        std::thread::sleep(A_MOMENT);
    }
    assert!(early < 2_000 / 10, "{early} were cut long before their time");
    assert!(usual(port, &token)? < generous(peace));
    Ok(())
}

#[test]
fn a_gateway_without_descriptors_neither_spins_nor_dies_and_recovers() -> Result<()> {
    let scratch = sallyport_testkit::Scratch::new()?;
    let script = format!("#!/bin/sh\nulimit -n 256\nexec '{}' \"$@\"\n", gateway::executable().display());
    let starved = scratch.file("starved", &script)?;
    std::fs::set_permissions(&starved, std::fs::Permissions::from_mode(0o755))?;
    let options = GatewayOptions { executable: Some(starved), ..GatewayOptions::default() };
    let mut shop = Shop::open_with(Version::Distribution, &options, "")?;
    let (port, token) = (shop.gateway.port, shop.token.clone());
    let peace = served(port, &token)?;
    let mut open = Line::open(port)?;
    open.log_in("shop", &token)?;
    let silent: Vec<TcpStream> =
        (0..400).map(|_| TcpStream::connect(("127.0.0.1", port))).collect::<Result<_, _>>()?;
    let full = || -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", shop.gateway.id().context("its id")?))?.count())
    };
    let started = Instant::now();
    while full()? < 200 {
        ensure!(started.elapsed() < LIMIT, "only {} descriptors are taken", full()?);
        std::thread::sleep(A_MOMENT);
    }
    // Who is in goes on.
    open.ask("SELECT 'still ' || 'here'")?;
    assert!(open.answers()?.iter().any(|line| line.ends_with("still here")));
    let (ticks, started) = (shop.gateway.process()?.ticks()?, Instant::now());
    while started.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(A_MOMENT);
    }
    let spun = shop.gateway.process()?.ticks()? - ticks;
    assert!(spun < 100, "it used {spun} ticks of 200 for waiting");
    drop(silent);
    let started = Instant::now();
    while served(port, &token).is_err() {
        ensure!(started.elapsed() < ARRIVAL + LIMIT, "it serves nobody any more");
        std::thread::sleep(A_MOMENT);
    }
    assert!(served(port, &token)? < generous(peace));
    open.ask("SELECT 'to the ' || 'end'")?;
    assert!(open.answers()?.iter().any(|line| line.ends_with("to the end")));
    shop.gateway.verb(&["sessions", "list"])?;
    assert!(shop.gateway.process()?.is_running());
    Ok(())
}

#[test]
fn who_never_reads_is_held_up_alone() -> Result<()> {
    let mut shop = Shop::open(Version::Distribution)?;
    let (port, token) = (shop.gateway.port, shop.token.clone());
    let peace = usual(port, &token)?;
    let before = shop.gateway.process()?.memory_kib()?;
    let mut deaf: Vec<Line> = Vec::new();
    for _ in 0..8 {
        let mut line = Line::open(port)?;
        line.log_in("shop", &token)?;
        // A gigabyte, and nobody takes any of it.
        line.ask("SELECT n, repeat('x', 1000), 'a@b.example' FROM generate_series(1, 1000000) n")?;
        deaf.push(line);
    }
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite'";
    let started = Instant::now();
    while shop.server.sql("shop", blocked)? != "8\n" {
        ensure!(started.elapsed() < LIMIT * 2, "the server is not held up: somebody takes it all");
    }
    let memory = shop.gateway.process()?.memory_kib()?.saturating_sub(before);
    assert!(memory < 64 * 1024, "{memory} KiB are kept for 8 that do not read");
    let crowded = usual(port, &token)?;
    assert!(crowded < generous(peace), "{crowded:?} beside the deaf, {peace:?} in peace");
    // An end reaches them although they do not hear it.
    let started = Instant::now();
    shop.gateway.verb(&["agents", "disable", "reporter"])?;
    while shop.server.sql("shop", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT n, %'")?
        != "0\n"
    {
        ensure!(started.elapsed() < LIMIT * 2, "a session outlived its end because nobody reads it");
    }
    Ok(())
}

/// A target that is the real one up to a query of a caller; then it says NOTICE and never ends.
fn chatterbox(real: u16, said: Arc<AtomicU64>) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(mut client), Ok(mut real)) = (client, TcpStream::connect(("127.0.0.1", real))) else {
                return;
            };
            let said = Arc::clone(&said);
            std::thread::spawn(move || -> Result<()> {
                let (mut back, mut there) = (real.try_clone()?, client.try_clone()?);
                std::thread::spawn(move || std::io::copy(&mut back, &mut there));
                let mut buffer = [0; 65536];
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    if buffer[..count].windows(7).any(|window| window == b"CHATTER") {
                        let notices = b"N\0\0\0\x18SNOTICE\0C00000\0Mhi\0\0".repeat(1000);
                        while client.write_all(&notices).is_ok() {
                            said.fetch_add(1000, Ordering::Relaxed);
                        }
                    }
                    real.write_all(&buffer[..count])?;
                }
                Ok(())
            });
        }
    });
    Ok(port)
}

#[test]
fn a_target_that_never_stops_talking_is_one_sessions_trouble() -> Result<()> {
    let mut shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    let (port, token) = (shop.gateway.port, shop.token.clone());
    let said = Arc::new(AtomicU64::new(0));
    let loud = chatterbox(shop.server.port, Arc::clone(&said))?.to_string();
    let secret = shop.gateway.scratch.file("loud-password", &shop.server.password)?.display().to_string();
    let add = ["targets", "add", "loud", "--protocol", "postgres", "--host", "127.0.0.1", "--port", &loud];
    let more = [
        "--account",
        "postgres",
        "--database",
        "shop",
        "--set",
        "sslmode=disable",
        "--password-file",
        &secret,
    ];
    shop.gateway.verb(&[&add[..], &more].concat())?;
    std::fs::remove_file(&secret)?;
    let peace = usual(port, &token)?;
    let before = shop.gateway.process()?.memory_kib()?;
    let (mut hearing, mut deaf) = (Line::open(port)?, Line::open(port)?);
    for line in [&mut hearing, &mut deaf] {
        line.log_in("loud", &token)?;
        line.ask("SELECT 'CHATTER'")?;
    }
    let heard = Arc::new(AtomicBool::new(false));
    let listening = {
        let heard = Arc::clone(&heard);
        std::thread::spawn(move || -> Result<()> {
            while let Some((tag, body)) = hearing.message()? {
                heard.store(true, Ordering::Relaxed);
                ensure!(tag == b'N' || field(&body, b'C') == "57P01", "another message: {}", char::from(tag));
            }
            Ok(())
        })
    };
    let started = Instant::now();
    while !heard.load(Ordering::Relaxed) || said.load(Ordering::Relaxed) < 200_000 {
        ensure!(started.elapsed() < LIMIT * 2, "nothing was said");
        std::thread::sleep(A_MOMENT);
    }
    let crowded = usual(port, &token)?;
    assert!(crowded < generous(peace), "{crowded:?} beside the chatter, {peace:?} in peace");
    let memory = shop.gateway.process()?.memory_kib()?.saturating_sub(before);
    assert!(memory < 64 * 1024, "{memory} KiB of notices are kept");
    shop.gateway.verb(&["agents", "disable", "reporter"])?;
    listening.join().expect("the listener's thread")?;
    Ok(())
}

/// One sign-in that nobody waits for: whoever guesses does not need the answer.
fn guess(source: Ipv4Addr, api: u16, stay: bool) -> Result<Option<Line>> {
    let mut line = Line::from(source, api)?;
    let body = format!("{{\"name\":\"somebody-{source}\",\"password\":\"guess-{source}\"}}");
    let head = "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ";
    line.say(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes())?;
    Ok(stay.then_some(line))
}

/// Each guess costs 19 MiB and some milliseconds, on purpose. How many are worked on at once is for the gateway to say,
/// from however many addresses they come and whether or not anybody waits for the answer.
#[test]
fn guessing_from_many_addresses_is_work_for_a_few_hands() -> Result<()> {
    let mut gateway = Gateway::start(&GatewayOptions::default())?;
    let api = gateway.api_port;
    let before = gateway.process()?.peak_memory_kib()?;
    let mut waiting = Vec::new();
    for round in 0..400u32 {
        let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 1, 1)) + round);
        waiting.extend(guess(source, api, round % 4 == 0)?);
    }
    // Who has a token is answered meanwhile.
    gateway.verb(&["targets", "list"])?;
    for line in &mut waiting {
        let mut status = [0; 12];
        for place in &mut status {
            *place = line.byte()?.context("no answer")?;
        }
        let status = String::from_utf8_lossy(&status);
        assert!(status.ends_with("401") || status.ends_with("429"), "{status}");
    }
    let grown = gateway.process()?.peak_memory_kib()?.saturating_sub(before);
    assert!(grown < 300 * 1024, "{grown} KiB at once for guesses");
    Ok(())
}
