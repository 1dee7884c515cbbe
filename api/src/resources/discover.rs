//! Looks for columns that hold what rules speak of. Proposes, and changes nothing: a person accepts a proposal by changing
//! the target's classes. No value of the target comes back, only outlines of some.

use super::targets::find;
use crate::auth::Who;
use crate::credential;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::limits::{DISCOVERY_SECONDS, DISCOVERY_TIMEOUT, MAX_SAMPLE};
use crate::take::{Body, Checks};
use axum::Json;
use axum::extract::{Path, State};
use sallyport_core::mask::survey::{Confidence, Proposal, SampledColumn, Sampling, Unread};
use sallyport_core::{Fault, Target};
use sallyport_policy::{RuleBook, spelled};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What is looked at.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// Rows of each table, up to 10 000; 200 where nothing is said.
    pub sample: Option<u32>,
    /// Only these schemas.
    #[serde(default)]
    pub schemas: Vec<String>,
    /// Without it, the one that the target opens by itself.
    pub database: Option<String>,
    /// Read views too: that runs what they are made of.
    #[serde(default)]
    pub views: bool,
    /// Read foreign tables too: that reaches out to other servers.
    #[serde(default)]
    pub foreign: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Discovered {
    pub target: String,
    /// Of the target, as it was looked at.
    pub revision: i64,
    /// Tables that were read.
    pub tables: usize,
    /// Columns that were looked at.
    pub columns: usize,
    /// Columns that have a class or are proposed one.
    pub found: Vec<FoundColumn>,
    /// Tables and columns that were not read, and why.
    pub unread: Vec<UnreadView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FoundColumn {
    /// `schema.table.column`, as a target's classes name it.
    pub column: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// Cells with a value that were read.
    pub sampled: u64,
    /// The classes that it has: by the target's settings and by declaration, and what these are in.
    pub classes: Vec<String>,
    /// The surest first.
    pub proposals: Vec<ProposalView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProposalView {
    pub class: String,
    /// `sure`, `likely`, `within` (such values stand in longer texts or few cells) or `name` (only the name says so).
    #[schema(value_type = String)]
    pub confidence: Confidence,
    /// Cells with such a value.
    pub found: u64,
    /// The same as a part of all sampled, from 0 to 1.
    pub share: f64,
    /// Outlines of found values: letters as `x`, digits as `#`.
    pub examples: Vec<String>,
    /// The column has the class already.
    pub given: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadView {
    /// `schema.table`, or `schema.table.column`.
    pub what: String,
    pub why: String,
}

/// Samples the target's columns and proposes classes for them. Changes nothing.
#[utoipa::path(post, path = "/api/v1/targets/{name}/discover", tag = "targets", request_body = Discovery,
    params(("name" = String, Path)),
    responses((status = 200, body = Discovered), (status = 404, body = Problem), (status = 422, body = Problem),
              (status = 502, body = Problem)))]
pub async fn discover(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
    Body(asked): Body<Discovery>,
) -> Answer<Json<Discovered>> {
    let how = accept(&asked)?;
    let stored = find(&house, &name).await?;
    let detail = serde_json::json!({
        "sample": how.rows, "schemas": how.schemas, "database": asked.database, "views": how.views,
        "foreign": how.foreign,
    });
    house.journal.change(&who.caller, "discover", &format!("target {name}"), &detail).await?;
    let secrets = credential::opened(&house.vault, &stored)?;
    let target = stored.target;
    let database = asked.database.or_else(|| target.database.clone()).unwrap_or_default();
    let sample = house.protocols.sample(target.clone(), database, secrets, how);
    let slow = Fault::Target("the target did not answer in time");
    let sampled = tokio::time::timeout(DISCOVERY_TIMEOUT, sample).await.map_err(|_| slow)??;
    let columns = sampled.columns.len();
    let found = sampled.columns.into_iter().map(|column| FoundColumn::of(&house.rules, &target, column));
    let found = found.filter(|column| !column.classes.is_empty() || !column.proposals.is_empty()).collect();
    let unread = sampled.unread.into_iter().map(UnreadView::of).collect();
    let revision = stored.revision;
    Ok(Json(Discovered { target: name, revision, tables: sampled.tables, columns, found, unread }))
}

fn accept(asked: &Discovery) -> Answer<Sampling> {
    let rows = asked.sample.unwrap_or(200);
    let mut checks = Checks::default();
    checks.require((1..=MAX_SAMPLE).contains(&rows), "sample", "read 1 to 10000 rows of each table");
    checks.texts("schemas", &asked.schemas);
    checks.text("database", asked.database.as_deref().unwrap_or_default());
    checks.done()?;
    Ok(Sampling {
        rows,
        schemas: asked.schemas.clone(),
        views: asked.views,
        foreign: asked.foreign,
        limit_seconds: DISCOVERY_SECONDS,
    })
}

impl FoundColumn {
    fn of(rules: &RuleBook, target: &Target, column: SampledColumn) -> Self {
        let [schema, table, name] = &column.path;
        let classes = rules.classes_of(target, schema, table, name);
        let of = |proposal: Proposal| ProposalView {
            given: classes.contains(&proposal.class),
            share: (proposal.found as f64 * 1000.0 / column.sampled.max(1) as f64).round() / 1000.0,
            class: proposal.class,
            confidence: proposal.confidence,
            found: proposal.found,
            examples: proposal.examples,
        };
        Self {
            column: spelled(&[schema, table, name]),
            kind: column.kind,
            sampled: column.sampled,
            proposals: column.proposals.into_iter().map(of).collect(),
            classes: classes.into_iter().collect(),
        }
    }
}

impl UnreadView {
    fn of(unread: Unread) -> Self {
        let path: Vec<&str> = unread.path.iter().map(String::as_str).collect();
        Self { what: spelled(&path), why: unread.why }
    }
}
