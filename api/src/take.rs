//! What a request brings: bodies and queries into types that cannot be wrong, and secrets that cannot be printed.

use crate::error::{FieldProblem, Problem};
use crate::limits::{MAX_LIST, MAX_NAME, MAX_TEXT};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use sallyport_core::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A JSON body. A fault in it is answered with its place, never with its content.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem::malformed("the body has to be `Content-Type: application/json`"))
            }
            Err(JsonRejection::JsonDataError(error)) => {
                Err(Problem::malformed(shape_fault(&error.body_text())))
            }
            Err(JsonRejection::JsonSyntaxError(_)) => Err(Problem::malformed("the body is not JSON")),
            Err(other) if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
            Err(_) => Err(Problem::malformed("the body could not be read")),
        }
    }
}

pub(crate) fn too_large() -> Problem {
    let mut problem = Problem::malformed("the body is larger than this address takes");
    problem.status = StatusCode::PAYLOAD_TOO_LARGE.as_u16();
    problem
}

/// serde repeats the value that it did not like, and the value may be a secret. Only the place and our own field names
/// are kept.
fn shape_fault(text: &str) -> String {
    let known = ["missing field `", "unknown field `"];
    let named = known.iter().find_map(|start| {
        let (_, rest) = text.split_once(start)?;
        let (field, _) = rest.split_once('`')?;
        let sound = field.len() <= MAX_NAME && field.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        sound.then(|| format!("{start}{field}`"))
    });
    match named {
        Some(named) => format!("the body has a problem: {named}"),
        None => "a field of the body has the wrong type or value".into(),
    }
}

/// A query string.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(_) => Err(Problem::malformed("the query has an unknown or wrong parameter")),
        }
    }
}

/// A secret on its way in. Has no way out but [`SecretText::into_secret`].
#[derive(Clone, Debug)]
pub struct SecretText(Secret);

impl SecretText {
    pub fn into_secret(self) -> Secret {
        self.0
    }
    pub fn as_secret(&self) -> &Secret {
        &self.0
    }
    pub fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::new(String::deserialize(deserializer)?)))
    }
}

impl utoipa::PartialSchema for SecretText {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Password)))
            .write_only(true)
            .into()
    }
}

impl utoipa::ToSchema for SecretText {}

/// Collects what is wrong, so that the caller mends it in one go.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldProblem>);

impl Checks {
    pub fn require(&mut self, holds: bool, field: &str, problem: &str) {
        if !holds {
            self.0.push(FieldProblem::new(field, problem));
        }
    }
    pub fn add(&mut self, problems: impl IntoIterator<Item = FieldProblem>) {
        self.0.extend(problems);
    }
    /// A name that is also a path segment, a database name and a rule's word.
    pub fn name(&mut self, field: &str, name: &str) {
        let sound = !name.is_empty()
            && name.len() <= MAX_NAME
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@'));
        self.require(
            sound,
            field,
            "use 1 to 63 letters, digits, `.`, `_`, `-` or `@`, beginning with a letter or digit",
        );
    }
    pub fn text(&mut self, field: &str, text: &str) {
        let sound =
            text.len() <= MAX_TEXT && !text.chars().any(|letter| letter.is_control() && letter != '\n');
        self.require(sound, field, "use at most 4096 bytes without control characters");
    }
    pub fn texts(&mut self, field: &str, texts: &[String]) {
        self.require(texts.len() <= MAX_LIST, field, "use at most 256 entries");
        for text in texts {
            self.text(field, text);
            self.require(!text.is_empty(), field, "an entry is empty");
        }
    }
    pub fn map(&mut self, field: &str, map: &BTreeMap<String, String>) {
        self.require(map.len() <= MAX_LIST, field, "use at most 256 entries");
        for (key, value) in map {
            self.text(field, key);
            self.text(field, value);
            self.require(!key.is_empty(), field, "a key is empty");
        }
    }
    pub fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_a_field_of_ours_and_no_value() {
        assert_eq!(
            shape_fault("x: unknown field `pasword`, expected"),
            "the body has a problem: unknown field `pasword`"
        );
        let leaked = shape_fault("invalid type: string \"hunter2\", expected u16");
        assert!(!leaked.contains("hunter2"));
        assert!(!shape_fault("unknown field `Hunter2!`").contains("unter2"));
    }

    #[test]
    fn names_are_words() {
        for (name, sound) in [("prod-1", true), ("", false), ("a/b", false), ("-a", false), ("a b", false)] {
            let mut checks = Checks::default();
            checks.name("name", name);
            assert_eq!(checks.done().is_ok(), sound, "{name}");
        }
    }
}
