//! What agents, people and targets have in common: each is listed, shown, changed over a revision and removed by name.

use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use reqwest::Method;
use serde_json::{Map, Value, json};

pub struct Noun {
    /// As a sentence begins with it: `Agent reporter is gone.`
    pub word: &'static str,
    pub path: &'static str,
    pub columns: &'static [&'static str],
    pub fields: &'static [&'static str],
    /// What is said of an empty list.
    pub none: &'static str,
}

impl Noun {
    pub fn path(&self, name: &str) -> String {
        format!("{}/{}", self.path, show::segment(name))
    }

    pub async fn list(&self, connection: &Connection, common: &Common) -> Result<(), CliFault> {
        let answer = connection.get(self.path, &[]).await?;
        if common.json {
            return show::json(&answer);
        }
        let shown = |one: &Value, name: &str| match name {
            "owner" => show::subject(&show::cell(one, name)).to_owned(),
            name => show::cell(one, name),
        };
        let row = |one: &Value| self.columns.iter().map(|name| shown(one, name)).collect::<Vec<_>>();
        show::table(self.columns, show::items(&answer).iter().map(row).collect(), self.none)
    }

    pub async fn show(&self, connection: &Connection, common: &Common, name: &str) -> Result<(), CliFault> {
        let answer = connection.get(&self.path(name), &[]).await?;
        if common.json { show::json(&answer) } else { show::fields(&answer, self.fields) }
    }

    pub async fn remove(&self, connection: &Connection, common: &Common, name: &str) -> Result<(), CliFault> {
        connection.delete(&self.path(name)).await?;
        self.said(common, &json!({ "removed": name }), &format!("{} {name} is gone.", self.word))
    }

    /// Sends `change` over the revision that was read, and gives back what stands then.
    pub async fn patch(
        &self,
        connection: &Connection,
        name: &str,
        change: impl FnOnce(&Value) -> Result<Map<String, Value>, CliFault>,
    ) -> Result<Value, CliFault> {
        let before = connection.get(&self.path(name), &[]).await?;
        let mut body = change(&before)?;
        if body.is_empty() {
            return Err(CliFault::call("say what to change: `--help` lists it"));
        }
        body.insert("revision".into(), before.get("revision").cloned().unwrap_or(Value::Null));
        connection.send(Method::PATCH, &self.path(name), &body).await
    }

    /// Its tokens and its sign-ins are taken, or not taken any more.
    pub async fn switch(
        &self,
        connection: &Connection,
        common: &Common,
        name: &str,
        disabled: bool,
    ) -> Result<(), CliFault> {
        let change = |_: &Value| Ok(Map::from_iter([("disabled".to_owned(), json!(disabled))]));
        let answer = self.patch(connection, name, change).await?;
        let state = if disabled { "disabled" } else { "enabled" };
        self.said(common, &answer, &format!("{} {name} is {state}.", self.word))
    }

    pub fn said(&self, common: &Common, answer: &Value, text: &str) -> Result<(), CliFault> {
        if common.json { show::json(answer) } else { show::line(text) }
    }
}

/// `before` with some entries more and some less. Taking away what is not there is a slip of the pen, so it is said.
pub fn list(
    before: Option<&Value>,
    more: &[String],
    less: &[String],
    what: &str,
) -> Result<Option<Value>, CliFault> {
    if more.is_empty() && less.is_empty() {
        return Ok(None);
    }
    let mut all: Vec<String> = before
        .and_then(Value::as_array)
        .map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    for gone in less {
        let at = all.iter().position(|one| one == gone).ok_or_else(|| not_there(what, gone, &all))?;
        all.remove(at);
    }
    for new in more {
        if !all.contains(new) {
            all.push(new.clone());
        }
    }
    Ok(Some(json!(all)))
}

/// The same for `name=value`.
pub fn map(
    before: Option<&Value>,
    more: &[(String, String)],
    less: &[String],
    what: &str,
) -> Result<Option<Value>, CliFault> {
    if more.is_empty() && less.is_empty() {
        return Ok(None);
    }
    let mut all = before.and_then(Value::as_object).cloned().unwrap_or_default();
    for gone in less {
        if all.remove(gone).is_none() {
            return Err(not_there(what, gone, &all.keys().cloned().collect::<Vec<_>>()));
        }
    }
    more.iter().for_each(|(name, value)| _ = all.insert(name.clone(), json!(value)));
    Ok(Some(Value::Object(all)))
}

fn not_there(what: &str, gone: &str, all: &[String]) -> CliFault {
    let there =
        if all.is_empty() { "there is none".to_owned() } else { format!("there is {}", all.join(", ")) };
    CliFault::call(format!("there is no {what} {gone} to take away: {there}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(all: &[&str]) -> Vec<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn a_list_gains_and_loses_what_was_named() {
        let before = json!(["a", "b"]);
        let changed = list(Some(&before), &text(&["c", "a"]), &text(&["b"]), "group").unwrap();
        assert_eq!(changed, Some(json!(["a", "c"])));
        assert_eq!(list(Some(&before), &[], &[], "group").unwrap(), None);
        let slip = list(Some(&before), &[], &text(&["x"]), "group").unwrap_err().to_string();
        assert_eq!(slip, "there is no group x to take away: there is a, b");
    }

    #[test]
    fn a_map_loses_what_was_unset() {
        let before = json!({ "sslmode": "require", "ca_file": "/x" });
        let changed = map(Some(&before), &[], &text(&["ca_file"]), "setting").unwrap();
        assert_eq!(changed, Some(json!({ "sslmode": "require" })));
        assert!(map(None, &[], &text(&["ca_file"]), "setting").is_err());
    }
}
