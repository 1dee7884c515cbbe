//! What the resources take and give back.

use crate::stage::{Stage, now, target};
use futures_util::StreamExt;
use reqwest::Method;
use sallyport_api::LiveSession;
use sallyport_core::journal::Event;
use sallyport_core::{Moment, SessionId};
use sallyport_store::SessionRow;
use serde_json::{Value, json};

#[tokio::test]
async fn targets_are_checked_by_their_protocol() {
    let stage = Stage::new().await;
    let wrong = json!({ "protocol": "plain", "host": "broken.example", "account": "",
                        "settings": { "tls": "maybe", "pin": "1", "x": "y" }, "credential": { "token": "z" } });
    let body = json!({ "name": "a/b", "target": wrong });
    let (status, problem) = stage.send("root", "POST", "/api/v1/targets", body).await;
    assert_eq!(status, 422);
    let fields = problem["problems"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap());
    let mut fields: Vec<_> = fields.collect();
    fields.sort_unstable();
    let expected =
        ["account", "credential", "name", "settings.pin", "settings.tls", "settings.tls", "settings.x"];
    assert_eq!(fields, expected);
    let new = json!({ "name": "prod", "target": target("db.example", json!({})) });
    let (status, view) = stage.send("root", "POST", "/api/v1/targets", new.clone()).await;
    assert_eq!((status, &view["port"], &view["credential"]), (201, &json!(4242), &json!([])));
    assert_eq!(stage.send("root", "POST", "/api/v1/targets", new).await.0, 409);
    let (_, tested) = stage.send("root", "POST", "/api/v1/targets/prod/test", Value::Null).await;
    assert_eq!(tested, json!({ "reached": false, "message": "it refused the password" }));
    let (_, listed) = stage.get("eye", "/api/v1/targets").await;
    assert_eq!(listed[0]["name"], "prod");
}

#[tokio::test]
async fn an_agents_owner_gives_it_tokens_and_others_do_not() {
    let stage = Stage::new().await;
    let new = json!({ "name": "tool", "owner": "meg", "attributes": { "tier": "1" } });
    let (status, made) = stage.send("root", "POST", "/api/v1/agents", new).await;
    assert_eq!((status, &made["owner"]), (201, &json!(stage.principal("meg"))));
    assert!(made["secret"].as_str().unwrap().len() > 40);
    let (_, shown) = stage.get("meg", "/api/v1/agents/tool").await;
    assert_eq!(shown.get("secret"), None, "shown once");
    assert_eq!(stage.get("bob", "/api/v1/agents/tool").await.0, 404);
    let misspelt = json!({ "name": "t2", "owner": "mge" });
    assert_eq!(stage.send("root", "POST", "/api/v1/agents", misspelt).await.0, 422);

    let wish = json!({ "agent": "tool", "seconds": 60, "attributes": { "ticket": "OPS-1" } });
    assert_eq!(stage.send("bob", "POST", "/api/v1/tokens", wish.clone()).await.0, 404);
    let (status, given) = stage.send("meg", "POST", "/api/v1/tokens", wish).await;
    assert_eq!(status, 201, "{given}");
    assert!(given["expires"].as_i64().unwrap() <= now().plus_seconds(60).0);
    let raised = json!({ "agent": "tool", "attributes": { "tier": "9" } });
    assert_eq!(stage.send("meg", "POST", "/api/v1/tokens", raised).await.0, 422);
    let (_, listed) = stage.get("meg", "/api/v1/agents").await;
    assert_eq!(listed.as_array().unwrap().len(), 2, "bot and tool");
    assert_eq!(stage.get("bob", "/api/v1/agents").await.1, json!([]));
}

#[tokio::test]
async fn people_keep_what_a_change_does_not_name() {
    let stage = Stage::new().await;
    let short = json!({ "name": "new", "password": "short" });
    assert_eq!(stage.send("root", "POST", "/api/v1/people", short).await.0, 422);
    let new = json!({ "name": "new", "email": "n@example.test", "groups": ["dba"] });
    let (_, made) = stage.send("root", "POST", "/api/v1/people", new).await;
    assert_eq!((&made["has_password"], &made["display"]), (&json!(false), &json!("new")));
    let change = json!({ "revision": 1, "disabled": true });
    let (_, changed) = stage.send("root", "PATCH", "/api/v1/people/new", change.clone()).await;
    assert_eq!((&changed["email"], &changed["groups"]), (&json!("n@example.test"), &json!(["dba"])));
    let (_, emptied) =
        stage.send("root", "PATCH", "/api/v1/people/new", json!({ "revision": 2, "email": "" })).await;
    assert_eq!(emptied["email"], Value::Null);
    assert_eq!(stage.send("root", "PATCH", "/api/v1/people/new", change).await.0, 409);
    assert_eq!(stage.get("root", "/api/v1/people/nobody").await.0, 404);
}

/// A session that a test says goes on.
fn live(stage: &Stage, id: &str, name: &str) -> LiveSession {
    LiveSession {
        id: SessionId::new(id),
        caller: stage.principal(name),
        caller_name: name.into(),
        target: "prod".into(),
        protocol: "plain".into(),
        database: "shop".into(),
        peer: None,
        started: now(),
        until: Moment(0),
        waiting: None,
    }
}

/// The ids of those that were ended, with the reason.
fn ended(stage: &Stage) -> Vec<(String, String)> {
    let killed = std::mem::take(&mut *stage.floor.killed.lock().unwrap());
    killed.into_iter().map(|(id, reason)| (id.as_str().to_owned(), reason)).collect()
}

#[tokio::test]
async fn an_account_that_has_less_loses_its_sessions_and_one_that_has_more_keeps_them() {
    let stage = Stage::new().await;
    *stage.floor.sessions.lock().unwrap() =
        vec![live(&stage, "se-bot", "bot"), live(&stage, "se-meg", "meg")];
    let change = async |path: &str, body: Value| {
        let (status, changed) = stage.send("root", "PATCH", path, body).await;
        assert_eq!(status, 200, "{changed}");
        ended(&stage)
    };
    let said =
        |id: &str, how: &str| vec![(id.to_owned(), format!("The account behind this session was {how}"))];
    let (meg, bot) = ("/api/v1/people/meg", "/api/v1/agents/bot");
    assert_eq!(change(meg, json!({ "revision": 1, "groups": ["staff", "dba"] })).await, []);
    let less = change(meg, json!({ "revision": 2, "groups": ["dba"] })).await;
    assert_eq!(less, said("se-meg", "changed. Connect again."));
    assert_eq!(change(meg, json!({ "revision": 3, "disabled": true })).await, said("se-meg", "disabled."));
    let tier = json!({ "revision": 1, "attributes": { "tier": "9" } });
    assert_eq!(change(bot, tier).await, said("se-bot", "changed. Connect again."));
    assert_eq!(change(bot, json!({ "revision": 2, "display": "Botty" })).await, []);
    let owner = change(bot, json!({ "revision": 3, "owner": "bob" })).await;
    assert_eq!(owner, said("se-bot", "changed. Connect again."));
    assert_eq!(stage.send("root", "DELETE", meg, Value::Null).await.0, 204);
    assert_eq!(ended(&stage), said("se-meg", "removed."));
}

#[tokio::test]
async fn an_agents_secret_is_made_anew_and_taken_away() {
    let stage = Stage::new().await;
    let path = "/api/v1/agents/bot";
    let granted = async |secret: &str| {
        let form = [("grant_type", "client_credentials"), ("client_id", "bot"), ("client_secret", secret)];
        stage.ask(Method::POST, "/oauth/token").form(&form).send().await.unwrap().status().as_u16()
    };
    assert_eq!(granted(crate::stage::PASSWORD).await, 200);
    let (_, changed) = stage.send("root", "PATCH", path, json!({ "revision": 1, "new_secret": true })).await;
    let secret = changed["secret"].as_str().unwrap().to_owned();
    assert_eq!(granted(crate::stage::PASSWORD).await, 401, "the old secret ends at once");
    assert_eq!(granted(&secret).await, 200);
    let both = json!({ "revision": 2, "new_secret": true, "remove_secret": true });
    assert_eq!(stage.send("root", "PATCH", path, both).await.0, 422);
    let (_, changed) =
        stage.send("root", "PATCH", path, json!({ "revision": 2, "remove_secret": true })).await;
    assert_eq!((&changed["has_secret"], changed.get("secret")), (&json!(false), None));
    assert_eq!(granted(&secret).await, 401);
    let details = stage.journaled().into_iter().map(|change| change["detail"].as_str().unwrap().to_owned());
    let details: Vec<_> = details.collect();
    assert!(details[0].contains("\"new_secret\":true") && details[1].contains("\"secret_removed\":true"));
    assert!(!details.concat().contains(&secret));
}

#[tokio::test]
async fn rules_are_checked_kept_and_put_in_force() {
    let stage = Stage::new().await;
    let broken = json!([{ "path": "a.cedar", "text": "@id(\"x\")\npermit(principal, action == Action::\"delte\", resource);" }]);
    let (status, checked) =
        stage.send("eye", "POST", "/api/v1/policy/check", json!({ "files": broken })).await;
    assert_eq!((status, &checked["sound"], &checked["problems"][0]["line"]), (200, &json!(false), &json!(2)));
    assert!(checked["problems"][0]["help"].as_str().unwrap().contains("delete"), "{checked}");
    let before = stage.get("eye", "/api/v1/policy").await.1["epoch"].as_i64().unwrap();
    let (status, refused) =
        stage.send("root", "PUT", "/api/v1/policy", json!({ "revision": 0, "files": broken })).await;
    assert_eq!((status, &refused["sound"]), (422, &json!(false)));
    assert_eq!(stage.get("eye", "/api/v1/policy").await.1["epoch"], before);

    let sound = json!([{ "path": "a.cedar", "text": "@id(\"all\")\npermit(principal, action, resource);" }]);
    let put = json!({ "revision": 0, "files": sound, "note": "open" });
    let (status, view) = stage.send("root", "PUT", "/api/v1/policy", put.clone()).await;
    assert_eq!(
        (status, &view["revision"], view["epoch"].as_i64()),
        (200, &json!(1), Some(before + 1)),
        "{view}"
    );
    assert_eq!(stage.send("root", "PUT", "/api/v1/policy", put).await.0, 409);
    let (_, history) = stage.get("eye", "/api/v1/policy/history").await;
    assert_eq!(
        (&history[0]["author"], &history[0]["note"]),
        (&json!(stage.principal("root")), &json!("open"))
    );
    let (_, packs) = stage.get("eye", "/api/v1/policy/packs").await;
    assert_eq!(packs.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn explaining_says_what_would_happen_and_who_could_approve() {
    let stage = Stage::new().await;
    let new = json!({ "name": "prod", "target": target("db.example", json!({})) });
    stage.send("root", "POST", "/api/v1/targets", new).await;
    let question = json!({ "caller": "bot", "target": "prod", "text": "delete from carts where id = 1" });
    let (status, said) = stage.send("eye", "POST", "/api/v1/policy/explain", question).await;
    assert_eq!(status, 200, "{said}");
    let part = &said["parts"][0];
    assert_eq!(part["effects"], json!(["delete public.carts"]));
    assert_eq!(
        (&part["answer"]["command"]["verdict"], &part["answer"]["command"]["groups"]),
        (&json!("hold"), &json!(["approvers"])),
        "{said}"
    );
    let unread = json!({ "caller": "bot", "target": "prod", "text": "gibberish" });
    let (_, said) = stage.send("eye", "POST", "/api/v1/policy/explain", unread).await;
    assert_eq!(said["parts"][0]["answer"]["command"]["verdict"], "deny");
    let nobody = json!({ "caller": "nobody", "target": "prod", "text": "x" });
    assert_eq!(stage.send("eye", "POST", "/api/v1/policy/explain", nobody).await.0, 404);
}

fn row(stage: &Stage, id: &str, name: &str) -> SessionRow {
    SessionRow {
        id: id.into(),
        caller: stage.principal(name),
        caller_name: name.into(),
        caller_kind: "agent".into(),
        target: "prod".into(),
        protocol: "plain".into(),
        account: "app".into(),
        database: "shop".into(),
        peer: None,
        started: now(),
        ended: None,
        reason: None,
        commands: 0,
        denied: 0,
        held: 0,
        head: None,
    }
}

async fn recorded(stage: &Stage) -> Box<dyn sallyport_core::Journal> {
    stage.store.session_opened(&row(stage, "se-1", "bot")).await.unwrap();
    let mut journal = stage.recorder.begin(&SessionId::new("se-1"), false).unwrap();
    journal.append(now(), &Event::Notice { text: "first".into() }).unwrap();
    let _flushed = journal.flush().unwrap();
    journal
}

#[tokio::test]
async fn a_session_is_read_verified_and_watched_by_those_it_concerns() {
    let stage = Stage::new().await;
    let mut journal = recorded(&stage).await;
    // meg answers for the agent.
    for (name, status) in [("bot", 200), ("eye", 200), ("meg", 200), ("bob", 404)] {
        for part in ["", "/events", "/verify"] {
            assert_eq!(
                stage.get(name, &format!("/api/v1/sessions/se-1{part}")).await.0,
                status,
                "{name} {part}"
            );
        }
    }
    for (name, query, seen) in
        [("bob", "?caller=bot", 0), ("meg", "", 0), ("meg", "?caller=bot", 1), ("bot", "", 1)]
    {
        let (_, page) = stage.get(name, &format!("/api/v1/sessions{query}")).await;
        assert_eq!(page["sessions"].as_array().unwrap().len(), seen, "{name} {query}");
    }
    let (_, page) = stage.get("eye", "/api/v1/sessions?caller=bot&limit=1").await;
    assert_eq!(page["sessions"][0]["id"], "se-1");
    assert!(page["next"].is_string());

    let token = stage.token("eye").await;
    let watch =
        stage.ask(Method::GET, "/api/v1/sessions/se-1/watch").bearer_auth(token).send().await.unwrap();
    let mut stream = watch.bytes_stream();
    let mut line =
        async || stream.next().await.map(|bytes| serde_json::from_slice::<Value>(&bytes.unwrap()).unwrap());
    assert_eq!(line().await.unwrap()["body"]["text"], "first");
    journal.append(now(), &Event::Notice { text: "second".into() }).unwrap();
    let _flushed = journal.flush().unwrap();
    assert_eq!(line().await.unwrap()["body"]["text"], "second");
    journal.close(now(), "left").unwrap();
    assert_eq!(line().await.unwrap()["body"]["event"], "closed");
    assert_eq!(line().await, None, "the watch ends with the session");

    stage.recorder.caught_up().unwrap();
    let (_, verified) = stage.get("bot", "/api/v1/sessions/se-1/verify").await;
    assert_eq!((&verified["intact"], &verified["entries"]), (&json!(true), &json!(3)), "{verified}");
    assert!(!verified.to_string().contains("/tmp"), "no path of the machine: {verified}");
    let (_, lines) = stage.get("bot", "/api/v1/sessions/se-1/events").await;
    assert_eq!(lines.as_str().unwrap().lines().count(), 3);
    assert_eq!(stage.get("eye", "/api/v1/sessions/..%2F..%2Fx/events").await.0, 404);
}

#[tokio::test]
async fn a_live_session_is_ended_by_an_admin_and_renewed_by_its_caller() {
    let stage = Stage::new().await;
    stage.floor.sessions.lock().unwrap().push(live(&stage, "se-1", "bot"));
    assert_eq!(stage.get("bot", "/api/v1/sessions/live").await.1[0]["id"], "se-1");
    assert_eq!(stage.get("meg", "/api/v1/sessions/live").await.1, json!([]));
    let (status, renewed) = stage.send("bot", "POST", "/api/v1/sessions/se-1/renew", Value::Null).await;
    assert!(status == 200 && renewed["until"].as_i64().unwrap() > now().0, "{renewed}");
    assert_eq!(stage.send("root", "POST", "/api/v1/sessions/se-1/renew", Value::Null).await.0, 404);
    let kill = json!({ "reason": "odd" });
    assert_eq!(stage.send("root", "POST", "/api/v1/sessions/se-1/kill", kill.clone()).await.0, 204);
    assert_eq!(stage.send("root", "POST", "/api/v1/sessions/se-9/kill", kill).await.0, 404);
    assert_eq!(stage.floor.killed.lock().unwrap()[0].1, "ended by ROOT: odd");
}

#[tokio::test]
async fn what_is_too_large_or_wrongly_asked_is_refused() {
    let stage = Stage::new().await;
    let large = json!({ "name": "x".repeat(3 * 1024 * 1024) });
    assert_eq!(stage.send("root", "POST", "/api/v1/people", large).await.0, 413);
    for path in ["/api/v1/sessions?nosuch=1", "/api/v1/sessions?after=x", "/api/v1/approvals?state=x"] {
        assert_eq!(stage.get("root", path).await.0, 400, "{path}");
    }
    let (status, page) = stage.get("root", "/api/v1/sessions?limit=100000000").await;
    assert_eq!((status, &page["next"]), (200, &Value::Null));
}
