//! The page where a person lets a program in: sign in, read which program asks from where, say yes or no.
//!
//! Server-rendered, no script, no cookie. A request forged from elsewhere fails because every step carries its own proof
//! (the password, then a ticket that works once), and because posts from other sites are refused.

use crate::accounts::sign_in;
use crate::error::Problem;
use crate::house::House;
use crate::limits::MAX_NAME;
use crate::resources::login::peer;
use crate::take::SecretText;
use axum::extract::{Form, Query, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sallyport_identity::grants::GrantRefusal;
use serde::Deserialize;
use std::fmt::Write as _;
use std::sync::Arc;

const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}\
label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit;margin:.3rem 0}\
input,button{padding:.5rem}.bad{color:#b00020}dt{font-weight:600}";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Prefilled {
    user_code: String,
}

#[derive(Debug, Deserialize)]
pub struct SignInForm {
    user_code: String,
    name: String,
    password: SecretText,
}

#[derive(Debug, Deserialize)]
pub struct DecisionForm {
    ticket: SecretText,
    decision: String,
}

pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], STYLE).into_response()
}

pub async fn show(Query(prefilled): Query<Prefilled>) -> Response {
    form(StatusCode::OK, &prefilled.user_code, None)
}

/// First step: who are you, and which code.
pub async fn begin(
    State(house): State<Arc<House>>,
    extensions: Extensions,
    headers: HeaderMap,
    Form(given): Form<SignInForm>,
) -> Response {
    if let Some(refused) = from_elsewhere(&house, &headers) {
        return refused;
    }
    let code = given.user_code.clone();
    if given.name.len() > MAX_NAME {
        return form(StatusCode::BAD_REQUEST, &code, Some("No name is that long."));
    }
    let signed_in = sign_in(&house, &given.name, given.password.into_secret(), peer(&extensions)).await;
    let person = match signed_in.map_err(Problem::from) {
        Ok(person) => person,
        Err(problem) => return form(problem.status(), &code, Some(&problem.title)),
    };
    let now = house.clock.now();
    let known = house.sign_ins.attempts.take_for_address(peer(&extensions), now).and_then(|attempt| {
        let about = house.sign_ins.devices.look_up(&code, now)?;
        attempt.succeeded();
        Ok(about)
    });
    let about = match known {
        Ok(about) => about,
        Err(refusal) => return form(status(&refusal), &code, Some(&refusal.to_string())),
    };
    match house.sign_ins.ticket(&person, &code, now) {
        Ok(ticket) => question(&person.name, &about.client, &about.address.to_string(), &code, &ticket),
        Err(problem) => form(problem.status(), &code, Some(&problem.title)),
    }
}

/// Second step: yes or no.
pub async fn decide(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Form(given): Form<DecisionForm>,
) -> Response {
    if let Some(refused) = from_elsewhere(&house, &headers) {
        return refused;
    }
    let now = house.clock.now();
    let ticket = given.ticket.as_secret().expose_str().and_then(|id| house.sign_ins.redeem(id, now));
    let Some(ticket) = ticket else {
        return form(StatusCode::BAD_REQUEST, "", Some("This took too long. Start again."));
    };
    let yes = given.decision == "approve";
    let devices = &house.sign_ins.devices;
    let decided = match yes {
        true => devices.approve(&ticket.user_code, &ticket.person, ticket.account_since, now),
        false => devices.deny(&ticket.user_code, now),
    };
    match decided {
        Ok(()) => {
            tracing::info!(person = %ticket.person, approved = yes, "a device was decided on");
            let said = if yes { "The program is signed in as you." } else { "The program was refused." };
            page(StatusCode::OK, &format!("<p>{said} You can close this page.</p>"))
        }
        Err(refusal) => form(status(&refusal), "", Some(&refusal.to_string())),
    }
}

fn status(refusal: &GrantRefusal) -> StatusCode {
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Browsers say where a post comes from. One that says another site is refused.
fn from_elsewhere(house: &House, headers: &HeaderMap) -> Option<Response> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let own = house.public_url.trim_end_matches('/');
    let origin = text("origin").is_none_or(|origin| own == origin || own.starts_with(&format!("{origin}/")));
    if site && origin {
        return None;
    }
    Some(page(StatusCode::FORBIDDEN, "<p class=\"bad\">This form was sent from another site.</p>"))
}

fn form(status: StatusCode, code: &str, wrong: Option<&str>) -> Response {
    let wrong = wrong.map(|text| format!("<p class=\"bad\">{}</p>", escape(text))).unwrap_or_default();
    let code = escape(code);
    page(
        status,
        &format!(
            "{wrong}<p>A program wants to act as you. Go on only if you started it yourself.</p>\
             <form method=\"post\" action=\"/device\">\
             <label>Code<input name=\"user_code\" value=\"{code}\" autocomplete=\"off\" required></label>\
             <label>Name<input name=\"name\" autocomplete=\"username\" required></label>\
             <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
             </label><button>Go on</button></form>"
        ),
    )
}

fn question(name: &str, client: &str, address: &str, code: &str, ticket: &str) -> Response {
    let (name, client, address) = (escape(name), escape(client), escape(address));
    let (code, ticket) = (escape(code), escape(ticket));
    page(
        StatusCode::OK,
        &format!(
            "<p>{name}, shall this program act as you?</p>\
             <dl><dt>Program</dt><dd>{client}</dd><dt>Asked from</dt><dd>{address}</dd><dt>Code</dt><dd>{code}</dd></dl>\
             <form method=\"post\" action=\"/device/decide\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
             <button name=\"decision\" value=\"approve\">Yes, sign it in</button>\
             <button name=\"decision\" value=\"deny\">No</button></form>"
        ),
    )
}

pub(crate) fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sallyport</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/device/style.css\">\
         </head><body><h1>Sallyport</h1>{body}</body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // Under `no-referrer` a browser would hide the origin of the form's own post.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, html).into_response()
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '<' | '>' | '"' | '\'' => {
                // Writing to a String does not fail.
                let _ = write!(escaped, "&#{};", u32::from(letter));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_becomes_markup() {
        assert_eq!(escape("<a href='\"&"), "&#60;a href=&#39;&#34;&#38;");
    }
}
