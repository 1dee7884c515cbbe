//! An issuer on loopback that behaves as each test needs: the edge of the network, and nothing behind it.

#![allow(dead_code, clippy::unwrap_used)]

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    Failing,
    /// Takes the request and never answers.
    Silent,
    Huge,
    Redirecting,
    NotJson,
    NamingAnother,
    NamingPlainHttpElsewhere,
}

#[derive(Clone)]
pub struct TestIssuer {
    pub url: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    url: String,
    keys: Vec<Value>,
    mood: Mood,
    requests: Vec<String>,
}

impl TestIssuer {
    pub async fn start(keys: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Shared { url: url.clone(), keys, mood: Mood::Well, requests: Vec::new() };
        let shared = Arc::new(Mutex::new(shared));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    pub fn publish(&self, keys: Vec<Value>) {
        self.shared.lock().unwrap().keys = keys;
    }

    pub fn become_(&self, mood: Mood) {
        self.shared.lock().unwrap().mood = mood;
    }

    /// The paths asked for so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.lock().unwrap().requests.clone()
    }

    pub fn key_fetches(&self) -> usize {
        self.requests().iter().filter(|path| *path == "/jwks").count()
    }
}

async fn answer(State(shared): State<Arc<Mutex<Shared>>>, uri: Uri) -> Response {
    let (mood, url, keys) = {
        let mut shared = shared.lock().unwrap();
        shared.requests.push(uri.path().to_owned());
        (shared.mood.clone(), shared.url.clone(), shared.keys.clone())
    };
    let keys = json!({ "keys": keys }).to_string();
    match (uri.path(), mood) {
        (_, Mood::Failing) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        (_, Mood::Silent) => std::future::pending().await,
        ("/.well-known/openid-configuration", mood) => {
            let named =
                if mood == Mood::NamingAnother { "https://another.example".into() } else { url.clone() };
            let keys_at = match mood {
                Mood::NamingPlainHttpElsewhere => "http://keys.example/jwks".into(),
                _ => format!("{url}/jwks"),
            };
            json!({ "issuer": named, "jwks_uri": keys_at }).to_string().into_response()
        }
        ("/jwks", Mood::Huge) => format!("{keys}{}", " ".repeat(1024 * 1024)).into_response(),
        ("/jwks", Mood::NotJson) => "<html>".into_response(),
        ("/jwks", Mood::Redirecting) => {
            (StatusCode::FOUND, [(header::LOCATION, format!("{url}/moved"))]).into_response()
        }
        ("/jwks" | "/moved", _) => keys.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
