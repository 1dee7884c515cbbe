//! Agents and their tokens.

use super::account::{Given, Standing, Traits};
use super::noun::Noun;
use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

#[derive(Subcommand, Debug)]
pub enum Agents {
    /// All that you may see
    List,
    /// One of them
    Show { name: String },
    /// Register an agent
    Add(Add),
    /// Change its groups, attributes, owner or keys; what is not named stays
    Change(Change),
    /// Make a new client secret; the old one ends at once
    Secret(Secret),
    #[command(flatten)]
    Standing(Standing),
}

#[derive(Args, Debug)]
pub struct Add {
    /// Its client id and the subject of its tokens
    name: String,
    #[command(flatten)]
    given: Given,
    /// The person who answers for it, and may never approve its commands; you, where nothing is said
    #[arg(long)]
    owner: Option<String>,
    /// A file with a public key it proves itself with: a JSON Web Key, or a set of them
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Make a client secret for the token endpoint and put it in this new file, for your eyes only
    #[arg(long, value_name = "FILE")]
    secret_out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Change {
    /// Which one
    name: String,
    #[command(flatten)]
    traits: Traits,
    /// The person who answers for it from now on
    #[arg(long)]
    owner: Option<String>,
    /// A file with a public key more: a JSON Web Key, or a set of them
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// A key less, by the name that `agents show` gives it
    #[arg(long = "no-key", value_name = "KEY")]
    no_keys: Vec<String>,
    /// Take its client secret away: only its keys prove it from now on
    #[arg(long)]
    no_secret: bool,
}

#[derive(Args, Debug)]
pub struct Secret {
    /// Whose
    name: String,
    /// A new file for it, for your eyes only
    #[arg(long, value_name = "FILE")]
    secret_out: PathBuf,
}

#[derive(Args, Debug)]
pub struct Token {
    /// Whose it is
    #[arg(long, value_name = "NAME")]
    agent: String,
    /// How long it lives: 90s, 15m, 1h
    #[arg(long = "for", value_name = "TIME", value_parser = show::seconds)]
    seconds: Option<i64>,
    /// What it is for; rules and the record see it
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = show::pair)]
    attributes: Vec<(String, String)>,
}

const AGENT: Noun = Noun {
    word: "Agent",
    path: "/api/v1/agents",
    columns: &["name", "display", "owner", "groups", "disabled"],
    fields: &[
        "name",
        "principal",
        "display",
        "owner",
        "groups",
        "attributes",
        "keys",
        "has_secret",
        "disabled",
        "revision",
        "created",
        "updated",
    ],
    none: "No agent yet: `sallyport agents add`.",
};

pub async fn run(verb: Agents, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        Agents::List => AGENT.list(&connection, common).await,
        Agents::Show { name } => {
            let mut answer = connection.get(&AGENT.path(&name), &[]).await?;
            if common.json {
                return show::json(&answer);
            }
            let names: Vec<_> = keys_of(&answer).iter().map(key_name).collect();
            if let Some(answer) = answer.as_object_mut() {
                answer.insert("keys".into(), json!(names));
            }
            show::fields(&answer, AGENT.fields)
        }
        Agents::Add(add) => register(&connection, common, add).await,
        Agents::Change(change) => {
            let answer = AGENT.patch(&connection, &change.name, |before| changes(&change, before)).await?;
            AGENT.said(common, &answer, &format!("Agent {} is changed.", change.name))
        }
        Agents::Secret(secret) => renew(&connection, common, &secret).await,
        Agents::Standing(standing) => standing.run(&AGENT, &connection, common).await,
    }
}

async fn register(connection: &Connection, common: &Common, add: Add) -> Result<(), CliFault> {
    let mut body = add.given.fresh()?;
    let more = [
        ("name", json!(add.name)),
        ("owner", json!(add.owner)),
        ("public_keys", json!(read_keys(&add.keys)?)),
        ("secret", json!(add.secret_out.is_some())),
    ];
    body.extend(more.map(|(name, value)| (name.to_owned(), value)));
    let file = add.secret_out.as_deref().map(SecretFile::new).transpose()?;
    let mut answer = connection.send(Method::POST, AGENT.path, &body).await?;
    if let Some(file) = file {
        file.keep(&mut answer)?;
    }
    let text =
        format!("Agent {} is registered. `sallyport token --agent {}` gives it a token.", add.name, add.name);
    AGENT.said(common, &answer, &text)
}

async fn renew(connection: &Connection, common: &Common, secret: &Secret) -> Result<(), CliFault> {
    // The file first: the old secret ends with the call, and a new one that cannot be kept would be nobody's.
    let file = SecretFile::new(&secret.secret_out)?;
    let change = |_: &Value| Ok(Map::from_iter([("new_secret".to_owned(), json!(true))]));
    let mut answer = AGENT.patch(connection, &secret.name, change).await?;
    file.keep(&mut answer)?;
    let text = format!(
        "The secret of {} is in {}; the old one has ended.",
        secret.name,
        secret.secret_out.display()
    );
    AGENT.said(common, &answer, &text)
}

fn changes(change: &Change, before: &Value) -> Result<Map<String, Value>, CliFault> {
    let mut body = change.traits.over(before)?;
    if let Some(owner) = &change.owner {
        body.insert("owner".into(), json!(owner));
    }
    if change.no_secret {
        body.insert("remove_secret".into(), json!(true));
    }
    if !change.keys.is_empty() || !change.no_keys.is_empty() {
        let mut keys = keys_of(before);
        for gone in &change.no_keys {
            let at = keys.iter().position(|key| key_name(key) == *gone);
            let missing = || CliFault::call(format!("there is no key {gone}: `agents show` names them"));
            keys.remove(at.ok_or_else(missing)?);
        }
        keys.extend(read_keys(&change.keys)?);
        body.insert("public_keys".into(), json!(keys));
    }
    Ok(body)
}

pub async fn token(token: Token, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    let attributes: BTreeMap<_, _> = token.attributes.into_iter().collect();
    let body = json!({ "agent": token.agent, "seconds": token.seconds, "attributes": attributes });
    let answer = connection.send(Method::POST, "/api/v1/tokens", &body).await?;
    if common.json {
        return show::json(&answer);
    }
    let ends = answer.get("expires").and_then(Value::as_i64).unwrap_or(i64::MAX);
    let asked = token.seconds.unwrap_or_default();
    if ends.saturating_sub(jiff::Timestamp::now().as_microsecond()) / 1_000_000 < asked - 60 {
        eprintln!("sallyport: no token lives that long here; this one ends {}", show::time(ends));
    }
    // Nothing else on standard output: it is made for `$(…)`.
    show::line(answer.get("token").and_then(Value::as_str).unwrap_or_default())
}

fn keys_of(agent: &Value) -> Vec<Value> {
    agent.get("public_keys").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Its `kid`, or the beginning of its own material where it has none.
fn key_name(key: &Value) -> String {
    let part = |name: &str| key.get(name).and_then(Value::as_str);
    let material = || part("x").or_else(|| part("n")).unwrap_or_default().chars().take(12).collect();
    part("kid").map_or_else(material, str::to_owned)
}

fn read_keys(files: &[PathBuf]) -> Result<Vec<Value>, CliFault> {
    let mut keys = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file)
            .map_err(|fault| CliFault::call(format!("cannot read {}: {fault}", file.display())))?;
        // What was read is not repeated: a private key may have been named by mistake.
        let wrong =
            || CliFault::call(format!("{} holds no JSON Web Key: write {{\"kty\": …}}", file.display()));
        match serde_json::from_str::<Value>(&text).map_err(|_| wrong())? {
            Value::Object(set) if set.contains_key("keys") => {
                keys.extend(set.get("keys").and_then(Value::as_array).cloned().ok_or_else(wrong)?);
            }
            key @ Value::Object(_) => keys.push(key),
            _ => return Err(wrong()),
        }
    }
    Ok(keys)
}

/// Made before the secret is, and gone again where none came.
struct SecretFile<'a> {
    path: &'a Path,
    out: std::fs::File,
    kept: bool,
}

impl<'a> SecretFile<'a> {
    fn new(path: &'a Path) -> Result<Self, CliFault> {
        let out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let out = out.map_err(|fault| Self::fault(path, &fault))?;
        Ok(Self { path, out, kept: false })
    }
    /// Takes the secret out of the answer, so that nothing else shows it.
    fn keep(mut self, answer: &mut Value) -> Result<(), CliFault> {
        let secret = answer.as_object_mut().and_then(|answer| answer.remove("secret"));
        let secret = secret.as_ref().and_then(Value::as_str).unwrap_or_default();
        self.out.write_all(secret.as_bytes()).map_err(|fault| Self::fault(self.path, &fault))?;
        self.kept = true;
        Ok(())
    }
    fn fault(path: &Path, fault: &std::io::Error) -> CliFault {
        CliFault::call(format!("cannot write the secret to {}: {fault}", path.display()))
    }
}

impl Drop for SecretFile<'_> {
    fn drop(&mut self) {
        if !self.kept {
            _ = std::fs::remove_file(self.path);
        }
    }
}
