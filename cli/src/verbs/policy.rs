//! The rules in force, and what they would say.

use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use crate::paint;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Subcommand, Debug)]
pub enum Policy {
    /// Print the rules in force
    Show,
    /// Put these files in force: all of them, instead of all that are
    Put {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Why, for the history
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Whether these files could be in force, and what is wrong with them
    Check {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// What would happen to a statement, by which rules, and who could approve it
    Explain(Explain),
    /// Who changed the rules, and when
    History,
    /// The sets of rules that ship with the gateway
    Packs {
        /// Print this one's text
        name: Option<String>,
    },
}

#[derive(Args, Debug)]
pub struct Explain {
    /// An agent or a person of this house
    #[arg(long)]
    caller: String,
    #[arg(long)]
    target: String,
    #[arg(long)]
    database: Option<String>,
    /// The statement
    text: String,
}

pub async fn run(verb: Policy, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        Policy::Show => {
            let answer = connection.get("/api/v1/policy", &[]).await?;
            if common.json { show::json(&answer) } else { files(&answer) }
        }
        Policy::Put { files, note } => put(&connection, common, &files, &note).await,
        Policy::Check { files } => {
            let body = json!({ "files": read(&files)? });
            let answer = connection.send(Method::POST, "/api/v1/policy/check", &body).await?;
            if common.json {
                show::json(&answer)?;
            }
            checked(&answer, common.json)
        }
        Policy::Explain(explain) => {
            let body = json!({ "caller": explain.caller, "target": explain.target, "database": explain.database, "text": explain.text });
            let answer = connection.send(Method::POST, "/api/v1/policy/explain", &body).await?;
            if common.json { show::json(&answer) } else { explained(&answer) }
        }
        Policy::History => {
            let answer = connection.get("/api/v1/policy/history", &[]).await?;
            if common.json {
                return show::json(&answer);
            }
            let columns = ["revision", "at", "author", "note"];
            let shown = |step: &Value, name: &str| match name {
                "author" => show::subject(&show::cell(step, name)).to_owned(),
                name => show::cell(step, name),
            };
            let row = |step: &Value| columns.iter().map(|name| shown(step, name)).collect::<Vec<_>>();
            show::table(
                &columns,
                show::items(&answer).iter().map(row).collect(),
                "The rules were never changed.",
            )
        }
        Policy::Packs { name } => packs(&connection, common, name).await,
    }
}

async fn put(
    connection: &Connection,
    common: &Common,
    paths: &[PathBuf],
    note: &str,
) -> Result<(), CliFault> {
    let before = connection.get("/api/v1/policy", &[]).await?;
    let files = read(paths)?;
    // Asked first, so that what is wrong is shown with its place.
    let check = connection.send(Method::POST, "/api/v1/policy/check", &json!({ "files": files })).await?;
    checked(&check, true)?;
    let body = json!({ "revision": before.get("revision"), "files": files, "note": note });
    let answer = connection.send(Method::PUT, "/api/v1/policy", &body).await?;
    if common.json {
        return show::json(&answer);
    }
    show::line(&format!("Revision {} is in force, for live sessions too.", show::cell(&answer, "revision")))
}

/// Prints what is wrong, and fails if anything is.
fn checked(answer: &Value, quiet: bool) -> Result<(), CliFault> {
    let mut problems = Vec::new();
    for problem in answer.get("problems").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| show::cell(problem, name);
        let kind = if problem.get("error").and_then(Value::as_bool) == Some(true) {
            paint::bad("error")
        } else {
            paint::waits("warning")
        };
        let mut text = format!("{}:{}:{}: {kind}: {}", of("file"), of("line"), of("column"), of("message"));
        let source = of("source_line");
        if !source.is_empty() {
            text.push_str(&format!("\n    {source}"));
        }
        let help = of("help");
        if !help.is_empty() {
            text.push_str(&format!("\n    write instead: {help}"));
        }
        problems.push(text);
    }
    if answer.get("sound").and_then(Value::as_bool) == Some(true) {
        problems.iter().try_for_each(|problem| show::line(problem))?;
        return if quiet { Ok(()) } else { show::line(&paint::good("These rules could be in force.")) };
    }
    Err(CliFault::call(format!(
        "the rules were refused; those in force stay in force\n{}",
        problems.join("\n")
    )))
}

fn files(answer: &Value) -> Result<(), CliFault> {
    let on_disk = answer.get("on_disk").and_then(Value::as_bool) == Some(true);
    let head = match on_disk {
        true => "// read from the policy folder".to_owned(),
        false => {
            let author = show::cell(answer, "author");
            format!("// revision {}, by {}", show::cell(answer, "revision"), show::subject(&author))
        }
    };
    show::line(&paint::quiet(&head))?;
    for file in answer.get("files").and_then(Value::as_array).into_iter().flatten() {
        show::line(&paint::quiet(&format!("// --- {}", show::cell(file, "path"))))?;
        show::line(file.get("text").and_then(Value::as_str).unwrap_or_default())?;
    }
    Ok(())
}

fn explained(answer: &Value) -> Result<(), CliFault> {
    let parts = answer.get("parts").and_then(Value::as_array).cloned().unwrap_or_default();
    for part in &parts {
        show::line(&paint::strong(&show::cell(part, "text")))?;
        let problem = show::cell(part, "problem");
        if !problem.is_empty() {
            show::line(&format!("  {}", paint::waits(&problem)))?;
        }
        match part.get("answer") {
            Some(Value::String(text)) => show::line(text)?,
            Some(answer) => explanation(answer)?,
            None => {}
        }
    }
    let note = show::cell(answer, "note");
    if !note.is_empty() {
        show::wrapped("", &paint::waits(&note))?;
    }
    // They are the caller's and the target's, whatever the statement.
    let of_first = |name: &str| {
        parts
            .first()
            .and_then(|part| part.pointer(&format!("/answer/{name}")))
            .map(show::items)
            .unwrap_or_default()
    };
    masks(&of_first("masks"))?;
    filters(&of_first("filters"))
}

/// The columns by which rows may not be chosen.
fn filters(filters: &[Value]) -> Result<(), CliFault> {
    if filters.is_empty() {
        return Ok(());
    }
    show::line(&paint::quiet("not filtered, joined, ordered or grouped by"))?;
    let mut by_rules: Vec<(String, Vec<String>)> = Vec::new();
    for filter in filters {
        let (rules, what) = (show::cell(filter, "rules"), show::cell(filter, "what"));
        let column = what.strip_prefix("column ").unwrap_or(&what).to_owned();
        match by_rules.iter_mut().find(|(known, _)| *known == rules) {
            Some((_, all)) => all.push(column),
            None => by_rules.push((rules, vec![column])),
        }
    }
    by_rules.iter().try_for_each(|(rules, what)| show::wrapped(&format!("  {rules}: "), &what.join(", ")))
}

/// The verdict first, then what each effect met. What was said of the whole is not said again of a part.
fn explanation(answer: &Value) -> Result<(), CliFault> {
    let at = |name: &str| answer.get(name).cloned().unwrap_or(Value::Null);
    let connect = at("connect");
    if show::cell(&connect, "verdict") != "allow" {
        show::wrapped(&format!("  {}: ", paint::bad("may not even connect")), &outcome(&connect))?;
    }
    let command = at("command");
    show::wrapped("  ", &outcome(&command))?;
    for each in show::items(&at("effects")) {
        let effect = each.get("effect").cloned().unwrap_or(Value::Null);
        let object = effect.pointer("/object/path").and_then(Value::as_array).into_iter().flatten();
        let object: Vec<_> = object.filter_map(Value::as_str).map(paint::harmless).collect();
        let whole =
            if effect.get("whole").and_then(Value::as_bool) == Some(true) { ", all of it" } else { "" };
        let through = effect.get("through").and_then(Value::as_str).map(paint::harmless);
        let through = through.map(|what| format!(" through {what}")).unwrap_or_default();
        let what = format!("{} {}{whole}{through}", show::cell(&effect, "action"), object.join("."));
        let mut each = each.clone();
        if let Some(part) = each.as_object_mut()
            && part.get("message") == command.get("message")
        {
            part.retain(|name, _| name != "message" && name != "groups");
        }
        show::wrapped(&format!("    {}: ", what.trim()), &outcome(&each))?;
    }
    Ok(())
}

/// A line for each rule, with what it masks wrapped beneath the first.
fn masks(masks: &[Value]) -> Result<(), CliFault> {
    let mut by_rule: Vec<(String, Vec<String>)> = Vec::new();
    for mask in masks {
        let (rule, what) = (show::cell(mask, "rule"), show::cell(mask, "what"));
        match by_rule.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, all)) => all.push(what),
            None => by_rule.push((rule, vec![what])),
        }
    }
    if by_rule.is_empty() {
        return Ok(());
    }
    show::line(&paint::quiet("masked in whatever comes back"))?;
    for (rule, what) in by_rule {
        let spelled = |kind: &str, word: &str| {
            let names: Vec<_> = what.iter().filter_map(|what| what.strip_prefix(kind)).collect();
            (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
        };
        let parts = [spelled("column ", "columns"), spelled("class ", "values like")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        show::wrapped(&format!("  {rule}: "), &parts.join("; "))?;
    }
    Ok(())
}

/// `deny (rule x): message`, with who could approve it.
fn outcome(value: &Value) -> String {
    let mut text = paint::state(&show::cell(value, "verdict"));
    let rules = show::cell(value, "rules");
    if !rules.is_empty() {
        text.push_str(&format!(" ({rules})"));
    }
    let message = show::cell(value, "message");
    if !message.is_empty() {
        text.push_str(&format!(": {message}"));
    }
    let groups = show::cell(value, "groups");
    if !groups.is_empty() {
        text.push_str(&format!(" Any of {groups} can approve it."));
    }
    text
}

async fn packs(connection: &Connection, common: &Common, name: Option<String>) -> Result<(), CliFault> {
    let answer = connection.get("/api/v1/policy/packs", &[]).await?;
    if common.json {
        return show::json(&answer);
    }
    let packs = show::items(&answer);
    let Some(name) = name else {
        let row = |pack: &Value| vec![show::cell(pack, "name"), show::cell(pack, "about")];
        return show::table(&["name", "what for"], packs.iter().map(row).collect(), "No packs.");
    };
    let found = packs.iter().find(|pack| show::cell(pack, "name") == name);
    let found =
        found.ok_or_else(|| CliFault::call(format!("there is no pack {name}: `policy packs` lists them")))?;
    show::line(found.get("text").and_then(Value::as_str).unwrap_or_default())
}

fn read(paths: &[PathBuf]) -> Result<Vec<Value>, CliFault> {
    paths.iter().map(|path| Ok(json!({ "path": name(path), "text": text(path)? }))).collect()
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn text(path: &Path) -> Result<String, CliFault> {
    std::fs::read_to_string(path)
        .map_err(|fault| CliFault::call(format!("cannot read {}: {fault}", path.display())))
}
