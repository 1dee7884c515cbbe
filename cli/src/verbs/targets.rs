//! What is protected. The credential goes in and never comes out.

use super::{login, show};
use crate::Common;
use crate::connection::{CliFault, Connection};
use crate::paint;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum Targets {
    /// All of them
    List,
    /// One of them, without its credential
    Show { name: String },
    /// Register a target
    Add(Box<Form>),
    /// Change a target; what is not named stays
    Change(Box<Form>),
    /// Take a target away; live sessions to it go on until they end
    Remove { name: String },
    /// Reach it as a session would
    Test { name: String },
    /// The protocols and their settings
    Protocols,
}

#[derive(Args, Debug)]
pub struct Form {
    /// What callers write to reach it
    name: String,
    /// What it speaks; `targets protocols` lists what there is
    #[arg(long)]
    protocol: Option<String>,
    /// Where it is
    #[arg(long)]
    host: Option<String>,
    /// The protocol's own where nothing is said
    #[arg(long)]
    port: Option<u16>,
    /// The account of the target that the gateway uses
    #[arg(long)]
    account: Option<String>,
    /// Opened where the caller names none
    #[arg(long)]
    database: Option<String>,
    /// A file with the account's password; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A file with a client certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "key_file")]
    certificate_file: Option<PathBuf>,
    /// A file with the certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    key_file: Option<PathBuf>,
    /// A setting of the protocol; `targets protocols` lists them
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = show::pair)]
    settings: Vec<(String, String)>,
    /// A label that rules can read
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = show::pair)]
    labels: Vec<(String, String)>,
    /// A data class of a column: schema.table.column=class
    #[arg(long = "class", value_name = "COLUMN=CLASS", value_parser = show::pair)]
    classes: Vec<(String, String)>,
    /// Wait for the disk before a command is forwarded
    #[arg(long)]
    strict: Option<bool>,
    /// How many bytes of each result are kept in the recording
    #[arg(long, value_name = "BYTES")]
    record_result_bytes: Option<u64>,
}

const COLUMNS: &[&str] = &["name", "protocol", "host", "port", "account", "database", "labels"];
const FIELDS: &[&str] = &[
    "name",
    "protocol",
    "host",
    "port",
    "account",
    "database",
    "labels",
    "settings",
    "classes",
    "strict",
    "record_result_bytes",
    "credential",
    "revision",
    "created",
    "updated",
];

pub async fn run(verb: Targets, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        Targets::List => {
            let answer = connection.get("/api/v1/targets", &[]).await?;
            if common.json {
                return show::json(&answer);
            }
            let row = |target: &Value| COLUMNS.iter().map(|name| show::cell(target, name)).collect();
            show::table(
                COLUMNS,
                show::items(&answer).iter().map(row).collect(),
                "No target yet: `sallyport targets add`.",
            )
        }
        Targets::Show { name } => {
            let answer = connection.get(&path(&name), &[]).await?;
            if common.json { show::json(&answer) } else { show::fields(&answer, FIELDS) }
        }
        Targets::Add(form) => {
            let body = json!({ "name": form.name, "target": of_form(&form, &Value::Null)? });
            let answer = connection.send(Method::POST, "/api/v1/targets", &body).await?;
            done(common, &answer, &format!("Target {} is registered.", form.name))
        }
        Targets::Change(form) => {
            let before = connection.get(&path(&form.name), &[]).await?;
            let body = json!({ "revision": before.get("revision"), "target": of_form(&form, &before)? });
            let answer = connection.send(Method::PUT, &path(&form.name), &body).await?;
            done(common, &answer, &format!("Target {} is changed.", form.name))
        }
        Targets::Remove { name } => {
            connection.delete(&path(&name)).await?;
            done(common, &json!({ "removed": name }), &format!("Target {name} is gone."))
        }
        Targets::Test { name } => test(&connection, common, &name).await,
        Targets::Protocols => {
            let answer = connection.get("/api/v1/protocols", &[]).await?;
            if common.json { show::json(&answer) } else { protocols(&answer) }
        }
    }
}

async fn test(connection: &Connection, common: &Common, name: &str) -> Result<(), CliFault> {
    let answer = connection.send(Method::POST, &format!("{}/test", path(name)), &json!({})).await?;
    let reached = answer.get("reached").and_then(Value::as_bool).unwrap_or(false);
    let message = show::cell(&answer, "message");
    if !reached {
        return Err(CliFault::Gateway(format!("{name} was not reached: {message}")));
    }
    done(common, &answer, &format!("{} {message}", paint::good("reached:")))
}

fn protocols(answer: &Value) -> Result<(), CliFault> {
    for protocol in show::items(answer) {
        show::line(&format!(
            "{} (port {})",
            paint::strong(&show::cell(&protocol, "name")),
            show::cell(&protocol, "default_port")
        ))?;
        let settings = protocol.get("settings").and_then(Value::as_array).cloned().unwrap_or_default();
        for setting in settings {
            let part = |name: &str| show::cell(&setting, name);
            let mut head = format!("  {}", paint::strong(&part("key")));
            for (name, value) in [("one of", part("choices")), ("by default", part("default"))] {
                if !value.is_empty() {
                    head.push_str(&format!("  {name} {value}"));
                }
            }
            show::line(&head)?;
            show::line(&format!("      {}", part("help")))?;
        }
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("/api/v1/targets/{}", show::segment(name))
}

fn done(common: &Common, answer: &Value, text: &str) -> Result<(), CliFault> {
    if common.json { show::json(answer) } else { show::line(text) }
}

/// The form as the API takes it: what was named, over what stood there before.
fn of_form(form: &Form, before: &Value) -> Result<Value, CliFault> {
    let mut target = Map::new();
    let kept = |name: &str| before.get(name).filter(|value| !value.is_null()).cloned();
    let mut put = |name: &str, new: Option<Value>| {
        if let Some(value) = new.or_else(|| kept(name)) {
            target.insert(name.to_owned(), value);
        }
    };
    put("protocol", form.protocol.clone().map(Value::from));
    put("host", form.host.clone().map(Value::from));
    put("port", form.port.map(Value::from));
    put("account", form.account.clone().map(Value::from));
    put("database", form.database.clone().map(Value::from));
    put("strict", form.strict.map(Value::from));
    put("record_result_bytes", form.record_result_bytes.map(Value::from));
    put("settings", merged(before.get("settings"), &form.settings));
    put("labels", merged(before.get("labels"), &form.labels));
    put("classes", classes(before.get("classes"), &form.classes));
    for required in ["protocol", "host", "account"] {
        if !target.contains_key(required) {
            return Err(CliFault::call(format!("name --{required}")));
        }
    }
    let mut credential = BTreeMap::new();
    for (field, file) in
        [("password", &form.password_file), ("certificate", &form.certificate_file), ("key", &form.key_file)]
    {
        if let Some(file) = file {
            credential.insert(field, login::secret(Some(file), "")?);
        }
    }
    target.insert("credential".into(), json!(credential));
    Ok(Value::Object(target))
}

fn merged(before: Option<&Value>, new: &[(String, String)]) -> Option<Value> {
    if new.is_empty() {
        return None;
    }
    let mut all = before.and_then(Value::as_object).cloned().unwrap_or_default();
    new.iter().for_each(|(name, value)| _ = all.insert(name.clone(), json!(value)));
    Some(Value::Object(all))
}

fn classes(before: Option<&Value>, new: &[(String, String)]) -> Option<Value> {
    if new.is_empty() {
        return None;
    }
    let mut all = before.and_then(Value::as_object).cloned().unwrap_or_default();
    for (column, class) in new {
        let mut named = all.get(column).and_then(Value::as_array).cloned().unwrap_or_default();
        named.push(json!(class));
        all.insert(column.clone(), Value::Array(named));
    }
    Some(Value::Object(all))
}
