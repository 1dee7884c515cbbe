//! One file for each noun.

mod account;
mod agents;
mod approvals;
mod discover;
mod login;
mod noun;
mod people;
mod policy;
mod sessions;
mod show;
mod targets;

use crate::Common;
use crate::connection::CliFault;
use clap::Subcommand;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Sign in to a gateway, for the other verbs
    Login(login::Login),
    /// Forget the sign-in
    Logout,
    /// Give an agent a short-lived token; prints nothing else
    Token(agents::Token),
    /// What is protected
    #[command(subcommand)]
    Targets(targets::Targets),
    /// Look for columns that hold personal or secret values, and give them classes
    Discover(discover::Discover),
    /// Who asks, where it is a program
    #[command(subcommand)]
    Agents(agents::Agents),
    /// Who signs in here, where it is a person
    #[command(subcommand)]
    People(people::People),
    /// What waits for a person
    #[command(subcommand)]
    Approvals(approvals::Approvals),
    /// What is going on, and what went on
    #[command(subcommand)]
    Sessions(sessions::Sessions),
    /// The rules in force
    #[command(subcommand)]
    Policy(policy::Policy),
}

pub async fn run(verb: Verb, common: &Common) -> Result<(), CliFault> {
    match verb {
        Verb::Login(login) => login::run(login, common).await,
        Verb::Logout => login::logout(),
        Verb::Token(token) => agents::token(token, common).await,
        Verb::Targets(verb) => targets::run(verb, common).await,
        Verb::Discover(discover) => discover::run(discover, common).await,
        Verb::Agents(verb) => agents::run(verb, common).await,
        Verb::People(verb) => people::run(verb, common).await,
        Verb::Approvals(verb) => approvals::run(verb, common).await,
        Verb::Sessions(verb) => sessions::run(verb, common).await,
        Verb::Policy(verb) => policy::run(verb, common).await,
    }
}
