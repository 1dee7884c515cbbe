//! The table of routes: method, path, who it is for, handler. A route that is not in it does not exist, and one without
//! a need cannot be written.

use crate::auth::{Needs, guard};
use crate::error::Problem;
use crate::house::House;
use crate::limits::{MAX_BODY_BYTES, REQUEST_TIMEOUT};
use crate::openapi;
use crate::resources::{
    agents, approvals, device, discover, events, evidence, health, login, oauth, people, policy, sessions,
    targets, tokens, waiting,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use std::sync::Arc;
use tower_http::timeout::TimeoutLayer;

pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub needs: Needs,
    handler: MethodRouter<Arc<House>>,
}

fn route(method: Method, path: &'static str, needs: Needs, handler: MethodRouter<Arc<House>>) -> Route {
    Route { method, path, needs, handler }
}

pub(crate) fn table() -> Vec<Route> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    use Needs::{Admin, Anyone, Audit, Nothing, Person};
    vec![
        route(GET, "/api/v1/health", Nothing, get(health::health)),
        route(GET, "/api/v1/version", Nothing, get(health::version)),
        route(POST, "/api/v1/login", Nothing, post(login::login)),
        route(GET, "/api/v1/me", Anyone, get(health::me)),
        route(POST, "/api/v1/tokens", Person, post(tokens::create)),
        route(GET, "/api/v1/agents", Person, get(agents::list)),
        route(POST, "/api/v1/agents", Admin, post(agents::create)),
        route(GET, "/api/v1/agents/{name}", Person, get(agents::show)),
        route(PATCH, "/api/v1/agents/{name}", Admin, patch(agents::change)),
        route(DELETE, "/api/v1/agents/{name}", Admin, delete(agents::remove)),
        route(GET, "/api/v1/people", Audit, get(people::list)),
        route(POST, "/api/v1/people", Admin, post(people::create)),
        route(GET, "/api/v1/people/{name}", Audit, get(people::show)),
        route(PATCH, "/api/v1/people/{name}", Admin, patch(people::change)),
        route(DELETE, "/api/v1/people/{name}", Admin, delete(people::remove)),
        route(GET, "/api/v1/protocols", Person, get(targets::protocols)),
        route(GET, "/api/v1/targets", Audit, get(targets::list)),
        route(POST, "/api/v1/targets", Admin, post(targets::create)),
        route(GET, "/api/v1/targets/{name}", Audit, get(targets::show)),
        route(PUT, "/api/v1/targets/{name}", Admin, put(targets::change)),
        route(DELETE, "/api/v1/targets/{name}", Admin, delete(targets::remove)),
        route(POST, "/api/v1/targets/{name}/test", Admin, post(targets::test)),
        route(POST, "/api/v1/targets/{name}/discover", Admin, post(discover::discover)),
        route(GET, "/api/v1/approvals", Anyone, get(approvals::list)),
        route(GET, "/api/v1/approvals/watch", Anyone, get(approvals::watch)),
        route(GET, "/api/v1/approvals/{id}", Anyone, get(approvals::show)),
        route(POST, "/api/v1/approvals/{id}/approve", Person, post(approvals::approve)),
        route(POST, "/api/v1/approvals/{id}/deny", Person, post(approvals::deny)),
        route(GET, "/api/v1/sessions", Anyone, get(sessions::list)),
        route(GET, "/api/v1/sessions/live", Anyone, get(sessions::live)),
        route(GET, "/api/v1/sessions/{id}", Anyone, get(sessions::show)),
        route(GET, "/api/v1/sessions/{id}/events", Anyone, get(events::events)),
        route(GET, "/api/v1/sessions/{id}/watch", Anyone, get(events::watch)),
        route(GET, "/api/v1/sessions/{id}/verify", Anyone, get(evidence::verify)),
        route(POST, "/api/v1/sessions/{id}/kill", Admin, post(sessions::kill)),
        route(POST, "/api/v1/sessions/{id}/renew", Anyone, post(sessions::renew)),
        route(GET, "/api/v1/audit/watch", Audit, get(events::audit)),
        route(GET, "/api/v1/policy", Audit, get(policy::show)),
        route(PUT, "/api/v1/policy", Admin, put(policy::put)),
        route(GET, "/api/v1/policy/history", Audit, get(policy::history)),
        route(POST, "/api/v1/policy/check", Audit, post(policy::check)),
        route(POST, "/api/v1/policy/explain", Audit, post(policy::explain)),
        route(GET, "/api/v1/policy/packs", Audit, get(policy::packs)),
        route(GET, "/.well-known/openid-configuration", Nothing, get(oauth::discovery)),
        route(GET, "/oauth/jwks", Nothing, get(oauth::jwks)),
        route(POST, "/oauth/token", Nothing, post(oauth::token)),
        route(POST, "/oauth/device_authorization", Nothing, post(oauth::device_authorization)),
    ]
}

/// What is for eyes, and the document itself: not described by it. Each proves its own caller or needs none.
fn pages() -> Router<Arc<House>> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/approvals/{id}", get(waiting::show))
        .route("/device", get(device::show).post(device::begin))
        .route("/device/decide", post(device::decide))
        .route("/device/style.css", get(device::style))
}

/// Everything, ready to be served. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that
/// failed sign-ins are counted per address.
pub fn router(house: House) -> Router {
    let house = Arc::new(house);
    let mut router = pages();
    for Route { path, needs, handler, .. } in table() {
        let handler = match needs {
            Needs::Nothing => handler,
            Needs::Anyone | Needs::Person | Needs::Audit | Needs::Admin => {
                handler.route_layer(from_fn_with_state((house.clone(), needs), guard))
            }
        };
        router = router.route(path, handler);
    }
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(from_fn(careful_headers))
        .layer(from_fn(one_length))
        .with_state(house)
}

async fn nothing_here() -> Problem {
    Problem::not_found("such address", "here")
}

async fn wrong_method() -> Response {
    let mut problem = Problem::malformed("this address does not take this method");
    problem.status = StatusCode::METHOD_NOT_ALLOWED.as_u16();
    problem.into_response()
}

/// A body says how long it is in one way. Chunks, beside a length above all, are read by one program as ending where
/// the next does not: what is left would be somebody else's request.
async fn one_length(request: Request, next: Next) -> Response {
    if !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return next.run(request).await;
    }
    let mut problem = Problem::malformed("a body has to come with its Content-Length, and not in chunks");
    problem.status = StatusCode::LENGTH_REQUIRED.as_u16();
    ([(header::CONNECTION, "close")], problem).into_response()
}

/// No answer is kept by a cache, guessed at by a browser, framed, or run. A page that needs more says so itself.
async fn careful_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let careful = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in careful {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The document is made of the handlers' own notes, the table of what is routed: neither may know more.
    #[test]
    fn the_table_and_the_document_name_the_same_routes() {
        let document = serde_json::to_value(openapi::document()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert((path.clone(), method.to_uppercase()));
            }
        }
        let routed: BTreeSet<_> =
            table().iter().map(|route| (route.path.to_string(), route.method.to_string())).collect();
        assert_eq!(described, routed);
    }
}
