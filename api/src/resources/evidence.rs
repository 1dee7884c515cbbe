//! A session's recording held against its own chain and the signed log.

use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::resources::sessions::visible;
use axum::Json;
use axum::extract::{Path, State};
use sallyport_record::{Known, RecordFault};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct Verification {
    pub intact: bool,
    pub entries: u64,
    /// Sessions, findings, and what of the signed log was checked.
    #[schema(value_type = Object)]
    pub report: serde_json::Value,
}

/// Checks the chain of the recording and its place in the signed log.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/verify", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = Verification), (status = 404, body = Problem)))]
pub async fn verify(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
) -> Answer<Json<Verification>> {
    let id = visible(&house, &who, &id).await?;
    let name = id.to_string();
    let checked = tokio::task::spawn_blocking(move || {
        let found = house.recorder.find(&id)?;
        let known = Known { key: Some(house.recorder.verifying_key()), checkpoints: Vec::new() };
        sallyport_record::verify(&found.path, &known)
    });
    let report = match checked.await.map_err(|lost| Problem::ours("verify the recording", &lost))? {
        Ok(report) => report,
        Err(RecordFault::Absent(_) | RecordFault::Name(_)) => {
            return Err(Problem::not_found("recording", &name));
        }
        Err(fault) => return Err(Problem::ours("verify the recording", &fault)),
    };
    let mut value =
        serde_json::to_value(&report).map_err(|fault| Problem::ours("verify the recording", &fault))?;
    without_paths(&mut value);
    Ok(Json(Verification { intact: report.is_intact(), entries: report.entries(), report: value }))
}

/// Where the files lie on the gateway's disk is nobody's business out here.
fn without_paths(report: &mut serde_json::Value) {
    let sessions = report.get_mut("sessions").and_then(serde_json::Value::as_array_mut);
    for session in sessions.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        session.remove("path");
    }
}
