//! Cases 1 to 4, through the real listener: what a stranger may say before it is anybody.

use crate::line::{GSS, Line, SSL, V3_0, cancel, packet, password, query, sized, startup, tagged};
use crate::shop::{ALLOW_ALL, LIMIT, Shop};
use anyhow::{Context, Result, ensure};
use sallyport_testkit::{Gateway, GatewayOptions, Version};
use std::time::Instant;

const NAME: &str = "localhost";
const ALPN: &[u8] = b"postgresql";

fn me() -> Vec<u8> {
    startup(V3_0, &[("user", "me"), ("database", "shop")])
}

fn required() -> Result<Gateway> {
    Gateway::start(&GatewayOptions { tls: Some("required"), ..GatewayOptions::default() })
}

/// Asked for TLS by SSLRequest and shaken hands.
fn encrypted(gateway: &Gateway) -> Result<Line> {
    let mut line = Line::open(gateway.port)?;
    line.say(&SSL)?;
    ensure!(line.byte()? == Some(b'S'), "TLS was not offered");
    line.tls(gateway, NAME, &[])
}

fn is_asked_for_a_token(line: &mut Line) -> Result<bool> {
    line.say(&me())?;
    Ok(line.message()?.is_some_and(|(tag, body)| tag == b'R' && body == [0, 0, 0, 3]))
}

#[test]
fn nothing_that_came_before_tls_is_heard_after_it() -> Result<()> {
    let gateway = required()?;
    // Whatever follows the request at once was there before any key: it ends the connection, and not even the offer
    // of TLS is made.
    for early in
        [me(), [me(), password(b"token")].concat(), SSL.to_vec(), GSS.to_vec(), b"\x16".to_vec(), vec![0]]
    {
        for request in [SSL, GSS] {
            let mut line = Line::open(gateway.port)?;
            line.say(&[request.as_slice(), &early].concat())?;
            assert_eq!(line.rest()?, b"", "{early:?} behind {request:?} was answered");
        }
    }
    // The same a moment later is no handshake.
    for late in [me(), SSL.to_vec(), GSS.to_vec(), vec![0x16; 20_000], cancel(1, b"abcd")] {
        let mut line = Line::open(gateway.port)?;
        line.say(&SSL)?;
        assert_eq!(line.byte()?, Some(b'S'));
        _ = line.say(&late);
        let rest = line.rest()?;
        assert!(rest.is_empty() || rest[0] == 0x15, "an answer in clear followed: {rest:?}");
    }
    Ok(())
}

#[test]
fn each_negotiation_happens_once() -> Result<()> {
    let gateway = required()?;
    let mut line = Line::open(gateway.port)?;
    line.say(&GSS)?;
    assert_eq!(line.byte()?, Some(b'N'));
    line.say(&SSL)?;
    assert_eq!(line.byte()?, Some(b'S'));
    assert!(is_asked_for_a_token(&mut line.tls(&gateway, NAME, &[])?)?, "GSS, then TLS, then startup");
    let mut line = Line::open(gateway.port)?;
    line.say(&GSS)?;
    assert_eq!(line.byte()?, Some(b'N'));
    line.say(&GSS)?;
    assert_eq!(line.rest()?, b"", "GSS was answered twice");
    for again in [SSL, GSS] {
        let mut line = encrypted(&gateway)?;
        line.say(&again)?;
        assert_eq!(line.rest()?, b"", "encryption was negotiated within encryption");
    }
    let mut line = Line::open(gateway.port)?.tls(&gateway, NAME, &[ALPN])?;
    line.say(&SSL)?;
    assert_eq!(line.rest()?, b"", "TLS was offered within direct TLS");
    Ok(())
}

#[test]
fn direct_tls_says_which_protocol_it_is_for() -> Result<()> {
    let gateway = required()?;
    for offered in [&[ALPN][..], &[b"h2", ALPN]] {
        let mut line = Line::open(gateway.port)?.tls(&gateway, NAME, offered)?;
        assert!(is_asked_for_a_token(&mut line)?, "{offered:?}");
    }
    let mut nameless = Line::open(gateway.port)?.tls(&gateway, NAME, &[])?;
    _ = nameless.say(&me());
    assert_eq!(nameless.rest()?, b"", "direct TLS without a protocol was served");
    for wrong in [&b"h2"[..], b"http/1.1", b"postgres", b"postgresql2", b"POSTGRESQL"] {
        let shaken = Line::open(gateway.port)?.tls(&gateway, NAME, &[wrong]);
        assert!(shaken.is_err(), "a client of {:?} was served", String::from_utf8_lossy(wrong));
    }
    // A client that asked for TLS in the protocol's own words may name none.
    assert!(is_asked_for_a_token(&mut encrypted(&gateway)?)?);
    Ok(())
}

#[test]
fn a_token_never_crosses_in_clear_where_tls_is_required() -> Result<()> {
    let gateway = required()?;
    for opening in [me(), [me(), password(b"a-token")].concat()] {
        let mut line = Line::open(gateway.port)?;
        line.say(&opening)?;
        let refusal = line.refusal()?;
        assert!(refusal.starts_with("28000") && refusal.contains("TLS"), "{refusal}");
    }
    let mut line = Line::open(gateway.port)?;
    line.say(&GSS)?;
    assert_eq!(line.byte()?, Some(b'N'));
    line.say(&me())?;
    assert!(line.refusal()?.starts_with("28000"), "a refused GSS led to clear text");
    Ok(())
}

#[test]
fn startup_packets_are_taken_by_the_list_or_not_at_all() -> Result<()> {
    let gateway = Gateway::start(&GatewayOptions::default())?;
    let said = |bytes: &[u8]| -> Result<String> {
        let mut line = Line::open(gateway.port)?;
        line.say(bytes)?;
        line.refusal()
    };
    for length in [0, 1, 2, 3, 4, 5, 6, 7, 10_001, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let refusal = said(&packet(length, &[]))?;
        assert!(refusal.starts_with("08P01") && refusal.contains("length"), "{length}: {refusal}");
    }
    let v3 = |rest: &[u8]| sized(&[&V3_0.to_be_bytes(), rest].concat());
    for (bytes, code) in [
        (packet(8, &V3_0.to_be_bytes()), "08P01"),
        (v3(b"user\0me\0"), "08P01"),
        (v3(b"user\0me"), "08P01"),
        (v3(b"user\0\0\0\0"), "08P01"),
        (v3(b"user\0\xff\xfe\0\0"), "08P01"),
        (v3(b"\xc0\xaf\0x\0\0"), "08P01"),
        (v3(b"user\0me\0database\0shop\0database\0other\0\0"), "08P01"),
        (v3(b"user\0me\0USER\0root\0\0"), "08P01"),
        (v3(b"\0\0\0\0"), "08P01"),
        (v3(&[b"a".repeat(9_980), b"\0\0\0".to_vec()].concat()), "42501"),
        (startup(V3_0, &[("user", "me"), ("database", "")]), "3D000"),
        (startup(0x0002_0000, &[("user", "me")]), "08P01"),
        (startup(0x0004_0000, &[("user", "me")]), "08P01"),
        (startup(0x0403_0000, &[("user", "me")]), "08P01"),
        (startup(0, &[("user", "me")]), "08P01"),
        (sized(&[&SSL[4..], b"x"].concat()), "08P01"),
        (sized(&[&GSS[4..], b"x"].concat()), "08P01"),
        (tagged(b'Q', b"SELECT 1\0"), "08P01"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), "08P01"),
    ] {
        let refusal = said(&bytes)?;
        assert!(refusal.starts_with(code), "{:?}: {refusal}", String::from_utf8_lossy(&bytes));
    }
    for (name, value) in [
        ("replication", "true"),
        ("replication", "database"),
        ("replication", "1"),
        ("replication", "on"),
        ("replication", "yes"),
        ("Replication", "on"),
        ("options", "-c role=postgres"),
        ("options", "-c session_authorization=postgres"),
        ("options", "-crow_security=off"),
        ("options", "-c\\ role=postgres"),
        ("options", "--session-replication-role=replica"),
        ("options", "-c standard_conforming_strings=off"),
        ("options", "-c search_path=a -d 5"),
        ("standard_conforming_strings", "off"),
        ("session_replication_role", "replica"),
        ("client_encoding", "GBK"),
        ("role", "postgres"),
        ("sallyport", "x"),
    ] {
        let refusal = said(&startup(V3_0, &[("user", "me"), ("database", "shop"), (name, value)]))?;
        assert!(refusal.starts_with("42501") || refusal.starts_with("0A000"), "{name}={value}: {refusal}");
    }
    Ok(())
}

#[test]
fn versions_and_options_of_the_protocol_are_agreed_on_downwards() -> Result<()> {
    let gateway = Gateway::start(&GatewayOptions::default())?;
    let pairs = [("user", "me"), ("database", "shop")];
    let options = [pairs.as_slice(), &[("_pq_.novelty", "on"), ("_pq_.other", "1")]].concat();
    for (version, pairs, agreed, unknown) in [
        (0x0003_0000, &pairs[..], None, 0u32),
        (0x0003_0001, &pairs, Some(0x0003_0000u32), 0),
        (0x0003_0002, &pairs, None, 0),
        (0x0003_270f, &pairs, Some(0x0003_0002), 0),
        (0x0003_0000, &options, Some(0x0003_0000), 2),
        (0x0003_ffff, &options, Some(0x0003_0002), 2),
    ] {
        let mut line = Line::open(gateway.port)?;
        line.say(&startup(version, pairs))?;
        let mut next = line.message()?.context("an answer")?;
        if let Some(agreed) = agreed {
            assert_eq!(next.0, b'v', "{version:#x}");
            assert_eq!(next.1[..8], [agreed.to_be_bytes(), unknown.to_be_bytes()].concat(), "{version:#x}");
            next = line.message()?.context("an answer")?;
        }
        assert_eq!(next, (b'R', vec![0, 0, 0, 3]), "{version:#x}");
    }
    Ok(())
}

#[test]
fn the_token_is_one_message_of_bounded_size() -> Result<()> {
    let gateway = Gateway::start(&GatewayOptions::default())?;
    let said = |bytes: &[u8]| -> Result<String> {
        let mut line = Line::open(gateway.port)?;
        ensure!(is_asked_for_a_token(&mut line)?, "no token was asked");
        // What is longer than it may be is not waited for.
        _ = line.say(bytes);
        line.refusal()
    };
    let sasl = [b"SCRAM-SHA-256\0\0\0\0\x20".as_slice(), b"n,,n=,r=rOprNGfwEbeRWgbNEkqO\0"].concat();
    for (bytes, code) in [
        (password(b""), "28000"),
        (password(b"   "), "28000"),
        (password(b"not-a-token"), "28000"),
        (password(b"\xff\xfe"), "28000"),
        (password(&b"a".repeat(16 * 1024)), "28000"),
        (password(&b"a".repeat(16 * 1024 + 1)), "08P01"),
        (tagged(b'p', b""), "08P01"),
        (tagged(b'p', b"token"), "08P01"),
        (tagged(b'p', b"to\0ken\0"), "08P01"),
        (tagged(b'p', &sasl), "08P01"),
        (b"p\0\0\0\0".to_vec(), "08P01"),
        (b"p\0\0\0\x03".to_vec(), "08P01"),
        (b"p\x7f\xff\xff\xff".to_vec(), "08P01"),
        (b"p\xff\xff\xff\xff".to_vec(), "08P01"),
        (query("SELECT 1"), "08P01"),
        (me(), "08P01"),
        (SSL.to_vec(), "08P01"),
        (tagged(b'X', b""), "08P01"),
    ] {
        let refusal = said(&bytes)?;
        let shown = &bytes[..bytes.len().min(30)];
        assert!(refusal.starts_with(code), "{:?}: {refusal}", String::from_utf8_lossy(shown));
    }
    let mut line = Line::open(gateway.port)?;
    ensure!(is_asked_for_a_token(&mut line)?, "no token was asked");
    let megabyte = password(&b"a".repeat(1024 * 1024));
    _ = line.say(&megabyte);
    // The rest of it may still be under way when the gateway hangs up.
    let refusal = line.refusal().unwrap_or_else(|_| "closed".into());
    assert!(refusal.starts_with("08P01") || refusal == "closed", "{refusal}");
    // Before it is asked for it is read all the same, once and as what it is.
    let mut line = Line::open(gateway.port)?;
    line.say(&[me(), password(b"not-a-token"), query("SELECT 1")].concat())?;
    assert_eq!(line.message()?, Some((b'R', vec![0, 0, 0, 3])));
    assert!(line.refusal()?.starts_with("28000"));
    Ok(())
}

/// A shop behind TLS, whose certificate has other names too.
fn named_shop() -> Result<Shop> {
    let options = GatewayOptions {
        tls: Some("required"),
        extra: "[tls]\nnames = [\"shop.example\", \"other.example\"]\n".into(),
        ..GatewayOptions::default()
    };
    let shop = Shop::open_with(Version::Distribution, &options, "log_statement = 'all'")?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    Ok(shop)
}

fn dialled(gateway: &Gateway, name: &str) -> Result<Line> {
    Line::open(gateway.port)?.tls(gateway, name, &[ALPN])
}

#[test]
fn who_one_is_and_where_one_goes_is_said_once() -> Result<()> {
    let shop = named_shop()?;
    let gateway = &shop.gateway;
    // The database's name says where to; the name in TLS counts only where there is none.
    let mut line = dialled(gateway, "other.example")?;
    line.log_in("shop", &shop.token)?;
    let mut line = dialled(gateway, "shop.example")?;
    assert!(line.log_in("nowhere", &shop.token).is_err(), "the name in TLS won over the database's");
    let mut line = dialled(gateway, "shop.example")?;
    line.say(&startup(V3_0, &[("user", "caller")]))?;
    line.message()?;
    line.say(&password(shop.token.as_bytes()))?;
    line.message()?.filter(|(tag, _)| *tag == b'R').context("the name in TLS names no target")?;
    let mut line = dialled(gateway, NAME)?;
    line.say(&startup(V3_0, &[("user", "shop")]))?;
    assert!(line.refusal()?.starts_with("3D000"), "a user's name was taken for a target");
    // A second startup, or another token, when one is somebody already.
    let others = shop.gateway.add_agent("other", &["--group", "agents"])?;
    for again in [me(), password(others.as_bytes()), SSL.to_vec(), cancel(1, b"abcd")] {
        let mut line = dialled(gateway, NAME)?;
        line.log_in("shop", &shop.token)?;
        line.say(&again)?;
        let refusal = line.refusal()?;
        assert!(refusal.starts_with("08P01") || refusal.starts_with("42501"), "{refusal}");
    }
    let sessions = gateway.verb(&["sessions", "list", "--json"])?;
    assert!(!sessions.contains("\"other\""), "the second token became somebody: {sessions}");
    Ok(())
}

fn sleeping(shop: &Shop, line: &mut Line, mark: &str) -> Result<()> {
    line.ask(&format!("SELECT pg_sleep(60), '{mark}'"))?;
    let started = Instant::now();
    let running = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(60), ''{mark}%'"
    );
    while shop.server.sql("shop", &running)? != "1\n" {
        ensure!(started.elapsed() < LIMIT, "it does not run");
    }
    Ok(())
}

#[test]
fn a_cancel_is_for_ones_own_session_and_costs_nobody_anything() -> Result<()> {
    let mut shop = named_shop()?;
    let (mut one, mut other) = (dialled(&shop.gateway, NAME)?, dialled(&shop.gateway, NAME)?);
    let (pid, key) = one.log_in("shop", &shop.token)?;
    let (_, foreign) = other.log_in("shop", &shop.token)?;
    one.ask("SELECT pg_backend_pid()")?;
    let real = one.answers()?;
    assert!(!real.iter().any(|line| line.ends_with(&pid.to_string())), "the target's own number was shown");
    sleeping(&shop, &mut one, "one")?;
    let port = shop.gateway.port;
    let before = shop.gateway.process()?.memory_kib()?;
    let send = |bytes: Vec<u8>| -> Result<()> {
        let mut line = Line::open(port)?;
        line.say(&bytes)?;
        ensure!(line.rest()?.is_empty(), "a cancel request was answered");
        Ok(())
    };
    for flood in 0..2_000u32 {
        send(cancel(pid, &flood.wrapping_mul(2_654_435_761).to_be_bytes()))?;
    }
    for wrong in [
        cancel(pid, &foreign),
        cancel(pid, b""),
        cancel(pid, &key[..3]),
        cancel(pid, &[key.as_slice(), b"\0"].concat()),
        cancel(pid, &[7; 257]),
        cancel(pid, &[7; 256]),
        cancel(pid ^ 1, &key),
        cancel(0, &key),
        packet(16, &cancel(pid, &key[..2])[4..]),
        sized(&80_877_102u32.to_be_bytes()),
    ] {
        let mut line = Line::open(port)?;
        line.say(&wrong)?;
        line.raw().shutdown(std::net::Shutdown::Write)?;
        _ = line.rest()?;
    }
    assert!(shop.gateway.process()?.memory_kib()? < before + 64 * 1024, "cancels are kept");
    one.raw().set_nonblocking(true)?;
    let quiet = one.raw().peek(&mut [0; 1]);
    one.raw().set_nonblocking(false)?;
    assert!(quiet.is_err(), "somebody else's key cancelled it");
    // The right key many times at once is one cancel, or two: never a hundred connections to the target.
    let connects = shop.server.log().matches("canceling statement").count();
    let mut asked: Vec<Line> = (0..100).map(|_| Line::open(port)).collect::<Result<_>>()?;
    asked.iter_mut().try_for_each(|line| line.say(&cancel(pid, &key)))?;
    let answers = one.answers()?;
    assert!(answers.iter().any(|line| line.starts_with("E 57014")), "{answers:?}");
    // Each closes when it is dealt with: none of them is left over for the next statement.
    asked.iter_mut().try_for_each(|line| line.rest().map(drop))?;
    assert_eq!(shop.server.log().matches("canceling statement").count(), connects + 1);
    other.ask("SELECT 'untouched'")?;
    assert!(other.answers()?.iter().any(|line| line.ends_with("untouched")));
    // Within TLS it is the same request.
    sleeping(&shop, &mut one, "two")?;
    let mut line = encrypted(&shop.gateway)?;
    line.say(&cancel(pid, &key))?;
    assert!(one.answers()?.iter().any(|line| line.starts_with("E 57014")));
    Ok(())
}
