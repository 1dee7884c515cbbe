//! Answers that go on: one JSON document a line (`application/x-ndjson`), an empty line now and then so that a dead peer
//! is noticed.

use crate::error::{Answer, Problem};
use crate::limits::MAX_WATCHERS;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;
use tokio::sync::Semaphore;

const HEARTBEAT: Duration = Duration::from_secs(15);

static WATCHERS: Semaphore = Semaphore::const_new(MAX_WATCHERS);

/// One line for each item of `next`, until it is `None`. Dropping the response drops `source` and frees its place.
pub(crate) fn lines<S, F, N>(source: S, next: N) -> Answer<Response>
where
    S: Send + 'static,
    F: Future<Output = Option<(String, S)>> + Send + 'static,
    N: FnMut(S) -> F + Send + 'static,
{
    let place = WATCHERS.try_acquire().map_err(|_| Problem::too_many("too many watch at once"))?;
    let items = unfold((source, next, place), async |(source, mut next, place)| {
        let (line, source) = next(source).await?;
        Some((Ok::<_, Infallible>(Bytes::from(format!("{line}\n"))), (source, next, place)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(items)).into_response())
}

/// The next item, or an empty line after a while without one.
pub(crate) async fn or_heartbeat<T>(next: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(HEARTBEAT, next).await.ok()
}
