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
            let answer = connection.get("/api/v1/approvals", &[("state", state)]).await?;
            if common.json {
                return show::json(&answer);
            }
            let rows = show::items(&answer).iter().map(row).collect();
            show::table(&["id", "state", "who", "target", "what", "asked"], rows, "Nothing waits.")
        }
        Approvals::Show { id } => {
            let answer = connection.get(&path(&id), &[]).await?;
            if common.json {
                return show::json(&answer);
            }
            show::fields(&answer, FIELDS)?;
            show::line(&format!("\n{}", paint::strong(&show::cell(&answer, "text"))))
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
                    show::line(&row(&approval).join("  ")).map(|()| true)
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

fn row(approval: &Value) -> Vec<String> {
    let text = show::cell(approval, "text");
    let first: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
    vec![
        show::cell(approval, "id"),
        paint::state(&show::cell(approval, "state")),
        show::cell(approval, "requester_name"),
        show::cell(approval, "target"),
        first,
        show::cell(approval, "asked"),
    ]
}

fn path(id: &str) -> String {
    format!("/api/v1/approvals/{}", show::segment(id))
}
