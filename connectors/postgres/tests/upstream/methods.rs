//! A real server with one account for each way to log in, reached directly and through somebody who listens.

use crate::stage::{bounded, connect, password, refused, route, target};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sallyport_core::Secret;
use sallyport_postgres::probe;
use sallyport_relay::Credential;
use sallyport_testkit::tls::TestCertificates;
use sallyport_testkit::{Postgres, Scratch, Version};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "canary-of-the-accounts";
const ACCESS: &str = "host all md5er 127.0.0.1/32 md5\nhost all clear 127.0.0.1/32 password\n\
    host all truster 127.0.0.1/32 trust\nhostssl all certer 127.0.0.1/32 cert\n\
    host all all 127.0.0.1/32 scram-sha-256\n";

/// A certificate that says `certer`, and the file of its authority.
fn client_certificate(scratch: &Scratch) -> (Credential, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut leaf = CertificateParams::new(Vec::new()).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "certer");
    let key = KeyPair::generate().unwrap();
    let signed = leaf.signed_by(&key, &issuer).unwrap();
    let file = scratch.file("clients.crt", &issuer.pem()).unwrap();
    let pair = (Secret::new(signed.pem()), Secret::new(key.serialize_pem()));
    (Credential { password: None, certificate: Some(pair) }, file.to_str().unwrap().to_owned())
}

fn accounts(scratch: &Scratch, clients: &str) -> Postgres {
    let access = scratch.file("access.conf", ACCESS).unwrap();
    let settings = format!("hba_file='{}'\nssl_ca_file='{clients}'", access.display());
    let server = Postgres::start_with(Version::Distribution, &settings).unwrap();
    let sql = format!(
        "SET password_encryption='md5'; CREATE ROLE md5er LOGIN PASSWORD '{SECRET}';
         SET password_encryption='scram-sha-256'; CREATE ROLE clear LOGIN PASSWORD '{SECRET}';
         CREATE ROLE truster LOGIN; CREATE ROLE certer LOGIN; CREATE ROLE app LOGIN PASSWORD '{SECRET}';"
    );
    server.sql("postgres", &sql).unwrap();
    server
}

/// Listens on another address than the server's certificate is for, and keeps what clients say.
async fn listening(port: u16) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let here = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let ear = Arc::clone(&ear);
            tokio::spawn(async move {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let up = async {
                    let mut bytes = [0; 4096];
                    while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
                        ear.lock().unwrap().extend_from_slice(&bytes[..length]);
                        to_server.write_all(&bytes[..length]).await?;
                    }
                    to_server.shutdown().await
                };
                _ = tokio::join!(up, tokio::io::copy(&mut from_server, &mut to_client));
            });
        }
    });
    (here, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_login_where_the_settings_allow_it() {
    let scratch = Scratch::new().unwrap();
    let (certificate, clients) = client_certificate(&scratch);
    let server = accounts(&scratch, &clients);
    let ca = server.certificates.authority.to_str().unwrap().to_owned();
    let secret = password(SECRET);
    let full = [("sslmode", "verify-full"), ("ca_file", ca.as_str())];
    let at = |account: &str, settings: &[(&str, &str)]| target("127.0.0.1", server.port, account, settings);
    let good = [
        ("app", &full[..], &secret, "TLS 1.3, SCRAM-SHA-256-PLUS"),
        ("md5er", &full, &secret, "TLS 1.3, MD5"),
        ("md5er", &[("sslmode", "disable")], &secret, "clear text, MD5"),
        ("clear", &full, &secret, "TLS 1.3, a password in clear"),
        ("truster", &[("sslmode", "require")], &secret, "TLS 1.3, no password asked"),
        ("certer", &full, &certificate, "TLS 1.3, no password asked"),
    ];
    for (account, settings, credential, way) in good {
        let said = bounded(probe::probe(route(at(account, settings)), credential.clone())).await.unwrap();
        assert!(said.ends_with(&format!(" over {way}, as {account}.")), "{account}: {said}");
    }
    let unproved = "the target wants the password in clear, which needs sslmode verify-ca or verify-full";
    for mode in ["disable", "require"] {
        assert_eq!(refused(at("clear", &[("sslmode", mode)]), &secret).await, unproved);
    }
    let bound = [full[0], full[1], ("channel_binding", "require")];
    for account in ["md5er", "clear", "truster"] {
        let said = refused(at(account, &bound), &secret).await;
        assert!(said.contains("did not bind the login"), "{account}: {said}");
    }
    let none = Credential::default();
    assert!(refused(at("app", &full), &none).await.contains("has none registered"));
    assert!(refused(at("certer", &full), &secret).await.contains("refused the gateway's credential"));
    let nowhere = sallyport_relay::Route::for_probe(Arc::new(at("app", &full)), "no_such".into());
    let said = bounded(sallyport_postgres::upstream::connect(&nowhere, &secret, &[])).await.unwrap_err();
    assert_eq!(said.public(), "the target has no such database");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_prove_to_be_the_target_hears_nothing() {
    let scratch = Scratch::new().unwrap();
    let server = Postgres::start(Version::Distribution).unwrap();
    let sql = format!("CREATE ROLE app LOGIN PASSWORD '{SECRET}'");
    server.sql("postgres", &sql).unwrap();
    let ca = server.certificates.authority.to_str().unwrap().to_owned();
    let other = TestCertificates::make(scratch.path()).unwrap().authority;
    let other = other.to_str().unwrap();
    let (port, heard) = listening(server.port).await;
    let secret = password(SECRET);
    let at = |settings: &[(&str, &str)]| target("127.0.0.2", port, "app", settings);
    for (mode, authority) in [("verify-full", ca.as_str()), ("verify-full", other), ("verify-ca", other)] {
        let said = refused(at(&[("sslmode", mode), ("ca_file", authority)]), &secret).await;
        assert!(said.starts_with("the TLS handshake with the target failed"), "{mode}: {said}");
    }
    // The same certificate, held against its authority only.
    connect(at(&[("sslmode", "verify-ca"), ("ca_file", &ca)]), &secret).await.unwrap();
    let told = heard.lock().unwrap().clone();
    assert!(told.len() > 100, "the listener heard the handshakes");
    for word in [SECRET.as_bytes(), b"user\0app"] {
        assert!(!told.windows(word.len()).any(|text| text == word), "it crossed in clear");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_not_told_anything_where_tls_is_asked_for() {
    let server = Postgres::start_with(Version::Distribution, "ssl=off").unwrap();
    let ca = server.certificates.authority.to_str().unwrap().to_owned();
    let (port, heard) = listening(server.port).await;
    let settings = [&[("sslmode", "require")][..], &[("sslmode", "verify-full"), ("ca_file", &ca)]];
    for settings in settings {
        let said =
            refused(target("127.0.0.2", port, "postgres", settings), &password(&server.password)).await;
        assert_eq!(said, "the target speaks no TLS, which its settings ask for");
    }
    let request = [0, 0, 0, 8, 4, 210, 22, 47];
    assert_eq!(*heard.lock().unwrap(), request.repeat(2), "the request for TLS and nothing else");
}
