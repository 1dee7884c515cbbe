//! The control plane as a hostile caller of its address sees it: bytes that mean two things, and words about oneself.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::line::{Line, http};
use anyhow::{Context, Result, ensure};
use sallyport_testkit::{Gateway, GatewayOptions};
use serde_json::Value;
use std::net::Ipv4Addr;

/// What proxies write of whom they let in, and what programs write to be somebody else.
const SELF_PRAISE: [(&str, &str); 14] = [
    ("X-Forwarded-User", "operator"),
    ("X-Remote-User", "operator"),
    ("Remote-User", "operator"),
    ("X-Auth-Request-User", "operator"),
    ("X-Sallyport-User", "operator"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1;by=operator"),
    ("X-Original-URL", "/api/v1/health"),
    ("X-Rewrite-URL", "/api/v1/health"),
    ("X-HTTP-Method-Override", "GET"),
    ("Cookie", "token=operator; session=operator"),
    ("Proxy-Authorization", "Basic b3BlcmF0b3I6eA=="),
    ("Impersonate-User", "operator"),
    ("X-Client-Cert", "CN=operator"),
];

struct Plane {
    gateway: Gateway,
    operator: String,
    agent: String,
}

fn plane() -> Result<Plane> {
    let gateway = Gateway::start(&GatewayOptions::default())?;
    let password = std::fs::read_to_string(gateway.data().join("operator-password"))?;
    let body = serde_json::json!({ "name": "operator", "password": password.trim() }).to_string();
    let (status, answer) = http(gateway.api_port, "POST", "/api/v1/login", &[], &body)?;
    ensure!(status == 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer)?;
    let operator = answer["token"].as_str().context("a token")?.to_owned();
    let agent = gateway.add_agent("reporter", &["--group", "admins"])?;
    Ok(Plane { gateway, operator, agent })
}

impl Plane {
    fn ask(&self, token: &str, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let bearer = format!("Bearer {token}");
        http(self.gateway.api_port, method, path, &[("Authorization", &bearer)], body)
    }
    /// Sends these bytes and reads what comes until the end, which has to come.
    fn raw(&self, bytes: &[u8]) -> Result<String> {
        let mut line = Line::open(self.gateway.api_port)?;
        _ = line.say(bytes);
        line.raw().shutdown(std::net::Shutdown::Write)?;
        Ok(String::from_utf8_lossy(&line.rest()?).into_owned())
    }
}

fn statuses(answer: &str) -> Vec<&str> {
    answer.match_indices("HTTP/1.1 ").filter_map(|(at, _)| answer.get(at + 9..at + 12)).collect()
}

#[test]
fn nothing_that_a_request_says_of_itself_is_a_token() -> Result<()> {
    let plane = plane()?;
    let api = plane.gateway.api_port;
    let (_, document) = http(api, "GET", "/api/v1/openapi.json", &[], "")?;
    let document: Value = serde_json::from_str(&document)?;
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().context("paths")? {
        for (method, operation) in item.as_object().context("operations")? {
            if operation["x-needs"] == "nothing" {
                continue;
            }
            let (method, path) =
                (method.to_uppercase(), path.replace("{name}", "operator").replace("{id}", "x"));
            let query = format!("{path}?token={0}&access_token={0}", plane.operator);
            let (status, answer) = http(api, &method, &query, &SELF_PRAISE, "{}")?;
            assert_eq!(status, 401, "{method} {path}: {answer}");
            asked += 1;
        }
    }
    assert!(asked > 30, "only {asked} routes were asked");
    for credential in [
        "Basic b3BlcmF0b3I6eA==".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {} x", plane.operator),
        format!("Bearer {0},{0}", plane.operator),
        format!("Token {}", plane.operator),
        format!("bearer\t{}", plane.operator),
        format!("Bearer {}", &plane.operator[..plane.operator.len() - 2]),
        format!("Bearer {}", "a".repeat(20_000)),
    ] {
        let (status, _) = http(api, "GET", "/api/v1/people", &[("Authorization", &credential)], "")?;
        assert_eq!(status, 401, "{}", &credential[..credential.len().min(40)]);
    }
    let (one, other) = (format!("Bearer {}", plane.agent), format!("Bearer {}", plane.operator));
    let both = [("Authorization", one.as_str()), ("Authorization", &other)];
    assert_eq!(http(api, "GET", "/api/v1/people", &both, "")?.0, 401);
    let short = plane.gateway.token("reporter", "1s")?;
    let started = std::time::Instant::now();
    while plane.ask(&short, "GET", "/api/v1/me", "")?.0 == 200 {
        // A small skew of clocks is granted.
        ensure!(started.elapsed().as_secs() < 90, "an expired token is good for ever");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Ok(())
}

#[test]
fn an_address_is_one_address_in_one_spelling() -> Result<()> {
    let plane = plane()?;
    for path in [
        "//api/v1/people",
        "/api//v1/people",
        "/api/v1/people/",
        "/api/v1/people;x=1",
        "/api/v1/people%2f",
        "/api/v1/%70eople%00",
        "/api/v1/health/../people",
        "/api/v1/health/%2e%2e/people",
        "/api/v1/health/..;/people",
        "/api/v1/./people",
        "/API/V1/people",
        "/api/v1/people%20",
        "/api/v1/people%23",
        "/api\\v1\\people",
        "/api/v1/health%3f/../people",
        "http://127.0.0.1/api/v1/people",
        "/api/v1/people#/api/v1/health",
        "*",
        "/",
    ] {
        for token in [None, Some(&plane.agent)] {
            let bearer = token.map(|token| format!("Bearer {token}"));
            let headers: Vec<(&str, &str)> =
                bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
            let (status, answer) = http(plane.gateway.api_port, "GET", path, &headers, "")?;
            assert!((400..=404).contains(&status), "{path}: {status} {answer}");
        }
    }
    for method in ["TRACE", "CONNECT", "PROPFIND", "get", "DELETEX", "OPTIONS", "HEAD", "PUT"] {
        let (status, answer) = plane.ask(&plane.agent, method, "/api/v1/people", "")?;
        assert!((400..=405).contains(&status), "{method}: {status} {answer}");
    }
    // What says to be another method is the method that it is.
    let bearer = format!("Bearer {}", plane.operator);
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"] {
        let headers = [("Authorization", bearer.as_str()), (name, "DELETE")];
        let path = "/api/v1/agents/reporter?_method=DELETE";
        let (status, _) = http(plane.gateway.api_port, "POST", path, &headers, "{}")?;
        assert_eq!(status, 405, "{name}");
    }
    assert_eq!(plane.ask(&plane.operator, "GET", "/api/v1/agents/reporter", "")?.0, 200);
    Ok(())
}

/// A proxy before the gateway and the gateway have to agree where a request ends. What can be read in two ways is not
/// read at all.
#[test]
fn a_request_ends_in_one_place() -> Result<()> {
    let plane = plane()?;
    let inner = "GET /api/v1/version HTTP/1.1\r\nHost: x\r\n\r\n";
    let post = "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    for head in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\n X: y\r\n",
        "X: a\0b\r\nContent-Length: 5\r\n",
        "X Y: z\r\nContent-Length: 5\r\n",
        ": z\r\nContent-Length: 5\r\n",
    ] {
        // The last is read to its end where it is read as chunks: only then would what follows it be a request.
        let json = r#"{"name":"nobody","password":"nothing"}"#;
        let whole = format!("{:x}\r\n{json}\r\n0\r\n\r\n", json.len());
        for body in ["0\r\n\r\n", "{}\r\n\r", "5\r\n{}   \r\n0\r\n\r\n", &whole] {
            let answer = plane.raw(format!("{post}{head}\r\n{body}{inner}").as_bytes())?;
            let seen = statuses(&answer);
            assert!(!answer.contains("\"version\""), "{head:?} {body:?} smuggled: {answer}");
            assert!(
                seen.len() <= 1 && seen.iter().all(|status| matches!(*status, "400" | "411")),
                "{head:?} {body:?}: {seen:?}"
            );
        }
    }
    for chunks in [
        "FFFFFFFFFFFFFFFFF\r\n",
        "-1\r\n",
        "0x5\r\n12345\r\n0\r\n\r\n",
        "5;a=\n12345\r\n",
        "5\n12345\n0\n\n",
        "2\r\n{}0\r\n\r\n",
    ] {
        let answer =
            plane.raw(format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunks}{inner}").as_bytes())?;
        assert!(!answer.contains("\"version\""), "{chunks:?} smuggled: {answer}");
    }
    // Old and new ways of HTTP that nobody asked for.
    for request in [
        &b"GET /api/v1/version\r\n"[..],
        b"GET /api/v1/version HTTP/0.9\r\n\r\n",
        b"GET /api/v1/version HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
    ] {
        let answer = plane.raw(request)?;
        assert!(
            statuses(&answer).iter().all(|status| status.starts_with('4') || *status == "505"),
            "{answer}"
        );
    }
    Ok(())
}

#[test]
fn what_is_too_much_is_not_read() -> Result<()> {
    let plane = plane()?;
    let post = "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let answer = plane.raw(format!("{post}Content-Length: 10737418240\r\n\r\n{{").as_bytes())?;
    assert!(matches!(statuses(&answer)[..], ["413" | "400"]), "{answer}");
    let endless =
        format!("{post}Transfer-Encoding: chunked\r\n\r\n{}", "10000\r\n".to_owned() + &" ".repeat(65_536));
    let mut line = Line::open(plane.gateway.api_port)?;
    line.say(endless.as_bytes())?;
    let more = format!("\r\n10000\r\n{}", " ".repeat(65_536));
    while line.say(more.as_bytes()).is_ok() {}
    // It hung up, and its answer may have been lost with it; what is left of it says why.
    let answer = String::from_utf8_lossy(&line.rest().unwrap_or_default()).into_owned();
    assert!(answer.is_empty() || matches!(statuses(&answer)[..], ["411" | "413"]), "{answer}");
    let wide = format!("GET /api/v1/version HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(2 << 20));
    let many = format!("GET /api/v1/version HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(20_000));
    let long = format!("GET /api/v1/version?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(2 << 20));
    for request in [wide, many, long] {
        let answer = plane.raw(request.as_bytes()).unwrap_or_default();
        assert!(!answer.contains("\"version\""), "{}", &request[..60]);
    }
    assert_eq!(plane.ask(&plane.operator, "GET", "/api/v1/people", "")?.0, 200);
    Ok(())
}

#[test]
fn a_body_means_one_thing_or_nothing() -> Result<()> {
    let plane = plane()?;
    let deep =
        format!("{{\"name\":\"x1\",\"attributes\":{}{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let array = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    for body in [
        r#"{"name":"x1","name":"x2"}"#,
        r#"{"name":"x1","nam\u0065":"x2"}"#,
        r#"{"name":"x1","Name":"x2"}"#,
        r#"{"name":"x1","groups":["a"],"groups":["admins"]}"#,
        r#"{"name":"x1","isAdmin":true}"#,
        r#"{"name":"x1","disabled":false}"#,
        r#"{"name":"x1","__proto__":{}}"#,
        r#"{"name":NaN}"#,
        r#"{"name":"x1","groups":[Infinity]}"#,
        r#"{"name":1e999}"#,
        r#"{"name":"x1"} {"name":"x2"}"#,
        r#"{"name":"x1",}"#,
        r#"{'name':'x1'}"#,
        r#"{"name":"x\ud800"}"#,
        r#"{"name":"x\u0000"}"#,
        r#"{"name":"x1"/**/}"#,
        r#"["x1"]"#,
        r#""x1""#,
        "null",
        "",
        "\u{feff}{\"name\":\"x1\"}",
        &deep,
        &array,
    ] {
        let (status, answer) = plane.ask(&plane.operator, "POST", "/api/v1/agents", body)?;
        assert!((400..=422).contains(&status), "{}: {status} {answer}", &body[..body.len().min(60)]);
    }
    let bearer = format!("Bearer {}", plane.operator);
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"]
    {
        let request = format!(
            "POST /api/v1/agents HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: 13\r\n\r\n{{\"name\":\"x1\"}}"
        );
        assert!(!plane.raw(request.as_bytes())?.starts_with("HTTP/1.1 2"), "{kind}");
    }
    let agents = plane.gateway.verb(&["agents", "list", "--json"])?;
    assert!(!agents.contains("\"x1\"") && !agents.contains("\"x2\""), "{agents}");
    Ok(())
}

/// Who takes every place that one address can have leaves places for the others.
#[test]
fn one_address_does_not_fill_the_house() -> Result<()> {
    let plane = plane()?;
    let api = plane.gateway.api_port;
    let greedy = Ipv4Addr::new(127, 0, 3, 1);
    let mut silent = Vec::new();
    for _ in 0..1_200 {
        let mut line = Line::from(greedy, api)?;
        _ = line.say(b"GET /api/v1/health HTTP/1.1\r\nHo");
        silent.push(line);
    }
    plane.gateway.verb(&["targets", "list"])?;
    drop(silent);
    Ok(())
}

/// The limit that a shell gives to programs is not the one that the machine has.
#[test]
fn as_many_files_as_may_be_are_taken() -> Result<()> {
    let scratch = sallyport_testkit::Scratch::new()?;
    let executable = sallyport_testkit::gateway::executable();
    let script = format!("#!/bin/sh\nulimit -Sn 128\nexec '{}' \"$@\"\n", executable.display());
    let modest = scratch.file("modest", &script)?;
    std::fs::set_permissions(&modest, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let gateway = Gateway::start(&GatewayOptions { executable: Some(modest), ..GatewayOptions::default() })?;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.id().context("its id")?))?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).context("the limit")?;
    let numbers: Vec<&str> = line.split_whitespace().skip(3).collect();
    assert_eq!(numbers[0], numbers[1], "{line}");
    assert_ne!(numbers[0], "128");
    Ok(())
}
