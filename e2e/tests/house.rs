//! Who gets in, how a session ends, and where the target's password never is.

use crate::shop::{ALLOW_ALL, FORBID_ALL, LIMIT, Shop, text};
use anyhow::Result;
use sallyport_testkit::gateway::executable;
use sallyport_testkit::scratch::free_port;
use sallyport_testkit::{Gateway, GatewayOptions, Postgres, Process, Scratch, Version, postgres, process};
use std::process::Command;
use std::time::{Duration, Instant};

fn assert_ends(client: &mut Process, what: &str) {
    let started = Instant::now();
    while client.is_running() && started.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!client.is_running(), "{what}: {}", client.log());
}

#[test]
fn a_wrong_token_an_unknown_target_and_no_rule_are_told_apart() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let port = shop.gateway.port;
    let wrong = postgres::psql(port, "shop", "not-a-token", &["-c", "SELECT 1"], "")?;
    assert_ne!(wrong.code, Some(0));
    assert!(wrong.err.contains("token"), "{}", wrong.err);
    let unknown = postgres::psql(port, "nowhere", &shop.token, &["-c", "SELECT 1"], "")?;
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.err.contains("nowhere"), "{}", unknown.err);
    shop.gateway.put_policy(FORBID_ALL)?;
    let closed = postgres::psql(port, "shop", &shop.token, &["-c", "SELECT 1"], "")?;
    assert!(closed.err.contains("Closed today."), "{}", closed.err);
    Ok(())
}

#[test]
fn new_rules_end_a_session_that_they_would_not_let_in() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    let (mut client, log) = shop.psql_started("psql.log", &["SELECT 'inside'", "SELECT pg_sleep(60)"])?;
    client.wait_until("the session", LIMIT, || text(&log).contains("inside\n"))?;
    shop.gateway.put_policy(FORBID_ALL)?;
    assert_ends(&mut client, "the session outlived its grant");
    Ok(())
}

#[test]
fn a_killed_session_ends_at_once() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    let (mut client, log) = shop.psql_started("psql.log", &["SELECT 'inside'", "SELECT pg_sleep(60)"])?;
    client.wait_until("the session", LIMIT, || text(&log).contains("inside\n"))?;
    shop.gateway.verb(&["sessions", "kill", "--latest", "--reason", "enough"])?;
    assert_ends(&mut client, "the session outlived its end");
    assert!(text(&log).contains("enough"), "{}", text(&log));
    Ok(())
}

#[test]
fn disabling_an_agent_ends_its_sessions_and_admits_no_more() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    let (mut client, log) = shop.psql_started("psql.log", &["SELECT 'inside'", "SELECT pg_sleep(60)"])?;
    client.wait_until("the session", LIMIT, || text(&log).contains("inside\n"))?;
    shop.gateway.verb(&["agents", "disable", "reporter"])?;
    assert_ends(&mut client, "the session outlived its account");
    let again = shop.psql("SELECT 1")?;
    assert!(again.err.contains("disabled"), "{}", again.err);
    Ok(())
}

#[test]
fn an_agent_made_anew_is_not_the_one_before() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    assert_eq!(shop.rows("SELECT 1")?, "1\n");
    shop.gateway.verb(&["agents", "remove", "reporter"])?;
    shop.gateway.verb(&["agents", "add", "reporter", "--owner", "keeper"])?;
    let refused = shop.psql("SELECT 1")?;
    assert!(refused.err.contains("disabled or gone"), "{}", refused.err);
    let token = shop.gateway.token("reporter", "1h")?;
    let fresh = postgres::psql(shop.gateway.port, "shop", &token, &["-Atc", "SELECT 1"], "")?;
    assert_eq!(fresh.out, "1\n", "{}", fresh.err);
    Ok(())
}

#[test]
fn a_group_that_was_taken_away_is_gone_at_the_door_at_once() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let rule = "@id(\"readers\")\npermit(principal is Agent in Group::\"readers\", action, resource);\n";
    shop.gateway.put_policy(rule)?;
    shop.gateway.verb(&["agents", "change", "reporter", "--group", "readers"])?;
    assert_eq!(shop.rows("SELECT 1")?, "1\n", "the token is older than the group");
    let (mut client, log) = shop.psql_started("psql.log", &["SELECT 'inside'", "SELECT pg_sleep(60)"])?;
    client.wait_until("the session", LIMIT, || text(&log).contains("inside\n"))?;
    shop.gateway.verb(&["agents", "change", "reporter", "--no-group", "readers"])?;
    assert_ends(&mut client, "the session outlived its group");
    let refused = shop.psql("SELECT 1")?;
    assert_ne!(refused.code, Some(0), "{}", refused.out);
    Ok(())
}

#[test]
fn a_session_ends_with_its_token() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    let token = shop.gateway.token("reporter", "3s")?;
    let started = Instant::now();
    let ended = postgres::psql(shop.gateway.port, "shop", &token, &["-c", "SELECT pg_sleep(60)"], "")?;
    assert_ne!(ended.code, Some(0));
    assert!(started.elapsed() < Duration::from_secs(20), "the session outlived its token");
    assert!(ended.err.contains("expired"), "{}", ended.err);
    Ok(())
}

#[test]
fn an_invalid_rule_is_refused_and_the_rules_in_force_stay() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let broken = "@id(\"x\")\npermit(principal, action == Action::\"raed\", resource);\n";
    let file = shop.gateway.scratch.file("broken.cedar", broken)?;
    let refused = shop.gateway.verb_raw(&["policy", "put", &file.display().to_string()], "")?;
    assert_ne!(refused.code, Some(0));
    let said = refused.both();
    assert!(said.contains("broken.cedar:2"), "{said}");
    assert!(said.contains("read"), "no suggestion: {said}");
    assert_eq!(shop.rows("SELECT 1")?, "1\n");
    Ok(())
}

#[test]
fn rules_that_are_files_are_shown_as_they_are_in_force() -> Result<()> {
    let rules = Scratch::new()?;
    rules.file("all.cedar", ALLOW_ALL)?;
    let extra = format!("[policy]\ndirectory = {:?}\n", rules.path());
    let gateway = Gateway::start(&GatewayOptions { extra, ..GatewayOptions::default() })?;
    let shown = gateway.verb(&["policy", "show"])?;
    assert!(shown.contains("policy folder") && shown.contains(ALLOW_ALL), "{shown}");
    let refused =
        gateway.verb_raw(&["policy", "put", &rules.path().join("all.cedar").display().to_string()], "")?;
    assert!(refused.err.contains("files on disk"), "{}", refused.err);
    rules.file("all.cedar", FORBID_ALL)?;
    let started = Instant::now();
    while !gateway.verb(&["policy", "show"])?.contains("Closed today.") {
        assert!(started.elapsed() < LIMIT, "the changed file is not shown");
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

#[test]
fn a_start_that_fails_says_why_and_nothing_else_is_wrong() -> Result<()> {
    let other = Gateway::start(&GatewayOptions::default())?;
    let scratch = Scratch::new()?;
    let configuration = scratch.file(
        "sallyport.toml",
        &format!(
            "data_dir = {:?}\n[api]\nlisten = \"127.0.0.1:{}\"\n[[listener]]\nprotocol = \"postgres\"\nlisten = \
             [\"127.0.0.1:{}\"]\n",
            scratch.path().join("data"),
            other.api_port,
            free_port()?
        ),
    )?;
    let mut serve = Command::new(executable());
    serve.arg("serve").arg("--config").arg(&configuration);
    let failed = process::run(&mut serve, "", LIMIT)?;
    assert_ne!(failed.code, Some(0));
    let last = failed.err.lines().last().unwrap_or_default();
    assert!(
        last.contains("cannot listen on") && last.contains(&other.api_port.to_string()),
        "{}",
        failed.err
    );
    assert!(!failed.err.contains("ERROR"), "{}", failed.err);
    let mut verify = Command::new(executable());
    let report = process::run(verify.arg("verify").arg(scratch.path().join("data")), "", LIMIT)?.ok()?;
    assert!(report.out.contains("(1 closed, 0 open"), "{}", report.out);
    Ok(())
}

#[test]
fn the_password_of_a_target_is_nowhere() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.psql("SELECT 1; DROP TABLE payments;")?;
    let answers = [
        shop.gateway.verb(&["targets", "list", "--json"])?,
        shop.gateway.verb(&["targets", "show", "shop"])?,
        shop.gateway.verb(&["sessions", "list", "--json"])?,
        shop.gateway.log(),
    ];
    for answer in answers {
        assert!(!answer.contains(&shop.server.password), "the password stands in an answer or a log");
    }
    let mut grep = Command::new("grep");
    grep.args(["-rlaF", "--", &shop.server.password]).arg(shop.gateway.folder());
    let found = process::run(&mut grep, "", LIMIT)?;
    assert_eq!(found.out, "", "the password stands in these files");
    Ok(())
}

#[test]
fn doctor_finds_nothing_wrong_with_a_working_gateway() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let report =
        shop.gateway.verb_raw(&["doctor", "--config", &shop.gateway.config().display().to_string()], "")?;
    assert_eq!(report.code, Some(0), "{}", report.both());
    Ok(())
}

/// The store stops under an open session, and comes back.
#[test]
fn a_store_that_is_down_ends_no_session_and_lets_nobody_wait() -> Result<()> {
    const RISKY: &str = "UPDATE customers SET credit_limit = 5000 WHERE id = 2";
    let mut store = Postgres::start(Version::Distribution)?;
    store.sql("postgres", "CREATE DATABASE sallyport")?;
    let url = format!("postgres://postgres:{}@127.0.0.1:{}/sallyport", store.password, store.port);
    let options = GatewayOptions { store_url: Some(url), ..GatewayOptions::default() };
    let shop = Shop::open_with(Version::Distribution, &options, "")?;
    let until = |sign: &std::path::Path| format!("\\! until [ -e {} ]; do sleep 0.05; done", sign.display());
    let (down, up) = (shop.gateway.folder().join("is-down"), shop.gateway.folder().join("is-up"));
    let commands =
        ["SELECT 'inside'", &until(&down), RISKY, "SELECT 'it lives'", &until(&up), RISKY, "SELECT 'over'"];
    let (mut client, log) = shop.psql_started("psql.log", &commands)?;
    client.wait_until("the session", LIMIT, || text(&log).contains("inside\n"))?;

    store.stop()?;
    let started = Instant::now();
    let refused = shop.psql("SELECT 1")?;
    assert_ne!(refused.code, Some(0));
    assert!(refused.err.contains("cannot be read"), "{}", refused.err);
    assert!(started.elapsed() < Duration::from_secs(4), "a caller waited {:?}", started.elapsed());
    std::fs::write(&down, "")?;
    client.wait_until("the refusal", LIMIT, || text(&log).contains("it lives\n"))?;
    assert!(text(&log).contains("The approvals cannot be reached"), "{}", text(&log));

    store.go_on()?;
    std::fs::write(&up, "")?;
    client.wait_until("the question", LIMIT, || text(&log).contains("waits for approval"))?;
    shop.gateway.verb(&["approvals", "approve", "--latest", "--reason", "it is back"])?;
    assert_ends(&mut client, "the session did not go on");
    assert!(text(&log).contains("UPDATE 1") && text(&log).contains("over\n"), "{}", text(&log));
    assert_eq!(shop.server.sql("shop", "SELECT credit_limit FROM customers WHERE id = 2")?, "5000.00\n");
    Ok(())
}

#[test]
fn the_same_gateway_works_on_a_postgresql_store() -> Result<()> {
    let store = Postgres::start(Version::Distribution)?;
    store.sql("postgres", "CREATE DATABASE sallyport")?;
    let url = format!("postgres://postgres:{}@127.0.0.1:{}/sallyport", store.password, store.port);
    let options = GatewayOptions { store_url: Some(url), ..GatewayOptions::default() };
    let shop = Shop::open_with(Version::Distribution, &options, "")?;
    assert_eq!(shop.rows("SELECT count(*) FROM customers")?, "5\n");
    Ok(())
}
