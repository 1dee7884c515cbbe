//! Every change is journaled with who made it, before it is made; what cannot be journaled is not made.

use crate::stage::{Stage, target};
use serde_json::{Value, json};

#[tokio::test]
async fn every_change_is_in_the_journal_with_its_author() {
    let stage = Stage::new().await;
    let steps = [
        ("POST", "/api/v1/targets", json!({ "name": "prod", "target": target("db.example", json!({})) })),
        ("PUT", "/api/v1/targets/prod", json!({ "revision": 1, "target": target("db2.example", json!({})) })),
        ("POST", "/api/v1/targets/prod/test", Value::Null),
        ("POST", "/api/v1/targets/prod/discover", json!({ "schemas": ["public"] })),
        ("DELETE", "/api/v1/targets/prod", Value::Null),
        ("POST", "/api/v1/people", json!({ "name": "new", "password": "a long enough one" })),
        ("PATCH", "/api/v1/people/new", json!({ "revision": 1, "groups": ["dba"] })),
        ("DELETE", "/api/v1/people/new", Value::Null),
        ("POST", "/api/v1/agents", json!({ "name": "tool", "owner": "meg" })),
        ("PATCH", "/api/v1/agents/tool", json!({ "revision": 1, "new_secret": true })),
        ("POST", "/api/v1/tokens", json!({ "agent": "tool" })),
        ("DELETE", "/api/v1/agents/tool", Value::Null),
        ("PUT", "/api/v1/policy", json!({ "revision": 0, "files": [{ "path": "a.cedar", "text": "" }] })),
    ];
    for (method, path, body) in &steps {
        let (status, said) = stage.send("root", method, path, body.clone()).await;
        assert!(status < 300, "{method} {path}: {status} {said}");
    }
    let journaled = stage.journaled();
    assert!(journaled.iter().all(|change| change["by"] == stage.principal("root")));
    let said: Vec<_> = journaled
        .iter()
        .map(|change| {
            format!("{} {}", change["action"].as_str().unwrap(), change["object"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "create target prod",
        "change target prod",
        "test target prod",
        "discover target prod",
        "remove target prod",
        "create person new",
        "change person new",
        "remove person new",
        "create agent tool",
        "change agent tool",
        "issue token agent tool",
        "remove agent tool",
        "put policy",
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn what_cannot_be_journaled_is_not_done() {
    let stage = Stage::new().await;
    stage.journal.close().unwrap();
    let new = json!({ "name": "prod", "target": target("db.example", json!({})) });
    let (status, problem) = stage.send("root", "POST", "/api/v1/targets", new).await;
    assert_eq!((status, problem["fault"].as_str()), (503, Some("gateway")));
    assert_eq!(stage.store.target("prod").await.unwrap(), None);
    let (status, _) = stage.send("root", "DELETE", "/api/v1/agents/bot", Value::Null).await;
    assert_eq!(status, 503);
    assert!(stage.store.agent("bot").await.unwrap().is_some());
}
