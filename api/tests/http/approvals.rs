//! A person's word, over HTTP: who sees a request, who may decide it, and that the one who waits is told.

use crate::stage::{Stage, now};
use futures_util::StreamExt;
use reqwest::Method;
use sallyport_core::{
    Action, Approvals, CommandNo, Digest, Effect, HoldRequest, Object, ObjectKind, Outcome, SessionId,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn request(stage: &Stage, digest: u8) -> HoldRequest {
    HoldRequest {
        session: SessionId::new("se-1"),
        command: CommandNo(1),
        digest: Digest([digest; 32]),
        requester: stage.principal("bot"),
        requester_name: "Bot".into(),
        chain: Vec::new(),
        owner: Some(stage.principal("meg")),
        attributes: BTreeMap::new(),
        target: "prod".into(),
        database: "shop".into(),
        protocol: "plain".into(),
        text: "delete from carts".into(),
        context: "search path: public".into(),
        parameters: Vec::new(),
        effects: vec![Effect::new(Action::Delete, Object::new(ObjectKind::Table, ["public", "carts"]))],
        rules: vec!["deletes-need-eyes".into()],
        message: "Deletes need a second pair of eyes.".into(),
        groups: vec!["dba".into(), "staff".into()],
        defer: false,
        asked: now(),
        expires: now().plus_seconds(60),
    }
}

#[tokio::test]
async fn approving_lets_the_one_who_waits_go_on() {
    let stage = Stage::new().await;
    let id = stage.desk.file(request(&stage, 1)).await.unwrap().id;
    let waiter = tokio::spawn({
        let (desk, id) = (stage.desk.clone(), id.clone());
        async move { desk.wait(id).await.unwrap() }
    });
    let (_, listed) = stage.get("bob", "/api/v1/approvals").await;
    assert_eq!((&listed[0]["id"], &listed[0]["not_yours"]), (&json!(id), &Value::Null));
    assert_eq!(listed[0]["effects"], json!(["delete public.carts"]));
    let path = format!("/api/v1/approvals/{id}/approve");
    let (status, view) = stage.send("bob", "POST", &path, json!({ "reason": "ticket 7" })).await;
    assert_eq!(status, 200, "{view}");
    let Outcome::Approved(fact) = waiter.await.unwrap() else { panic!("not approved") };
    assert_eq!((fact.approver, fact.groups), (stage.principal("bob"), vec!["dba".to_string()]));
    let (status, late) = stage.send("bob", "POST", &path, json!({})).await;
    assert_eq!(status, 409);
    assert!(late["title"].as_str().unwrap().contains("BOB"), "{late}");
    assert_eq!(stage.journaled()[0]["action"], "approve");
}

#[tokio::test]
async fn whoever_may_not_decide_is_told_why_and_nothing_changes() {
    let stage = Stage::new().await;
    let id = stage.desk.file(request(&stage, 1)).await.unwrap().id;
    let path = format!("/api/v1/approvals/{id}/approve");
    // The owner is in the right group; the admin sees all and is in no group; the approver is of another group; the
    // agent asked for it itself.
    for (name, said) in
        [("meg", "answer for"), ("root", "dba or staff"), ("ann", "dba or staff"), ("bot", "a person")]
    {
        let (status, problem) = stage.send(name, "POST", &path, json!({})).await;
        assert_eq!(status, 403, "{name}: {problem}");
        assert!(problem["title"].as_str().unwrap().contains(said), "{name}: {problem}");
    }
    let (_, view) = stage.get("meg", &format!("/api/v1/approvals/{id}")).await;
    assert_eq!(view["state"], "waiting");
    assert!(view["not_yours"].as_str().unwrap().contains("answer for"));
    assert!(stage.journaled().is_empty());
}

#[tokio::test]
async fn a_request_is_not_there_for_those_it_does_not_concern() {
    let stage = Stage::new().await;
    let only_dba = HoldRequest { groups: vec!["dba".into()], owner: None, ..request(&stage, 1) };
    let id = stage.desk.file(only_dba).await.unwrap().id;
    for (name, seen) in [("bot", 1), ("bob", 1), ("ann", 1), ("eye", 1), ("root", 1), ("meg", 0)] {
        let (_, listed) = stage.get(name, "/api/v1/approvals?state=any").await;
        assert_eq!(listed.as_array().unwrap().len(), seen, "{name}");
        let (status, _) = stage.get(name, &format!("/api/v1/approvals/{id}")).await;
        assert_eq!(status, if seen == 1 { 200 } else { 404 }, "{name}");
    }
    let (status, _) = stage.send("meg", "POST", &format!("/api/v1/approvals/{id}/deny"), json!({})).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn watching_tells_what_waits_and_what_became_of_it() {
    let stage = Stage::new().await;
    let first = stage.desk.file(request(&stage, 1)).await.unwrap().id;
    let token = stage.token("bob").await;
    let response = stage.ask(Method::GET, "/api/v1/approvals/watch").bearer_auth(token).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let mut stream = response.bytes_stream();
    let mut line =
        async || -> Value { serde_json::from_slice(&stream.next().await.unwrap().unwrap()).unwrap() };
    assert_eq!(line().await["id"], json!(first));
    let second = stage.desk.file(request(&stage, 2)).await.unwrap().id;
    assert_eq!(line().await["id"], json!(second));
    stage.send("bob", "POST", &format!("/api/v1/approvals/{second}/deny"), json!({ "reason": "no" })).await;
    let told = line().await;
    assert_eq!(
        (&told["id"], &told["state"], &told["reason"]),
        (&json!(second), &json!("refused"), &json!("no"))
    );
}
