//! What is going on, and what went on.

use super::show;
use crate::Common;
use crate::connection::{CliFault, Connection};
use crate::paint::{self, Tone};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

mod story;

#[derive(Subcommand, Debug)]
pub enum Sessions {
    /// Search the sessions, newest first
    List(Search),
    /// One of them
    Show { id: String },
    /// Play a session back, at the pace it had or faster
    Replay(Replay),
    /// Follow a live session, or all of them
    Watch(Watch),
    /// End a live session; its caller reads the reason
    Kill(Kill),
    /// Every recorded event of a session, or of all, as lines of JSON
    Export(Export),
    /// Check a recording's chain and its place in the signed log
    Verify { id: String },
}

#[derive(Args, Debug)]
pub struct Search {
    /// `issuer#subject`, or a name
    #[arg(long)]
    caller: Option<String>,
    #[arg(long)]
    target: Option<String>,
    /// denied or held: sessions with at least one such command
    #[arg(long)]
    verdict: Option<String>,
    /// Part of what was said
    #[arg(long)]
    text: Option<String>,
    /// Only those that have not ended
    #[arg(long)]
    open: bool,
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// The next page, as the one before named it
    #[arg(long)]
    after: Option<String>,
}

#[derive(Args, Debug)]
pub struct Which {
    /// Which one
    #[arg(required_unless_present = "latest", conflicts_with = "latest")]
    id: Option<String>,
    /// The one that began last
    #[arg(long)]
    latest: bool,
}

#[derive(Args, Debug)]
pub struct Replay {
    #[command(flatten)]
    which: Which,
    /// 1 is the pace it had; max does not wait
    #[arg(long, default_value = "max", value_parser = pace)]
    speed: f64,
}

#[derive(Args, Debug)]
pub struct Watch {
    /// Which one
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// Every session
    #[arg(long)]
    all: bool,
}

#[derive(Args, Debug)]
pub struct Kill {
    #[command(flatten)]
    which: Which,
    /// What its caller and the record read
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
pub struct Export {
    /// Which one
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// Every session
    #[arg(long)]
    all: bool,
}

/// Where a long line of a story goes on: behind the clock and the mark.
const STORY_INDENT: usize = 13;
/// A pause in a replay is never longer.
const MAX_PAUSE: Duration = Duration::from_secs(5);

const FIELDS: &[&str] = &[
    "id",
    "caller_name",
    "caller",
    "caller_kind",
    "target",
    "database",
    "account",
    "peer",
    "started",
    "ended",
    "reason",
    "commands",
    "denied",
    "held",
    "head",
];

fn pace(text: &str) -> Result<f64, String> {
    match text {
        "max" => Ok(f64::INFINITY),
        other => other
            .parse()
            .ok()
            .filter(|speed: &f64| *speed > 0.0)
            .ok_or_else(|| "write max, or a number such as 1 or 10".to_owned()),
    }
}

pub async fn run(verb: Sessions, common: &Common) -> Result<(), CliFault> {
    let connection = Connection::signed_in(common)?;
    match verb {
        Sessions::List(search) => list(&connection, common, search).await,
        Sessions::Show { id } => {
            let answer = connection.get(&path(&id), &[]).await?;
            if common.json { show::json(&answer) } else { show::fields(&answer, FIELDS) }
        }
        Sessions::Replay(replay) => play(&connection, common, replay).await,
        Sessions::Watch(watch) => {
            let path = watch
                .id
                .map_or_else(|| "/api/v1/audit/watch".to_owned(), |id| format!("{}/watch", path(&id)));
            let mut story = story::Story::new(watch.all);
            connection
                .lines(&path, &[], |line| {
                    if common.json {
                        return show::line(line).map(|()| true);
                    }
                    story
                        .tell(&parse(line))
                        .iter()
                        .try_for_each(|line| show::hanging(STORY_INDENT, line))
                        .map(|()| true)
                })
                .await
        }
        Sessions::Kill(kill) => {
            let id = which(&connection, kill.which, true).await?;
            connection
                .send(Method::POST, &format!("{}/kill", path(&id)), &json!({ "reason": kill.reason }))
                .await?;
            if common.json {
                show::json(&json!({ "killed": id }))
            } else {
                show::line(&format!("Session {id} is ended."))
            }
        }
        Sessions::Export(export) => match export.id {
            Some(id) => dump(&connection, &id).await,
            None => {
                for id in all(&connection).await? {
                    dump(&connection, &id).await?;
                }
                Ok(())
            }
        },
        Sessions::Verify { id } => {
            let answer = connection.get(&format!("{}/verify", path(&id)), &[]).await?;
            if common.json {
                show::json(&answer)?;
            }
            if answer.get("intact").and_then(Value::as_bool) != Some(true) {
                return Err(CliFault::Refused(format!("the recording is not intact: {answer}")));
            }
            if common.json {
                Ok(())
            } else {
                show::line(&format!("{} {} entries", paint::good("intact:"), show::cell(&answer, "entries")))
            }
        }
    }
}

async fn list(connection: &Connection, common: &Common, search: Search) -> Result<(), CliFault> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let query = [
        ("caller", text(search.caller)),
        ("target", text(search.target)),
        ("verdict", text(search.verdict)),
        ("text", text(search.text)),
        ("open", if search.open { "true".to_owned() } else { String::new() }),
        ("limit", search.limit.to_string()),
        ("after", text(search.after)),
    ];
    let answer = connection.get("/api/v1/sessions", &query).await?;
    if common.json {
        return show::json(&answer);
    }
    let columns = ["id", "who", "target", "started", "commands", "end"];
    let row = |session: &Value| {
        let names = ["id", "caller_name", "target"];
        let mut cells: Vec<_> =
            names.iter().map(|name| show::Cell::from(show::cell(session, name))).collect();
        cells.push(show::when(session, "started").into());
        cells.push(commands(session));
        cells.push(match show::cell(session, "ended").is_empty() {
            true => show::Cell::state("open"),
            false => show::cell(session, "reason").into(),
        });
        cells
    };
    let sessions = answer.get("sessions").cloned().unwrap_or(Value::Null);
    show::table(&columns, show::items(&sessions).iter().map(row).collect(), "No such session.")?;
    match show::cell(&answer, "next") {
        next if next.is_empty() => Ok(()),
        next => show::line(&paint::quiet(&format!("more with --after {next}"))),
    }
}

/// `3`, or `3, 1 denied, 1 held`, in the colour of the worst.
fn commands(session: &Value) -> show::Cell {
    let mut text = show::cell(session, "commands");
    let mut tone = Tone::Plain;
    for (name, its) in [("held", Tone::Waits), ("denied", Tone::Bad)] {
        match session.get(name).and_then(Value::as_i64) {
            None | Some(0) => {}
            Some(number) => {
                text.push_str(&format!(", {number} {name}"));
                tone = its;
            }
        }
    }
    show::Cell::new(text, tone)
}

async fn play(connection: &Connection, common: &Common, replay: Replay) -> Result<(), CliFault> {
    let id = which(connection, replay.which, false).await?;
    let mut story = story::Story::new(false);
    let mut last: Option<i64> = None;
    let mut told = Vec::new();
    connection
        .lines(&format!("{}/events", path(&id)), &[], |line| {
            if common.json {
                return show::line(line).map(|()| true);
            }
            if replay.speed.is_infinite() {
                return story
                    .tell(&parse(line))
                    .iter()
                    .try_for_each(|line| show::hanging(STORY_INDENT, line))
                    .map(|()| true);
            }
            told.push(line.to_owned());
            Ok(true)
        })
        .await?;
    for line in told {
        let entry = parse(&line);
        let at = entry.get("at_us").and_then(Value::as_i64);
        if let (Some(at), Some(before)) = (at, last) {
            let gap = u64::try_from(at.saturating_sub(before)).unwrap_or(0);
            let pause = Duration::from_micros(gap).div_f64(replay.speed).min(MAX_PAUSE);
            tokio::time::sleep(pause).await;
        }
        last = at.or(last);
        story.tell(&entry).iter().try_for_each(|line| show::hanging(STORY_INDENT, line))?;
    }
    Ok(())
}

async fn dump(connection: &Connection, id: &str) -> Result<(), CliFault> {
    connection.lines(&format!("{}/events", path(id)), &[], |line| show::line(line).map(|()| true)).await
}

async fn which(connection: &Connection, which: Which, open: bool) -> Result<String, CliFault> {
    if let Some(id) = which.id {
        return Ok(id);
    }
    let open = if open { "true".to_owned() } else { String::new() };
    let answer = connection.get("/api/v1/sessions", &[("limit", "1".to_owned()), ("open", open)]).await?;
    let newest = answer.pointer("/sessions/0/id").and_then(Value::as_str);
    newest.map(str::to_owned).ok_or_else(|| CliFault::call("there is no such session"))
}

async fn all(connection: &Connection) -> Result<Vec<String>, CliFault> {
    let mut ids = Vec::new();
    let mut after = String::new();
    loop {
        let answer =
            connection.get("/api/v1/sessions", &[("limit", "500".to_owned()), ("after", after)]).await?;
        let sessions = answer.get("sessions").cloned().unwrap_or(Value::Null);
        ids.extend(show::items(&sessions).iter().map(|session| show::cell(session, "id")));
        after = show::cell(&answer, "next");
        if after.is_empty() {
            return Ok(ids);
        }
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or(Value::Null)
}

fn path(id: &str) -> String {
    format!("/api/v1/sessions/{}", show::segment(id))
}
