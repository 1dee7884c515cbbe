//! A canary is put wherever a secret goes in, and looked for wherever anything comes out: answers, files, logs.

use crate::stage::{Stage, answer, target};
use reqwest::Method;
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex};

pub const CANARY: &str = "canary-71c0ffee-secret";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every file under the folder that holds the canary.
fn leaks(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(leaks(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn the_canary_is_never_seen_again() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || sink.clone());
    // The only test of this binary that sets it; others only add lines to look through.
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let stage = Stage::new().await;
    let secrets = json!({ "password": CANARY, "pin": CANARY });
    let calls = [
        (
            "POST",
            "/api/v1/targets",
            json!({ "name": "prod", "target": target("db.example", secrets.clone()) }),
            201,
        ),
        ("GET", "/api/v1/targets", json!(null), 200),
        ("GET", "/api/v1/targets/prod", json!(null), 200),
        ("POST", "/api/v1/targets/prod/test", json!(null), 200),
        (
            "PUT",
            "/api/v1/targets/prod",
            json!({ "revision": 9, "target": target("db.example", secrets.clone()) }),
            409,
        ),
        ("POST", "/api/v1/targets", json!({ "name": "prod", "target": target("db.example", secrets) }), 409),
        ("POST", "/api/v1/targets", json!({ "name": "x", "target": { "credential": CANARY } }), 400),
        ("POST", "/api/v1/targets", json!({ "name": "x", "target": CANARY }), 400),
        (
            "POST",
            "/api/v1/targets",
            json!({ "name": "y", "target": target("h", json!({ CANARY: CANARY })) }),
            422,
        ),
        ("POST", "/api/v1/people", json!({ "name": "new", "password": CANARY }), 201),
        ("GET", "/api/v1/people/new", json!(null), 200),
        ("PATCH", "/api/v1/people/new", json!({ "revision": 1, "password": CANARY }), 200),
        ("PATCH", "/api/v1/people/new", json!({ "revision": CANARY }), 400),
        ("POST", "/api/v1/login", json!({ "name": "new", "password": CANARY }), 200),
        ("POST", "/api/v1/login", json!({ "name": "root", "password": CANARY }), 401),
        ("POST", "/api/v1/login", json!({ "name": "root", "password": [CANARY] }), 400),
        ("POST", "/api/v1/login", json!({ "name": "root", "pass": CANARY }), 400),
    ];
    for (method, path, body, expected) in calls {
        let (status, said) = stage.send("root", method, path, body).await;
        assert_eq!(status, expected, "{method} {path}: {said}");
        assert!(!said.to_string().contains(CANARY), "{method} {path}: {said}");
    }
    let form = [("grant_type", "client_credentials"), ("client_id", "bot"), ("client_secret", CANARY)];
    let (status, said) =
        answer(stage.ask(Method::POST, "/oauth/token").form(&form).send().await.unwrap()).await;
    assert_eq!(status, 401);
    assert!(!said.to_string().contains(CANARY), "{said}");
    let response = stage.ask(Method::GET, "/api/v1/me").bearer_auth(CANARY).send().await.unwrap();
    assert!(!response.text().await.unwrap().contains(CANARY));
    let (_, tested) = stage.send("root", "POST", "/api/v1/targets/prod/test", json!(null)).await;
    assert_eq!(tested, json!({ "reached": true, "message": "plain 1.0" }), "the probe had the real secret");
    assert_eq!(leaks(stage.folder.path()), Vec::<std::path::PathBuf>::new());
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("a sign-in failed"), "the log was listened to");
    assert!(!log.contains(CANARY));
}

/// Who may write an address must not learn a password by having it sent there.
#[tokio::test]
async fn a_kept_credential_follows_no_new_address() {
    let stage = Stage::new().await;
    let first = target("db.example", json!({ "password": CANARY, "pin": "1" }));
    stage.send("root", "POST", "/api/v1/targets", json!({ "name": "prod", "target": first })).await;
    let path = "/api/v1/targets/prod";
    let moved = target("evil.example", json!({ "pin": "2" }));
    let (status, problem) = stage.send("root", "PUT", path, json!({ "revision": 1, "target": moved })).await;
    assert_eq!((status, &problem["problems"][0]["field"]), (422, &json!("credential.password")));
    assert_eq!(problem["problems"].as_array().unwrap().len(), 1);
    let whole = target("new.example", json!({ "password": "new", "pin": "" }));
    let (status, view) = stage.send("root", "PUT", path, json!({ "revision": 1, "target": whole })).await;
    assert_eq!((status, &view["credential"]), (200, &json!(["password"])));
    let same = target("new.example", json!({}));
    let (status, view) = stage.send("root", "PUT", path, json!({ "revision": 2, "target": same })).await;
    assert_eq!((status, &view["credential"]), (200, &json!(["password"])));
}
