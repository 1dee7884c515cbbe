//! Agents and their tokens.

use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
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
    /// No token of it is taken any more
    Disable { name: String },
    /// Its tokens are taken again
    Enable { name: String },
    /// Forget it; what it did stays in the recordings
    Remove { name: String },
}

#[derive(Args, Debug)]
pub struct Add {
    /// Its client id and the subject of its tokens
    name: String,
    /// What people read
    #[arg(long)]
    display: Option<String>,
    /// The person who answers for it, and may never approve its commands; you, where nothing is said
    #[arg(long)]
    owner: Option<String>,
    /// A group that rules can name
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// What rules can read of it
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = show::pair)]
    attributes: Vec<(String, String)>,
    /// Make a client secret for the token endpoint and put it in this new file, for your eyes only
    #[arg(long, value_name = "FILE")]
    secret_out: Option<PathBuf>,
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

const COLUMNS: &[&str] = &["name", "display", "owner", "groups", "disabled"];
const FIELDS: &[&str] = &[
    "name",
    "principal",
    "display",
    "owner",
    "groups",
    "attributes",
    "has_secret",
    "disabled",
    "revision",
    "created",
    "updated",
];

pub async fn run(verb: Agents, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        Agents::List => {
            let answer = connection.get("/api/v1/agents", &[]).await?;
            if common.json {
                return show::json(&answer);
            }
            let row = |agent: &Value| {
                let shown = |name: &&str| match *name {
                    "owner" => show::subject(&show::cell(agent, name)).to_owned(),
                    name => show::cell(agent, name),
                };
                COLUMNS.iter().map(shown).collect()
            };
            show::table(
                COLUMNS,
                show::items(&answer).iter().map(row).collect(),
                "No agent yet: `sallyport agents add`.",
            )
        }
        Agents::Show { name } => {
            let answer = connection.get(&path(&name), &[]).await?;
            if common.json { show::json(&answer) } else { show::fields(&answer, FIELDS) }
        }
        Agents::Add(add) => {
            let attributes: BTreeMap<_, _> = add.attributes.iter().cloned().collect();
            let body = json!({
                "name": add.name, "display": add.display.clone().unwrap_or_default(), "owner": add.owner,
                "groups": add.groups, "attributes": attributes, "secret": add.secret_out.is_some(),
            });
            let mut answer = connection.send(Method::POST, "/api/v1/agents", &body).await?;
            if let Some(file) = &add.secret_out {
                let secret = answer.as_object_mut().and_then(|answer| answer.remove("secret"));
                keep_secret(file, secret.as_ref().and_then(Value::as_str).unwrap_or_default())?;
            }
            if common.json {
                return show::json(&answer);
            }
            show::line(&format!(
                "Agent {} is registered. `sallyport token --agent {}` gives it a token.",
                add.name, add.name
            ))
        }
        Agents::Disable { name } => switch(&connection, common, &name, true).await,
        Agents::Enable { name } => switch(&connection, common, &name, false).await,
        Agents::Remove { name } => {
            connection.delete(&path(&name)).await?;
            if common.json {
                show::json(&json!({ "removed": name }))
            } else {
                show::line(&format!("Agent {name} is gone."))
            }
        }
    }
}

async fn switch(
    connection: &Connection,
    common: &Common,
    name: &str,
    disabled: bool,
) -> Result<(), CliFault> {
    let before = connection.get(&path(name), &[]).await?;
    let body = json!({ "revision": before.get("revision"), "disabled": disabled });
    let answer = connection.send(Method::PATCH, &path(name), &body).await?;
    if common.json {
        return show::json(&answer);
    }
    show::line(&format!("Agent {name} is {}.", if disabled { "disabled" } else { "enabled" }))
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

fn path(name: &str) -> String {
    format!("/api/v1/agents/{}", show::segment(name))
}

fn keep_secret(file: &Path, secret: &str) -> Result<(), CliFault> {
    let failed = |fault: std::io::Error| {
        CliFault::call(format!("cannot write the secret to {}: {fault}", file.display()))
    };
    let mut out =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    out.write_all(secret.as_bytes()).map_err(failed)
}
