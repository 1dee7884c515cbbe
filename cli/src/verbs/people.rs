//! Local people.

use super::account::{Given, Standing, Traits};
use super::login;
use super::noun::Noun;
use crate::Common;
use crate::connection::{CliFault, Connection};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum People {
    /// All of them
    List,
    /// One of them, with groups: admins, auditors and approvers are roles here
    Show { name: String },
    /// Make a person who can sign in
    Add(Add),
    /// Change groups, attributes or names; what is not named stays
    Change(Change),
    /// Set a new password
    Password(Password),
    #[command(flatten)]
    Standing(Standing),
}

#[derive(Args, Debug)]
pub struct Add {
    /// What they sign in with
    name: String,
    #[command(flatten)]
    given: Given,
    /// A file with the password; `-` reads standard input; a prompt where nothing is said
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Change {
    /// Who
    name: String,
    #[command(flatten)]
    traits: Traits,
    /// Empty takes it away
    #[arg(long)]
    email: Option<String>,
}

#[derive(Args, Debug)]
pub struct Password {
    /// Whose
    name: String,
    /// A file with the password; `-` reads standard input; a prompt where nothing is said
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

const PERSON: Noun = Noun {
    word: "Person",
    path: "/api/v1/people",
    columns: &["name", "display", "groups", "disabled"],
    fields: &[
        "name",
        "principal",
        "display",
        "email",
        "groups",
        "attributes",
        "has_password",
        "disabled",
        "revision",
        "created",
        "updated",
    ],
    none: "Nobody yet.",
};

pub async fn run(verb: People, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        People::List => PERSON.list(&connection, common).await,
        People::Show { name } => PERSON.show(&connection, common, &name).await,
        People::Add(add) => {
            let password =
                login::secret(add.password_file.as_deref(), &format!("Password of {}: ", add.name))?;
            let mut body = add.given.fresh()?;
            body.extend([("name".to_owned(), json!(add.name)), ("password".to_owned(), json!(password))]);
            let answer = connection.send(Method::POST, PERSON.path, &body).await?;
            PERSON.said(common, &answer, &format!("{} can sign in.", add.name))
        }
        People::Change(change) => {
            let changes = |before: &Value| {
                let mut body = change.traits.over(before)?;
                if let Some(email) = &change.email {
                    body.insert("email".into(), json!(email));
                }
                Ok(body)
            };
            let answer = PERSON.patch(&connection, &change.name, changes).await?;
            PERSON.said(common, &answer, &format!("Person {} is changed.", change.name))
        }
        People::Password(change) => {
            let prompt = format!("New password of {}: ", change.name);
            let password = login::secret(change.password_file.as_deref(), &prompt)?;
            let set = |_: &Value| Ok(Map::from_iter([("password".to_owned(), json!(password))]));
            let answer = PERSON.patch(&connection, &change.name, set).await?;
            PERSON.said(common, &answer, "The password is changed.")
        }
        People::Standing(standing) => standing.run(&PERSON, &connection, common).await,
    }
}
