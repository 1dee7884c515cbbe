//! Signing in. A password comes from a file, standard input or a prompt; never from an argument, where others see it.

use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use crate::signin::{self, SignIn};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub struct Login {
    /// Who signs in
    #[arg(long, value_name = "NAME")]
    user: String,
    /// A file that holds the password; `-` reads standard input; a prompt where nothing is said
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How long the sign-in lasts: 90s, 15m, 1h
    #[arg(long = "for", value_name = "TIME", value_parser = show::seconds)]
    seconds: Option<i64>,
}

pub async fn run(login: Login, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::anonymous(common)?;
    let password = secret(login.password_file.as_deref(), &format!("Password of {}: ", login.user))?;
    let body = json!({ "name": login.user, "password": password, "seconds": login.seconds });
    let answer = connection.send(Method::POST, "/api/v1/login", &body).await?;
    let token = answer.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
    let expires = answer.get("expires").and_then(Value::as_i64).unwrap_or_default();
    signin::save(&SignIn { url: connection.url.clone(), token, expires })?;
    if common.json {
        return show::json(&json!({ "url": connection.url, "user": login.user, "expires": expires }));
    }
    show::line(&format!("Signed in to {} as {} until {}.", connection.url, login.user, show::time(expires)))
}

pub fn logout() -> Result<(), CliFault> {
    signin::forget()?;
    show::line("Signed out. The token itself ends by its own time.")
}

/// A secret from a file, standard input or a prompt, without its line break.
pub fn secret(file: Option<&Path>, prompt: &str) -> Result<String, CliFault> {
    let text = match file {
        Some(file) if file == Path::new("-") => std::io::read_to_string(std::io::stdin())
            .map_err(|fault| CliFault::call(format!("cannot read standard input: {fault}")))?,
        Some(file) => std::fs::read_to_string(file)
            .map_err(|fault| CliFault::call(format!("cannot read {}: {fault}", file.display())))?,
        None => rpassword::prompt_password(prompt).map_err(|_| {
            CliFault::call("no terminal to ask for the secret: name a file with --password-file")
        })?,
    };
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
