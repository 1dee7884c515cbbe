//! The certificates that callers see: changed under a running gateway, seen by the next connection, and no session ended.

use crate::shop::{ALLOW_ALL, LIMIT, Shop, text};
use anyhow::Result;
use sallyport_testkit::process::Finished;
use sallyport_testkit::scratch::{Scratch, free_port};
use sallyport_testkit::tls::TestCertificates;
use sallyport_testkit::{Process, Version, gateway, process};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Two pairs of different authorities.
fn pairs(scratch: &Scratch) -> Result<[TestCertificates; 2]> {
    let make = |name: &str| -> Result<TestCertificates> {
        let folder = scratch.path().join(name);
        std::fs::create_dir(&folder)?;
        TestCertificates::make(&folder)
    };
    Ok([make("old-pair")?, make("new-pair")?])
}

/// psql that believes this authority alone.
fn psql(port: u16, token: &str, authority: &Path, sql: &str) -> Result<Finished> {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-At", "-h", "127.0.0.1", "-U", "caller", "-d", "shop", "-p"]).arg(port.to_string());
    psql.args(["-c", sql]).env("PGPASSWORD", token);
    psql.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", authority);
    process::run(&mut psql, "", LIMIT)
}

fn wait_for(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !done()? {
        assert!(started.elapsed() < LIMIT, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Ok(())
}

#[test]
fn a_new_certificate_is_seen_without_a_restart_and_sessions_live_on() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    let port = shop.gateway.port;
    let first = shop.gateway.authority();
    assert_eq!(psql(port, &shop.token, &first, "SELECT 1")?.ok()?.out, "1\n");
    shop.server.sql("shop", "CREATE TABLE latch (opened int)")?;
    let wait =
        "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM latch) LOOP PERFORM pg_sleep(0.1); END LOOP; END $$";
    let (mut client, log) =
        shop.psql_started("psql.log", &["SELECT 'inside'", wait, "SELECT 'still here'"])?;
    client.wait_until("the session", LIMIT, || text(&log).contains("inside\n"))?;

    let [_, new] = pairs(&shop.gateway.scratch)?;
    let tls = shop.gateway.data().join("tls");
    std::fs::copy(&new.certificate, tls.join("server.crt"))?;
    std::fs::copy(&new.key, tls.join("server.key"))?;
    wait_for("the new certificate is not seen", || {
        Ok(psql(port, &shop.token, &new.authority, "SELECT 1")?.code == Some(0))
    })?;
    let old = psql(port, &shop.token, &first, "SELECT 1")?;
    assert!(old.err.contains("certificate verify failed"), "{}", old.err);
    assert!(client.is_running(), "the session ended: {}", text(&log));
    shop.server.sql("shop", "INSERT INTO latch VALUES (1)")?;
    wait_for("the session does not go on", || Ok(text(&log).contains("still here\n")))
}

#[test]
fn a_certificate_that_cannot_be_used_changes_nothing_and_the_api_takes_a_new_one_too() -> Result<()> {
    let scratch = Scratch::new()?;
    let [old, new] = pairs(&scratch)?;
    let (certificate, key) = (scratch.path().join("shown.crt"), scratch.path().join("shown.key"));
    let show = |pair: &TestCertificates| -> Result<()> {
        std::fs::copy(&pair.certificate, &certificate)?;
        std::fs::copy(&pair.key, &key).map(|_| ()).map_err(Into::into)
    };
    show(&old)?;
    let (port, api_port) = (free_port()?, free_port()?);
    let configuration = scratch.file(
        "sallyport.toml",
        &format!(
            "data_dir = {:?}\n[api]\nlisten = \"127.0.0.1:{api_port}\"\n[[listener]]\nprotocol = \"postgres\"\n\
             listen = [\"127.0.0.1:{port}\"]\n[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n",
            scratch.path().join("data")
        ),
    )?;
    let log = scratch.path().join("gateway.log");
    let mut serve = Command::new(gateway::executable());
    serve.arg("serve").arg("--config").arg(&configuration);
    let mut serving = Process::start(&mut serve, &log)?;
    let health = |authority: &Path| -> Result<bool> {
        let mut curl = Command::new("curl");
        curl.args(["-sf", "--cacert"]).arg(authority);
        curl.arg(format!("https://127.0.0.1:{api_port}/api/v1/health"));
        Ok(process::run(&mut curl, "", LIMIT)?.code == Some(0))
    };
    // Whoever has no token is refused in words, once TLS is trusted.
    let trusted = |authority: &Path| -> Result<bool> {
        Ok(psql(port, "none", authority, "SELECT 1")?.err.contains("not a token"))
    };
    serving.wait_until("the gateway", LIMIT, || health(&old.authority).unwrap_or(false))?;
    assert!(trusted(&old.authority)?);

    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")?;
    wait_for("nobody says that the file is broken", || {
        Ok(text(&log).contains("shown.crt: it holds no usable"))
    })?;
    assert!(health(&old.authority)? && trusted(&old.authority)?, "the one in force did not stay");
    let doctor = |expected: &str| -> Result<()> {
        let mut doctor = Command::new(gateway::executable());
        doctor.arg("doctor").arg("--config").arg(&configuration);
        let said = process::run(&mut doctor, "", LIMIT)?.out;
        assert!(said.contains(expected), "{said}");
        Ok(())
    };
    doctor("shown.crt: it holds no usable")?;

    show(&new)?;
    wait_for("the API does not show the new certificate", || health(&new.authority))?;
    assert!(trusted(&new.authority)? && !trusted(&old.authority)? && !health(&old.authority)?);
    doctor("shown.crt ends ")
}
