//! An issuer behind TLS, as every issuer beyond this machine is: believed under its own authority and no other.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sallyport_core::Moment;
use sallyport_identity::{Algorithm, ClaimMap, ConfigFault, IssuerConfig, Refusal, TokenUse, Verifier};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use support::SigningKey;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const NOW: Moment = Moment::from_seconds(1_800_000_000);

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
    fn file(&self, folder: &tempfile::TempDir, name: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, self.0.pem()).unwrap();
        path
    }
    fn server(&self, host: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap()
    }
}

/// Serves the two documents of an issuer, over TLS.
async fn serve(tls: ServerConfig, keys: Vec<serde_json::Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let issuer = url.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A client that does not believe the certificate ends the handshake.
            let Ok(socket) = acceptor.accept(socket).await else { continue };
            let mut socket = BufReader::new(socket);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && socket.read_line(&mut head).await.unwrap() > 0 {}
            let body = if head.starts_with("GET /jwks ") {
                json!({ "keys": keys })
            } else {
                json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") })
            };
            let body = body.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            socket.write_all((head + &body).as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
        }
    });
    url
}

fn verifier(issuer: &str, ca_file: Option<PathBuf>) -> Result<Verifier, ConfigFault> {
    let config = IssuerConfig {
        issuer: issuer.to_owned(),
        audiences: vec!["sallyport".into()],
        clients: Vec::new(),
        jwks_url: None,
        ca_file,
        algorithms: Algorithm::all(),
        token_uses: vec![TokenUse::Plain],
        max_lifetime_seconds: 3600,
        claims: ClaimMap::default(),
    };
    Verifier::new(vec![config], None)
}

#[tokio::test]
async fn keys_come_over_tls_from_an_issuer_whose_authority_is_configured_and_from_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let key = SigningKey::ed25519("k1");
    let url = serve(ours.server("localhost"), vec![key.jwk.clone()]).await;
    let exp = NOW.as_seconds() + 600;
    let token = key.sign(&json!({ "iss": url, "sub": "u-1", "aud": "sallyport", "exp": exp }));
    let unreachable = Err(Refusal::IssuerUnavailable { issuer: url.clone(), reason: "it cannot be reached" });

    let believing = verifier(&url, Some(ours.file(&folder, "ours.pem"))).unwrap();
    assert_eq!(believing.verify(&token, NOW).await.unwrap().subject, "u-1");
    let mistaken = verifier(&url, Some(theirs.file(&folder, "theirs.pem"))).unwrap();
    assert_eq!(mistaken.verify(&token, NOW).await, unreachable);
    let by_system = verifier(&url, None).unwrap();
    assert_eq!(by_system.verify(&token, NOW).await, unreachable);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_the_issuers() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let key = SigningKey::ed25519("k1");
    let url = serve(authority.server("idp.example"), vec![key.jwk.clone()]).await;
    let exp = NOW.as_seconds() + 600;
    let token = key.sign(&json!({ "iss": url, "sub": "u-1", "aud": "sallyport", "exp": exp }));
    let verifier = verifier(&url, Some(authority.file(&folder, "ca.pem"))).unwrap();
    assert!(matches!(verifier.verify(&token, NOW).await, Err(Refusal::IssuerUnavailable { .. })));
}

#[test]
fn authorities_that_cannot_be_read_are_a_fault_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let missing = verifier("https://idp.example", Some(folder.path().join("missing.pem")));
    assert!(matches!(missing, Err(ConfigFault::Authorities { .. })));
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate here").unwrap();
    assert!(matches!(verifier("https://idp.example", Some(empty)), Err(ConfigFault::Authorities { .. })));
}
