//! The rules: read, checked, explained, and put in force. A text that cannot be in force changes nothing.

use crate::auth::Who;
use crate::credential;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::resources::page;
use crate::take::{Asked, Body, Checks};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sallyport_core::judge::Facts;
use sallyport_core::{Caller, CallerKind, Effects};
use sallyport_policy::{Diagnostics, PACKS, RuleBook, RuleFile, Severity};
use sallyport_store::{PolicyFile, PolicyRevision};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const MAX_FILES: usize = 256;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    pub path: String,
    pub text: String,
}

/// What is wrong with a text of rules, where, and what to write instead.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleProblem {
    /// The rules cannot be in force with it; else it is a warning.
    pub error: bool,
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
    pub help: Option<String>,
    pub source_line: String,
}

/// A set of rules that ships with the house.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulePack {
    pub name: &'static str,
    pub about: &'static str,
    pub text: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyView {
    /// 0 where none was ever written through the API.
    pub revision: i64,
    pub files: Vec<RuleText>,
    pub author: String,
    pub note: String,
    pub at: Option<i64>,
    /// The edition that sessions are judged by now.
    pub epoch: u64,
    /// The rules are files on disk and change there.
    pub on_disk: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyStep {
    pub revision: i64,
    pub author: String,
    pub note: String,
    pub at: i64,
    pub files: Vec<RuleText>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Revisions below this one.
    pub before: Option<i64>,
    pub limit: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// The revision that was read; 0 for the first.
    pub revision: i64,
    pub files: Vec<RuleText>,
    #[serde(default)]
    pub note: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleTexts {
    pub files: Vec<RuleText>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    /// They could be in force.
    pub sound: bool,
    pub problems: Vec<RuleProblem>,
}

impl Checked {
    fn of(found: Diagnostics) -> Self {
        let sound = !found.has_errors();
        let problems = found.problems.into_iter().map(|problem| RuleProblem {
            error: problem.severity == Severity::Error,
            file: problem.file,
            line: problem.line,
            column: problem.column,
            message: problem.message,
            help: problem.help,
            source_line: problem.source_line,
        });
        Self { sound, problems: problems.collect() }
    }
}

/// Whom and what the question is about. A caller is an account of this house by name, or described.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The agent or person of this house who would ask.
    pub caller: Option<String>,
    /// Instead of a name: a caller of any issuer.
    pub described: Option<Described>,
    pub target: String,
    pub database: Option<String>,
    pub peer: Option<String>,
    /// The statement or command.
    pub text: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    pub issuer: String,
    pub subject: String,
    #[serde(default)]
    pub agent: bool,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// One for each part of the text.
    pub parts: Vec<ExplainedPart>,
    /// Where the target could not be asked for its tables: what that leaves open.
    pub note: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedPart {
    pub text: String,
    /// What it would do, in words.
    pub effects: Vec<String>,
    /// Set where the text is not understood; it is judged as unknown.
    pub problem: Option<String>,
    /// Verdict, rules, message, and who could approve.
    #[schema(value_type = Object)]
    pub answer: serde_json::Value,
}

#[utoipa::path(get, path = "/api/v1/policy", tag = "policy", responses((status = 200, body = PolicyView)))]
pub async fn show(State(house): State<Arc<House>>) -> Answer<Json<PolicyView>> {
    Ok(Json(current(&house).await?))
}

#[utoipa::path(put, path = "/api/v1/policy", tag = "policy", request_body = NewPolicy,
    responses((status = 200, body = PolicyView), (status = 409, body = Problem), (status = 422, body = Checked)))]
pub async fn put(
    State(house): State<Arc<House>>,
    who: Who,
    Body(new): Body<NewPolicy>,
) -> Answer<Result<Json<PolicyView>, (StatusCode, Json<Checked>)>> {
    if house.rules_on_disk {
        let advice = "Change the files in the policy folder; they are read again by themselves.";
        return Err(Problem::conflict("the rules are files on disk", advice));
    }
    let files = accept(new.files, &new.note)?;
    let checked = Checked::of(RuleBook::check(&files));
    if !checked.sound {
        return Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, Json(checked))));
    }
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    let detail = serde_json::json!({ "after": new.revision, "files": names, "note": new.note });
    house.journal.change(&who.caller, "put", "policy", &detail).await?;
    let author = who.caller.principal();
    let now = house.clock.now();
    let revision = house.store.put_policy(&kept(&files), new.revision, &author, &new.note, now).await?;
    // It was checked above: what fails now is ours, and the next start or node reads it from the store again.
    let put = house.rules.advance(revision, files);
    put.map_err(|found| Problem::ours("put the rules in force", &found))?;
    Ok(Ok(Json(current(&house).await?)))
}

#[utoipa::path(get, path = "/api/v1/policy/history", tag = "policy", params(HistoryQuery),
    responses((status = 200, body = Vec<PolicyStep>)))]
pub async fn history(
    State(house): State<Arc<House>>,
    Asked(query): Asked<HistoryQuery>,
) -> Answer<Json<Vec<PolicyStep>>> {
    let before = query.before.unwrap_or(i64::MAX);
    let steps = house.store.policy_history(before, page(query.limit)).await?.into_iter();
    let steps = steps.map(|step| PolicyStep {
        revision: step.revision,
        author: step.author,
        note: step.note,
        at: step.at.0,
        files: texts(step.files),
    });
    Ok(Json(steps.collect()))
}

/// Whether these rules could be in force, and what is wrong with them. Changes nothing.
#[utoipa::path(post, path = "/api/v1/policy/check", tag = "policy", request_body = RuleTexts,
    responses((status = 200, body = Checked), (status = 422, body = Problem)))]
pub async fn check(Body(asked): Body<RuleTexts>) -> Answer<Json<Checked>> {
    let files = accept(asked.files, "")?;
    Ok(Json(Checked::of(RuleBook::check(&files))))
}

/// What would happen to a statement, by which rules, and who could approve it. Runs nothing.
#[utoipa::path(post, path = "/api/v1/policy/explain", tag = "policy", request_body = Question,
    responses((status = 200, body = Explained), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn explain(
    State(house): State<Arc<House>>,
    who: Who,
    Body(question): Body<Question>,
) -> Answer<Json<Explained>> {
    let stored = house.store.target(&question.target).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("target", &question.target))?;
    let credential = credential::opened(&house.vault, &stored)?;
    let target = stored.target;
    let peer = question.peer.as_deref().map(str::parse::<IpAddr>).transpose();
    let facts = Facts {
        caller: Arc::new(asker(&house, &who, question.caller, question.described).await?),
        database: question.database.or_else(|| target.database.clone()).unwrap_or_default(),
        peer: peer.map_err(|_| Problem::malformed("`peer` is not an address"))?,
        target: Arc::new(target),
    };
    let (target, database) = (Arc::clone(&facts.target), facts.database.clone());
    let read = house.protocols.read(target, database, credential, question.text).await;
    let read = read.ok_or_else(|| Problem::not_found("protocol", &facts.target.protocol))?;
    let now = house.clock.now();
    let parts = read.parts.into_iter().map(|part| {
        let effects = part.effects.unwrap_or_else(Effects::unknown);
        let answer = serde_json::to_value(house.rules.explain(&facts, &effects, &part.filters, now));
        Ok(ExplainedPart {
            text: part.text,
            effects: effects.list().iter().map(ToString::to_string).collect(),
            problem: part.problem,
            answer: answer.map_err(|fault| Problem::ours("explain the rules", &fault))?,
        })
    });
    Ok(Json(Explained { parts: parts.collect::<Answer<_>>()?, note: read.note }))
}

#[utoipa::path(get, path = "/api/v1/policy/packs", tag = "policy", responses((status = 200, body = Vec<RulePack>)))]
pub async fn packs() -> Json<Vec<RulePack>> {
    let packs = PACKS.iter().map(|pack| RulePack { name: pack.name, about: pack.about, text: pack.text });
    Json(packs.collect())
}

async fn current(house: &House) -> Answer<PolicyView> {
    let (epoch, on_disk) = (house.rules.epoch().0, house.rules_on_disk);
    let stored = house.store.policy().await?;
    let none = PolicyRevision {
        revision: 0,
        files: Vec::new(),
        author: String::new(),
        note: String::new(),
        at: sallyport_core::Moment(0),
    };
    let at = stored.as_ref().map(|revision| revision.at.0);
    let PolicyRevision { revision, files, author, note, .. } = stored.filter(|_| !on_disk).unwrap_or(none);
    let files = match on_disk {
        // The store may keep an edition from before the rules were files; what judges is what is shown.
        true => kept(&house.rules.files()),
        false => files,
    };
    Ok(PolicyView {
        revision,
        files: texts(files),
        author,
        note,
        at: at.filter(|_| !on_disk),
        epoch,
        on_disk,
    })
}

fn texts(files: Vec<PolicyFile>) -> Vec<RuleText> {
    files.into_iter().map(|file| RuleText { path: file.path, text: file.text }).collect()
}

fn kept(files: &[RuleFile]) -> Vec<PolicyFile> {
    files.iter().map(|file| PolicyFile { path: file.name.clone(), text: file.text.clone() }).collect()
}

fn accept(files: Vec<RuleText>, note: &str) -> Answer<Vec<RuleFile>> {
    let mut checks = Checks::default();
    checks.text("note", note);
    checks.require(
        !files.is_empty(),
        "files",
        "an empty set of rules denies everything: write one that says so",
    );
    checks.require(files.len() <= MAX_FILES, "files", "use at most 256 files");
    let mut seen = std::collections::BTreeSet::new();
    for file in &files {
        checks.name("files.path", &file.path);
        checks.require(seen.insert(file.path.as_str()), "files.path", "two files have one path");
    }
    checks.done()?;
    Ok(files.into_iter().map(|file| RuleFile::new(file.path, file.text)).collect())
}

async fn asker(
    house: &House,
    who: &Who,
    name: Option<String>,
    described: Option<Described>,
) -> Answer<Caller> {
    let expires = who.caller.expires;
    let issuer = house.issuer.settings().issuer.clone();
    let plain = |subject: String, issuer: String, kind: CallerKind| Caller {
        name: subject.clone(),
        subject,
        issuer,
        kind,
        groups: Vec::new(),
        attributes: BTreeMap::new(),
        chain: Vec::new(),
        owner: None,
        expires,
        token_id: None,
        account_since: None,
    };
    match (name, described) {
        (None, None) => Ok(who.caller.clone()),
        (Some(name), None) => {
            if let Some(agent) = house.store.agent(&name).await? {
                return Ok(Caller {
                    groups: agent.groups,
                    attributes: agent.attributes,
                    owner: Some(agent.owner),
                    ..plain(name, issuer, CallerKind::Agent)
                });
            }
            let person = house.store.person(&name).await?;
            let person = person.ok_or_else(|| Problem::not_found("agent or person", &name))?;
            let (groups, attributes) = (person.groups, person.attributes);
            Ok(Caller { groups, attributes, ..plain(name, issuer, CallerKind::Person) })
        }
        (None, Some(one)) => {
            let kind = if one.agent { CallerKind::Agent } else { CallerKind::Person };
            let (groups, attributes) = (one.groups, one.attributes);
            Ok(Caller { groups, attributes, ..plain(one.subject, one.issuer, kind) })
        }
        (Some(_), Some(_)) => Err(Problem::malformed("say `caller` or `described`, not both")),
    }
}
