//! Looks for columns that hold sensitive values, and gives those that a person accepts their classes.

use super::show::{self, Cell};
use super::targets;
use crate::Common;
use crate::connection::{CliFault, Connection};
use crate::paint::{self, Tone};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Args, Debug)]
pub struct Discover {
    /// Which target
    target: String,
    /// Rows of each table that are looked at
    #[arg(long, value_name = "N", default_value_t = 200)]
    sample: u32,
    /// Only this schema; again for another
    #[arg(long = "schema", value_name = "SCHEMA")]
    schemas: Vec<String>,
    /// Another database than the target opens by itself
    #[arg(long)]
    database: Option<String>,
    /// Read views too: that runs what they are made of
    #[arg(long)]
    views: bool,
    /// Read foreign tables too: that reaches out to other servers
    #[arg(long)]
    foreign: bool,
    /// Give a column its class, as `targets change --class` does; `all` takes what is sure or likely
    #[arg(long, value_name = "all|COLUMN=CLASS", value_parser = accepted)]
    accept: Vec<Accepted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Accepted {
    All,
    One(String, String),
}

fn accepted(text: &str) -> Result<Accepted, String> {
    match text {
        "all" => Ok(Accepted::All),
        _ => show::pair(text)
            .map(|(column, class)| Accepted::One(column, class))
            .map_err(|_| "write all, or COLUMN=CLASS".to_owned()),
    }
}

pub async fn run(discover: Discover, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    let all = discover.accept.contains(&Accepted::All);
    // What a person names needs no second look.
    if !discover.accept.is_empty() && !all {
        return give(&connection, common, &discover, None).await;
    }
    let body = json!({
        "sample": discover.sample, "schemas": discover.schemas, "database": discover.database,
        "views": discover.views, "foreign": discover.foreign,
    });
    let path = format!("{}/discover", targets::path(&discover.target));
    let answer = connection.send(Method::POST, &path, &body).await?;
    if all {
        return give(&connection, common, &discover, Some(&answer)).await;
    }
    if common.json {
        return show::json(&answer);
    }
    shown(&answer)?;
    next(&answer, &discover.target)
}

/// The columns and classes that were accepted, by name or all that are sure enough.
fn chosen(accept: &[Accepted], answer: Option<&Value>) -> Vec<(String, String)> {
    let mut chosen: BTreeSet<(String, String)> = BTreeSet::new();
    for one in accept {
        match one {
            Accepted::One(column, class) => _ = chosen.insert((column.clone(), class.clone())),
            Accepted::All => {
                let sure =
                    answer.into_iter().flat_map(open).filter(|proposal| is_sure_enough(&proposal.confidence));
                chosen.extend(sure.map(|proposal| (proposal.column, proposal.class)));
            }
        }
    }
    chosen.into_iter().collect()
}

/// Shows what changes, then changes it.
async fn give(
    connection: &Connection,
    common: &Common,
    discover: &Discover,
    answer: Option<&Value>,
) -> Result<(), CliFault> {
    let before = connection.get(&targets::path(&discover.target), &[]).await?;
    let had = classes_of(&before);
    let new: Vec<(String, String)> = chosen(&discover.accept, answer)
        .into_iter()
        .filter(|(column, class)| !had.get(column).is_some_and(|classes| classes.contains(class)))
        .collect();
    if !common.json {
        changes(&had, &new)?;
    }
    let after = match new.is_empty() {
        true => before,
        false => targets::give_classes(connection, &discover.target, &before, &new).await?,
    };
    if common.json {
        let accepted = new.iter().map(|(column, class)| json!({ "column": column, "class": class }));
        return show::json(&json!({ "accepted": accepted.collect::<Vec<_>>(), "target": after }));
    }
    let name = &discover.target;
    match new.len() {
        0 => show::line(&format!("Target {name} has these classes already; nothing is changed.")),
        _ => show::line(&format!("\nTarget {name} is changed: sessions from now on see its columns so.")),
    }
}

fn classes_of(target: &Value) -> BTreeMap<String, Vec<String>> {
    let classes = target.get("classes").cloned().unwrap_or_default();
    serde_json::from_value(classes).unwrap_or_default()
}

fn changes(had: &BTreeMap<String, Vec<String>>, new: &[(String, String)]) -> Result<(), CliFault> {
    if new.is_empty() {
        return Ok(());
    }
    let mut rows: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
    for (column, class) in new {
        rows.entry(column).or_default().push(class);
    }
    let rows = rows.into_iter().map(|(column, more)| {
        let had = had.get(column).map(|classes| classes.join(", ")).unwrap_or_default();
        let more = more.iter().map(|class| format!("+{class}")).collect::<Vec<_>>().join(" ");
        vec![
            Cell::from(paint::harmless(column)),
            Cell::new(paint::harmless(&had), Tone::Quiet),
            Cell::new(paint::harmless(&more), Tone::Good),
        ]
    });
    show::table(&["column", "has", "gets"], rows.collect(), "")
}

/// A class that a column may be given and has not.
struct Open {
    column: String,
    class: String,
    confidence: String,
    found: String,
    examples: String,
}

fn open(answer: &Value) -> Vec<Open> {
    let mut all = Vec::new();
    for column in list(answer, "found") {
        let sampled = show::cell(&column, "sampled");
        for proposal in list(&column, "proposals") {
            if proposal.get("given").and_then(Value::as_bool) == Some(true) {
                continue;
            }
            let found = match sampled.as_str() {
                "0" => "no value read".to_owned(),
                sampled => format!("{} of {sampled}", show::cell(&proposal, "found")),
            };
            all.push(Open {
                column: show::cell(&column, "column"),
                class: show::cell(&proposal, "class"),
                confidence: show::cell(&proposal, "confidence"),
                found,
                examples: show::cell(&proposal, "examples"),
            });
        }
    }
    all.sort_by_key(|one| !is_sure_enough(&one.confidence));
    all
}

fn is_sure_enough(confidence: &str) -> bool {
    matches!(confidence, "sure" | "likely")
}

fn shown(answer: &Value) -> Result<(), CliFault> {
    let open = open(answer);
    let (tables, columns) = (show::cell(answer, "tables"), show::cell(answer, "columns"));
    show::line(&paint::quiet(&format!("{columns} columns looked at, {tables} tables read.")))?;
    show::line("")?;
    let row = |one: &Open| {
        let (word, tone) = match one.confidence.as_str() {
            "sure" => ("sure", Tone::Good),
            "likely" => ("likely", Tone::Waits),
            "within" => ("within texts", Tone::Plain),
            "name" => ("by its name", Tone::Plain),
            other => (other, Tone::Plain),
        };
        vec![
            Cell::from(one.column.clone()),
            Cell::from(one.class.clone()),
            Cell::new(word, tone),
            Cell::from(one.found.clone()),
            Cell::new(one.examples.clone(), Tone::Quiet),
        ]
    };
    let head = ["column", "class", "how_sure", "found", "looks_like"];
    show::table(
        &head,
        open.iter().map(row).collect(),
        "No column is found that needs a class and has none.",
    )?;
    let given: Vec<Vec<String>> = list(answer, "found")
        .iter()
        .filter(|column| !list(column, "classes").is_empty())
        .map(|column| vec![show::cell(column, "column"), show::cell(column, "classes")])
        .collect();
    if !given.is_empty() {
        show::line("")?;
        show::table(&["column", "has_the_class"], given, "")?;
    }
    unread(answer)
}

/// Grouped by why: a database may have hundreds of views.
fn unread(answer: &Value) -> Result<(), CliFault> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in list(answer, "unread") {
        groups.entry(show::cell(&one, "why")).or_default().push(show::cell(&one, "what"));
    }
    if !groups.is_empty() {
        show::line("")?;
    }
    for (why, names) in groups {
        const MOST: usize = 10;
        let more = match names.len() {
            0..=MOST => String::new(),
            all => format!(" and {} more", all - MOST),
        };
        let first = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
        show::wrapped("", &format!("{} {first}{more}: {why}.", paint::waits("Not read:")))?;
    }
    Ok(())
}

/// What a person can do now.
fn next(answer: &Value, target: &str) -> Result<(), CliFault> {
    let open = open(answer);
    let Some(first) = open.first() else { return Ok(()) };
    show::line("")?;
    if open.iter().any(|one| is_sure_enough(&one.confidence)) {
        show::line(&format!(
            "Give what is sure or likely its class:  sallyport discover {target} --accept all"
        ))?;
    }
    let one = for_a_shell(&format!("{}={}", first.column, first.class));
    show::line(&format!("Give one column its class:  sallyport discover {target} --accept {one}"))
}

/// As a person can paste it: the target chose the name.
fn for_a_shell(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '=');
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Value {
        let proposal = |class: &str, confidence: &str, given: bool| json!({ "class": class, "confidence": confidence, "found": 3, "examples": ["x@x.xx"], "given": given });
        json!({ "tables": 1, "columns": 9, "unread": [], "found": [
            { "column": "public.t.a", "sampled": 4, "classes": [], "proposals": [proposal("email", "sure", false)] },
            { "column": "public.t.b", "sampled": 4, "classes": [], "proposals": [proposal("phone", "within", false)] },
            { "column": "public.t.c", "sampled": 4, "classes": ["iban"], "proposals": [proposal("iban", "sure", true)] },
            { "column": "public.t.d", "sampled": 0, "classes": [], "proposals": [proposal("us_ssn", "name", false)] },
        ] })
    }

    #[test]
    fn all_is_what_is_sure_or_likely_and_not_given() {
        let chosen = chosen(&[Accepted::All], Some(&answer()));
        assert_eq!(chosen, [("public.t.a".to_owned(), "email".to_owned())]);
    }

    #[test]
    fn what_is_named_is_taken_as_it_is_named() {
        let accept = [accepted("public.t.d=us_ssn").unwrap(), Accepted::All];
        assert_eq!(chosen(&accept, Some(&answer())).len(), 2);
        assert!(accepted("public.t.d").is_err());
    }

    #[test]
    fn a_name_that_the_target_chose_runs_nothing() {
        assert_eq!(for_a_shell("public.t.a=email"), "public.t.a=email");
        assert_eq!(for_a_shell("public.t.x'; rm -r ~ #=email"), r"'public.t.x'\''; rm -r ~ #=email'");
    }

    #[test]
    fn the_surest_stand_first() {
        let columns: Vec<String> = open(&answer()).into_iter().map(|one| one.column).collect();
        assert_eq!(columns, ["public.t.a", "public.t.b", "public.t.d"]);
    }
}
