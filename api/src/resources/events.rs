//! What is in the recordings, as lines of JSON: read back from a session, or followed while it is written.
//!
//! The chain is checked while it is read; a broken place ends the lines with a problem instead of hiding it.

use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::resources::sessions::visible;
use crate::stream;
use axum::extract::{Path, State};
use axum::response::Response;
use sallyport_core::{Moment, SessionId};
use sallyport_record::{Entry, Follow, News, ReadFault, RecordFault};
use std::sync::Arc;
use tokio::sync::mpsc;

/// How far reading may be ahead of the one who asked.
const AHEAD: usize = 64;
const CLOSED: &str = "closed";

/// A line: number, time, hash and the event, as `sallyport replay --json` prints it.
fn line(session: Option<&SessionId>, entry: &Entry) -> String {
    let body = entry.value().unwrap_or_else(|_| serde_json::json!({ "event": "unreadable" }));
    let mut line = serde_json::json!({
        "no": entry.no, "at": entry.at.to_string(), "at_us": entry.at, "hash": entry.hash.to_string(), "body": body,
    });
    if let (Some(session), Some(fields)) = (session, line.as_object_mut()) {
        fields.insert("session".into(), session.as_str().into());
    }
    line.to_string()
}

fn broken(fault: &dyn std::fmt::Display) -> String {
    serde_json::json!({ "problem": fault.to_string() }).to_string()
}

/// What was recorded of a session so far.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/events", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 404, body = Problem)))]
pub async fn events(State(house): State<Arc<House>>, who: Who, Path(id): Path<String>) -> Answer<Response> {
    let id = visible(&house, &who, &id).await?;
    let past = Past::open(house, id).await?;
    stream::lines(past, |mut past| async move { Some((past.next().await?.1, past)) })
}

/// What was recorded so far, then what is recorded from now on, until the session ends.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/watch", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 404, body = Problem)))]
pub async fn watch(State(house): State<Arc<House>>, who: Who, Path(id): Path<String>) -> Answer<Response> {
    let id = visible(&house, &who, &id).await?;
    // Listening begins before reading, so that nothing falls between; what is read twice is dropped by its number.
    let follow = house.recorder.follow(Some(id.clone()));
    let past = Past::open(house.clone(), id).await?;
    let both = Both { past: Some(past), follow, last: None, closed: false, house, until: who.caller.expires };
    stream::lines(both, |mut both| async move { Some((both.next().await?, both)) })
}

/// Every entry of every session, as it is written.
#[utoipa::path(get, path = "/api/v1/audit/watch", tag = "sessions",
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub async fn audit(State(house): State<Arc<House>>, who: Who) -> Answer<Response> {
    let follow = house.recorder.follow(None);
    stream::lines((follow, house, who), |(mut follow, house, who)| async move {
        let heard = stream::or_heartbeat(follow.next()).await;
        if who.caller.expires <= house.clock.now() {
            return None;
        }
        let (text, who) = match heard {
            // The quiet is used to look whether the watcher still has the role.
            None => (String::new(), house.still_stands(&who).await.ok().filter(Who::reads_all)?),
            Some(news) => (news_line(&news?), who),
        };
        Some((text, (follow, house, who)))
    })
}

fn news_line(news: &News) -> String {
    match news {
        News::Entry { session, entry } => line(Some(session), entry),
        News::Large { session, no, bytes } => {
            serde_json::json!({ "session": session, "no": no, "large": bytes }).to_string()
        }
        News::Lost(lost) => serde_json::json!({ "lost": lost }).to_string(),
    }
}

/// Entries read by a thread that may block, handed over a few at a time.
struct Past(mpsc::Receiver<(Option<u64>, String, bool)>);

impl Past {
    async fn open(house: Arc<House>, id: SessionId) -> Answer<Self> {
        let opened = tokio::task::spawn_blocking({
            let (house, id) = (house, id.clone());
            move || house.recorder.read(&id)
        });
        let recording = match opened.await.map_err(|lost| Problem::ours("read the recording", &lost))? {
            Ok(recording) => recording,
            Err(RecordFault::Absent(_) | RecordFault::Name(_)) => {
                return Err(Problem::not_found("recording", id.as_str()));
            }
            Err(fault) => return Err(Problem::ours("read the recording", &fault)),
        };
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            for entry in recording {
                let item = match entry {
                    Ok(entry) => (Some(entry.no), line(None, &entry), is_close(&entry)),
                    // The writer is in the middle of it.
                    Err(ReadFault::Torn { .. }) => break,
                    Err(fault) => (None, broken(&fault), true),
                };
                if sender.blocking_send(item).is_err() {
                    break;
                }
            }
        });
        Ok(Self(receiver))
    }
    async fn next(&mut self) -> Option<(Option<u64>, String, bool)> {
        self.0.recv().await
    }
}

fn is_close(entry: &Entry) -> bool {
    let value = entry.value().ok();
    value.and_then(|value| value.get("event").map(|event| event == CLOSED)).unwrap_or(false)
}

struct Both {
    past: Option<Past>,
    follow: Follow,
    last: Option<u64>,
    closed: bool,
    house: Arc<House>,
    until: Moment,
}

impl Both {
    async fn next(&mut self) -> Option<String> {
        if self.closed {
            return None;
        }
        if let Some(past) = &mut self.past {
            match past.next().await {
                Some((no, line, closed)) => {
                    self.last = no.or(self.last);
                    self.closed = closed;
                    return Some(line);
                }
                None => self.past = None,
            }
        }
        loop {
            if self.until <= self.house.clock.now() {
                return None;
            }
            match stream::or_heartbeat(self.follow.next()).await {
                None => return Some(String::new()),
                Some(None) => return None,
                Some(Some(News::Entry { entry, .. })) if self.is_new(entry.no) => {
                    self.last = Some(entry.no);
                    self.closed = is_close(&entry);
                    return Some(line(None, &entry));
                }
                Some(Some(News::Entry { .. })) => {}
                Some(Some(News::Large { no, .. })) if !self.is_new(no) => {}
                Some(Some(other)) => return Some(news_line(&other)),
            }
        }
    }
    fn is_new(&self, no: u64) -> bool {
        self.last.is_none_or(|last| no > last)
    }
}
