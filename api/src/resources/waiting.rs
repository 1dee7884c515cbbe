//! Where the link in a caller's notice leads: how to decide. It shows nothing of the request, because it asks nobody who
//! they are; the terminal does both.

use crate::resources::device::{escape, page};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

pub async fn show(Path(id): Path<String>) -> Response {
    let id = escape(&id);
    page(
        StatusCode::OK,
        &format!(
            "<p>A command waits for a person. If you may decide, sign in on a terminal and look at it first:</p>\
             <pre>sallyport approvals show {id}</pre><p>Then let exactly that command run, once, or refuse it:</p>\
             <pre>sallyport approvals approve {id}\nsallyport approvals deny {id} --reason \"…\"</pre>"
        ),
    )
}
