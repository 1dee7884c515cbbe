//! The settings of a target: what they come to, and what is said of wrong ones.

use crate::stage::target;
use sallyport_postgres::config::{PostgresSettings, SETTINGS, validate};
use sallyport_relay::tls_client::Verify;
use sallyport_testkit::Scratch;
use sallyport_testkit::tls::TestCertificates;

#[test]
fn the_default_checks_everything_but_on_loopback() {
    let tls = |host: &str| PostgresSettings::of(&target(host, 5432, "app", &[])).unwrap().tls;
    for host in ["db.example.com", "10.0.0.7", "localhost.example.com", "::2"] {
        assert_eq!(tls(host), Some(Verify::ChainAndName), "{host}");
    }
    for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1"] {
        assert_eq!(tls(host), None, "{host}");
    }
}

#[test]
fn wrong_settings_are_named() {
    let wrong: [(&[(&str, &str)], &str); 10] = [
        (&[("read_only", "on")], "read_only"),
        (&[("sslmode", "prefer")], "sslmode"),
        (&[("sslmode", "allow")], "sslmode"),
        (&[("sslmod", "require")], "sslmod"),
        (&[("channel_binding", "disable")], "channel_binding"),
        (&[("sslmode", "disable"), ("channel_binding", "require")], "channel_binding"),
        (&[("sslmode", "require"), ("ca_file", "/ca.pem")], "sslmode"),
        (&[("ca_file", "/nowhere/ca.pem")], "ca_file"),
        (&[("ca_pem", "no certificate")], "ca_pem"),
        (&[("ca_pem", "a"), ("ca_file", "b")], "ca_pem"),
    ];
    for (settings, key) in wrong {
        let faults = validate(&target("db.example.com", 5432, "app", settings));
        assert_eq!(faults.len(), 1, "{settings:?}: {faults:?}");
        assert_eq!(faults[0].key, key, "{settings:?}");
    }
    assert!(SETTINGS.iter().all(|setting| !setting.secret));
}

#[test]
fn an_authority_is_taken_as_a_file_or_as_text() {
    let scratch = Scratch::new().unwrap();
    let file = TestCertificates::make(scratch.path()).unwrap().authority;
    let text = std::fs::read_to_string(&file).unwrap();
    for setting in [("ca_file", file.to_str().unwrap()), ("ca_pem", text.as_str())] {
        let here = target("127.0.0.1", 5432, "app", &[setting]);
        assert_eq!(validate(&here), []);
        // An authority was named: it is used, loopback or not.
        assert_eq!(PostgresSettings::of(&here).unwrap().tls, Some(Verify::ChainAndName));
    }
}
