//! The embedded issuer over HTTP: both ways for agents, the device flow for people, and what is refused.

use crate::stage::{PASSWORD, Stage, answer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

async fn post(stage: &Stage, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    answer(stage.ask(Method::POST, path).form(form).send().await.unwrap()).await
}

async fn me(stage: &Stage, token: &Value) -> Value {
    let request = stage.ask(Method::GET, "/api/v1/me").bearer_auth(token.as_str().unwrap());
    answer(request.send().await.unwrap()).await.1
}

#[tokio::test]
async fn discovery_names_endpoints_that_answer() {
    let stage = Stage::new().await;
    let path = "/.well-known/openid-configuration";
    let (_, document) = answer(stage.ask(Method::GET, path).send().await.unwrap()).await;
    assert_eq!(document["issuer"], stage.base);
    let (_, keys) = answer(stage.ask(Method::GET, "/oauth/jwks").send().await.unwrap()).await;
    assert_eq!(document["jwks_uri"], format!("{}/oauth/jwks", stage.base));
    assert!(keys["keys"][0]["x"].is_string() && keys["keys"][0].get("d").is_none());
    assert_eq!(document["token_endpoint"], format!("{}/oauth/token", stage.base));
}

#[tokio::test]
async fn an_agent_proves_itself_with_its_secret_in_one_way() {
    let stage = Stage::new().await;
    let grant = ("grant_type", "client_credentials");
    let posted = [grant, ("client_id", "bot"), ("client_secret", PASSWORD)];
    let (status, given) = post(&stage, "/oauth/token", &posted).await;
    assert_eq!((status, &given["token_type"]), (200, &json!("Bearer")), "{given}");
    assert_eq!(me(&stage, &given["access_token"]).await["principal"], stage.principal("bot"));
    let basic = stage.ask(Method::POST, "/oauth/token").form(&[grant]).basic_auth("bot", Some(PASSWORD));
    assert_eq!(answer(basic.send().await.unwrap()).await.0, 200);
    let both = stage.ask(Method::POST, "/oauth/token").form(&posted).basic_auth("bot", Some(PASSWORD));
    let (status, refused) = answer(both.send().await.unwrap()).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_request")));
    for form in [
        [grant, ("client_id", "bot"), ("client_secret", "wrong")],
        [grant, ("client_id", "nobody"), ("client_secret", PASSWORD)],
        [("grant_type", "password"), ("client_id", "bot"), ("client_secret", PASSWORD)],
    ] {
        let (status, refused) = post(&stage, "/oauth/token", &form).await;
        assert!(status == 401 || refused["error"] == "invalid_request", "{status} {refused}");
    }
    let (status, _) =
        answer(stage.ask(Method::POST, "/oauth/token").json(&json!({})).send().await.unwrap()).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn an_agent_proves_itself_with_a_key_once_per_assertion() {
    let stage = Stage::new().await;
    // RFC 8032, test 1.
    let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let public =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let with = |key: Value| json!({ "name": "keyed", "owner": "meg", "secret": false, "public_keys": [key] });
    let mut private = public.clone();
    private["d"] = json!(seed);
    let (status, _) = stage.send("root", "POST", "/api/v1/agents", with(private)).await;
    assert_eq!(status, 422, "a private key is not taken");
    let (status, made) = stage.send("root", "POST", "/api/v1/agents", with(public)).await;
    assert_eq!((status, made.get("secret")), (201, None), "{made}");
    let now = crate::stage::now().as_seconds();
    let claims = json!({ "iss": "keyed", "sub": "keyed", "aud": format!("{}/oauth/token", stage.base),
                         "iat": now, "exp": now + 60, "jti": "one" });
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(URL_SAFE_NO_PAD.decode(seed).unwrap());
    let key = EncodingKey::from_ed_der(&der);
    let assertion = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let (status, given) = post(&stage, "/oauth/token", &form).await;
    assert_eq!(status, 200, "{given}");
    assert_eq!(me(&stage, &given["access_token"]).await["owner"], stage.principal("meg"));
    assert_eq!(post(&stage, "/oauth/token", &form).await.0, 401, "an assertion works once");
}

/// The value that follows in a page, as a browser would post it.
fn field(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_person_lets_a_program_in() {
    let stage = Stage::new().await;
    let client = ("client_id", "sallyport-cli");
    let (status, begun) = post(&stage, "/oauth/device_authorization", &[client]).await;
    assert_eq!(status, 200, "{begun}");
    let (code, device) = (begun["user_code"].as_str().unwrap(), begun["device_code"].as_str().unwrap());
    let poll =
        [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), client, ("device_code", device)];
    let response = stage.ask(Method::GET, &format!("/device?user_code={code}")).send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(response.headers().get("set-cookie").is_none());
    assert_eq!(
        response.headers()["referrer-policy"],
        "same-origin",
        "else browsers post with `Origin: null`"
    );
    assert_eq!(field(&response.text().await.unwrap(), "user_code"), code);

    let wrong = [("user_code", code), ("name", "meg"), ("password", "wrong")];
    assert_eq!(post(&stage, "/device", &wrong).await.0, 401);
    let right = [("user_code", code), ("name", "meg"), ("password", PASSWORD)];
    let foreign = stage.ask(Method::POST, "/device").header("origin", "https://evil.example").form(&right);
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let own = stage.ask(Method::POST, "/device").header("origin", &stage.base);
    let (status, page) =
        answer(own.header("sec-fetch-site", "same-origin").form(&right).send().await.unwrap()).await;
    let page = page.as_str().unwrap();
    assert!(status == 200 && page.contains("sallyport-cli") && page.contains("127.0.0.1"), "{page}");
    let ticket = field(page, "ticket");
    let foreign = stage.ask(Method::POST, "/device/decide").header("sec-fetch-site", "cross-site");
    let foreign = foreign.form(&[("ticket", ticket.as_str()), ("decision", "approve")]);
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let yes = [("ticket", ticket.as_str()), ("decision", "approve")];
    assert_eq!(post(&stage, "/device/decide", &yes).await.0, 200);
    assert_eq!(post(&stage, "/device/decide", &yes).await.0, 400, "a ticket works once");
    let (status, given) = post(&stage, "/oauth/token", &poll).await;
    assert_eq!(status, 200, "{given}");
    assert_eq!(me(&stage, &given["access_token"]).await["principal"], stage.principal("meg"));
    assert_eq!(post(&stage, "/oauth/token", &poll).await.0, 400, "a code works once");
}

#[tokio::test]
async fn a_person_refuses_a_program() {
    let stage = Stage::new().await;
    let client = ("client_id", "<b>cli</b>");
    let (_, begun) = post(&stage, "/oauth/device_authorization", &[client]).await;
    let (code, device) = (begun["user_code"].as_str().unwrap(), begun["device_code"].as_str().unwrap());
    let (_, page) =
        post(&stage, "/device", &[("user_code", code), ("name", "meg"), ("password", PASSWORD)]).await;
    let page = page.as_str().unwrap();
    assert!(page.contains("&#60;b&#62;cli") && !page.contains("<b>cli"), "{page}");
    let no = [("ticket", field(page, "ticket")), ("decision", "deny".to_string())];
    let no: Vec<_> = no.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(post(&stage, "/device/decide", &no).await.0, 200);
    let poll =
        [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), client, ("device_code", device)];
    let (status, refused) = post(&stage, "/oauth/token", &poll).await;
    assert_eq!((status, &refused["error"]), (400, &json!("access_denied")));
}

#[tokio::test]
async fn signing_in_gives_a_token_and_guessing_is_slowed() {
    let stage = Stage::new().await;
    let sign_in = async |password: &str| {
        let body = json!({ "name": "meg", "password": password, "seconds": 999_999 });
        answer(stage.ask(Method::POST, "/api/v1/login").json(&body).send().await.unwrap()).await
    };
    let (status, given) = sign_in(PASSWORD).await;
    assert_eq!(status, 200, "{given}");
    let lives = given["expires"].as_i64().unwrap() - crate::stage::now().0;
    assert!(lives <= 7200 * 1_000_000, "cut to the longest");
    assert_eq!(me(&stage, &given["token"]).await["name"], "MEG");
    for _ in 0..10 {
        assert_eq!(sign_in("wrong").await.0, 401);
    }
    assert_eq!(sign_in(PASSWORD).await.0, 429, "even the right one, for a while");
}
