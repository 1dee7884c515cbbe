//! A foreign issuer that is somebody else's program: the certified npm package oidc-provider, through its real
//! discovery, key set and token endpoint. Needs node and npm; without them the tests fail and say so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sallyport_core::{CallerKind, Moment};
use sallyport_identity::{Algorithm, ClaimMap, IssuerConfig, Refusal, TokenUse, Verifier};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const AUDIENCE: &str = "sallyport";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc-provider")
}

/// Installs exactly what the lock file names, once.
fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let modified =
            |name: &str| std::fs::metadata(folder().join(name)).and_then(|about| about.modified()).ok();
        let installed = modified("node_modules/.package-lock.json");
        if installed.is_some() && installed >= modified("package-lock.json") {
            return;
        }
        let run = std::process::Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(folder())
            .output()
            .expect("npm is needed for this test: install nodejs and npm");
        assert!(run.status.success(), "npm ci: {}", String::from_utf8_lossy(&run.stderr));
    });
}

struct Provider {
    url: String,
    http: reqwest::Client,
    _process: Child,
}

impl Provider {
    async fn start() -> Self {
        install();
        let mut process = Command::new("node")
            .arg("server.mjs")
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node is needed for this test: install nodejs");
        let mut url = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let started = tokio::time::timeout(START_TIMEOUT, output.read_line(&mut url)).await;
        if url.is_empty() {
            let mut said = String::new();
            process.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
            panic!("the provider did not start ({started:?}): {said}");
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url: url.trim().to_owned(), http, _process: process }
    }

    /// A token by client_credentials for a resource, as an agent gets it.
    async fn token(&self, client: &str, audience: &str, algorithm: Algorithm) -> String {
        let resource = format!("urn:{audience}:{}", algorithm.as_str());
        let request = self
            .http
            .post(format!("{}/token", self.url))
            .basic_auth(client, Some(format!("secret-of-{client}")))
            .form(&[("grant_type", "client_credentials"), ("resource", &resource), ("scope", "sql")]);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status} {body}");
        body.get("access_token").and_then(Value::as_str).unwrap().to_owned()
    }

    async fn rotate(&self) {
        self.http.post(format!("{}/_rotate", self.url)).send().await.unwrap().error_for_status().unwrap();
    }

    fn verifier(&self) -> Verifier {
        let claims = ClaimMap {
            groups: "realm_access.roles".into(),
            attributes: [("risk_tier".to_owned(), "risk".to_owned())].into(),
            ..ClaimMap::default()
        };
        let config = IssuerConfig {
            issuer: self.url.clone(),
            audiences: vec![AUDIENCE.into()],
            clients: vec!["agent-7".into()],
            jwks_url: None,
            ca_file: None,
            algorithms: Algorithm::all(),
            token_uses: vec![TokenUse::AccessToken],
            max_lifetime_seconds: 3600,
            claims,
        };
        Verifier::new(vec![config], None).unwrap()
    }
}

fn now() -> Moment {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Moment::from_seconds(since.as_secs().try_into().unwrap())
}

#[tokio::test]
async fn tokens_of_a_certified_provider_verify_in_every_algorithm() {
    let provider = Provider::start().await;
    let verifier = provider.verifier();
    for algorithm in Algorithm::all() {
        let token = provider.token("agent-7", AUDIENCE, algorithm).await;
        let caller = verifier.verify(&token, now()).await.unwrap();
        assert_eq!(caller.principal(), format!("{}#agent-7", provider.url));
        assert_eq!(caller.kind, CallerKind::Agent);
        assert_eq!(caller.groups, ["agents", "reporting"]);
        assert_eq!(caller.attributes.get("risk").map(String::as_str), Some("2"));
        assert!(caller.token_id.is_some());
        let lifetime = caller.expires.as_seconds() - now().as_seconds();
        assert!((600..=660).contains(&lifetime), "{lifetime}");
    }
}

#[tokio::test]
async fn tokens_under_old_and_new_keys_verify_across_a_rotation() {
    let provider = Provider::start().await;
    let verifier = provider.verifier();
    let old = provider.token("agent-7", AUDIENCE, Algorithm::ES256).await;
    verifier.verify(&old, now()).await.unwrap();
    provider.rotate().await;
    let new = provider.token("agent-7", AUDIENCE, Algorithm::ES256).await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid;
    assert_ne!(kid(&old), kid(&new), "the provider signs with its new key");
    // Past the pause between two fetches, which the clock handed in decides.
    let later = now().plus_seconds(11);
    verifier.verify(&new, later).await.unwrap();
    verifier.verify(&old, later).await.unwrap();
}

#[tokio::test]
async fn tokens_for_others_and_from_others_are_refused() {
    let provider = Provider::start().await;
    let verifier = provider.verifier();
    let elsewhere = provider.token("agent-7", "payroll", Algorithm::RS256).await;
    assert!(matches!(verifier.verify(&elsewhere, now()).await, Err(Refusal::Audience { .. })));
    let stranger = provider.token("stranger", AUDIENCE, Algorithm::RS256).await;
    assert_eq!(verifier.verify(&stranger, now()).await, Err(Refusal::Client));
    let ended = provider.token("agent-7", AUDIENCE, Algorithm::RS256).await;
    assert_eq!(verifier.verify(&ended, now().plus_seconds(661)).await, Err(Refusal::Expired));
}
