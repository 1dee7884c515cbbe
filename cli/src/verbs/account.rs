//! What can be said of an account, whether a person's or an agent's.

use super::{noun, show};
use crate::connection::CliFault;
use clap::Args;
use serde_json::{Map, Value, json};

#[derive(Args, Debug, Default)]
pub struct Traits {
    /// What people read
    #[arg(long)]
    display: Option<String>,
    /// A group more that rules can name
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A group less; its open sessions end
    #[arg(long = "no-group", value_name = "GROUP")]
    no_groups: Vec<String>,
    /// What rules can read of it
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = show::pair)]
    attributes: Vec<(String, String)>,
    /// An attribute less
    #[arg(long = "no-attribute", value_name = "NAME")]
    no_attributes: Vec<String>,
}

impl Traits {
    /// What was named, over what stood there before.
    pub fn over(&self, before: &Value) -> Result<Map<String, Value>, CliFault> {
        let parts = [
            ("display", self.display.as_ref().map(|display| json!(display))),
            ("groups", noun::list(before.get("groups"), &self.groups, &self.no_groups, "group")?),
            (
                "attributes",
                noun::map(before.get("attributes"), &self.attributes, &self.no_attributes, "attribute")?,
            ),
        ];
        Ok(parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}
