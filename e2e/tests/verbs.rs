//! What an administrator changes by the command line, and what that does.

use crate::shop::LIMIT;
use anyhow::{Context, Result};
use sallyport_testkit::{Gateway, GatewayOptions, process};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn gateway() -> Result<Gateway> {
    Gateway::start(&GatewayOptions::default())
}

/// The status with which the token endpoint answers this client secret.
fn granted(gateway: &Gateway, agent: &str, secret: &Path) -> Result<String> {
    let user = format!("{agent}:{}", std::fs::read_to_string(secret)?);
    let mut curl = Command::new("curl");
    curl.args([
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-u",
        &user,
        "-d",
        "grant_type=client_credentials",
    ]);
    curl.arg(format!("{}/oauth/token", gateway.url()));
    Ok(process::run(&mut curl, "", LIMIT)?.ok()?.out)
}

#[test]
fn an_agent_gets_a_new_secret_and_loses_it() -> Result<()> {
    let gateway = gateway()?;
    let [first, second] = ["first", "second"].map(|name| gateway.folder().join(name));
    let (first_text, second_text) = (first.display().to_string(), second.display().to_string());
    gateway.verb(&["agents", "add", "bot", "--secret-out", &first_text])?;
    assert_eq!(granted(&gateway, "bot", &first)?, "200");
    let taken = gateway.verb_raw(&["agents", "secret", "bot", "--secret-out", &first_text], "")?;
    assert_ne!(taken.code, Some(0));
    assert_eq!(granted(&gateway, "bot", &first)?, "200", "a file that was there already cost the secret");
    let said = gateway.verb(&["agents", "secret", "bot", "--secret-out", &second_text])?;
    assert!(!said.contains(&std::fs::read_to_string(&second)?), "the secret was printed");
    assert_eq!(std::fs::metadata(&second)?.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        (granted(&gateway, "bot", &first)?, granted(&gateway, "bot", &second)?),
        ("401".into(), "200".into())
    );
    gateway.verb(&["agents", "change", "bot", "--no-secret"])?;
    assert_eq!(granted(&gateway, "bot", &second)?, "401");
    let nobody = gateway.folder().join("third");
    let unknown = ["agents", "secret", "nobody", "--secret-out", &nobody.display().to_string()];
    assert_ne!(gateway.verb_raw(&unknown, "")?.code, Some(0));
    assert!(!nobody.exists(), "a file for a secret that never was stayed");
    Ok(())
}

#[test]
fn an_agents_groups_attributes_owner_and_keys_change() -> Result<()> {
    let gateway = gateway()?;
    // RFC 8032, test 1, and RFC 8037, appendix A.
    let keys = [
        ("one", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
        ("two", "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"),
    ];
    let keys = keys.map(|(kid, x)| json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid }));
    let set = gateway.scratch.file("keys.json", &json!({ "keys": keys }).to_string())?;
    gateway.verb(&["agents", "add", "bot", "--group", "a", "--attribute", "tier=1"])?;
    let set_text = set.display().to_string();
    let change = ["agents", "change", "bot", "--group", "b", "--no-group", "a", "--attribute", "tier=2"];
    gateway.verb(&[&change[..], &["--owner", "keeper", "--key", &set_text]].concat())?;
    let shown = gateway.json(&["agents", "show", "bot"])?;
    assert_eq!((&shown["groups"], &shown["attributes"]), (&json!(["b"]), &json!({ "tier": "2" })));
    assert!(shown["owner"].as_str().context("an owner")?.ends_with("#keeper"));
    assert!(gateway.verb(&["agents", "show", "bot"])?.contains("one, two"));
    gateway.verb(&["agents", "change", "bot", "--no-key", "one", "--no-attribute", "tier"])?;
    let shown = gateway.json(&["agents", "show", "bot"])?;
    assert_eq!(shown["public_keys"].as_array().map(Vec::len), Some(1));
    assert_eq!((&shown["public_keys"][0]["kid"], &shown["attributes"]), (&json!("two"), &json!({})));
    for wrong in [&["--no-key", "one"][..], &["--no-group", "a"], &[]] {
        let refused = gateway.verb_raw(&[&["agents", "change", "bot"], wrong].concat(), "")?;
        assert_eq!(refused.code, Some(2), "{wrong:?}: {}", refused.both());
    }
    Ok(())
}

#[test]
fn a_person_is_kept_out_let_in_and_given_roles() -> Result<()> {
    let gateway = gateway()?;
    let url = gateway.url();
    let password = gateway.folder().join("keeper-password").display().to_string();
    let sign_in =
        || gateway.verb_raw(&["login", "--url", &url, "--user", "keeper", "--password-file", &password], "");
    gateway.verb(&["people", "change", "keeper", "--group", "auditors", "--email", "k@example.test"])?;
    assert_eq!(gateway.json(&["people", "show", "keeper"])?["groups"], json!(["auditors"]));
    gateway.verb(&["people", "disable", "keeper"])?;
    let refused = sign_in()?;
    assert_eq!(refused.code, Some(3), "{}", refused.both());
    assert!(refused.err.contains("people password") && !refused.err.contains("earer"), "{}", refused.err);
    gateway.verb(&["people", "enable", "keeper"])?;
    gateway.verb(&["people", "change", "keeper", "--email", ""])?;
    assert_eq!(gateway.json(&["people", "show", "keeper"])?["email"], Value::Null);
    sign_in()?.ok()?;
    assert!(gateway.verb_raw(&["people", "list"], "")?.code == Some(0), "an auditor reads the list");
    Ok(())
}

#[test]
fn a_target_loses_what_is_taken_away() -> Result<()> {
    let gateway = gateway()?;
    let add = ["targets", "add", "db", "--protocol", "postgres", "--host", "db.example", "--account", "app"];
    let more = ["--database", "shop", "--set", "sslmode=require", "--label", "env=prod", "--label", "team=a"];
    let classes =
        ["--class", "public.t.a=email", "--class", "public.t.a=phone", "--class", "public.t.b=card"];
    gateway.verb(&[&add[..], &more[..], &classes[..]].concat())?;
    let change = ["targets", "change", "db", "--unset", "sslmode", "--no-label", "team", "--no-database"];
    gateway.verb(&[&change[..], &["--no-class", "public.t.a=phone", "--no-class", "public.t.b"]].concat())?;
    let shown = gateway.json(&["targets", "show", "db"])?;
    assert_eq!((&shown["settings"], &shown["labels"]), (&json!({}), &json!({ "env": "prod" })));
    assert_eq!((&shown["classes"], &shown["database"]), (&json!({ "public.t.a": ["email"] }), &Value::Null));
    let secret = gateway.scratch.file("password", "target-password")?.display().to_string();
    gateway.verb(&["targets", "change", "db", "--password-file", &secret])?;
    assert_eq!(gateway.json(&["targets", "show", "db"])?["credential"], json!(["password"]));
    gateway.verb(&["targets", "change", "db", "--no-credential", "password"])?;
    assert_eq!(gateway.json(&["targets", "show", "db"])?["credential"], json!([]));
    let refused = gateway.verb_raw(&["targets", "change", "db", "--unset", "sslmode"], "")?;
    assert_eq!(refused.code, Some(2), "{}", refused.both());
    Ok(())
}
