//! Every known way to pass a token off, each named by its test, against the verifier with real keys and a real fetch.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use proptest::prelude::*;
use sallyport_core::{CallerKind, Moment};
use sallyport_identity::{
    Algorithm, ClaimIs, ClaimMap, ConfigFault, IssuerConfig, MAX_TOKEN_BYTES, Refusal, TokenUse, Verifier,
};
use serde_json::{Value, json};
use std::sync::Arc;
use support::issuer::{Mood, TestIssuer};
use support::{SigningKey, b64, unsigned};

const NOW: Moment = Moment::from_seconds(1_800_000_000);
const AUDIENCE: &str = "sallyport";

fn config(issuer: &TestIssuer) -> IssuerConfig {
    IssuerConfig {
        issuer: issuer.url.clone(),
        audiences: vec![AUDIENCE.into()],
        clients: Vec::new(),
        jwks_url: None,
        ca_file: None,
        algorithms: Algorithm::all(),
        token_uses: vec![TokenUse::AccessToken, TokenUse::Plain],
        max_lifetime_seconds: 24 * 3600,
        claims: ClaimMap::default(),
    }
}

fn claims(issuer: &TestIssuer) -> Value {
    let now = NOW.as_seconds();
    json!({ "iss": issuer.url, "sub": "u-1", "aud": AUDIENCE, "iat": now, "exp": now + 600, "jti": "t-1" })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().shift_remove(name);
    claims
}

/// An issuer with one key of each kind, and a verifier that believes it.
struct House {
    issuer: TestIssuer,
    rsa: SigningKey,
    ed: SigningKey,
    verifier: Verifier,
}

async fn house() -> House {
    house_with(|_| ()).await
}

async fn house_with(change: impl FnOnce(&mut IssuerConfig)) -> House {
    let (rsa, ed) = (SigningKey::rs256("rsa"), SigningKey::ed25519("ed"));
    let issuer = TestIssuer::start(vec![rsa.jwk.clone(), ed.jwk.clone()]).await;
    let mut config = config(&issuer);
    change(&mut config);
    let verifier = Verifier::new(vec![config], None).unwrap();
    House { issuer, rsa, ed, verifier }
}

impl House {
    fn claims(&self) -> Value {
        claims(&self.issuer)
    }
    async fn refusal(&self, token: &str) -> Refusal {
        self.refusal_at(token, NOW).await
    }
    async fn refusal_at(&self, token: &str, now: Moment) -> Refusal {
        let refusal = self.verifier.verify(token, now).await.unwrap_err();
        let said = refusal.to_string();
        let echoed = token.split('.').any(|part| part.len() > 8 && said.contains(part));
        assert!(!echoed, "a refusal must not echo the token: {said}");
        refusal
    }
    async fn passes(&self, claims: &Value) -> bool {
        self.verifier.verify(&self.ed.sign(claims), NOW).await.is_ok()
    }
}

#[tokio::test]
async fn the_good_token_passes_in_every_algorithm() {
    let es = SigningKey::es256("es");
    let house = house().await;
    house.issuer.publish(vec![house.rsa.jwk.clone(), house.ed.jwk.clone(), es.jwk.clone()]);
    for key in [&house.rsa, &house.ed, &es] {
        let caller = house.verifier.verify(&key.sign(&house.claims()), NOW).await.unwrap();
        assert_eq!(caller.principal(), format!("{}#u-1", house.issuer.url));
        assert_eq!(caller.token_id.as_deref(), Some("t-1"));
    }
}

#[tokio::test]
async fn alg_none_in_every_spelling() {
    let house = house().await;
    let refused = Refusal::Algorithm { allowed: Algorithm::all() };
    assert_eq!(house.refusal(&unsigned(&house.claims())).await, refused);
    for alg in ["None", "NONE", "nOnE", "", "RS256 ", "rs256", "PS256", "RS512", "ES512", "HS512"] {
        let header = json!({ "alg": alg, "kid": "rsa" }).to_string();
        let token = house.rsa.sign_text(&header, &house.claims().to_string());
        assert_eq!(house.refusal(&token).await, refused, "alg {alg:?}");
    }
    let bare = house.rsa.sign_text(r#"{"kid":"rsa"}"#, &house.claims().to_string());
    assert_eq!(house.refusal(&bare).await, Refusal::NotAToken);
}

#[tokio::test]
async fn hs256_signed_with_the_rsa_public_key() {
    let house = house().await;
    let modulus = house.rsa.jwk["n"].as_str().unwrap().to_owned();
    for secret in [house.rsa.jwk.to_string().into_bytes(), modulus.into_bytes()] {
        let token = house.rsa.sign_as_hmac_of(&house.claims(), &secret);
        assert!(matches!(house.refusal(&token).await, Refusal::Algorithm { .. }));
    }
}

#[tokio::test]
async fn a_symmetric_key_in_the_key_set_is_never_used() {
    let house = house().await;
    house.issuer.publish(vec![json!({ "kty": "oct", "kid": "hmac", "alg": "HS256", "k": b64("secret") })]);
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = Some("hmac".into());
    let key = jsonwebtoken::EncodingKey::from_secret(b"secret");
    let token = jsonwebtoken::encode(&header, &house.claims(), &key).unwrap();
    assert!(matches!(house.refusal(&token).await, Refusal::Algorithm { .. }));
}

#[tokio::test]
async fn the_algorithm_of_another_key_type() {
    let house = house().await;
    for (alg, kid) in [("ES256", "rsa"), ("EdDSA", "rsa"), ("RS256", "ed")] {
        let header = json!({ "alg": alg, "kid": kid }).to_string();
        let token = house.rsa.sign_text(&header, &house.claims().to_string());
        assert_eq!(house.refusal(&token).await, Refusal::UnknownKey, "{alg} with {kid}");
    }
}

#[tokio::test]
async fn an_algorithm_that_the_issuer_may_not_use() {
    let house = house_with(|config| config.algorithms = vec![Algorithm::RS256]).await;
    let refused = house.refusal(&house.ed.sign(&house.claims())).await;
    assert_eq!(refused, Refusal::Algorithm { allowed: vec![Algorithm::RS256] });
}

#[tokio::test]
async fn keys_that_are_weak_or_for_other_uses_are_not_keys() {
    let house = house().await;
    let change = |name: &str, value: Value| with(house.rsa.jwk.clone(), name, value);
    let short = b64(vec![0xc1; 128]);
    for jwk in [
        change("n", json!(short)),
        change("e", json!(b64([1]))),
        change("e", json!(b64([2]))),
        change("use", json!("enc")),
        change("alg", json!("RSA-OAEP")),
        change("key_ops", json!(["encrypt"])),
        change("kty", json!("EC")),
        change("n", json!("not base64!")),
        change("n", json!(7)),
        json!("not a key"),
    ] {
        house.issuer.publish(vec![jwk.clone()]);
        let verifier = Verifier::new(vec![config(&house.issuer)], None).unwrap();
        let refused = verifier.verify(&house.rsa.sign(&house.claims()), NOW).await;
        assert_eq!(refused, Err(Refusal::UnknownKey), "{jwk}");
    }
}

#[tokio::test]
async fn a_wrong_audience() {
    let house = house().await;
    for aud in [
        json!("other"),
        json!(["other"]),
        json!([]),
        json!({}),
        json!(7),
        Value::Null,
        json!("sallyport "),
        json!([[AUDIENCE]]),
    ] {
        let token = house.ed.sign(&with(house.claims(), "aud", aud.clone()));
        assert!(matches!(house.refusal(&token).await, Refusal::Audience { .. }), "{aud}");
    }
    let none = house.ed.sign(&without(house.claims(), "aud"));
    assert!(matches!(house.refusal(&none).await, Refusal::Audience { .. }));
    assert!(house.passes(&with(house.claims(), "aud", json!(["other", AUDIENCE]))).await);
}

#[tokio::test]
async fn a_wrong_issuer() {
    let house = house().await;
    let url = house.issuer.url.clone();
    for iss in [
        format!("{url}/"),
        url.to_uppercase(),
        format!(" {url}"),
        format!("{url}@evil.example"),
        String::new(),
    ] {
        let token = house.ed.sign(&with(house.claims(), "iss", json!(iss)));
        assert_eq!(house.refusal(&token).await, Refusal::UnknownIssuer, "{iss}");
    }
    for iss in [json!([url]), Value::Null, json!({ "url": url })] {
        assert_eq!(
            house.refusal(&house.ed.sign(&with(house.claims(), "iss", iss))).await,
            Refusal::UnknownIssuer
        );
    }
    assert_eq!(house.issuer.requests(), Vec::<String>::new(), "a stranger's token causes no fetch");
}

#[tokio::test]
async fn a_wrong_azp_or_client() {
    let house = house_with(|config| config.clients = vec!["gateway-cli".into()]).await;
    for (claim, value) in
        [("azp", json!("other")), ("client_id", json!("other")), ("azp", json!(["gateway-cli"]))]
    {
        let token = house.ed.sign(&with(house.claims(), claim, value));
        assert_eq!(house.refusal(&token).await, Refusal::Client);
    }
    assert_eq!(house.refusal(&house.ed.sign(&house.claims())).await, Refusal::Client, "none named");
    let torn = with(with(house.claims(), "azp", json!("gateway-cli")), "client_id", json!("other"));
    assert_eq!(house.refusal(&house.ed.sign(&torn)).await, Refusal::Client, "two that disagree");
    assert!(house.passes(&with(house.claims(), "azp", json!("gateway-cli"))).await);
}

#[tokio::test]
async fn a_kid_that_is_a_path_or_a_url_is_only_compared() {
    let house = house().await;
    let evil = TestIssuer::start(vec![house.ed.jwk.clone()]).await;
    let kids = [
        "../../../../etc/passwd".to_owned(),
        format!("{}/jwks", evil.url),
        "' OR 1=1 --".into(),
        "\0".into(),
    ];
    for (n, kid) in kids.iter().enumerate() {
        let mut header = house.ed.header();
        header.kid = Some(kid.clone());
        let token = house.ed.sign_with(&header, &house.claims());
        let later = NOW.plus_seconds(n as i64 * 20);
        assert_eq!(house.refusal_at(&token, later).await, Refusal::UnknownKey, "{kid}");
    }
    assert_eq!(evil.requests(), Vec::<String>::new());
    let asked = house.issuer.requests();
    assert!(
        asked.iter().all(|path| path == "/jwks" || path == "/.well-known/openid-configuration"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_key_carried_in_the_header_is_not_believed() {
    let house = house().await;
    let own = SigningKey::ed25519("own");
    let evil = TestIssuer::start(vec![own.jwk.clone()]).await;
    let header =
        json!({ "alg": "EdDSA", "jwk": own.jwk, "jku": format!("{}/jwks", evil.url), "x5u": evil.url });
    let nameless = own.sign_text(&header.to_string(), &house.claims().to_string());
    assert_eq!(house.refusal(&nameless).await, Refusal::Signature);
    let named = own.sign_text(&with(header, "kid", json!("own")).to_string(), &house.claims().to_string());
    assert_eq!(house.refusal(&named).await, Refusal::UnknownKey);
    assert_eq!(evil.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn two_keys_with_one_kid() {
    let (first, second) = (SigningKey::ed25519("same"), SigningKey::ed25519("same"));
    let other_kind = SigningKey::rs256("same");
    let house = house().await;
    house.issuer.publish(vec![
        first.jwk.clone(),
        second.jwk.clone(),
        other_kind.jwk.clone(),
        first.jwk.clone(),
    ]);
    for key in [&first, &second] {
        assert_eq!(house.refusal(&key.sign(&house.claims())).await, Refusal::AmbiguousKey);
    }
    let by_kind = house.verifier.verify(&other_kind.sign(&house.claims()), NOW).await;
    assert!(by_kind.is_ok(), "another kind of key under the same kid is told apart by the algorithm");
}

#[tokio::test]
async fn no_kid_among_several_keys() {
    let (first, second) = (SigningKey::ed25519("a"), SigningKey::ed25519("b"));
    let house = house().await;
    house.issuer.publish(vec![first.jwk.clone(), second.jwk.clone()]);
    let mut header = first.header();
    header.kid = None;
    assert_eq!(house.refusal(&first.sign_with(&header, &house.claims())).await, Refusal::AmbiguousKey);
}

#[tokio::test]
async fn another_issuers_token_under_the_same_kid() {
    let (ours, theirs) = (SigningKey::ed25519("k1"), SigningKey::ed25519("k1"));
    let first = TestIssuer::start(vec![ours.jwk.clone()]).await;
    let second = TestIssuer::start(vec![theirs.jwk.clone()]).await;
    let verifier = Verifier::new(vec![config(&first), config(&second)], None).unwrap();
    for (issuer, key, good) in
        [(&first, &ours, true), (&second, &theirs, true), (&first, &theirs, false), (&second, &ours, false)]
    {
        let verdict = verifier.verify(&key.sign(&claims(issuer)), NOW).await;
        assert_eq!(verdict.is_ok(), good);
        assert!(good || verdict == Err(Refusal::Signature));
    }
}

#[tokio::test]
async fn expiry_to_the_second_with_skew_on_both_sides() {
    let house = house().await;
    let token = house.ed.sign(&house.claims());
    let end = NOW.plus_seconds(600);
    assert!(house.verifier.verify(&token, end.plus_seconds(59)).await.is_ok());
    assert_eq!(house.refusal_at(&token, end.plus_seconds(60)).await, Refusal::Expired);
    let caller = house.verifier.verify(&token, NOW).await.unwrap();
    assert_eq!(caller.expires, end.plus_seconds(60), "a session may last as long as its token passes");
}

#[tokio::test]
async fn not_before_and_issued_at_to_the_second_with_skew() {
    let house = house().await;
    let now = NOW.as_seconds();
    for claim in ["nbf", "iat"] {
        assert!(house.passes(&with(house.claims(), claim, json!(now + 60))).await);
        let early = house.ed.sign(&with(house.claims(), claim, json!(now + 61)));
        assert_eq!(house.refusal(&early).await, Refusal::NotYet);
    }
}

#[tokio::test]
async fn a_missing_expiry_or_one_that_is_no_date() {
    let house = house().await;
    let refused = house.refusal(&house.ed.sign(&without(house.claims(), "exp"))).await;
    assert_eq!(refused, Refusal::NoExpiry);
    let end = (NOW.as_seconds() + 600).to_string();
    for (claim, value) in [
        ("exp", json!(end)),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", Value::Null),
        ("exp", json!([NOW.as_seconds() + 600])),
        ("nbf", json!("0")),
        ("nbf", json!(-5)),
        ("iat", json!(true)),
    ] {
        let token = house.ed.sign(&with(house.claims(), claim, value.clone()));
        assert_eq!(house.refusal(&token).await, Refusal::Claim { claim: claim.into() }, "{claim} {value}");
    }
}

#[tokio::test]
async fn a_token_that_lives_too_long() {
    let house = house().await;
    let now = NOW.as_seconds();
    let day = 24 * 3600;
    assert!(house.passes(&with(house.claims(), "exp", json!(now + day))).await);
    let long = with(house.claims(), "exp", json!(now + day + 1));
    for claims in [long.clone(), without(long, "iat")] {
        let refused = house.refusal(&house.ed.sign(&claims)).await;
        assert_eq!(refused, Refusal::TooLongLived { limit_seconds: day });
    }
}

#[tokio::test]
async fn an_oversize_token_is_refused_before_it_is_read() {
    let house = house().await;
    let token = house.ed.sign(&with(house.claims(), "filler", json!("x".repeat(MAX_TOKEN_BYTES))));
    assert_eq!(house.refusal(&token).await, Refusal::TooLarge { limit: MAX_TOKEN_BYTES });
    assert_eq!(house.refusal(&".".repeat(MAX_TOKEN_BYTES)).await, Refusal::NotAToken);
    assert_eq!(house.issuer.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn critical_headers_encrypted_compressed_and_nested_tokens() {
    let house = house().await;
    for (header, refused) in [
        (json!({ "crit": ["exp"], "exp": 1 }), Refusal::Critical),
        (json!({ "crit": [] }), Refusal::Critical),
        (json!({ "b64": false }), Refusal::Critical),
        (json!({ "cty": "JWT" }), Refusal::Encrypted),
        (json!({ "cty": "application/jwt" }), Refusal::Encrypted),
        (json!({ "enc": "A256GCM" }), Refusal::Encrypted),
        (json!({ "zip": "DEF" }), Refusal::Encrypted),
    ] {
        let header = with(with(header, "alg", json!("EdDSA")), "kid", json!("ed")).to_string();
        let token = house.ed.sign_text(&header, &house.claims().to_string());
        assert_eq!(house.refusal(&token).await, refused, "{header}");
    }
    let encrypted = format!("{}.a.b.c.d", b64(r#"{"alg":"dir","enc":"A256GCM"}"#));
    assert_eq!(house.refusal(&encrypted).await, Refusal::Encrypted);
    let inner = house.ed.sign(&house.claims());
    let nested = house.ed.sign_text(r#"{"alg":"EdDSA","kid":"ed"}"#, &inner);
    assert_eq!(house.refusal(&nested).await, Refusal::NotAToken);
}

#[tokio::test]
async fn a_member_that_stands_twice() {
    let house = house().await;
    let claims = house.claims().to_string();
    let doubled = claims.replacen('{', r#"{"sub":"admin","#, 1);
    let token = house.ed.sign_text(r#"{"alg":"EdDSA","kid":"ed"}"#, &doubled);
    assert_eq!(house.refusal(&token).await, Refusal::NotAToken);
    let token = house.ed.sign_text(r#"{"alg":"none","kid":"ed","alg":"EdDSA"}"#, &claims);
    assert_eq!(house.refusal(&token).await, Refusal::NotAToken);
}

#[tokio::test]
async fn a_changed_or_missing_signature() {
    let house = house().await;
    let token = house.ed.sign(&house.claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let forged = b64(with(house.claims(), "sub", json!("admin")).to_string());
    assert_eq!(house.refusal(&format!("{header}.{forged}.{signature}")).await, Refusal::Signature);
    assert_eq!(house.refusal(&format!("{signed}.")).await, Refusal::Signature);
    assert_eq!(house.refusal(&format!("{signed}.{}", b64([0; 64]))).await, Refusal::Signature);
    assert_eq!(house.refusal(&format!("{signed}.{signature}=")).await, Refusal::Signature);
    for shape in
        [signed.to_owned(), format!("{token}."), format!(" {token}"), format!("{token}\n"), String::new()]
    {
        assert!(house.verifier.verify(&shape, NOW).await.is_err(), "{} dots", shape.matches('.').count());
    }
}

#[tokio::test]
async fn an_id_token_and_tokens_of_other_trades_as_an_access_token() {
    let house = house().await;
    let marks =
        [("nonce", json!("n")), ("at_hash", json!("h")), ("c_hash", json!("h")), ("typ", json!("ID"))];
    for (claim, value) in marks {
        let token = house.ed.sign(&with(house.claims(), claim, value));
        assert_eq!(house.refusal(&token).await, Refusal::TokenUse, "{claim}");
    }
    for claims in [
        with(house.claims(), "typ", json!("Refresh")),
        with(house.claims(), "typ", json!("Offline")),
        with(house.claims(), "events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })),
    ] {
        assert_eq!(house.refusal(&house.ed.sign(&claims)).await, Refusal::TokenUse);
    }
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "client-authentication+jwt", "application/jose"] {
        let mut header = house.ed.header();
        header.typ = Some(typ.into());
        assert_eq!(
            house.refusal(&house.ed.sign_with(&header, &house.claims())).await,
            Refusal::TokenUse,
            "{typ}"
        );
    }
}

#[tokio::test]
async fn only_the_token_uses_of_the_configuration() {
    let house = house_with(|config| config.token_uses = vec![TokenUse::AccessToken]).await;
    assert_eq!(house.refusal(&house.ed.sign(&house.claims())).await, Refusal::TokenUse);
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        let mut header = house.ed.header();
        header.typ = Some(typ.into());
        assert!(house.verifier.verify(&house.ed.sign_with(&header, &house.claims()), NOW).await.is_ok());
    }
    let house = house_with(|config| config.token_uses = vec![TokenUse::IdToken]).await;
    assert!(house.passes(&with(house.claims(), "nonce", json!("n"))).await);
}

#[tokio::test]
async fn rotation_is_noticed_by_an_unknown_kid() {
    let house = house().await;
    assert!(house.passes(&house.claims()).await);
    let next = SigningKey::ed25519("next");
    house.issuer.publish(vec![house.ed.jwk.clone(), next.jwk.clone()]);
    let later = NOW.plus_seconds(11);
    assert!(house.verifier.verify(&next.sign(&house.claims()), later).await.is_ok());
    assert!(house.verifier.verify(&house.ed.sign(&house.claims()), later).await.is_ok());
    assert_eq!(house.issuer.key_fetches(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_is_believed_no_longer_than_keys_are_fresh() {
    let house = house().await;
    assert!(house.passes(&house.claims()).await);
    house.issuer.publish(vec![house.rsa.jwk.clone()]);
    let token = house.ed.sign(&house.claims());
    assert!(house.verifier.verify(&token, NOW.plus_seconds(299)).await.is_ok());
    assert_eq!(house.refusal_at(&token, NOW.plus_seconds(300)).await, Refusal::UnknownKey);
}

#[tokio::test]
async fn a_flood_of_unknown_kids_causes_one_fetch_in_ten_seconds() {
    let house = Arc::new(house().await);
    let stranger = SigningKey::ed25519("stranger");
    let flood = |at: Moment| {
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                let mut header = stranger.header();
                header.kid = Some(format!("kid-{n}"));
                let token = stranger.sign_with(&header, &house.claims());
                let house = Arc::clone(&house);
                tokio::spawn(async move { house.refusal_at(&token, at).await })
            })
            .collect();
        tasks
    };
    for (seconds, fetches) in [(0, 1), (5, 1), (10, 2)] {
        for refused in flood(NOW.plus_seconds(seconds)) {
            assert_eq!(refused.await.unwrap(), Refusal::UnknownKey);
        }
        assert_eq!(house.issuer.key_fetches(), fetches, "after {seconds} seconds");
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_fetch() {
    let house = house().await;
    let token = house.ed.sign(&house.claims());
    {
        let mut asking = Box::pin(house.verifier.verify(&token, NOW));
        // Begun, and dropped before any answer can be there.
        let first = std::future::poll_fn(|context| std::task::Poll::Ready(asking.as_mut().poll(context)));
        assert!(first.await.is_pending());
    }
    assert!(house.verifier.verify(&token, NOW).await.is_ok());
    assert_eq!(house.issuer.key_fetches(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_down_huge_redirecting_or_wrong_gives_no_keys() {
    for (mood, reason) in [
        (Mood::Failing, "it answers with an error"),
        (Mood::Huge, "its answer is too large"),
        (Mood::Redirecting, "it redirects, which is not followed"),
        (Mood::NotJson, "its answer is not a key set"),
        (Mood::NamingAnother, "its discovery document names another issuer"),
        (Mood::NamingPlainHttpElsewhere, "it names a URL that is not https"),
    ] {
        let house = house().await;
        house.issuer.become_(mood.clone());
        let refused = house.refusal(&house.ed.sign(&house.claims())).await;
        assert_eq!(
            refused,
            Refusal::IssuerUnavailable { issuer: house.issuer.url.clone(), reason },
            "{mood:?}"
        );
        assert!(refused.is_transient());
        assert!(!house.issuer.requests().contains(&"/moved".to_owned()));
        house.issuer.become_(Mood::Well);
        let token = house.ed.sign(&house.claims());
        assert!(house.verifier.verify(&token, NOW.plus_seconds(9)).await.is_err(), "not asked again at once");
        assert!(house.verifier.verify(&token, NOW.plus_seconds(10)).await.is_ok(), "{mood:?}");
    }
}

#[tokio::test]
async fn an_issuer_that_never_answers_is_given_up_on() {
    let house = house().await;
    house.issuer.become_(Mood::Silent);
    let refused = house.refusal(&house.ed.sign(&house.claims())).await;
    let reason = "it does not answer in time";
    assert_eq!(refused, Refusal::IssuerUnavailable { issuer: house.issuer.url.clone(), reason });
}

#[tokio::test]
async fn an_issuer_that_is_not_there_is_said_so() {
    let house = house().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let verifier =
        Verifier::new(vec![IssuerConfig { issuer: url.clone(), ..config(&house.issuer) }], None).unwrap();
    let token = house.ed.sign(&with(house.claims(), "iss", json!(url)));
    let refused = verifier.verify(&token, NOW).await;
    assert_eq!(refused, Err(Refusal::IssuerUnavailable { issuer: url, reason: "it cannot be reached" }));
}

#[tokio::test]
async fn known_keys_outlive_an_issuer_that_is_down_for_an_hour_and_not_longer() {
    let house = house().await;
    assert!(house.passes(&house.claims()).await);
    house.issuer.become_(Mood::Failing);
    let lasting = house.ed.sign(&with(house.claims(), "exp", json!(NOW.as_seconds() + 7200)));
    let bound = NOW.plus_seconds(300 + 3600);
    assert!(house.verifier.verify(&lasting, bound.plus_seconds(-1)).await.is_ok());
    assert!(matches!(house.refusal_at(&lasting, bound).await, Refusal::IssuerUnavailable { .. }));
}

#[tokio::test]
async fn claims_become_a_caller_as_the_configuration_says() {
    let house = house_with(|config| {
        config.claims = ClaimMap {
            name: "profile.name".into(),
            groups: "realm_access.roles".into(),
            person_when: Some(ClaimIs { claim: "amr".into(), values: vec!["mfa".into()] }),
            attributes: [("https://idp.example/risk".to_owned(), "risk".to_owned())].into(),
            owner: Some("manager".into()),
            ..ClaimMap::default()
        };
    })
    .await;
    let mut claims = house.claims();
    claims["profile"] = json!({ "name": "Alice\u{1b}[31m" });
    claims["realm_access"] = json!({ "roles": ["dba", "on-call"] });
    claims["amr"] = json!(["pwd", "mfa"]);
    claims["https://idp.example/risk"] = json!(3);
    claims["manager"] = json!("bob");
    let caller = house.verifier.verify(&house.ed.sign(&claims), NOW).await.unwrap();
    assert_eq!(caller.name, "Alice [31m");
    assert_eq!(caller.groups, ["dba", "on-call"]);
    assert_eq!(caller.kind, CallerKind::Person);
    assert_eq!(caller.attributes["risk"], "3");
    assert_eq!(caller.owner, Some(format!("{}#bob", house.issuer.url)));
}

#[tokio::test]
async fn a_delegated_token_makes_the_actor_the_caller_and_never_a_person() {
    let house = house_with(|config| config.claims.kind = CallerKind::Person).await;
    let delegated = with(house.claims(), "act", json!({ "sub": "agent-2", "act": { "sub": "agent-1" } }));
    let caller = house.verifier.verify(&house.ed.sign(&delegated), NOW).await.unwrap();
    let url = &house.issuer.url;
    assert_eq!((caller.subject.as_str(), caller.kind), ("agent-2", CallerKind::Agent));
    assert_eq!(caller.chain, [format!("{url}#agent-1"), format!("{url}#u-1")]);

    let mut deep = json!({ "sub": "a" });
    for _ in 0..16 {
        deep = json!({ "sub": "a", "act": deep });
    }
    for act in [json!({ "sub": "a", "iss": "https://other.example" }), json!({}), json!("agent"), deep] {
        let token = house.ed.sign(&with(house.claims(), "act", act));
        assert_eq!(house.refusal(&token).await, Refusal::Claim { claim: "act".into() });
    }
}

#[tokio::test]
async fn mapped_claims_of_the_wrong_kind_refuse_rather_than_vanish() {
    let house = house_with(|config| {
        config.claims.attributes = [("risk".to_owned(), "risk".to_owned())].into();
    })
    .await;
    for (claim, value) in [
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("a\nb")),
        ("sub", json!(" admin")),
        ("sub", json!("x".repeat(256))),
        ("groups", json!({ "admin": true })),
        ("groups", json!(["a", 7])),
        ("risk", json!(["low"])),
        ("risk", Value::Null),
    ] {
        let token = house.ed.sign(&with(house.claims(), claim, value.clone()));
        assert_eq!(house.refusal(&token).await, Refusal::Claim { claim: claim.into() }, "{claim} {value}");
    }
    let token = house.ed.sign(&without(house.claims(), "sub"));
    assert_eq!(house.refusal(&token).await, Refusal::Claim { claim: "sub".into() });
}

#[tokio::test]
async fn a_configuration_that_would_not_hold_is_refused() {
    let issuer = TestIssuer::start(Vec::new()).await;
    let good = config(&issuer);
    let of = |issuer: &str| IssuerConfig { issuer: issuer.into(), ..good.clone() };
    for url in [
        "http://idp.example",
        "ftp://127.0.0.1",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "https://user@idp.example",
        "https://idp.example#x",
        "https://idp.example?x",
        "idp.example",
        "",
    ] {
        let fault = Verifier::new(vec![of(url)], None).unwrap_err();
        assert!(matches!(fault, ConfigFault::Url { .. }), "{url}: {fault}");
    }
    let plain_keys =
        IssuerConfig { jwks_url: Some("http://127.0.0.1/jwks".into()), ..of("https://idp.example") };
    assert!(matches!(Verifier::new(vec![plain_keys], None), Err(ConfigFault::Url { .. })));
    assert!(matches!(Verifier::new(vec![good.clone(), good.clone()], None), Err(ConfigFault::Twice { .. })));
    let nobody = IssuerConfig { audiences: Vec::new(), ..good.clone() };
    assert!(matches!(Verifier::new(vec![nobody], None), Err(ConfigFault::Empty { .. })));
}

#[test]
fn a_configuration_reads_from_a_file_and_refuses_unknown_keys() {
    let text = json!({
        "issuer": "https://idp.example",
        "audiences": ["sallyport"],
        "algorithms": ["EdDSA", "RS256"],
        "token_uses": ["id_token"],
        "claims": { "groups": "realm_access.roles", "kind": "person", "attributes": { "risk_tier": "risk" } },
    });
    let config: IssuerConfig = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(config.algorithms, [Algorithm::EdDsa, Algorithm::RS256]);
    assert_eq!(config.max_lifetime_seconds, 24 * 3600);
    for (name, value) in
        [("audience", json!("x")), ("algorithms", json!(["HS256"])), ("algorithms", json!(["none"]))]
    {
        assert!(serde_json::from_value::<IssuerConfig>(with(text.clone(), name, value)).is_err());
    }
    let misspelt = with(text, "claims", json!({ "group": "x" }));
    assert!(serde_json::from_value::<IssuerConfig>(misspelt).is_err());
}

proptest! {
    #[test]
    fn no_text_at_all_passes_or_panics(text in ".{0,300}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let verifier = Verifier::new(Vec::new(), None).unwrap();
        for token in [text, parts.join(".")] {
            prop_assert!(runtime.block_on(verifier.verify(&token, NOW)).is_err());
        }
    }
}
