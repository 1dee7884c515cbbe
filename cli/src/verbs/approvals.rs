//! What waits for a person, and the person's word.

use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use crate::paint;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

#[derive(Subcommand, Debug)]
pub enum Approvals {
    /// Those that wait, or those of another state
    List {
        /// waiting, approved, spent, refused, expired, withdrawn or any
        #[arg(long, default_value = "waiting")]
        state: String,
    },
    /// All that an approver must know
    Show { id: String },
    /// Let exactly this command run, once
    Approve(Word),
    /// Refuse it, with a reason that its caller reads
    Deny(Word),
    /// Each one as it is asked and decided
    Watch,
}

#[derive(Args, Debug)]
pub struct Word {
    /// Which one
    #[arg(required_unless_present = "latest", conflicts_with = "latest")]
    id: Option<String>,
    /// The one that was asked last
    #[arg(long)]
    latest: bool,
    /// For the caller and the record
    #[arg(long, default_value = "")]
    reason: String,
}

const FIELDS: &[&str] = &[
    "id",
    "state",
    "requester_name",
    "requester",
    "chain",
    "owner",
    "target",
    "database",
    "message",
    "rules",
    "effects",
    "parameters",
    "context",
    "groups",
    "asked",
    "expires",
    "decided_name",
    "decided_at",
    "reason",
    "digest",
    "session",
    "not_yours",
];

pub async fn run(verb: Approvals, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        Approvals::List { state } => {
            let answer = connection.get("/api/v1/approvals", &[("state", state.clone())]).await?;
            if common.json {
                return show::json(&answer);
            }
            let mut columns = vec!["id", "who", "target", "what", "asked"];
            // Where one state was asked for, a column of it says nothing.
            let mixed = state == "any";
            if mixed {
                columns.insert(1, "state");
            }
            let rows = show::items(&answer).iter().map(|approval| cells(approval, mixed)).collect();
            let none = if state == "waiting" { "Nothing waits." } else { "No such approval." };
            show::table(&columns, rows, none)
        }
        Approvals::Show { id } => {
            let answer = connection.get(&path(&id), &[]).await?;
            if common.json {
                return show::json(&answer);
            }
            show::fields(&answer, FIELDS)?;
            show::line("")?;
            show::statement("  ", &show::cell(&answer, "text"))
        }
        Approvals::Approve(word) => decide(&connection, common, word, "approve").await,
        Approvals::Deny(word) => decide(&connection, common, word, "deny").await,
        Approvals::Watch => {
            connection
                .lines("/api/v1/approvals/watch", &[], |line| {
                    if common.json {
                        return show::line(line).map(|()| true);
                    }
                    let approval: Value = serde_json::from_str(line).unwrap_or(Value::Null);
                    show::hanging(13, &told(&approval)).map(|()| true)
                })
                .await
        }
    }
}

async fn decide(connection: &Connection, common: &Common, word: Word, what: &str) -> Result<(), CliFault> {
    let id = match word.id {
        Some(id) => id,
        None => latest(connection).await?,
    };
    let answer = connection
        .send(Method::POST, &format!("{}/{what}", path(&id)), &json!({ "reason": word.reason }))
        .await?;
    if common.json {
        return show::json(&answer);
    }
    let done = if what == "approve" { paint::good("Approved") } else { paint::bad("Denied") };
    show::line(&format!(
        "{done}: {} for {} on {}",
        show::cell(&answer, "text"),
        show::cell(&answer, "requester_name"),
        show::cell(&answer, "target")
    ))
}

async fn latest(connection: &Connection) -> Result<String, CliFault> {
    let answer = connection.get("/api/v1/approvals", &[("state", "waiting".to_owned())]).await?;
    let newest =
        show::items(&answer).into_iter().max_by_key(|approval| approval.get("asked").and_then(Value::as_i64));
    newest.map(|approval| show::cell(&approval, "id")).ok_or_else(|| CliFault::call("nothing waits"))
}

/// The first line of the statement, as much of it as a list has room for.
fn first_line(approval: &Value) -> String {
    let text = show::cell(approval, "text");
    let first = text.lines().next().unwrap_or_default();
    let shown: String = first.chars().take(80).collect();
    if shown.len() < text.len() { format!("{shown} …") } else { shown }
}

fn cells(approval: &Value, with_state: bool) -> Vec<show::Cell> {
    let part = |name: &str| show::Cell::from(show::cell(approval, name));
    let mut cells = vec![
        part("id"),
        part("requester_name"),
        part("target"),
        first_line(approval).into(),
        show::when(approval, "asked").into(),
    ];
    if with_state {
        cells.insert(1, show::Cell::state(&show::cell(approval, "state")));
    }
    cells
}

/// `09:15:02 waiting ap-… reporter on shop: UPDATE …`
fn told(approval: &Value) -> String {
    let asked = show::cell(approval, "asked");
    let clock = asked.get(11..19).unwrap_or_default();
    format!(
        "{} {} {} {} on {}: {}",
        paint::quiet(clock),
        paint::state(&show::cell(approval, "state")),
        show::cell(approval, "id"),
        paint::strong(&show::cell(approval, "requester_name")),
        show::cell(approval, "target"),
        first_line(approval)
    )
}

fn path(id: &str) -> String {
    format!("/api/v1/approvals/{}", show::segment(id))
}
