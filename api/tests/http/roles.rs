//! Who may use which route, for every route that the document names: nobody is forgotten, because the table is the
//! document itself.

use crate::stage::{Stage, answer};
use reqwest::Method;
use serde_json::{Value, json};

struct Operation {
    method: String,
    path: String,
    needs: String,
}

async fn operations(stage: &Stage) -> Vec<Operation> {
    let (_, document) = answer(stage.ask(Method::GET, "/api/v1/openapi.json").send().await.unwrap()).await;
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.replace("{name}", "nobody-here").replace("{id}", "nothing-here"),
                needs: operation["x-needs"].as_str().unwrap().to_owned(),
            });
        }
    }
    assert!(all.len() > 40);
    all
}

/// Who may not, written again here by hand: the check must not be made of what it checks.
fn refused(needs: &str) -> &'static [&'static str] {
    match needs {
        "nothing" | "anyone" => &[],
        "person" => &["bot"],
        "audit" => &["bot", "meg", "bob", "ann"],
        "admin" => &["bot", "meg", "bob", "ann", "eye"],
        other => panic!("an unknown need {other}"),
    }
}

#[tokio::test]
async fn every_route_refuses_whoever_it_is_not_for() {
    let stage = Stage::new().await;
    let mut tokens = Vec::new();
    for name in ["bot", "meg", "bob", "ann", "eye"] {
        tokens.push((name, stage.token(name).await));
    }
    for Operation { method, path, needs } in operations(&stage).await {
        let request = || stage.ask(method.parse().unwrap(), &path).json(&json!({}));
        if needs != "nothing" {
            let (status, problem) = answer(request().send().await.unwrap()).await;
            assert_eq!((status, problem["type"].as_str()), (401, Some("unauthenticated")), "{method} {path}");
            let (status, _) = answer(request().bearer_auth("no.such.token").send().await.unwrap()).await;
            assert_eq!(status, 401, "{method} {path}");
        }
        let refused = refused(&needs);
        for (name, token) in &tokens {
            let response = request().bearer_auth(token).send().await.unwrap();
            let status = response.status().as_u16();
            match refused.contains(name) {
                true => assert_eq!(status, 403, "{name} {method} {path}"),
                false if needs != "nothing" => {
                    assert!(status != 401 && status != 403, "{name} {method} {path} {status}")
                }
                false => {}
            }
        }
    }
    assert!(stage.journaled().is_empty(), "a refused call left a trace of a change");
}

/// Written by hand: nobody moves a route to a weaker need without changing this list too.
#[tokio::test]
async fn only_these_routes_need_no_token() {
    let stage = Stage::new().await;
    let open = operations(&stage).await.into_iter().filter(|one| one.needs == "nothing");
    let mut open: Vec<_> = open.map(|one| format!("{} {}", one.method, one.path)).collect();
    open.sort();
    let expected = [
        "GET /.well-known/openid-configuration",
        "GET /api/v1/health",
        "GET /api/v1/version",
        "GET /oauth/jwks",
        "POST /api/v1/login",
        "POST /oauth/device_authorization",
        "POST /oauth/token",
    ];
    assert_eq!(open, expected);
    for Operation { method, path, needs } in operations(&stage).await {
        let harmless = method == "GET" || path.contains("/policy/check") || path.contains("/policy/explain");
        assert!(harmless || needs != "audit", "{method} {path}: an auditor changes nothing");
    }
}

#[tokio::test]
async fn a_token_ends_with_its_account_and_a_role_with_its_group() {
    let stage = Stage::new().await;
    let token = stage.token("root").await;
    let people = async || {
        let request = stage.ask(Method::GET, "/api/v1/people").bearer_auth(&token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(people().await, 200);
    let mut root = stage.store.person("root").await.unwrap().unwrap();
    root.groups = vec!["staff".into()];
    let mut root = stage.store.change_person(&root, crate::stage::now()).await.unwrap();
    assert_eq!(people().await, 403);
    root.disabled = true;
    stage.store.change_person(&root, crate::stage::now()).await.unwrap();
    assert_eq!(people().await, 401);
}

#[tokio::test]
async fn a_name_given_anew_is_somebody_else() {
    let stage = Stage::new().await;
    for (noun, name, new) in [
        ("people", "bob", json!({ "name": "bob" })),
        ("agents", "bot", json!({ "name": "bot", "owner": "meg", "secret": false })),
    ] {
        let me = async |token: &str| {
            let request = stage.ask(Method::GET, "/api/v1/me").bearer_auth(token);
            request.send().await.unwrap().status().as_u16()
        };
        let before = stage.token(name).await;
        assert_eq!(me(&before).await, 200, "{name}");
        let path = format!("/api/v1/{noun}");
        assert_eq!(stage.send("root", "DELETE", &format!("{path}/{name}"), Value::Null).await.0, 204);
        assert_eq!(me(&before).await, 401, "{name}: a token outlived its account");
        assert_eq!(stage.send("root", "POST", &path, new).await.0, 201);
        assert_eq!(me(&before).await, 401, "{name}: the account made anew is taken for the one before");
        assert_eq!(me(&stage.token(name).await).await, 200, "{name}");
    }
}

#[tokio::test]
async fn no_name_is_both_a_person_and_an_agent_and_no_owner_leaves_agents_behind() {
    let stage = Stage::new().await;
    let agent = json!({ "name": "bob", "owner": "meg" });
    assert_eq!(stage.send("root", "POST", "/api/v1/agents", agent).await.0, 409);
    assert_eq!(stage.send("root", "POST", "/api/v1/people", json!({ "name": "bot" })).await.0, 409);
    let (status, refused) = stage.send("root", "DELETE", "/api/v1/people/meg", Value::Null).await;
    assert_eq!(status, 409, "{refused}");
    assert!(refused["title"].as_str().unwrap().contains("bot"), "{refused}");
    assert_eq!(stage.journaled(), Vec::<Value>::new(), "a refused change left a trace of one");
}

#[tokio::test]
async fn one_is_told_who_one_is() {
    let stage = Stage::new().await;
    let (status, me) = stage.get("bot", "/api/v1/me").await;
    assert_eq!((status, me["kind"].as_str()), (200, Some("agent")));
    assert_eq!(me["roles"], json!(["member"]), "an agent in the group admins is no admin");
    assert_eq!(me["owner"], stage.principal("meg"));
    let (_, me) = stage.get("root", "/api/v1/me").await;
    assert_eq!(me["roles"], json!(["admin", "member"]));
}

#[tokio::test]
async fn two_tokens_are_none() {
    let stage = Stage::new().await;
    let (one, two) = (stage.token("meg").await, stage.token("root").await);
    let request = stage.ask(Method::GET, "/api/v1/me").bearer_auth(one).bearer_auth(two);
    let (status, problem): (u16, Value) = answer(request.send().await.unwrap()).await;
    assert_eq!(status, 401, "{problem}");
}
