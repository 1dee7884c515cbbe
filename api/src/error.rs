//! What a caller reads when something did not work: RFC 9457 problem documents that say what, whose fault, what to do.
//!
//! Invariant: the detail of our own faults goes to the log, never into an answer.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sallyport_core::{Fault, JournalFault};
use sallyport_store::{DeskFault, StoreFault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtFault {
    Caller,
    Target,
    Gateway,
}

/// `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A stable word for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub title: String,
    pub status: u16,
    pub fault: AtFault,
    /// What to do about it.
    pub advice: String,
    /// What is wrong where, if several things are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<FieldProblem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    pub field: String,
    pub problem: String,
}

impl FieldProblem {
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

pub type Answer<T> = Result<T, Problem>;

impl Problem {
    pub fn new(
        status: StatusCode,
        kind: &str,
        title: impl Into<String>,
        fault: AtFault,
        advice: &str,
    ) -> Self {
        Self {
            kind: kind.into(),
            title: title.into(),
            status: status.as_u16(),
            fault,
            advice: advice.into(),
            problems: Vec::new(),
        }
    }
    fn of_caller(status: StatusCode, kind: &str, title: impl Into<String>, advice: &str) -> Self {
        Self::new(status, kind, title, AtFault::Caller, advice)
    }
    pub fn unauthenticated(title: impl Into<String>) -> Self {
        Self::of_caller(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            title,
            "Sign in and send the token as `Authorization: Bearer …`.",
        )
    }
    /// A name and a password, or a client, that did not prove itself: a token would not help.
    pub fn not_signed_in(title: impl Into<String>) -> Self {
        Self::of_caller(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            title,
            "Check the name and the password. An admin can set a new one: `sallyport people password NAME`.",
        )
    }
    pub fn forbidden(title: impl Into<String>, advice: &str) -> Self {
        Self::of_caller(StatusCode::FORBIDDEN, "forbidden", title, advice)
    }
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::of_caller(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no {what} `{name}`"),
            "List what there is; names are case-sensitive.",
        )
    }
    pub fn conflict(title: impl Into<String>, advice: &str) -> Self {
        Self::of_caller(StatusCode::CONFLICT, "conflict", title, advice)
    }
    pub fn invalid(problems: Vec<FieldProblem>) -> Self {
        let mut problem = Self::of_caller(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "what was sent is not usable as it is",
            "Correct the fields named in `problems` and send it again.",
        );
        problem.problems = problems;
        problem
    }
    pub fn malformed(title: impl Into<String>) -> Self {
        Self::of_caller(
            StatusCode::BAD_REQUEST,
            "malformed",
            title,
            "See /api/v1/openapi.json for what this address takes.",
        )
    }
    pub fn too_many(title: impl Into<String>) -> Self {
        Self::of_caller(StatusCode::TOO_MANY_REQUESTS, "too_many", title, "Wait a few minutes.")
    }
    /// Ours: the detail is logged here, once, and not sent.
    pub fn ours(doing: &str, detail: &dyn std::fmt::Display) -> Self {
        tracing::error!(%detail, "could not {doing}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "gateway",
            format!("the gateway could not {doing}"),
            AtFault::Gateway,
            "Nothing was changed. Try again; if it stays, `sallyport doctor` names the cause.",
        )
    }
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"sallyport\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Self {
        match &fault {
            StoreFault::Missing { noun, name } => Self::not_found(noun, name),
            StoreFault::Exists { .. } => Self::conflict(fault.to_string(), "Choose another name."),
            StoreFault::Changed { .. } => Self::conflict(
                fault.to_string(),
                "Read it again, then send the change with its new revision.",
            ),
            StoreFault::Address(_)
            | StoreFault::Corrupt { .. }
            | StoreFault::Database(_)
            | StoreFault::Migration(_)
            | StoreFault::Randomness(_) => Self::ours("use its store", &fault),
        }
    }
}

impl From<DeskFault> for Problem {
    fn from(fault: DeskFault) -> Self {
        let title = fault.to_string();
        match fault {
            DeskFault::Unknown(id) => Self::not_found("approval", &id),
            DeskFault::NotAPerson | DeskFault::NotAMember { .. } | DeskFault::OwnRequest(_) => {
                Self::forbidden(title, "Ask one of the people whom the rule names.")
            }
            DeskFault::Decided { .. } | DeskFault::Expired | DeskFault::Withdrawn => {
                Self::conflict(title, "List the approvals that still wait.")
            }
            DeskFault::Store(fault) => fault.into(),
        }
    }
}

impl From<JournalFault> for Problem {
    fn from(fault: JournalFault) -> Self {
        Self::ours("record the change, so it was not made", &fault)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let public = fault.public();
        match fault {
            Fault::Client(_) => Self::malformed(public),
            Fault::Target(_) => Self::new(
                StatusCode::BAD_GATEWAY,
                "target",
                public,
                AtFault::Target,
                "Check the target's address, account, credential and TLS settings.",
            ),
            Fault::Denied(_) => Self::forbidden(public, "Ask whoever keeps the rules."),
            Fault::Ours { detail, .. } => Self::ours("do this", &detail),
        }
    }
}
