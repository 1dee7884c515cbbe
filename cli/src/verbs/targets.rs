//! What is protected. The credential goes in and never comes out.

use super::noun::{self, Noun};
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
    Change(Box<Change>),
    /// Take a target away; live sessions to it go on until they end
    Remove { name: String },
    /// Reach it as a session would
    Test { name: String },
    /// The protocols and their settings
    Protocols,
}

#[derive(Args, Debug, Default)]
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

/// A form, and what it takes away.
#[derive(Args, Debug)]
pub struct Change {
    #[command(flatten)]
    form: Form,
    /// A setting less: the protocol's default holds again
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// A label less
    #[arg(long = "no-label", value_name = "NAME")]
    no_labels: Vec<String>,
    /// A data class less: schema.table.column=class, or the column alone for all of its classes
    #[arg(long = "no-class", value_name = "COLUMN")]
    no_classes: Vec<String>,
    /// Callers name the database themselves again
    #[arg(long, conflicts_with = "database")]
    no_database: bool,
    /// A part of the credential less: password, certificate or key
    #[arg(long = "no-credential", value_name = "PART")]
    no_credential: Vec<String>,
}

const TARGET: Noun = Noun {
    word: "Target",
    path: "/api/v1/targets",
    columns: &["name", "protocol", "host", "port", "account", "database", "labels"],
    fields: &[
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
    ],
    none: "No target yet: `sallyport targets add`.",
};

pub async fn run(verb: Targets, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        Targets::List => TARGET.list(&connection, common).await,
        Targets::Show { name } => TARGET.show(&connection, common, &name).await,
        Targets::Add(form) => {
            let body = json!({ "name": form.name, "target": of_form(&form, &Value::Null)? });
            let answer = connection.send(Method::POST, TARGET.path, &body).await?;
            TARGET.said(common, &answer, &format!("Target {} is registered.", form.name))
        }
        Targets::Change(change) => {
            let name = &change.form.name;
            let before = connection.get(&TARGET.path(name), &[]).await?;
            let left = without(&change, before.clone())?;
            let mut target = of_form(&change.form, &left)?;
            if let Some(credential) = target.get_mut("credential").and_then(Value::as_object_mut) {
                // An empty part takes it away.
                change.no_credential.iter().for_each(|part| _ = credential.insert(part.clone(), json!("")));
            }
            let body = json!({ "revision": before.get("revision"), "target": target });
            let answer = connection.send(Method::PUT, &TARGET.path(name), &body).await?;
            TARGET.said(common, &answer, &format!("Target {name} is changed."))
        }
        Targets::Remove { name } => TARGET.remove(&connection, common, &name).await,
        Targets::Test { name } => test(&connection, common, &name).await,
        Targets::Protocols => {
            let answer = connection.get("/api/v1/protocols", &[]).await?;
            if common.json { show::json(&answer) } else { protocols(&answer) }
        }
    }
}

pub fn path(name: &str) -> String {
    TARGET.path(name)
}

/// Gives columns more classes, over the target that was read.
pub async fn give_classes(
    connection: &Connection,
    name: &str,
    before: &Value,
    new: &[(String, String)],
) -> Result<Value, CliFault> {
    let form = Form { classes: new.to_vec(), ..Form::default() };
    let body = json!({ "revision": before.get("revision"), "target": of_form(&form, before)? });
    connection.send(Method::PUT, &TARGET.path(name), &body).await
}

async fn test(connection: &Connection, common: &Common, name: &str) -> Result<(), CliFault> {
    let answer = connection.send(Method::POST, &format!("{}/test", TARGET.path(name)), &json!({})).await?;
    let reached = answer.get("reached").and_then(Value::as_bool).unwrap_or(false);
    let message = show::cell(&answer, "message");
    if !reached {
        return Err(CliFault::Gateway(format!("{name} was not reached: {message}")));
    }
    TARGET.said(common, &answer, &format!("{} {message}", paint::good("reached:")))
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
            show::wrapped("      ", &part("help"))?;
        }
    }
    Ok(())
}

/// What stood there, less what the change takes away.
fn without(change: &Change, mut before: Value) -> Result<Value, CliFault> {
    let settings = noun::map(before.get("settings"), &[], &change.unset, "setting")?;
    let labels = noun::map(before.get("labels"), &[], &change.no_labels, "label")?;
    let classes = fewer_classes(before.get("classes"), &change.no_classes)?;
    let Some(left) = before.as_object_mut() else { return Ok(before) };
    for (name, value) in [("settings", settings), ("labels", labels), ("classes", classes)] {
        if let Some(value) = value {
            left.insert(name.to_owned(), value);
        }
    }
    if change.no_database {
        left.remove("database");
    }
    Ok(before)
}

fn fewer_classes(before: Option<&Value>, gone: &[String]) -> Result<Option<Value>, CliFault> {
    if gone.is_empty() {
        return Ok(None);
    }
    let mut all = before.and_then(Value::as_object).cloned().unwrap_or_default();
    for gone in gone {
        let (column, class) = gone.split_once('=').map_or((gone.as_str(), None), |(c, k)| (c, Some(k)));
        let missing =
            || CliFault::call(format!("there is no class {gone} to take away: `targets show` lists them"));
        let named = all.get_mut(column).and_then(Value::as_array_mut).ok_or_else(missing)?;
        let before = named.len();
        named.retain(|one| class.is_some() && one.as_str() != class);
        let (fewer, none_left) = (named.len() < before, named.is_empty());
        if !fewer {
            return Err(missing());
        }
        if none_left {
            all.remove(column);
        }
    }
    Ok(Some(Value::Object(all)))
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
    put("settings", noun::map(before.get("settings"), &form.settings, &[], "setting")?);
    put("labels", noun::map(before.get("labels"), &form.labels, &[], "label")?);
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

fn classes(before: Option<&Value>, new: &[(String, String)]) -> Option<Value> {
    if new.is_empty() {
        return None;
    }
    let mut all = before.and_then(Value::as_object).cloned().unwrap_or_default();
    for (column, class) in new {
        let mut named = all.get(column).and_then(Value::as_array).cloned().unwrap_or_default();
        if !named.contains(&json!(class)) {
            named.push(json!(class));
        }
        all.insert(column.clone(), Value::Array(named));
    }
    Some(Value::Object(all))
}
