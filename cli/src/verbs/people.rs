//! Local people.

use super::{login, show};
use crate::Common;
use crate::connection::{CliFault, Connection};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum People {
    /// All of them
    List,
    /// Make a person who can sign in
    Add(Add),
    /// Set a new password
    Password(Password),
    /// Take a person away
    Remove { name: String },
}

#[derive(Args, Debug)]
pub struct Add {
    /// What they sign in with
    name: String,
    /// What others read
    #[arg(long)]
    display: Option<String>,
    /// A group that rules can name, such as approvers
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A file with the password; `-` reads standard input; a prompt where nothing is said
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Password {
    /// Whose
    name: String,
    /// A file with the password; `-` reads standard input; a prompt where nothing is said
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

const COLUMNS: &[&str] = &["name", "display", "groups", "disabled"];

pub async fn run(verb: People, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        People::List => {
            let answer = connection.get("/api/v1/people", &[]).await?;
            if common.json {
                return show::json(&answer);
            }
            let row = |person: &Value| COLUMNS.iter().map(|name| show::cell(person, name)).collect();
            show::table(COLUMNS, show::items(&answer).iter().map(row).collect(), "Nobody yet.")
        }
        People::Add(add) => {
            let password =
                login::secret(add.password_file.as_deref(), &format!("Password of {}: ", add.name))?;
            let body = json!({
                "name": add.name, "display": add.display.clone().unwrap_or_else(|| add.name.clone()), "groups": add.groups,
                "password": password,
            });
            let answer = connection.send(Method::POST, "/api/v1/people", &body).await?;
            if common.json { show::json(&answer) } else { show::line(&format!("{} can sign in.", add.name)) }
        }
        People::Password(change) => {
            let password = login::secret(
                change.password_file.as_deref(),
                &format!("New password of {}: ", change.name),
            )?;
            let before = connection.get(&path(&change.name), &[]).await?;
            let body = json!({ "revision": before.get("revision"), "password": password });
            let answer = connection.send(Method::PATCH, &path(&change.name), &body).await?;
            if common.json { show::json(&answer) } else { show::line("The password is changed.") }
        }
        People::Remove { name } => {
            connection.delete(&path(&name)).await?;
            if common.json {
                show::json(&json!({ "removed": name }))
            } else {
                show::line(&format!("{name} is gone."))
            }
        }
    }
}

fn path(name: &str) -> String {
    format!("/api/v1/people/{}", show::segment(name))
}
