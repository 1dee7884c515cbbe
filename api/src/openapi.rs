//! The OpenAPI 3.1 document: from the notes beside each handler, with who a route is for taken from the table of routes.

use crate::auth::Needs;
use crate::resources::{
    agents, approvals, discover, events, evidence, health, login, oauth, people, policy, sessions, targets,
    tokens,
};
use crate::router::table;
use axum::Json;
use axum::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};

#[derive(OpenApi)]
#[openapi(
    info(title = "Sallyport", description = "The control plane of the Sallyport access gateway."),
    paths(
        health::health,
        health::version,
        health::me,
        login::login,
        tokens::create,
        agents::list,
        agents::show,
        agents::create,
        agents::change,
        agents::remove,
        people::list,
        people::show,
        people::create,
        people::change,
        people::remove,
        targets::protocols,
        targets::list,
        targets::show,
        targets::create,
        targets::change,
        targets::remove,
        targets::test,
        discover::discover,
        approvals::list,
        approvals::watch,
        approvals::show,
        approvals::approve,
        approvals::deny,
        sessions::list,
        sessions::live,
        sessions::show,
        sessions::kill,
        sessions::renew,
        evidence::verify,
        events::events,
        events::watch,
        events::audit,
        policy::show,
        policy::put,
        policy::history,
        policy::check,
        policy::explain,
        policy::packs,
        oauth::discovery,
        oauth::jwks,
        oauth::token,
        oauth::device_authorization,
    )
)]
struct Notes;

/// The document as it is served. `x-needs` of each operation says who it is for.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Notes::openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    for route in table() {
        let item = document.paths.paths.get_mut(route.path);
        if let Some(operation) = item.and_then(|item| operation(item, &route.method)) {
            let needs = ExtensionsBuilder::new().add("x-needs", route.needs.as_str()).build();
            operation.extensions = Some(needs);
            operation.security = match route.needs {
                Needs::Nothing => Some(Vec::new()),
                Needs::Anyone | Needs::Person | Needs::Audit | Needs::Admin => {
                    Some(vec![SecurityRequirement::new("token", Vec::<String>::new())])
                }
            };
        }
    }
    document
}

pub(crate) async fn serve() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}
