//! The document that clients are generated from, as it is served and as it is kept in the repository.

use crate::stage::{Stage, answer};
use reqwest::Method;
use serde_json::Value;

/// `UPDATE_OPENAPI=1 cargo test -p sallyport-api` writes it anew; the difference is then seen in review.
#[tokio::test]
async fn the_served_document_is_the_one_in_the_repository() {
    let stage = Stage::new().await;
    let (status, served) = answer(stage.ask(Method::GET, "/api/v1/openapi.json").send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&served).unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(kept, &text).unwrap();
    }
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(
        text == kept,
        "the API changed: run UPDATE_OPENAPI=1 cargo test -p sallyport-api, and read the difference"
    );
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_same_words() {
    let stage = Stage::new().await;
    let (status, problem) = answer(stage.ask(Method::GET, "/api/v2/x").send().await.unwrap()).await;
    assert_eq!((status, problem["type"].as_str()), (404, Some("not_found")));
    let (status, problem) = answer(stage.ask(Method::DELETE, "/api/v1/health").send().await.unwrap()).await;
    assert_eq!((status, problem["fault"].as_str()), (405, Some("caller")));
    let response = stage.ask(Method::GET, "/api/v1/version").send().await.unwrap();
    for (name, value) in [("cache-control", "no-store"), ("x-content-type-options", "nosniff")] {
        assert_eq!(response.headers()[name], value);
    }
    assert!(response.headers().get("access-control-allow-origin").is_none());
    let (_, health) = answer(stage.ask(Method::GET, "/api/v1/health").send().await.unwrap()).await;
    assert_eq!(health, serde_json::json!({ "status": "ok" }));
    assert_ne!(health, Value::Null);
}
