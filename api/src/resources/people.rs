//! Local people.

use crate::accounts;
use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::limits::{MAX_PASSWORD, MIN_PASSWORD};
use crate::take::{Body, Checks, SecretText};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sallyport_store::Person;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// What they sign in with.
    pub name: String,
    #[serde(default)]
    pub display: String,
    pub email: Option<String>,
    /// Without one they cannot sign in here.
    pub password: Option<SecretText>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// What is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedPerson {
    /// The revision that was read.
    pub revision: i64,
    pub display: Option<String>,
    /// Empty takes it away.
    pub email: Option<String>,
    pub password: Option<SecretText>,
    pub groups: Option<Vec<String>>,
    pub attributes: Option<BTreeMap<String, String>>,
    pub disabled: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PersonView {
    pub name: String,
    /// `issuer#subject`.
    pub principal: String,
    pub display: String,
    pub email: Option<String>,
    pub has_password: bool,
    pub groups: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub disabled: bool,
    pub revision: i64,
    pub created: i64,
    pub updated: i64,
}

impl PersonView {
    fn of(house: &House, person: Person) -> Self {
        Self {
            principal: house.principal(&person.name),
            name: person.name,
            display: person.display,
            email: person.email,
            has_password: person.password_hash.is_some(),
            groups: person.groups,
            attributes: person.attributes,
            disabled: person.disabled,
            revision: person.revision,
            created: person.created.0,
            updated: person.updated.0,
        }
    }
}

#[utoipa::path(get, path = "/api/v1/people", tag = "identity", responses((status = 200, body = Vec<PersonView>)))]
pub async fn list(State(house): State<Arc<House>>) -> Answer<Json<Vec<PersonView>>> {
    let people = house.store.people().await?;
    Ok(Json(people.into_iter().map(|person| PersonView::of(&house, person)).collect()))
}

#[utoipa::path(get, path = "/api/v1/people/{name}", tag = "identity", params(("name" = String, Path)),
    responses((status = 200, body = PersonView), (status = 404, body = Problem)))]
pub async fn show(State(house): State<Arc<House>>, Path(name): Path<String>) -> Answer<Json<PersonView>> {
    let person = find(&house, &name).await?;
    Ok(Json(PersonView::of(&house, person)))
}

#[utoipa::path(post, path = "/api/v1/people", tag = "identity", request_body = NewPerson,
    responses((status = 201, body = PersonView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    State(house): State<Arc<House>>,
    who: Who,
    Body(new): Body<NewPerson>,
) -> Answer<(StatusCode, Json<PersonView>)> {
    let now = house.clock.now();
    let mut person = Person {
        display: if new.display.is_empty() { new.name.clone() } else { new.display },
        name: new.name,
        email: new.email,
        password_hash: None,
        groups: new.groups,
        attributes: new.attributes,
        disabled: false,
        revision: 0,
        created: now,
        updated: now,
    };
    check(&person, new.password.as_ref())?;
    accounts::name_is_free(&house, &person.name).await?;
    journal(&house, &who, "create", &person, new.password.is_some()).await?;
    if let Some(password) = new.password {
        person.password_hash = Some(accounts::hash(password.into_secret()).await?);
    }
    let stored = house.store.add_person(&person, now).await?;
    Ok((StatusCode::CREATED, Json(PersonView::of(&house, stored))))
}

#[utoipa::path(patch, path = "/api/v1/people/{name}", tag = "identity", request_body = ChangedPerson,
    params(("name" = String, Path)),
    responses((status = 200, body = PersonView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub async fn change(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
    Body(changed): Body<ChangedPerson>,
) -> Answer<Json<PersonView>> {
    let before = find(&house, &name).await?;
    let mut person = Person { revision: changed.revision, ..before.clone() };
    person.display = changed.display.unwrap_or(person.display);
    person.email = changed.email.or(person.email).filter(|email| !email.is_empty());
    person.groups = changed.groups.unwrap_or(person.groups);
    person.attributes = changed.attributes.unwrap_or(person.attributes);
    person.disabled = changed.disabled.unwrap_or(person.disabled);
    check(&person, changed.password.as_ref())?;
    journal(&house, &who, "change", &person, changed.password.is_some()).await?;
    if let Some(password) = changed.password {
        person.password_hash = Some(accounts::hash(password.into_secret()).await?);
    }
    let stored = house.store.change_person(&person, house.clock.now()).await?;
    if stored.disabled {
        accounts::end_sessions(&house, &stored.name, accounts::DISABLED);
    } else if accounts::has_less((&before.groups, &before.attributes), (&stored.groups, &stored.attributes)) {
        accounts::end_sessions(&house, &stored.name, accounts::CHANGED);
    }
    Ok(Json(PersonView::of(&house, stored)))
}

#[utoipa::path(delete, path = "/api/v1/people/{name}", tag = "identity", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn remove(
    State(house): State<Arc<House>>,
    who: Who,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let person = find(&house, &name).await?;
    answers_for_nobody(&house, &name).await?;
    journal(&house, &who, "remove", &person, false).await?;
    house.store.remove_person(&name).await?;
    accounts::end_sessions(&house, &name, accounts::REMOVED);
    Ok(StatusCode::NO_CONTENT)
}

async fn find(house: &House, name: &str) -> Answer<Person> {
    house.store.person(name).await?.ok_or_else(|| Problem::not_found("person", name))
}

/// An owner is a name. Whoever is given it next would answer for agents that they never saw.
async fn answers_for_nobody(house: &House, name: &str) -> Answer<()> {
    let owner = house.principal(name);
    let agents = house.store.agents().await?;
    let owned: Vec<_> =
        agents.iter().filter(|agent| agent.owner == owner).map(|agent| &*agent.name).collect();
    if owned.is_empty() {
        return Ok(());
    }
    let title = format!("{name} answers for agents: {}", owned.join(", "));
    Err(Problem::conflict(
        title,
        "Give each another owner first: `sallyport agents change AGENT --owner NAME`.",
    ))
}

fn check(person: &Person, password: Option<&SecretText>) -> Answer<()> {
    let mut checks = Checks::default();
    accounts::check(&mut checks, (&person.name, &person.display), &person.groups, &person.attributes);
    checks.text("email", person.email.as_deref().unwrap_or_default());
    if let Some(password) = password {
        let length = password.as_secret().expose().len();
        let fits = (MIN_PASSWORD..=MAX_PASSWORD).contains(&length);
        checks.require(fits, "password", "use from 12 to 1024 bytes");
    }
    checks.done()
}

async fn journal(house: &House, who: &Who, action: &str, person: &Person, password: bool) -> Answer<()> {
    let detail = serde_json::json!({
        "display": person.display, "email": person.email, "groups": person.groups,
        "attributes": person.attributes, "disabled": person.disabled, "password_set": password,
    });
    house.journal.change(&who.caller, action, &format!("person {}", person.name), &detail).await
}
