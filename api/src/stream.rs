//! Answers that go on: one JSON document a line (`application/x-ndjson`), an empty line now and then so that a dead peer
//! is noticed.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

const HEARTBEAT: Duration = Duration::from_secs(15);

/// One line for each item of `next`, until it is `None`. Dropping the response drops `source`.
pub(crate) fn lines<S, F, N>(source: S, next: N) -> Response
where
    S: Send + 'static,
    F: Future<Output = Option<(String, S)>> + Send + 'static,
    N: FnMut(S) -> F + Send + 'static,
{
    let items = unfold((source, next), async |(source, mut next)| {
        let (line, source) = next(source).await?;
        Some((Ok::<_, Infallible>(Bytes::from(format!("{line}\n"))), (source, next)))
    });
    respond(items)
}

pub(crate) fn respond(items: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(items)).into_response()
}

/// The next item, or an empty line after a while without one.
pub(crate) async fn or_heartbeat<T>(next: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(HEARTBEAT, next).await.ok()
}
