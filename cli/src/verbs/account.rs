//! What can be said of an account, whether a person's or an agent's.

use super::noun::{self, Noun};
use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

/// What an account is given.
#[derive(Args, Debug, Default)]
pub struct Given {
    /// What people read
    #[arg(long)]
    display: Option<String>,
    /// A group that rules can name; admins, auditors and approvers are roles of people
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// What rules can read of it
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = show::pair)]
    attributes: Vec<(String, String)>,
}

/// What it is given and what is taken away.
#[derive(Args, Debug, Default)]
pub struct Traits {
    #[command(flatten)]
    given: Given,
    /// A group less; open sessions end
    #[arg(long = "no-group", value_name = "GROUP")]
    no_groups: Vec<String>,
    /// An attribute less; open sessions end
    #[arg(long = "no-attribute", value_name = "NAME")]
    no_attributes: Vec<String>,
}

/// What is done to an account by its name alone.
#[derive(Subcommand, Debug)]
pub enum Standing {
    /// No sign-in and no token of it is taken any more, and its sessions end
    Disable { name: String },
    /// They are taken again
    Enable { name: String },
    /// Take it away; what it did stays in the recordings
    Remove { name: String },
}

impl Standing {
    pub async fn run(self, noun: &Noun, connection: &Connection, common: &Common) -> Result<(), CliFault> {
        match self {
            Standing::Disable { name } => noun.switch(connection, common, &name, true).await,
            Standing::Enable { name } => noun.switch(connection, common, &name, false).await,
            Standing::Remove { name } => noun.remove(connection, common, &name).await,
        }
    }
}

impl Given {
    /// Of an account that is not there yet.
    pub fn fresh(self) -> Result<Map<String, Value>, CliFault> {
        Traits { given: self, ..Traits::default() }.over(&Value::Null)
    }
}

impl Traits {
    /// What was named, over what stood there before.
    pub fn over(&self, before: &Value) -> Result<Map<String, Value>, CliFault> {
        let Given { display, groups, attributes } = &self.given;
        let had = |name: &str| before.get(name);
        let parts = [
            ("display", display.as_ref().map(|display| json!(display))),
            ("groups", noun::list(had("groups"), groups, &self.no_groups, "group")?),
            ("attributes", noun::map(had("attributes"), attributes, &self.no_attributes, "attribute")?),
        ];
        Ok(parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}
