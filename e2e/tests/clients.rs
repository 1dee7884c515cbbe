//! Unmodified clients work as they are.

use crate::shop::{ALLOW_ALL, Shop};
use anyhow::{Context, Result};
use sallyport_testkit::process::{self, Finished};
use sallyport_testkit::scratch::root;
use sallyport_testkit::{Version, postgres};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

pub fn client(shop: &Shop, command: &mut Command) -> Result<Finished> {
    command.arg(shop.gateway.port.to_string()).arg("shop").env("TOKEN", &shop.token).current_dir(root());
    process::run(command, "", LIMIT)?.ok()
}

#[test]
fn psycopg_in_text_binary_pipeline_and_copy() -> Result<()> {
    for version in Version::ALL {
        let shop = Shop::open(version)?;
        let mut python = Command::new(root().join(".venv/bin/python"));
        let out = client(&shop, python.arg("e2e/clients/psycopg_check.py"))?.out;
        let got: Value = serde_json::from_str(&out).context(out.clone())?;
        for format in ["text", "binary"] {
            let row = got.get(format).and_then(Value::as_array).context("a row")?;
            assert_eq!(row[0], 1);
            assert_eq!(row[1], "Ada Marlow");
            assert!(!row[2].as_str().unwrap_or_default().contains("ada.marlow"), "{row:?}");
            assert_eq!(row[3], "2500.00");
        }
        assert_eq!(got["count"], 5);
        assert_eq!(got["prepared"].as_array().map(Vec::len), Some(7));
        assert_eq!(got["prepared"][6], "Bo Lindqvist");
        assert_eq!(got["refused"], "42501");
        assert!(got["detail"]["rules"].is_array(), "{got}");
        assert_eq!(got["after_refusal"], 42);
        assert_eq!(got["after_pipeline"], 7);
        assert!(got["pipeline"].to_string().contains("42501"), "{got}");
        assert_eq!(got["copy"].as_str().map(|copy| copy.lines().count()), Some(5));
        assert_eq!(got["cursor"].as_array().map(Vec::len), Some(5));
        assert_eq!((&got["read_write"], &got["transaction_read_only"]), (&5.into(), &"off".into()));
        assert!(!out.contains("ada.marlow@"), "{out}");
    }
    Ok(())
}

#[test]
fn node_postgres() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let out = client(&shop, Command::new("node").arg("e2e/clients/node_check.js"))?.out;
    let got: Value = serde_json::from_str(&out).context(out.clone())?;
    assert_eq!(got["row"]["name"], "Ada Marlow");
    assert!(!got["row"]["email"].as_str().unwrap_or_default().contains("ada.marlow"));
    assert_eq!(got["prepared"][2], "Chen Wei");
    assert_eq!(got["refused"], "42501");
    assert_eq!(got["after"], 42);
    assert_eq!(got["large"], 3_000_000);
    Ok(())
}

#[test]
fn jdbc() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let classes = shop.gateway.folder().join("classes");
    let mut javac = Command::new("javac");
    process::run(javac.arg("-d").arg(&classes).arg(root().join("e2e/clients/JdbcCheck.java")), "", LIMIT)?
        .ok()?;
    let path = format!("{}:/usr/share/java/postgresql.jar", classes.display());
    let out = client(&shop, Command::new("java").args(["-cp", &path, "JdbcCheck"]))?.out;
    assert!(out.contains("row 1 Ada Marlow "), "{out}");
    assert!(!out.contains("ada.marlow@"), "{out}");
    assert!(out.contains("refused 42501"), "{out}");
    assert!(out.contains("key id") && out.contains("index of id"), "{out}");
    assert!(out.contains("fetched 5"), "{out}");
    assert!(out.contains("asked true, is on\nasked false, is off"), "{out}");
    Ok(())
}

/// What psql asks of the catalog for its lists. None of it is refused by the pack for agents.
#[test]
fn psqls_lists() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let lists = [
        "\\d",
        "\\d+ customers",
        "\\db+",
        "\\des+",
        "\\du+",
        "\\df+",
        "\\dT+",
        "\\l+",
        "\\dp",
        "\\dx",
        "\\dn+",
    ];
    for list in lists {
        let shown = shop.psql_with(&["-v", "ON_ERROR_STOP=1", "-c", list], "")?;
        assert_eq!(shown.code, Some(0), "{list}: {}", shown.err);
    }
    for (list, holds) in [("\\dRs", "pg_subscription"), ("\\deu", "pg_user_mappings")] {
        let refused = shop.psql_with(&["-c", list], "")?;
        assert!(
            refused.err.contains(holds) && refused.err.contains("writers-no-catalog-secrets"),
            "{}",
            refused.err
        );
    }
    Ok(())
}

/// What the packs let agents call for those lists is no way round a mask.
#[test]
fn the_functions_of_the_catalog_show_no_masked_value() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let rules = std::fs::read_to_string(root().join("policy/packs/agents-write-with-approval.cedar"))?;
    // With and without the rule by which such statements are refused rather than masked.
    let (without, _) = rules.split_once("@id(\"writers-no-filter\")").context("the rule is the last one")?;
    for rules in [rules.as_str(), without] {
        shop.gateway.put_policy(rules)?;
        for sql in [
            "SELECT x FROM customers c, information_schema._pg_expandarray(array[reverse(c.email)]) AS k(x, n)",
            "SELECT k::text FROM customers c, information_schema._pg_expandarray(array[c.email]) k",
            "SELECT (information_schema._pg_expandarray(array[email])).x FROM customers",
            "SELECT information_schema._pg_expandarray(array[reverse(email)]) FROM customers",
            "SELECT x FROM information_schema._pg_expandarray((SELECT array_agg(reverse(email)) FROM customers)) k(x, n)",
            "SELECT o FROM customers c, pg_catalog.pg_options_to_table(array['a=' || c.email]) o",
            "SELECT reverse((pg_catalog.pg_options_to_table(array['a=' || email])).option_value) FROM customers",
        ] {
            let said = shop.psql(sql)?.both();
            let leaked = ["ada.marlow", "wolram.ada", "example"].iter().any(|part| said.contains(part));
            assert!(!leaked, "{sql}: {said}");
        }
    }
    Ok(())
}

#[test]
fn sqlx() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let url =
        format!("postgres://caller:{}@127.0.0.1:{}/shop?sslmode=disable", shop.token, shop.gateway.port);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        use sqlx::{Connection, Row};
        let mut connection = sqlx::PgConnection::connect(&url).await?;
        for id in [1i32, 2, 3] {
            let query = sqlx::query("SELECT id, name, email FROM customers WHERE id = $1").bind(id);
            let row = query.fetch_one(&mut connection).await?;
            assert_eq!(row.get::<i32, _>(0), id);
            assert!(!row.get::<String, _>(2).contains("@example"), "an e-mail came through");
        }
        let refused = sqlx::query("TRUNCATE payments").execute(&mut connection).await;
        let fault = refused.err().and_then(sqlx::Error::into_database_error).context("a refusal")?;
        assert_eq!(fault.code().as_deref(), Some("42501"));
        let row = sqlx::query("SELECT 42").fetch_one(&mut connection).await?;
        assert_eq!(row.get::<i32, _>(0), 42);
        connection.close().await?;
        Ok(())
    })
}

#[test]
fn pgbench_in_every_mode() -> Result<()> {
    for version in Version::ALL {
        let shop = Shop::open(version)?;
        let script = "\\set id random(1, 5)\nSELECT name FROM customers WHERE id = :id;\n";
        let script = shop.gateway.scratch.file("select.sql", script)?;
        for mode in ["simple", "extended", "prepared"] {
            let mut pgbench = Command::new("pgbench");
            pgbench.args([
                "-n",
                "-h",
                "127.0.0.1",
                "-U",
                "caller",
                "-c",
                "4",
                "-j",
                "2",
                "-t",
                "200",
                "-M",
                mode,
                "-p",
            ]);
            pgbench
                .arg(shop.gateway.port.to_string())
                .arg("-f")
                .arg(&script)
                .arg("shop")
                .env("PGPASSWORD", &shop.token);
            let out = process::run(&mut pgbench, "", LIMIT)?.ok()?.out;
            assert!(out.contains("800/800"), "{out}");
        }
    }
    Ok(())
}

#[test]
fn psql_over_tls_with_the_gateways_own_authority() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-c", "SELECT 'over ' || 'tls'", "-d"]);
    psql.arg(format!(
        "host=localhost port={} user=caller dbname=shop sslmode=verify-full sslrootcert={}",
        shop.gateway.port,
        shop.gateway.authority().display()
    ));
    psql.env("PGPASSWORD", &shop.token);
    let out = process::run(&mut psql, "", LIMIT)?.ok()?.out;
    assert_eq!(out, "over tls\n");
    Ok(())
}

#[test]
fn copy_in_and_notify() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.server.sql("shop", "CREATE TABLE scratch (id int, note text)")?;
    shop.gateway.put_policy(ALLOW_ALL)?;
    let answer = shop.psql(
        "COPY scratch FROM STDIN;\n1\tone\n2\ttwo\n\\.\nSELECT count(*) FROM scratch;\nLISTEN news;\nNOTIFY news, 'hello';\nSELECT 1;\n",
    )?;
    assert!(answer.out.contains("COPY 2"), "{}", answer.both());
    assert!(answer.both().contains("Asynchronous notification \"news\""), "{}", answer.both());
    let finished = postgres::psql(shop.gateway.port, "shop", &shop.token, &["-c", "SELECT pg_sleep(0)"], "")?;
    assert_eq!(finished.code, Some(0), "{}", finished.both());
    Ok(())
}
