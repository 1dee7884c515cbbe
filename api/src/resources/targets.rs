//! Targets: what is protected. A credential goes in and never comes out.

use crate::auth::Who;
use crate::credential::{self, COMMON_FIELDS};
use crate::error::{Answer, FieldProblem, Problem};
use crate::house::{House, SettingForm};
use crate::limits::PROBE_TIMEOUT;
use crate::take::{Body, Checks, SecretText};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sallyport_core::target::DEFAULT_RECORD_RESULT_BYTES;
use sallyport_core::{Target, TargetName};
use sallyport_store::StoredTarget;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// What can be said of a target. Without `credential` an existing one is kept; an empty field of it is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetForm {
    pub protocol: String,
    pub host: String,
    /// Without it, the protocol's own.
    pub port: Option<u16>,
    /// The account of the target that the gateway uses.
    pub account: String,
    pub database: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub strict: bool,
    pub record_result_bytes: Option<u64>,
    #[serde(default)]
    pub classes: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// `password`, `certificate`, `key`, and the protocol's secret settings.
    #[serde(default)]
    pub credential: BTreeMap<String, SecretText>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTarget {
    pub name: String,
    pub target: TargetForm,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedTarget {
    /// The revision that was read.
    pub revision: i64,
    pub target: TargetForm,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TargetView {
    pub name: String,
    pub protocol: String,
    pub host: String,
    pub port: u16,
    pub account: String,
    pub database: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub strict: bool,
    pub record_result_bytes: u64,
    pub classes: BTreeMap<String, Vec<String>>,
    pub settings: BTreeMap<String, String>,
    /// Which fields of the credential are set. Never their values.
    pub credential: Vec<String>,
    pub revision: i64,
    pub created: i64,
    pub updated: i64,
}

impl TargetView {
    fn of(stored: StoredTarget) -> Self {
        let credential = credential::fields(stored.credential.as_deref());
        let target = stored.target;
        Self {
            name: target.name.to_string(),
            protocol: target.protocol,
            host: target.host,
            port: target.port,
            account: target.account,
            database: target.database,
            labels: target.labels,
            strict: target.strict,
            record_result_bytes: target.record_result_bytes,
            classes: target.classes,
            settings: target.settings,
            credential,
            revision: stored.revision,
            created: stored.created.0,
            updated: stored.updated.0,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProtocolView {
    pub name: String,
    pub default_port: Option<u16>,
    pub settings: Vec<SettingForm>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TestResult {
    pub reached: bool,
    /// What was found, or why it was not reached.
    pub message: String,
}

#[utoipa::path(get, path = "/api/v1/protocols", tag = "targets", responses((status = 200, body = Vec<ProtocolView>)))]
pub async fn protocols(State(house): State<Arc<House>>) -> Json<Vec<ProtocolView>> {
    let names = house.protocols.names().into_iter();
    let views = names.map(|name| ProtocolView {
        default_port: house.protocols.default_port(&name),
        settings: house.protocols.settings(&name).unwrap_or_default(),
        name,
    });
    Json(views.collect())
}

#[utoipa::path(get, path = "/api/v1/targets", tag = "targets", responses((status = 200, body = Vec<TargetView>)))]
pub async fn list(State(house): State<Arc<House>>) -> Answer<Json<Vec<TargetView>>> {
    let targets = house.store.targets().await?;
    Ok(Json(targets.into_iter().map(TargetView::of).collect()))
}

#[utoipa::path(get, path = "/api/v1/targets/{name}", tag = "targets", params(("name" = String, Path)),
    responses((status = 200, body = TargetView), (status = 404, body = Problem)))]
pub async fn show(State(house): State<Arc<House>>, Path(name): Path<String>) -> Answer<Json<TargetView>> {
    Ok(Json(TargetView::of(find(&house, &name).await?)))
}

#[utoipa::path(post, path = "/api/v1/targets", tag = "targets", request_body = NewTarget,
    responses((status = 201, body = TargetView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(house): State<Arc<House>>,
    who: Who,
    Body(new): Body<NewTarget>,
) -> Answer<(StatusCode, Json<TargetView>)> {
    let (target, secrets) = accept(&house, &new.name, new.target)?;
    let sealed = match secrets.is_empty() {
        true => None,
        false => credential::seal(&house.vault, &target.name, None, &secrets)?,
    };
    journal(&house, &who, "create", &target, &secrets).await?;
    let stored = house.store.add_target(&target, sealed.as_deref(), house.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(TargetView::of(stored))))
}

#[utoipa::path(put, path = "/api/v1/targets/{name}", tag = "targets", request_body = ChangedTarget,
    params(("name" = String, Path)),
    responses((status = 200, body = TargetView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub async fn change(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
    Body(changed): Body<ChangedTarget>,
) -> Answer<Json<TargetView>> {
    let before = find(&house, &name).await?;
    let (target, secrets) = accept(&house, &name, changed.target)?;
    redirected(&before, &target, &secrets)?;
    let sealed = match secrets.is_empty() {
        true => None,
        false => credential::seal(&house.vault, &target.name, before.credential.as_deref(), &secrets)?,
    };
    journal(&house, &who, "change", &target, &secrets).await?;
    let now = house.clock.now();
    let stored = house.store.change_target(&target, sealed.as_deref(), changed.revision, now).await?;
    Ok(Json(TargetView::of(stored)))
}

#[utoipa::path(delete, path = "/api/v1/targets/{name}", tag = "targets", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let target = find(&house, &name).await?.target;
    journal(&house, &who, "remove", &target, &BTreeMap::new()).await?;
    house.store.remove_target(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/api/v1/targets/{name}/test", tag = "targets", params(("name" = String, Path)),
    responses((status = 200, body = TestResult), (status = 404, body = Problem)))]
pub async fn test(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
) -> Answer<Json<TestResult>> {
    let stored = find(&house, &name).await?;
    journal(&house, &who, "test", &stored.target, &BTreeMap::new()).await?;
    let secrets = credential::opened(&house.vault, &stored)?;
    let probe = house.protocols.probe(stored.target, secrets);
    let (reached, message) = match tokio::time::timeout(PROBE_TIMEOUT, probe).await {
        Ok(Ok(found)) => (true, found),
        Ok(Err(fault)) => (false, fault.public()),
        Err(_) => (false, "the target did not answer in time".into()),
    };
    Ok(Json(TestResult { reached, message }))
}

pub(super) async fn find(house: &House, name: &str) -> Answer<StoredTarget> {
    house.store.target(name).await?.ok_or_else(|| Problem::not_found("target", name))
}

/// A credential that is kept must not be sent to another place than it was given for: who may write a target's address
/// could otherwise read its password there.
fn redirected(before: &StoredTarget, target: &Target, secrets: &BTreeMap<String, SecretText>) -> Answer<()> {
    let old = &before.target;
    let same = (&old.protocol, &old.host, old.port, &old.account, &old.settings)
        == (&target.protocol, &target.host, target.port, &target.account, &target.settings);
    let kept = credential::fields(before.credential.as_deref());
    let kept: Vec<_> = kept.into_iter().filter(|field| !secrets.contains_key(field)).collect();
    if same || kept.is_empty() {
        return Ok(());
    }
    let problem = "the address, account or settings change: give this part of the credential again";
    Err(Problem::invalid(
        kept.into_iter().map(|field| FieldProblem::new(format!("credential.{field}"), problem)).collect(),
    ))
}

fn accept(house: &House, name: &str, form: TargetForm) -> Answer<(Target, BTreeMap<String, SecretText>)> {
    let mut checks = Checks::default();
    checks.name("name", name);
    let Some(settings) = house.protocols.settings(&form.protocol) else {
        let known = house.protocols.names().join(", ");
        return Err(Problem::invalid(vec![FieldProblem::new("protocol", format!("use one of: {known}"))]));
    };
    let target = Target {
        name: TargetName::new(name),
        port: form.port.or_else(|| house.protocols.default_port(&form.protocol)).unwrap_or(0),
        protocol: form.protocol,
        host: form.host,
        account: form.account,
        database: form.database,
        labels: form.labels,
        strict: form.strict,
        record_result_bytes: form.record_result_bytes.unwrap_or(DEFAULT_RECORD_RESULT_BYTES),
        classes: form.classes,
        settings: form.settings,
    };
    check_shape(&mut checks, &target);
    check_settings(&mut checks, &target, &settings, &form.credential);
    let faults = house.protocols.validate(&target).into_iter();
    checks.add(faults.map(|(key, problem)| FieldProblem::new(format!("settings.{key}"), problem)));
    checks.done()?;
    Ok((target, form.credential))
}

fn check_shape(checks: &mut Checks, target: &Target) {
    checks.require(!target.host.is_empty() && target.host.len() <= 255, "host", "name a host or an address");
    let plain = |text: &str| !text.chars().any(|letter| letter.is_control() || letter.is_whitespace());
    checks.require(plain(&target.host), "host", "a host has no spaces");
    checks.require(target.port != 0, "port", "name a port from 1 to 65535");
    checks.require(!target.account.is_empty(), "account", "name the account that the gateway uses");
    checks.text("account", &target.account);
    checks.text("database", target.database.as_deref().unwrap_or_default());
    checks.map("labels", &target.labels);
    checks.map("settings", &target.settings);
    for (column, classes) in &target.classes {
        checks.text("classes", column);
        checks.texts("classes", classes);
    }
}

fn check_settings(
    checks: &mut Checks,
    target: &Target,
    settings: &[SettingForm],
    secrets: &BTreeMap<String, SecretText>,
) {
    for (key, value) in &target.settings {
        let field = format!("settings.{key}");
        match settings.iter().find(|setting| setting.key == *key) {
            None => checks.require(false, &field, "the protocol has no such setting"),
            Some(setting) if setting.secret => {
                checks.require(false, &field, "this is a secret: send it in `credential`");
            }
            Some(setting) => {
                let allowed = setting.choices.is_empty() || setting.choices.contains(value);
                checks.require(allowed, &field, &format!("use one of: {}", setting.choices.join(", ")));
            }
        }
    }
    for field in secrets.keys() {
        let secret_setting = settings.iter().any(|setting| setting.secret && setting.key == *field);
        let known = secret_setting || COMMON_FIELDS.contains(&field.as_str());
        checks.require(known, "credential", "it has a field that the protocol does not know");
    }
}

async fn journal(
    house: &House,
    who: &Who,
    action: &str,
    target: &Target,
    secrets: &BTreeMap<String, SecretText>,
) -> Answer<()> {
    let detail = serde_json::json!({
        "protocol": target.protocol, "host": target.host, "port": target.port, "account": target.account,
        "database": target.database, "labels": target.labels, "strict": target.strict,
        "record_result_bytes": target.record_result_bytes, "classes": target.classes, "settings": target.settings,
        "credential_set": secrets.keys().collect::<Vec<_>>(),
    });
    house.journal.change(&who.caller, action, &format!("target {}", target.name), &detail).await
}
