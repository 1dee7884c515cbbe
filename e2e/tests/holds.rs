//! A risky statement waits inside the live connection until a person decides.

use crate::shop::{LIMIT, Shop, text};
use anyhow::{Context, Result};
use sallyport_testkit::process::Finished;
use sallyport_testkit::{Version, postgres};
use serde_json::Value;
use std::time::{Duration, Instant};

const RISKY: &str = "UPDATE customers SET credit_limit = 5000 WHERE id = 2";
const LIMIT_OF_BO: &str = "SELECT credit_limit FROM customers WHERE id = 2";

/// The approvals that wait now.
fn waiting(shop: &Shop) -> Result<Vec<String>> {
    let list = shop.gateway.json(&["approvals", "list", "--state", "waiting"])?;
    let items = list.get("items").or(Some(&list)).and_then(Value::as_array).context("a list")?;
    Ok(items.iter().filter_map(|item| item.get("id").and_then(Value::as_str)).map(str::to_owned).collect())
}

fn next_waiting(shop: &Shop) -> Result<String> {
    let started = Instant::now();
    loop {
        if let Some(id) = waiting(shop)?.pop() {
            return Ok(id);
        }
        anyhow::ensure!(started.elapsed() < LIMIT, "nothing was held");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs the statement in a thread of its own and waits until its approval is on the desk.
fn held(shop: &Shop, sql: &'static str) -> Result<(std::thread::JoinHandle<Result<Finished>>, String)> {
    let (port, token) = (shop.gateway.port, shop.token.clone());
    let client = std::thread::spawn(move || postgres::psql(port, "shop", &token, &["-c", sql], ""));
    Ok((client, next_waiting(shop)?))
}

#[test]
fn an_approved_statement_runs_once() -> Result<()> {
    for version in Version::ALL {
        let shop = Shop::open(version)?;
        let (client, id) = held(&shop, RISKY)?;
        assert_eq!(shop.server.sql("shop", LIMIT_OF_BO)?, "900.00\n", "it ran before anyone approved");
        let shown = shop.gateway.verb(&["approvals", "show", &id])?;
        assert!(shown.contains("UPDATE customers") && shown.contains("reporter"), "{shown}");
        shop.gateway.verb(&["approvals", "approve", &id, "--reason", "checked"])?;
        let answer = client.join().expect("the client's thread")?;
        assert!(answer.both().contains("NOTICE") && answer.both().contains(&id), "{}", answer.both());
        assert!(answer.out.contains("UPDATE 1"), "{}", answer.both());
        assert_eq!(shop.server.sql("shop", LIMIT_OF_BO)?, "5000.00\n");
        let played = shop.gateway.verb(&["sessions", "replay", "--latest"])?;
        assert!(played.contains("approved by ") && played.contains(": checked"), "{played}");
        // The approval is spent: the same statement is a new question.
        let (again, second) = held(&shop, RISKY)?;
        assert_ne!(id, second);
        shop.gateway.verb(&["approvals", "deny", &second, "--reason", "once is enough"])?;
        let answer = again.join().expect("the client's thread")?;
        assert!(answer.both().contains("once is enough"), "{}", answer.both());
    }
    Ok(())
}

#[test]
fn a_denied_statement_never_reaches_the_server() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let (client, id) = held(&shop, RISKY)?;
    shop.gateway.verb(&["approvals", "deny", &id, "--reason", "not today"])?;
    let answer = client.join().expect("the client's thread")?;
    assert!(answer.both().contains("not today"), "{}", answer.both());
    assert!(!shop.server.log().contains("credit_limit = 5000"), "the denied statement reached the server");
    Ok(())
}

#[test]
fn an_approval_whose_caller_is_gone_does_nothing() -> Result<()> {
    let mut shop = Shop::open(Version::Distribution)?;
    let (mut client, log) = shop.psql_started("psql.log", &[RISKY])?;
    client.wait_until("the notice", LIMIT, || text(&log).contains("NOTICE"))?;
    let id = next_waiting(&shop)?;
    drop(client);
    let started = Instant::now();
    while waiting(&shop)?.contains(&id) {
        anyhow::ensure!(started.elapsed() < LIMIT, "the request outlived its caller");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_ne!(shop.gateway.verb_raw(&["approvals", "approve", &id], "")?.code, Some(0));
    assert_eq!(shop.server.sql("shop", LIMIT_OF_BO)?, "900.00\n");
    assert!(shop.gateway.process()?.is_running());
    Ok(())
}

#[test]
fn ctrl_c_ends_a_hold_cleanly() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let (mut client, log) = shop.psql_started("psql.log", &[RISKY])?;
    client.wait_until("the notice", LIMIT, || text(&log).contains("NOTICE"))?;
    client.signal(rustix::process::Signal::INT);
    let started = Instant::now();
    while client.is_running() && started.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!client.is_running(), "psql still waits: {}", text(&log));
    assert!(text(&log).to_lowercase().contains("cancel"), "{}", text(&log));
    assert_eq!(shop.server.sql("shop", LIMIT_OF_BO)?, "900.00\n");
    Ok(())
}

#[test]
fn a_requester_cannot_approve() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.verb(&["agents", "add", "owned", "--group", "agents", "--owner", "operator"])?;
    let token = shop.gateway.token("owned", "10m")?;
    let port = shop.gateway.port;
    let client = std::thread::spawn(move || postgres::psql(port, "shop", &token, &["-c", RISKY], ""));
    let id = next_waiting(&shop)?;
    let refused = shop.gateway.verb_raw(&["approvals", "approve", &id], "")?;
    assert_ne!(refused.code, Some(0), "an agent's owner approved it: {}", refused.both());
    shop.gateway.verb(&["sessions", "kill", "--latest", "--reason", "the test is over"])?;
    client.join().expect("the client's thread")?;
    Ok(())
}
