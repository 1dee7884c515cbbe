//! What can be searched about a session that is over. The recording is the truth; losing this row loses no evidence.

use crate::clock::WallClock;
use sallyport_core::{Clock, SessionId};
use sallyport_record::Recorder;
use sallyport_store::{SessionEnd, SessionTotals, Store};
use std::sync::Arc;
use std::time::Duration;

/// How long the end of a session waits for its recording to be closed before the index is written.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

pub async fn close(store: Store, recorder: Arc<Recorder>, session: SessionId) {
    let closed = async {
        while recorder.entries_of(&session).is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    _ = tokio::time::timeout(CLOSE_LIMIT, closed).await;
    write(&store, &recorder, &session).await;
}

/// Reads what the session came to and writes its row. Also called at start for what a crash left open.
pub async fn write(store: &Store, recorder: &Arc<Recorder>, session: &SessionId) {
    let (reader, id) = (Arc::clone(recorder), session.clone());
    let read = tokio::task::spawn_blocking(move || outline(&reader, &id)).await;
    let end = match read {
        Ok(Ok(end)) => end,
        Ok(Err(fault)) => {
            tracing::error!(session = %session, %fault, "the recording of a session that is over cannot be read");
            SessionEnd { reason: "the recording cannot be read".into(), ..SessionEnd::default() }
        }
        Err(fault) => {
            tracing::error!(session = %session, %fault, "reading a recording failed");
            SessionEnd::default()
        }
    };
    tracing::info!(session = %session, reason = end.reason, commands = end.totals.commands, "session closed");
    if let Err(fault) = store.session_closed(session.as_str(), &end, WallClock.now()).await {
        tracing::warn!(session = %session, %fault, "the index of sessions was not written; the recording is whole");
    }
}

fn outline(recorder: &Recorder, session: &SessionId) -> anyhow::Result<SessionEnd> {
    let summary = recorder.summary(session)?;
    let counted = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let verdicts = |name: &str| counted(summary.verdicts.get(name).copied().unwrap_or_default());
    let totals = SessionTotals {
        commands: counted(summary.commands),
        denied: verdicts("deny"),
        held: verdicts("hold"),
    };
    Ok(SessionEnd {
        totals,
        reason: summary.closed.unwrap_or_default(),
        head: Some(summary.head),
        said: summary.said,
    })
}
