//! The embedded issuer and the verifier together, without a network.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use sallyport_core::{CallerKind, Moment};
use sallyport_identity::{Algorithm, Issuer, IssuerFault, IssuerSettings, Refusal, TokenRequest, Verifier};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

const NOW: Moment = Moment::from_seconds(1_800_000_000);
const ISSUER: &str = "https://gateway.example";
const HOUR: i64 = 3600;

fn settings(algorithm: Algorithm) -> IssuerSettings {
    IssuerSettings {
        issuer: ISSUER.into(),
        audience: "sallyport".into(),
        max_lifetime_seconds: 12 * HOUR,
        algorithm,
    }
}

fn open(folder: &Path) -> Arc<Issuer> {
    Arc::new(Issuer::open(folder, settings(Algorithm::EdDsa), NOW).unwrap())
}

fn verifier(issuer: &Arc<Issuer>) -> Verifier {
    Verifier::new(Vec::new(), Some(Arc::clone(issuer))).unwrap()
}

fn agent() -> TokenRequest {
    TokenRequest {
        subject: "agent-7".into(),
        account_since: NOW.plus_seconds(-HOUR),
        name: "Report writer".into(),
        kind: CallerKind::Agent,
        groups: vec!["agents".into(), "reporting".into()],
        attributes: BTreeMap::from([("purpose".to_owned(), "monthly report".to_owned())]),
        owner: Some("alice".into()),
        chain: vec!["orchestrator".into(), "https://idp.example#carol".into()],
        lifetime_seconds: HOUR,
    }
}

fn token(issuer: &Issuer, request: &TokenRequest, now: Moment) -> String {
    issuer.issue(request, now).unwrap().token.expose_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_issued_is_what_the_gateway_sees() {
    for algorithm in [Algorithm::EdDsa, Algorithm::ES256] {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Arc::new(Issuer::open(folder.path(), settings(algorithm), NOW).unwrap());
        let issued = issuer.issue(&agent(), NOW).unwrap();
        let mut caller = verifier(&issuer).verify(issued.token.expose_str().unwrap(), NOW).await.unwrap();
        assert_eq!(caller.token_id.take(), Some(issued.id));
        assert_eq!(caller.expires, issued.expires);
        insta::assert_json_snapshot!("caller", caller);
    }
}

#[tokio::test]
async fn a_person_comes_back_as_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = open(folder.path());
    let person = TokenRequest { kind: CallerKind::Person, owner: None, chain: Vec::new(), ..agent() };
    let caller = verifier(&issuer).verify(&token(&issuer, &person, NOW), NOW).await.unwrap();
    assert_eq!(caller.kind, CallerKind::Person);
}

#[tokio::test]
async fn an_owner_is_spelled_as_a_principal_whichever_way_the_account_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let named = IssuerSettings { issuer: "house".into(), ..settings(Algorithm::EdDsa) };
    let issuer = Arc::new(Issuer::open(folder.path(), named, NOW).unwrap());
    let verifier = verifier(&issuer);
    for (said, spelled) in [
        ("alice", "house#alice"),
        ("house#alice", "house#alice"),
        ("https://idp.example#alice", "https://idp.example#alice"),
    ] {
        let request = TokenRequest { owner: Some(said.into()), ..agent() };
        let caller = verifier.verify(&token(&issuer, &request, NOW), NOW).await.unwrap();
        assert_eq!(caller.owner.as_deref(), Some(spelled));
    }
}

#[test]
fn the_first_key_file_still_opens_and_signs_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer-keys.json");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::copy(fixtures.join("issuer-keys_v1.json"), &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let published: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixtures.join("jwks_v1.json")).unwrap()).unwrap();
    assert_eq!(open(folder.path()).jwks(), published);
}

#[test]
fn many_first_starts_at_once_agree_on_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let published: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| open(folder.path()).jwks())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(published.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_token_ends_to_the_second_for_there_is_only_one_clock() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = open(folder.path());
    let text = token(&issuer, &agent(), NOW);
    let verifier = verifier(&issuer);
    assert!(verifier.verify(&text, NOW.plus_seconds(HOUR - 1)).await.is_ok());
    assert_eq!(verifier.verify(&text, NOW.plus_seconds(HOUR)).await, Err(Refusal::Expired));
}

#[tokio::test]
async fn rotation_keeps_live_tokens_and_drops_keys_whose_tokens_have_all_ended() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = open(folder.path());
    let verifier = verifier(&issuer);
    let long = TokenRequest { lifetime_seconds: 12 * HOUR, ..agent() };
    let old = token(&issuer, &long, NOW);
    let kids = |issuer: &Issuer| issuer.jwks()["keys"].as_array().unwrap().len();

    issuer.rotate(NOW).unwrap();
    assert_eq!(kids(&issuer), 2);
    let new = token(&issuer, &long, NOW);
    let later = NOW.plus_seconds(12 * HOUR - 1);
    issuer.rotate(later).unwrap();
    assert!(verifier.verify(&old, later).await.is_ok());
    assert!(verifier.verify(&new, later).await.is_ok());

    issuer.rotate(later.plus_seconds(12 * HOUR + 2)).unwrap();
    assert_eq!(kids(&issuer), 2, "the first two keys are gone");
}

#[tokio::test]
async fn keys_survive_a_restart_and_a_change_of_algorithm() {
    let folder = tempfile::tempdir().unwrap();
    let text = token(&open(folder.path()), &agent(), NOW);
    let again = Arc::new(Issuer::open(folder.path(), settings(Algorithm::ES256), NOW).unwrap());
    assert!(again.rotate_if_due(NOW.plus_seconds(30 * 24 * HOUR)).unwrap());
    assert!(!again.rotate_if_due(NOW.plus_seconds(30 * 24 * HOUR)).unwrap());
    assert!(verifier(&again).verify(&text, NOW).await.is_ok());
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let path = folder.path().join("issuer-keys.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = Issuer::open(folder.path(), settings(Algorithm::EdDsa), NOW);
    assert!(matches!(refused, Err(IssuerFault::NotPrivate { .. })));
}

#[test]
fn a_damaged_or_newer_key_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let path = folder.path().join("issuer-keys.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let reopen = |text: String| {
        std::fs::write(&path, text).unwrap();
        Issuer::open(folder.path(), settings(Algorithm::EdDsa), NOW).unwrap_err()
    };
    assert!(matches!(reopen(whole.replace("\"version\": 1", "\"version\": 2")), IssuerFault::Newer { .. }));
    assert!(matches!(reopen(whole[..whole.len() / 2].to_owned()), IssuerFault::Damaged { .. }));
    assert!(matches!(reopen(r#"{"version":1,"keys":[]}"#.into()), IssuerFault::Damaged { .. }));
}

#[test]
fn no_token_lives_longer_than_the_issuers_maximum() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = open(folder.path());
    for lifetime_seconds in [0, -1, 12 * HOUR + 1, i64::MAX] {
        let request = TokenRequest { lifetime_seconds, ..agent() };
        assert!(matches!(issuer.issue(&request, NOW), Err(IssuerFault::Lifetime { .. })));
    }
}

#[test]
fn nothing_published_or_printed_holds_a_private_key() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = open(folder.path());
    let published = issuer.jwks();
    for key in published["keys"].as_array().unwrap() {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["kty", "kid", "alg", "use", "crv", "x"]);
    }
    let issued = issuer.issue(&agent(), NOW).unwrap();
    let printed = format!("{issuer:?} {issued:?}");
    assert!(!printed.contains(issued.token.expose_str().unwrap()));
}

#[test]
fn discovery_names_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_json_snapshot!(open(folder.path()).discovery("https://gateway.example/"));
}
