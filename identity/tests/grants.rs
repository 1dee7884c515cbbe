//! The decisions behind the token endpoint, as the control plane calls them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use sallyport_core::{Moment, Secret};
use sallyport_identity::grants::{
    Attempts, ClientAssertions, DEVICE_CODE_SECONDS, DeviceApproval, DeviceFlow, GrantRefusal, POLL_SECONDS,
    client_secret, new_secret, sign_in,
};
use sallyport_identity::{AgentAccount, PersonAccount, password};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Instant;
use support::SigningKey;

const NOW: Moment = Moment::from_seconds(1_800_000_000);
const ENDPOINT: &str = "https://gateway.example/oauth/token";
const ISSUER: &str = "https://gateway.example";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn agent(key: Option<&SigningKey>, secret: Option<&Secret>) -> AgentAccount {
    AgentAccount {
        id: "agent-7".into(),
        since: NOW,
        name: "Report writer".into(),
        secret_hash: secret.map(|secret| password::hash(secret).unwrap()),
        public_keys: key.map(|key| serde_json::from_value(key.jwk.clone()).unwrap()).into_iter().collect(),
        groups: vec!["agents".into()],
        attributes: Default::default(),
        owner: Some("alice".into()),
        max_lifetime_seconds: Some(900),
        disabled: false,
    }
}

fn person(secret: &str) -> PersonAccount {
    PersonAccount {
        id: "p-1".into(),
        since: NOW,
        name: "Alice".into(),
        password_hash: Some(password::hash(&Secret::new(secret)).unwrap()),
        groups: Vec::new(),
        attributes: Default::default(),
        max_lifetime_seconds: None,
        disabled: false,
    }
}

fn assertion(jti: &str) -> Value {
    let now = NOW.as_seconds();
    json!({ "iss": "agent-7", "sub": "agent-7", "aud": ENDPOINT, "iat": now, "exp": now + 120, "jti": jti })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn judge() -> ClientAssertions {
    ClientAssertions::new(vec![ENDPOINT.into(), ISSUER.into()])
}

#[test]
fn a_right_client_secret_opens_and_its_account_limits_the_token() {
    let secret = new_secret().unwrap();
    let account = agent(None, Some(&secret));
    let proven = client_secret(Some(&account), &secret).unwrap();
    assert_eq!(proven.token_request(3600).lifetime_seconds, 900);
}

#[test]
fn a_wrong_secret_an_unknown_client_and_a_disabled_one_get_one_answer() {
    let secret = new_secret().unwrap();
    let account = agent(None, Some(&secret));
    let disabled = AgentAccount { disabled: true, ..account.clone() };
    let without = agent(None, None);
    let answers = [
        client_secret(Some(&account), &Secret::new("wrong")),
        client_secret(Some(&account), &Secret::new("")),
        client_secret(None, &secret),
        client_secret(Some(&disabled), &secret),
        client_secret(Some(&without), &secret),
        client_secret(Some(&account), &Secret::new(vec![b'x'; 100_000])),
    ];
    assert!(answers.iter().all(|answer| *answer == Err(GrantRefusal::Client)));
}

#[test]
fn an_unknown_account_costs_the_time_of_a_wrong_password() {
    let account = person("right");
    let wrong = Secret::new("wrong");
    let time = |account: Option<&PersonAccount>| {
        let begin = Instant::now();
        assert_eq!(sign_in(account, &wrong), Err(GrantRefusal::SignIn));
        begin.elapsed().as_secs_f64()
    };
    // The least of several: what the machine does besides only ever adds.
    let least = |account| (0..9).map(|_| time(account)).fold(f64::MAX, f64::min);
    time(None);
    let (known, unknown) = (least(Some(&account)), least(None));
    assert!((0.4..2.5).contains(&(known / unknown)), "known {known}, unknown {unknown}");
}

#[test]
fn a_stored_hash_with_absurd_parameters_is_not_worked_on() {
    let dear =
        "$argon2id$v=19$m=4194304,t=1000,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(!password::verify(&Secret::new("x"), Some(dear)));
    assert!(!password::verify(&Secret::new("x"), Some("not a hash")));
}

#[test]
fn guesses_run_out_per_account_from_any_address_and_come_back_slowly() {
    let attempts = Attempts::new();
    let from = |n: u32| IpAddr::from([10, 0, (n / 256) as u8, (n % 256) as u8]);
    for n in 0..10 {
        let _ = attempts.take("alice", from(n), NOW).unwrap();
    }
    let refused = attempts.take(" ALICE ", from(99), NOW).err().unwrap();
    assert_eq!(refused, GrantRefusal::TooMany { retry_after_seconds: 30 });
    assert!(attempts.take("bob", from(99), NOW).is_ok());
    let later = NOW.plus_seconds(30);
    assert!(attempts.take("alice", from(99), later).is_ok());
    assert!(attempts.take("alice", from(99), later).is_err());
}

#[test]
fn guesses_run_out_per_address_over_many_accounts_and_a_whole_ipv6_network_is_one() {
    let attempts = Attempts::new();
    for n in 0..30u16 {
        let host = format!("2001:db8::{n:x}");
        let _ = attempts.take(&format!("account{n}"), address(&host), NOW).unwrap();
    }
    assert!(attempts.take("another", address("2001:db8::ffff"), NOW).is_err());
    assert!(attempts.take("another", address("2001:db8:0:1::1"), NOW).is_ok());
}

#[test]
fn right_guesses_cost_nothing_and_strangers_without_number_do_not_grow_the_memory() {
    let attempts = Attempts::new();
    for _ in 0..100 {
        attempts.take("alice", address("10.0.0.1"), NOW).unwrap().succeeded();
    }
    let mut refused = 0;
    for n in 0..20_000u32 {
        let from = IpAddr::from((0x0b00_0000 + n).to_be_bytes());
        refused += u32::from(attempts.take(&format!("a{n}"), from, NOW).is_err());
    }
    assert!(refused > 10_000, "whoever finds no bucket shares one: {refused}");
}

#[test]
fn a_private_key_proves_its_client() {
    for key in [SigningKey::ed25519("k1"), SigningKey::es256("k1"), SigningKey::rs256("k1")] {
        let account = agent(Some(&key), None);
        let signed = key.sign(&assertion("1"));
        assert_eq!(ClientAssertions::claimed_client(&signed).as_deref(), Some("agent-7"));
        assert!(judge().authenticate(Some(&account), &signed, NOW).is_ok());
    }
}

#[test]
fn jti_replay_an_assertion_proves_only_once() {
    let key = SigningKey::ed25519("k1");
    let account = agent(Some(&key), None);
    let judge = judge();
    let signed = key.sign(&assertion("once"));
    assert!(judge.authenticate(Some(&account), &signed, NOW).is_ok());
    assert_eq!(judge.authenticate(Some(&account), &signed, NOW), Err(GrantRefusal::Client));
    // To the last second that it could pass, skew included.
    let last = NOW.plus_seconds(120 + 59);
    assert_eq!(judge.authenticate(Some(&account), &signed, last), Err(GrantRefusal::Client));
    assert!(judge.authenticate(Some(&account), &key.sign(&assertion("twice")), NOW).is_ok());
}

#[test]
fn assertions_that_are_not_for_us_from_the_client_now_are_refused() {
    let key = SigningKey::ed25519("k1");
    let account = agent(Some(&key), None);
    let now = NOW.as_seconds();
    let cases = [
        ("of another subject", with(assertion("1"), "sub", json!("agent-8"))),
        ("of another issuer", with(assertion("1"), "iss", json!("agent-8"))),
        ("for another server", with(assertion("1"), "aud", json!("https://other.example/token"))),
        (
            "for us and another server",
            with(assertion("1"), "aud", json!([ENDPOINT, "https://other.example"])),
        ),
        ("for nobody", with(assertion("1"), "aud", json!([]))),
        ("that never ends", with(assertion("1"), "exp", Value::Null)),
        ("that lives an hour", with(assertion("1"), "exp", json!(now + 3600))),
        ("that has ended", with(assertion("1"), "exp", json!(now - 60))),
        ("not yet valid", with(assertion("1"), "nbf", json!(now + 61))),
        ("from the future", with(assertion("1"), "iat", json!(now + 61))),
        ("without an id", with(assertion("1"), "jti", Value::Null)),
        ("with an empty id", with(assertion("1"), "jti", json!(""))),
    ];
    let judge = judge();
    for (what, claims) in cases {
        let answer = judge.authenticate(Some(&account), &key.sign(&claims), NOW);
        assert_eq!(answer, Err(GrantRefusal::Client), "an assertion {what}");
    }
    assert!(judge.authenticate(Some(&account), &key.sign(&assertion("1")), NOW).is_ok());
}

#[test]
fn assertions_by_another_key_no_key_or_a_shared_secret_are_refused() {
    let (key, other) = (SigningKey::rs256("k1"), SigningKey::rs256("k1"));
    let account = agent(Some(&key), None);
    let disabled = AgentAccount { disabled: true, ..account.clone() };
    let judge = judge();
    let signed = key.sign(&assertion("1"));
    for (what, account, text) in [
        ("another key of the same kid", Some(&account), other.sign(&assertion("1"))),
        ("alg none", Some(&account), support::unsigned(&assertion("1"))),
        ("HS256 with the public key", Some(&account), key.sign_as_hmac(&assertion("1"))),
        ("no account", None, signed.clone()),
        ("a disabled account", Some(&disabled), signed.clone()),
        ("no token at all", Some(&account), "x".into()),
    ] {
        assert_eq!(judge.authenticate(account, &text, NOW), Err(GrantRefusal::Client), "{what}");
    }
}

fn flow() -> (DeviceFlow, Secret, String) {
    let flow = DeviceFlow::new();
    let start = flow.start("cli", address("10.0.0.1"), NOW).unwrap();
    (flow, start.device_code, start.user_code)
}

#[test]
fn a_device_gets_its_token_once_after_a_person_approved() {
    let (flow, device_code, user_code) = flow();
    let step = |n: i64| NOW.plus_seconds(n * POLL_SECONDS);
    assert_eq!(flow.poll(&device_code, "cli", step(1)), Err(GrantRefusal::Pending));
    let typed = user_code.to_lowercase().replace('-', " ");
    assert_eq!(flow.look_up(&typed, step(1)).unwrap().client, "cli");
    flow.approve(&typed, "p-1", NOW, step(1)).unwrap();
    let approval = DeviceApproval { person: "p-1".into(), account_since: NOW, client: "cli".into() };
    assert_eq!(flow.poll(&device_code, "cli", step(2)), Ok(approval));
    assert_eq!(flow.poll(&device_code, "cli", step(3)), Err(GrantRefusal::Code));
}

#[test]
fn a_denied_request_says_so_once() {
    let (flow, device_code, user_code) = flow();
    flow.deny(&user_code, NOW).unwrap();
    assert_eq!(flow.approve(&user_code, "p-1", NOW, NOW), Err(GrantRefusal::Code));
    assert_eq!(flow.poll(&device_code, "cli", NOW), Err(GrantRefusal::Denied));
    assert_eq!(flow.poll(&device_code, "cli", NOW), Err(GrantRefusal::Code));
}

#[test]
fn a_hurried_device_is_slowed_down_for_good() {
    let (flow, device_code, user_code) = flow();
    let at = |seconds: i64| flow.poll(&device_code, "cli", NOW.plus_seconds(seconds));
    assert_eq!(at(0), Err(GrantRefusal::Pending));
    assert_eq!(at(4), Err(GrantRefusal::SlowDown));
    assert_eq!(at(9), Err(GrantRefusal::SlowDown), "the interval is ten seconds now");
    assert_eq!(at(24), Err(GrantRefusal::Pending));
    flow.approve(&user_code, "p-1", NOW, NOW).unwrap();
    assert!(at(39).is_ok());
}

#[test]
fn an_expired_code_can_be_neither_approved_nor_used() {
    let (flow, device_code, user_code) = flow();
    let end = NOW.plus_seconds(DEVICE_CODE_SECONDS);
    assert_eq!(flow.poll(&device_code, "cli", end), Err(GrantRefusal::Expired));
    assert_eq!(flow.approve(&user_code, "p-1", NOW, end), Err(GrantRefusal::Code));
    assert_eq!(flow.poll(&device_code, "cli", end), Err(GrantRefusal::Code));
}

#[test]
fn a_device_code_works_for_the_client_that_began_and_no_other() {
    let (flow, device_code, user_code) = flow();
    flow.approve(&user_code, "p-1", NOW, NOW).unwrap();
    assert_eq!(flow.poll(&device_code, "other", NOW), Err(GrantRefusal::Code));
    assert_eq!(flow.poll(&Secret::new(user_code), "cli", NOW), Err(GrantRefusal::Code));
    assert!(flow.poll(&device_code, "cli", NOW).is_ok());
}

#[test]
fn one_address_cannot_take_all_device_codes() {
    let flow = DeviceFlow::new();
    for _ in 0..20 {
        flow.start("cli", address("10.0.0.1"), NOW).unwrap();
    }
    assert!(matches!(flow.start("cli", address("10.0.0.1"), NOW), Err(GrantRefusal::TooMany { .. })));
    assert!(flow.start("cli", address("10.0.0.2"), NOW).is_ok());
    assert!(flow.start("cli", address("10.0.0.1"), NOW.plus_seconds(DEVICE_CODE_SECONDS)).is_ok());
}

#[test]
fn nothing_prints_a_hash_or_a_code() {
    let secret = new_secret().unwrap();
    let account = agent(None, Some(&secret));
    let (flow, device_code, _) = flow();
    let printed = format!("{account:?} {:?} {flow:?} {device_code:?} {secret:?}", person("right"));
    assert!(!printed.contains("argon2") && !printed.contains("sps_"), "{printed}");
}
