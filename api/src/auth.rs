//! Who calls, and what they may do. Bearer tokens only; no cookie ever authenticates a call.
//!
//! Invariant: a route's need is checked before its handler exists for the request; a handler that asks for [`Who`] on a
//! route without one is refused.

use crate::error::{Answer, Problem};
use crate::house::House;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sallyport_core::{Caller, CallerKind, Secret};
use std::sync::Arc;

/// Longer is no token of anybody.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The groups that carry a role. A role is a person's; an agent has none, whatever groups its token names.
#[derive(Clone, Debug)]
pub struct RoleGroups {
    pub admin: Vec<String>,
    pub auditor: Vec<String>,
    pub approver: Vec<String>,
}

impl Default for RoleGroups {
    fn default() -> Self {
        let one = |name: &str| vec![name.to_string()];
        Self { admin: one("admins"), auditor: one("auditors"), approver: one("approvers") }
    }
}

/// What a route needs of its caller. Written beside the route, checked here, shown in the OpenAPI document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// No token. Says little, changes nothing, or checks a credential of its own.
    Nothing,
    /// Any proven caller; sees what is its own.
    Anyone,
    /// A person, with or without a role.
    Person,
    /// Reads everything: auditors and admins.
    Audit,
    /// Changes things: admins.
    Admin,
}

impl Needs {
    pub const fn as_str(self) -> &'static str {
        match self {
            Needs::Nothing => "nothing",
            Needs::Anyone => "anyone",
            Needs::Person => "person",
            Needs::Audit => "audit",
            Needs::Admin => "admin",
        }
    }
}

/// A proven caller with their roles.
#[derive(Clone, Debug)]
pub struct Who {
    pub caller: Caller,
    admin: bool,
    auditor: bool,
    approver: bool,
}

impl Who {
    pub(crate) fn new(caller: Caller, roles: &RoleGroups) -> Self {
        let person = caller.kind == CallerKind::Person;
        let holds = |groups: &[String]| person && groups.iter().any(|group| caller.groups.contains(group));
        let (admin, auditor, approver) = (holds(&roles.admin), holds(&roles.auditor), holds(&roles.approver));
        Self { caller, admin, auditor, approver }
    }
    pub fn is_person(&self) -> bool {
        self.caller.kind == CallerKind::Person
    }
    pub fn is_admin(&self) -> bool {
        self.admin
    }
    /// May read what is not their own.
    pub fn reads_all(&self) -> bool {
        self.admin || self.auditor
    }
    pub fn reads_all_approvals(&self) -> bool {
        self.reads_all() || self.approver
    }
    pub fn roles(&self) -> Vec<&'static str> {
        let held = [(self.admin, "admin"), (self.auditor, "auditor"), (self.approver, "approver")];
        let held = held.into_iter().filter(|(held, _)| *held).map(|(_, role)| role);
        held.chain(std::iter::once("member")).collect()
    }
    /// Whether this caller is the one named, in the spelling that records use.
    pub fn is(&self, who: &str) -> bool {
        who == self.caller.principal()
    }
    fn meets(&self, needs: Needs) -> Answer<()> {
        let (met, wanted) = match needs {
            Needs::Nothing | Needs::Anyone => (true, ""),
            Needs::Person => (self.is_person(), "a person"),
            Needs::Audit => (self.reads_all(), "a person with the role auditor or admin"),
            Needs::Admin => (self.admin, "a person with the role admin"),
        };
        if met {
            return Ok(());
        }
        Err(Problem::forbidden(
            format!("this is for {wanted}"),
            "Ask an admin to do it or to give you the role.",
        ))
    }
}

/// Stands before every route that needs somebody.
pub async fn guard(
    State((house, needs)): State<(Arc<House>, Needs)>,
    mut request: Request,
    next: Next,
) -> Response {
    // A body may not be shared between threads, so the token is taken before anything waits.
    let token = bearer(&request);
    match admit(&house, needs, token).await {
        Ok(who) => {
            request.extensions_mut().insert(who);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(house: &House, needs: Needs, token: Answer<Secret>) -> Answer<Who> {
    let caller = house.verify(&token?).await?;
    let who = Who::new(caller, &house.roles);
    who.meets(needs)?;
    Ok(who)
}

/// Exactly one `Authorization: Bearer` header. A second one is somebody's attempt to be two people.
fn bearer(request: &Request) -> Answer<Secret> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (headers.next(), headers.next()) else {
        return Err(Problem::unauthenticated("this needs one token"));
    };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer")
                && !token.is_empty()
                && token.len() <= MAX_TOKEN_BYTES =>
        {
            Ok(Secret::new(token))
        }
        Some(_) | None => Err(Problem::unauthenticated("the Authorization header is not a bearer token")),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Who>()
            .cloned()
            .ok_or_else(|| Problem::ours("tell who calls", &"a route without a need asked who calls"))
    }
}
