//! Where no rule could let a caller write, the database holds the same opinion, and clients do not notice.

use crate::clients::client;
use crate::shop::Shop;
use anyhow::{Context, Result};
use sallyport_testkit::Version;
use sallyport_testkit::process;
use sallyport_testkit::scratch::root;
use std::process::Command;
use std::time::Duration;

const READS: &str = "policy/packs/agents-read-only.cedar";
const MAY_CALL: &str =
    "@id(\"tally\") permit(principal, action == Action::\"call\", resource == Function::\"public.tally\");";

fn reading(version: Version) -> Result<Shop> {
    let shop = Shop::open(version)?;
    let pack = std::fs::read_to_string(root().join(READS))?;
    shop.gateway.put_policy(&format!("{pack}\n{MAY_CALL}"))?;
    Ok(shop)
}

fn function(body: &str) -> String {
    format!("CREATE OR REPLACE FUNCTION public.tally() RETURNS bigint LANGUAGE sql AS $$ {body} $$")
}

/// Somebody makes a harmless function write after the gateway has read the catalog: no reading of statements can know.
#[test]
fn a_function_that_became_a_write_is_refused_by_the_database() -> Result<()> {
    for version in Version::ALL {
        let shop = reading(version)?;
        shop.server.sql("shop", "CREATE TABLE calls (at timestamptz)")?;
        shop.server.sql("shop", &function("SELECT count(*) FROM calls"))?;
        assert_eq!(shop.rows("SELECT public.tally()")?, "0\n");
        let writes = "INSERT INTO calls VALUES (now()); SELECT count(*) FROM calls";
        shop.server.sql("shop", &function(writes))?;
        let said =
            shop.psql_with(&["-v", "VERBOSITY=verbose"], "SELECT public.tally();\nSELECT 'goes on'")?;
        assert!(said.err.contains("ERROR:  25006"), "{}", said.both());
        assert!(said.err.contains("as a defect to report"), "{}", said.both());
        assert!(said.out.contains("goes on"), "{}", said.both());
        assert_eq!(shop.server.sql("shop", "SELECT count(*) FROM calls")?.trim(), "0");
        let log = shop.gateway.log();
        let line = log.lines().find(|line| line.contains("told the same, refused")).context(log.clone())?;
        assert!(line.contains("ERROR") && line.contains("call public.tally"), "{line}");
        let recorded = shop.gateway.verb(&["sessions", "export", "--all"])?;
        assert!(recorded.contains("a disagreement to report: the database refused command 1 (25006)"));
    }
    Ok(())
}

#[test]
fn clients_work_where_nothing_may_be_written() -> Result<()> {
    let shop = reading(Version::Distribution)?;
    let mut python = Command::new(root().join(".venv/bin/python"));
    let out = client(&shop, python.arg("e2e/clients/psycopg_check.py"))?.out;
    let got: serde_json::Value = serde_json::from_str(&out).context(out.clone())?;
    assert_eq!((&got["read_write"], &got["transaction_read_only"]), (&5.into(), &"on".into()));
    assert_eq!((&got["refused"], &got["after_pipeline"]), (&"42501".into(), &7.into()));
    let out = client(&shop, Command::new("node").arg("e2e/clients/node_check.js"))?.out;
    assert!(out.contains("Ada Marlow"), "{out}");
    let classes = shop.gateway.folder().join("classes");
    let mut javac = Command::new("javac");
    let compile = javac.arg("-d").arg(&classes).arg(root().join("e2e/clients/JdbcCheck.java"));
    process::run(compile, "", Duration::from_secs(120))?.ok()?;
    let path = format!("{}:/usr/share/java/postgresql.jar", classes.display());
    let out = client(&shop, Command::new("java").args(["-cp", &path, "JdbcCheck"]))?.out;
    assert!(out.contains("fetched 5") && out.contains("asked true, is on\nasked false, is on"), "{out}");
    let said =
        shop.psql("\\d\nBEGIN READ WRITE;\nSELECT count(*) FROM customers;\nCOMMIT;\nDISCARD TEMP;")?;
    assert!(said.err.is_empty() && said.out.contains("COMMIT"), "{}", said.both());
    assert!(!shop.gateway.log().contains(" ERROR "), "{}", shop.gateway.log());
    Ok(())
}

#[test]
fn a_target_can_be_left_out() -> Result<()> {
    let shop = reading(Version::Distribution)?;
    assert_eq!(shop.rows("SHOW transaction_read_only")?, "on\n");
    let password = shop.gateway.folder().join("again");
    std::fs::write(&password, &shop.server.password)?;
    let file = password.to_string_lossy().into_owned();
    shop.gateway.verb(&["targets", "change", "shop", "--set", "read_only=off", "--password-file", &file])?;
    assert_eq!(shop.rows("SHOW transaction_read_only")?, "off\n");
    Ok(())
}
