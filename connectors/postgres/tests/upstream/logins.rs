//! Real servers: every login method over every mode of TLS.

use crate::stage::{bounded, connect, password, refused, route, target};
use sallyport_postgres::{probe, upstream};
use sallyport_testkit::postgres::SUPERUSER;
use sallyport_testkit::{Postgres, Version};
use tokio::io::AsyncWriteExt;

const REFUSED: &str = "the target refused the gateway's credential";

#[tokio::test(flavor = "multi_thread")]
async fn scram_over_every_mode_and_a_cancel() {
    for version in Version::ALL {
        let server = Postgres::start(version).unwrap();
        let ca = server.certificates.authority.to_str().unwrap().to_owned();
        let right = password(&server.password);
        let modes: [&[(&str, &str)]; 5] = [
            &[("sslmode", "disable")],
            &[("sslmode", "require")],
            &[("sslmode", "verify-ca"), ("ca_file", &ca)],
            &[("sslmode", "verify-full"), ("ca_file", &ca)],
            &[("ca_file", &ca), ("channel_binding", "require")],
        ];
        for settings in modes {
            let here = || target("127.0.0.1", server.port, SUPERUSER, settings);
            let words = bounded(probe::probe(route(here()), right.clone())).await.unwrap();
            let secure = settings[0].1 != "disable";
            let way = if secure { "TLS 1.3, SCRAM-SHA-256-PLUS" } else { "clear text, SCRAM-SHA-256" };
            let end = format!(" over {way}, as postgres. Warning: the account is a superuser.");
            assert!(words.starts_with("PostgreSQL 1") && words.ends_with(&end), "{settings:?}: {words}");
            assert_eq!(refused(here(), &password("wrong")).await, REFUSED, "{settings:?}");
            sleeps_and_is_cancelled(here(), &right).await;
        }
    }
}

async fn sleeps_and_is_cancelled(here: sallyport_core::Target, right: &sallyport_relay::Credential) {
    let mut side = connect(here.clone(), right).await.unwrap();
    assert!(side.leftover.is_empty() && side.server_version >= 15);
    assert!(side.parameters.contains(&("application_name".into(), "upstream test".into())));
    let key = side.backend_key.clone().unwrap();
    let mut query = Vec::new();
    sallyport_postgres::wire::write::query(&mut query, "SELECT pg_sleep(600)");
    side.stream.write_all(&query).await.unwrap();
    side.stream.flush().await.unwrap();
    // A cancel that comes before the statement cancels nothing: ask until the statement ends.
    let ended = async {
        let mut seen = Vec::new();
        while !seen.windows(6).any(|text| text == b"C57014") {
            let read = tokio::io::AsyncReadExt::read_buf(&mut side.stream, &mut seen).await.unwrap();
            assert!(read > 0, "the session must go on");
        }
    };
    let asking = async {
        loop {
            upstream::cancel(&route(here.clone()), &key).await.unwrap();
        }
    };
    bounded(async {
        tokio::select! { () = ended => {}, () = asking => {} }
    })
    .await;
}
