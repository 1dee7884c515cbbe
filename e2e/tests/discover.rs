//! Columns that nobody classified: found, accepted by a person, masked from the next session on. And classes that are
//! declared beside the rules.

use crate::shop::Shop;
use anyhow::{Context, Result};
use sallyport_testkit::gateway::executable;
use sallyport_testkit::process::Finished;
use sallyport_testkit::{Gateway, GatewayOptions, Postgres, Version, postgres};
use serde_json::Value;
use std::path::Path;

const LOGS: &str = "CREATE TABLE logs (id bigint PRIMARY KEY, trace uuid, at timestamptz, client inet, message text); \
    INSERT INTO logs SELECT i, gen_random_uuid(), now(), ('10.0.0.' || i % 200)::inet, \
    CASE WHEN i % 4 = 0 THEN 'sign-in of canary' || i || '.user@example.com failed' ELSE 'health check' END \
    FROM generate_series(1, 100) i; CREATE TABLE nobodys (email text); REVOKE ALL ON nobodys FROM PUBLIC;";

/// The shop without a class: what a person begins with.
struct Bare {
    server: Postgres,
    gateway: Gateway,
    token: String,
}

impl Bare {
    fn open() -> Result<Self> {
        let root = sallyport_testkit::scratch::root();
        let server = Postgres::start(Version::Distribution)?;
        server.sql("postgres", "CREATE DATABASE shop")?;
        server.sql("shop", &std::fs::read_to_string(root.join("deploy/demo/init.sql"))?)?;
        server.sql("shop", LOGS)?;
        let gateway = Gateway::start(&GatewayOptions::default())?;
        gateway.add_target("shop", &server, "shop", &[])?;
        gateway.put_policy(&std::fs::read_to_string(root.join("policy/packs/agents-read-only.cedar"))?)?;
        let token = gateway.add_agent("reporter", &["--group", "agents"])?;
        Ok(Self { server, gateway, token })
    }
    fn psql(&self, sql: &str) -> Result<Finished> {
        postgres::psql(self.gateway.port, "shop", &self.token, &["-q", "-A", "-t"], sql)
    }
    fn rows(&self, sql: &str) -> Result<String> {
        Ok(self.psql(sql)?.ok()?.out)
    }
}

/// Values of the shop that must be nowhere but in it.
const RAW: [&str; 8] = [
    "ada.marlow",
    "4111111111111111",
    "5555555555554444",
    "Lindqvist",
    "canary4.user",
    "415 555",
    "220 333",
    "555 010 20",
];

fn assert_clean(text: &str, what: &str) {
    RAW.iter().for_each(|raw| assert!(!text.contains(raw), "{raw} stands in {what}: {text}"));
}

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files_below(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

/// `column class confidence` of what has no class yet.
fn proposals(answer: &Value) -> Vec<String> {
    let list =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let word =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for column in list(answer, "found") {
        for one in
            list(&column, "proposals").iter().filter(|one| one.get("given") == Some(&Value::Bool(false)))
        {
            let (class, confidence) = (word(one, "class"), word(one, "confidence"));
            all.push(format!("{} {class} {confidence}", word(&column, "column")));
        }
    }
    all
}

#[test]
fn what_is_found_and_accepted_is_masked_from_then_on() -> Result<()> {
    let shop = Bare::open()?;
    let gateway = &shop.gateway;
    let before = shop.rows("SELECT replace(email, '@', ' at ') FROM customers WHERE id = 1")?;
    assert_eq!(before, "ada.marlow at example.com\n", "a value in disguise is not recognised by its looks");

    let found = gateway.json(&["discover", "shop"])?;
    let expected = [
        "public.customers.email email sure",
        "public.customers.name person likely",
        "public.customers.notes email within",
        "public.customers.phone phone sure",
        "public.logs.client ip_address sure",
        "public.logs.message email within",
        "public.nobodys.email email name",
        "public.payments.card credit_card sure",
    ];
    let said = proposals(&found);
    let missing: Vec<_> = expected.iter().filter(|one| !said.contains(&(**one).to_owned())).collect();
    assert!(missing.is_empty(), "{missing:?} are not among {said:#?}");
    let columns = |said: &[String]| -> Vec<String> {
        said.iter().filter_map(|one| one.split(' ').next().map(str::to_owned)).collect()
    };
    for innocent in [
        "public.customers.id",
        "public.payments.paid_at",
        "public.payments.amount",
        "public.logs.trace",
        "public.logs.id",
        "public.logs.at",
        "public.customers.credit_limit",
    ] {
        assert!(!columns(&said).contains(&innocent.to_owned()), "{innocent}: {said:#?}");
    }
    assert_clean(&found.to_string(), "the answer");
    let table = gateway.verb(&["discover", "shop"])?;
    assert_clean(&table, "the table");
    assert!(table.contains("--accept all") && table.contains("xxx.xxxxxx@xxxxxxx.xxx"), "{table}");

    // One by name, then the rest.
    let one = gateway.verb(&["discover", "shop", "--accept", "public.customers.email=email"])?;
    assert!(one.contains("public.customers.email") && one.contains("+email"), "{one}");
    let again = gateway.verb(&["discover", "shop", "--accept", "public.customers.email=email"])?;
    assert!(again.contains("nothing is changed"), "{again}");
    let all = gateway.verb(&["discover", "shop", "--accept", "all"])?;
    assert!(all.contains("+credit_card") && all.contains("+phone"), "{all}");
    let classes = gateway.json(&["targets", "show", "shop"])?["classes"].clone();
    assert_eq!(classes["public.customers.email"], serde_json::json!(["email"]));
    assert_eq!(classes["public.payments.card"], serde_json::json!(["credit_card"]));
    assert_eq!(
        classes["public.logs.message"],
        Value::Null,
        "what stands within texts is not taken by itself"
    );

    assert_eq!(shop.rows("SELECT replace(email, '@', ' at ') FROM customers WHERE id = 1")?, "[redacted]\n");
    assert!(shop.psql("SELECT 1 FROM customers WHERE email LIKE 'a%'")?.err.contains("agents-no-filter"));
    let left = proposals(&gateway.json(&["discover", "shop"])?);
    assert!(!columns(&left).contains(&"public.customers.email".to_owned()), "{left:?}");

    // Nowhere in what the gateway keeps or says, by any of its ways.
    assert_clean(&gateway.log(), "the log");
    let mut files = Vec::new();
    files_below(&gateway.data(), &mut files)?;
    for file in files {
        let bytes = std::fs::read(&file)?;
        assert_clean(&String::from_utf8_lossy(&bytes), &file.display().to_string());
    }
    Ok(())
}

#[test]
fn who_may_not_administer_may_not_look_and_faults_have_their_codes() -> Result<()> {
    let shop = Bare::open()?;
    let gateway = &shop.gateway;
    assert_eq!(gateway.verb_raw(&["discover", "nowhere"], "")?.code, Some(2));
    assert_eq!(gateway.verb_raw(&["discover", "shop", "--sample", "0"], "")?.code, Some(2));
    assert_eq!(gateway.verb_raw(&["discover", "shop", "--accept", "public.customers"], "")?.code, Some(2));
    let database = gateway.verb_raw(&["discover", "shop", "--database", "nowhere"], "")?;
    assert_eq!(database.code, Some(1), "{}", database.err);
    let secret = gateway.scratch.file("eye", "a long enough password")?.display().to_string();
    gateway.verb(&["people", "add", "eye", "--group", "auditors", "--password-file", &secret])?;
    gateway.verb(&["login", "--url", &gateway.url(), "--user", "eye", "--password-file", &secret])?;
    assert_eq!(
        gateway.verb_raw(&["discover", "shop"], "")?.code,
        Some(3),
        "an auditor reads and samples nothing"
    );
    Ok(())
}

const CLASSES: &str = "class pii.contact = kind email | column *.*.handle | column public.*.*_mail;\n\
    class email = column *.customers.notes;\n";
const MORE: &str = "@id(\"no-pii\") @mask(\"redact\") @message(\"Not for agents.\")\n\
    forbid(principal is Agent, action in [Action::\"see\", Action::\"filter\"], resource in Class::\"pii\");";

#[test]
fn declared_classes_hold_for_columns_that_come_later_and_for_live_sessions() -> Result<()> {
    let shop = Bare::open()?;
    let gateway = &shop.gateway;
    let root = sallyport_testkit::scratch::root();
    let pack = root.join("policy/packs/agents-read-only.cedar").display().to_string();
    let file = |name: &str, text: &str| -> Result<String> {
        Ok(gateway.scratch.file(name, text)?.display().to_string())
    };
    shop.server
        .sql("shop", "ALTER TABLE customers ADD handle text; UPDATE customers SET handle = 'h' || id")?;
    let read = "SELECT handle, notes FROM customers WHERE id = 4";
    assert_eq!(shop.rows(read)?, "h4|asked for an invoice\n");

    let broken = file("broken.classes", "class pii.contact = kind emial;\n")?;
    let refused = gateway.verb_raw(&["policy", "put", &pack, &broken], "")?;
    assert!(
        refused.err.contains("broken.classes:1:26") && refused.err.contains("write kind email"),
        "{}",
        refused.err
    );

    // A session that is open while the classes come into force.
    let live = gateway.folder().join("live.sql");
    let classes = file("house.classes", CLASSES)?;
    let more = file("more.cedar", MORE)?;
    let put = format!("policy put {pack} {classes} {more}");
    let steps =
        format!("{read};\n\\! {} {put} > {}.out 2>&1\n{read};\n", executable().display(), live.display());
    let mut psql = std::process::Command::new("psql");
    psql.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "caller", "-d", "shop", "-p"]);
    psql.arg(gateway.port.to_string()).env("PGPASSWORD", &shop.token);
    psql.env("HOME", gateway.folder()).env("SALLYPORT_URL", gateway.url()).env_remove("XDG_CONFIG_HOME");
    let session = sallyport_testkit::process::run(&mut psql, &steps, crate::shop::LIMIT)?.ok()?;
    assert_eq!(session.out, "h4|asked for an invoice\n[redacted]|[redacted]\n", "{}", session.err);

    let filtered = shop.psql("SELECT id FROM customers WHERE handle = 'h4'")?;
    assert!(filtered.err.contains("no-pii"), "{}", filtered.err);
    // A kind that is in the outer class is hidden by its looks too, anywhere.
    assert_eq!(shop.rows("SELECT 'to x@example.com'")?, "to [redacted]\n");
    // A column that comes later and has the name.
    shop.server.sql(
        "shop",
        "ALTER TABLE payments ADD work_mail text; UPDATE payments SET work_mail = 'ann at home'",
    )?;
    assert_eq!(shop.rows("SELECT work_mail FROM payments WHERE id = 101")?, "[redacted]\n");
    let explained = gateway.verb(&[
        "policy",
        "explain",
        "--caller",
        "reporter",
        "--target",
        "shop",
        "SELECT handle FROM customers WHERE handle = 'x'",
    ])?;
    assert!(explained.contains("no-pii"), "{explained}");
    let found = gateway.json(&["discover", "shop"])?;
    let handle = found["found"]
        .as_array()
        .context("found")?
        .iter()
        .find(|one| one["column"] == "public.customers.handle");
    assert_eq!(
        handle.context("the declared column is shown")?["classes"],
        serde_json::json!(["pii", "pii.contact"])
    );

    // What names nothing is told by the doctor.
    let odd = file("house.classes", &format!("{CLASSES}class pii.gone = column public.customers.gone;\n"))?;
    gateway.verb(&["policy", "put", &pack, &odd, &more])?;
    gateway.verb(&["targets", "change", "shop", "--class", "public.custmers.email=email"])?;
    let config = gateway.config().display().to_string();
    let doctor = gateway.verb_raw(&["doctor", "--config", &config], "")?;
    assert!(
        doctor.out.contains("house.classes:3") && doctor.out.contains("public.customers.gone"),
        "{}",
        doctor.out
    );
    assert!(doctor.out.contains("public.custmers.email has a class"), "{}", doctor.out);
    Ok(())
}

/// What docs/discover.md shows is what the demo's data says.
#[test]
fn the_page_shows_what_the_demo_shows() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let page = std::fs::read_to_string(sallyport_testkit::scratch::root().join("docs/discover.md"))?;
    let classes = ["customers.email=email", "customers.phone=phone", "payments.card=card"];
    for class in classes {
        let (column, _) = class.split_once('=').context("a class")?;
        shop.gateway.verb(&["targets", "change", "shop", "--no-class", &format!("public.{column}")])?;
    }
    let shown = |command: &str| {
        page.split_once(&format!("$ {command}\n")).and_then(|(_, rest)| rest.split_once("\n```"))
    };
    for command in ["sallyport discover shop", "sallyport discover shop --accept all"] {
        let (expected, _) = shown(command).with_context(|| format!("{command} is not in the page"))?;
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        assert_eq!(shop.gateway.verb(&words)?.trim(), expected.trim(), "{command}");
    }
    Ok(())
}
