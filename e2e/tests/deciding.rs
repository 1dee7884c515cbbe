//! Cases 13 to 15: what is tried with an approval, by those who ask, those who decide and those who may not.

#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::line::{Line, cancel, http};
use crate::shop::{FORBID_ALL, LIMIT, Shop};
use anyhow::{Context, Result, ensure};
use sallyport_testkit::Version;
use serde_json::Value;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const RAISE: &str = "UPDATE customers SET credit_limit = credit_limit + 1 WHERE id = 2";
const LIMIT_OF_BO: &str = "SELECT credit_limit FROM customers WHERE id = 2";
const PASSWORD: &str = "correct horse battery";
const A_MOMENT: Duration = Duration::from_millis(50);

/// A shop with two more people who may approve.
struct Desk {
    shop: Shop,
    ann: String,
    bob: String,
}

impl Desk {
    fn open() -> Result<Self> {
        let shop = Shop::open(Version::Distribution)?;
        let file = shop.gateway.scratch.file("people-password", PASSWORD)?.display().to_string();
        for name in ["ann", "bob"] {
            shop.gateway.verb(&["people", "add", name, "--group", "approvers", "--password-file", &file])?;
        }
        let signed_in = |name: &str| -> Result<String> {
            let body = serde_json::json!({ "name": name, "password": PASSWORD }).to_string();
            let (status, answer) = http(shop.gateway.api_port, "POST", "/api/v1/login", &[], &body)?;
            ensure!(status == 200, "{name} could not sign in: {answer}");
            let answer: Value = serde_json::from_str(&answer)?;
            Ok(answer["token"].as_str().context("a token")?.to_owned())
        };
        let (ann, bob) = (signed_in("ann")?, signed_in("bob")?);
        Ok(Self { shop, ann, bob })
    }
    fn caller(&self) -> Result<Line> {
        let mut line = Line::open(self.shop.gateway.port)?;
        line.log_in("shop", &self.shop.token)?;
        Ok(line)
    }
    /// Asks for what has to wait, and reads the notice: the approval's id.
    fn held(&self, line: &mut Line, sql: &str) -> Result<String> {
        line.ask(sql)?;
        let (tag, body) = line.message()?.context("a notice")?;
        ensure!(tag == b'N', "{}", String::from_utf8_lossy(&body));
        let text = crate::line::field(&body, b'M');
        let id = text.rsplit_once("waits for approval ").context("an id")?.1.trim_end_matches('.');
        Ok(id.to_owned())
    }
    fn decide(&self, token: &str, id: &str, word: &str) -> Result<(u16, String)> {
        decide(self.shop.gateway.api_port, token, id, word)
    }
    fn limit(&self) -> Result<String> {
        Ok(self.shop.server.sql("shop", LIMIT_OF_BO)?.trim().to_owned())
    }
    fn state(&self, id: &str) -> Result<String> {
        let shown = self.shop.gateway.json(&["approvals", "show", id])?;
        Ok(shown["state"].as_str().context("a state")?.to_owned())
    }
    fn becomes(&self, id: &str, state: &str) -> Result<()> {
        let started = Instant::now();
        while self.state(id)? != state {
            ensure!(started.elapsed() < LIMIT, "{id} is {} and not {state}", self.state(id)?);
            std::thread::sleep(A_MOMENT);
        }
        Ok(())
    }
}

fn decide(api: u16, token: &str, id: &str, word: &str) -> Result<(u16, String)> {
    let bearer = format!("Bearer {token}");
    http(api, "POST", &format!("/api/v1/approvals/{id}/{word}"), &[("Authorization", &bearer)], "{}")
}

#[test]
fn two_who_approve_at_once_are_one_effect() -> Result<()> {
    let desk = Desk::open()?;
    let api = desk.shop.gateway.api_port;
    let mut line = desk.caller()?;
    for round in 1..=5 {
        let id = desk.held(&mut line, RAISE)?;
        let start = Arc::new(Barrier::new(4));
        let words =
            [("approve", &desk.ann), ("approve", &desk.bob), ("approve", &desk.ann), ("approve", &desk.bob)];
        let votes = words.map(|(word, token)| {
            let (start, token, id) = (Arc::clone(&start), token.clone(), id.clone());
            std::thread::spawn(move || {
                start.wait();
                decide(api, &token, &id, word)
            })
        });
        let mut heard = 0;
        for vote in votes {
            let (status, answer) = vote.join().expect("a voter's thread")?;
            ensure!(status == 200 || status == 409, "{status} {answer}");
            heard += usize::from(status == 200);
        }
        assert_eq!(heard, 1, "{heard} of four were heard");
        assert!(line.answers()?.iter().any(|line| line.starts_with("C UPDATE 1")));
        assert_eq!(desk.limit()?, format!("{}.00", 900 + round));
        assert_eq!(desk.decide(&desk.ann, &id, "approve")?.0, 409, "a spent approval was given again");
        assert_eq!(desk.decide(&desk.bob, &id, "deny")?.0, 409);
    }
    assert_eq!(desk.shop.server.log().matches("credit_limit + 1").count(), 5);
    Ok(())
}

#[test]
fn yes_and_no_at_once_are_one_of_them() -> Result<()> {
    let desk = Desk::open()?;
    let api = desk.shop.gateway.api_port;
    let mut line = desk.caller()?;
    let mut ran = 0;
    for _ in 0..5 {
        let id = desk.held(&mut line, RAISE)?;
        let start = Arc::new(Barrier::new(2));
        let votes = [("approve", &desk.ann), ("deny", &desk.bob)].map(|(word, token)| {
            let (start, token, id) = (Arc::clone(&start), token.clone(), id.clone());
            std::thread::spawn(move || {
                start.wait();
                decide(api, &token, &id, word)
            })
        });
        let [yes, no] = votes.map(|vote| vote.join().expect("a voter's thread"));
        let (yes, no) = (yes?.0 == 200, no?.0 == 200);
        assert!(yes != no, "both or neither were heard");
        let answers = line.answers()?;
        assert_eq!(answers.iter().any(|line| line.starts_with("C UPDATE 1")), yes, "{answers:?}");
        ran += u32::from(yes);
    }
    assert_eq!(desk.limit()?, format!("{}.00", 900 + ran));
    Ok(())
}

/// The same command waits in two sessions of one caller. One yes is for one run.
#[test]
fn one_approval_is_one_run_in_however_many_sessions() -> Result<()> {
    let desk = Desk::open()?;
    let (mut one, mut two) = (desk.caller()?, desk.caller()?);
    let first = desk.held(&mut one, RAISE)?;
    let second = desk.held(&mut two, RAISE)?;
    assert_eq!(desk.decide(&desk.ann, &first, "approve")?.0, 200);
    if second != first {
        assert_eq!(desk.decide(&desk.ann, &second, "deny")?.0, 200);
    }
    let runs = [one.answers()?, two.answers()?]
        .iter()
        .filter(|answers| answers.iter().any(|line| line.starts_with("C UPDATE")))
        .count();
    assert_eq!((runs, desk.limit()?.as_str()), (1, "901.00"));
    Ok(())
}

#[test]
fn who_may_not_decide_does_not() -> Result<()> {
    let desk = Desk::open()?;
    let mut line = desk.caller()?;
    let id = desk.held(&mut line, RAISE)?;
    // The requester; an agent of the same group; the agent's owner; a person of no group.
    let peer = desk.shop.gateway.add_agent("peer", &["--group", "agents", "--group", "approvers"])?;
    assert_eq!(desk.decide(&desk.shop.token, &id, "approve")?.0, 403);
    assert_eq!(desk.decide(&peer, &id, "approve")?.0, 403);
    let keeper = std::fs::read_to_string(desk.shop.gateway.scratch.path().join("keeper-password"))?;
    let body = serde_json::json!({ "name": "keeper", "password": keeper.trim() }).to_string();
    let (_, answer) = http(desk.shop.gateway.api_port, "POST", "/api/v1/login", &[], &body)?;
    let answer: Value = serde_json::from_str(&answer)?;
    let keeper = answer["token"].as_str().context("the owner's token")?;
    assert_eq!(desk.decide(keeper, &id, "approve")?.0, 403, "the owner decided for its agent");
    // Other spellings of the same request, and requests that are not there.
    for other in [
        id.to_uppercase(),
        format!("{id}%00"),
        format!("{id}%20"),
        format!("{id};x"),
        format!("x%2F..%2F{id}"),
        "a-0000000000000000".to_owned(),
    ] {
        let (status, answer) = desk.decide(&desk.ann, &other, "approve")?;
        assert!((400..500).contains(&status), "{other}: {status} {answer}");
    }
    // A person who was disabled, or who left the group, with a token from before.
    desk.shop.gateway.verb(&["people", "disable", "bob"])?;
    assert_eq!(desk.decide(&desk.bob, &id, "approve")?.0, 401);
    assert_eq!(desk.state(&id)?, "waiting");
    assert_eq!(desk.limit()?, "900.00");
    assert_eq!(desk.decide(&desk.ann, &id, "deny")?.0, 200);
    assert!(line.answers()?.iter().any(|line| line.starts_with("E 42501")));
    Ok(())
}

#[test]
fn an_approval_that_comes_too_late_is_none() -> Result<()> {
    let desk = Desk::open()?;
    let pack = std::fs::read_to_string(
        sallyport_testkit::scratch::root().join("policy/packs/agents-write-with-approval.cedar"),
    )?;
    desk.shop.gateway.put_policy(&pack.replace("@expires(\"10m\")", "@expires(\"2s\")"))?;
    // After its time.
    let mut line = desk.caller()?;
    let id = desk.held(&mut line, RAISE)?;
    let answers = line.answers()?;
    assert!(answers.iter().any(|line| line.contains("Nobody decided in time")), "{answers:?}");
    assert_eq!(desk.decide(&desk.ann, &id, "approve")?.0, 409);
    desk.shop.gateway.put_policy(&pack)?;
    // After its caller took it back.
    let mut line = Line::open(desk.shop.gateway.port)?;
    let (pid, key) = line.log_in("shop", &desk.shop.token)?;
    let id = desk.held(&mut line, RAISE)?;
    for wrong in 0..50u8 {
        let mut other = Line::open(desk.shop.gateway.port)?;
        other.say(&cancel(pid, &[wrong, key[0], key[1], key[2]]))?;
        other.rest()?;
    }
    assert_eq!(desk.state(&id)?, "waiting", "a wrong key took it back");
    let mut other = Line::open(desk.shop.gateway.port)?;
    other.say(&cancel(pid, &key))?;
    let answers = line.answers()?;
    assert!(answers.iter().any(|line| line.starts_with("E 57014")), "{answers:?}");
    desk.becomes(&id, "withdrawn")?;
    assert_eq!(desk.decide(&desk.ann, &id, "approve")?.0, 409);
    // After its caller left, behind a pile of other messages.
    let mut line = desk.caller()?;
    let id = desk.held(&mut line, RAISE)?;
    let pile = format!("SELECT 1 -- {}", "x".repeat(100_000));
    (0..20).try_for_each(|_| line.ask(&pile))?;
    drop(line);
    desk.becomes(&id, "withdrawn")?;
    assert_eq!(desk.decide(&desk.ann, &id, "approve")?.0, 409);
    // After the caller's account was disabled.
    let mut line = desk.caller()?;
    let id = desk.held(&mut line, RAISE)?;
    desk.shop.gateway.verb(&["agents", "disable", "reporter"])?;
    assert!(line.answers()?.iter().any(|line| line.contains("disabled") || line == "closed"));
    desk.becomes(&id, "withdrawn")?;
    assert_eq!(desk.decide(&desk.ann, &id, "approve")?.0, 409);
    assert_eq!(desk.limit()?, "900.00");
    Ok(())
}

#[test]
fn rules_that_changed_while_it_waited_are_asked_again() -> Result<()> {
    let desk = Desk::open()?;
    let pack = std::fs::read_to_string(
        sallyport_testkit::scratch::root().join("policy/packs/agents-write-with-approval.cedar"),
    )?;
    let mut line = desk.caller()?;
    // What was going to be enough is not any more.
    let id = desk.held(&mut line, RAISE)?;
    let closed = "\n@id(\"frozen\") @message(\"Writes are frozen.\")\nforbid(principal, action == Action::\"update\", resource);\n";
    desk.shop.gateway.put_policy(&format!("{pack}{closed}"))?;
    assert_eq!(desk.decide(&desk.ann, &id, "approve")?.0, 200);
    let answers = line.answers()?;
    assert!(answers.iter().any(|line| line.contains("Writes are frozen.")), "{answers:?}");
    assert_eq!(desk.limit()?, "900.00");
    // Nobody is let in any more: the session ends where it waits.
    desk.shop.gateway.put_policy(&pack)?;
    let id = desk.held(&mut line, RAISE)?;
    desk.shop.gateway.put_policy(FORBID_ALL)?;
    let answers = line.answers()?;
    assert!(answers.iter().any(|line| line.contains("Closed today.")), "{answers:?}");
    assert_ne!(desk.decide(&desk.ann, &id, "approve")?.0, 200);
    assert_eq!(desk.limit()?, "900.00");
    Ok(())
}

/// While one session waits, others of the same caller are judged and recorded as ever.
#[test]
fn side_doors_are_doors() -> Result<()> {
    let desk = Desk::open()?;
    let mut line = desk.caller()?;
    let id = desk.held(&mut line, RAISE)?;
    line.ask("INSERT INTO customers VALUES (99, 'Side', 's@example.com', '1', NULL, 1)")?;
    let mut side = desk.caller()?;
    side.ask("DROP TABLE payments")?;
    assert!(side.answers()?.iter().any(|line| line.starts_with("E 42501")));
    let other = desk.held(&mut side, "DELETE FROM payments WHERE id = 1")?;
    assert_ne!(other, id);
    assert_eq!(desk.decide(&desk.bob, &other, "deny")?.0, 200);
    assert!(side.answers()?.iter().any(|line| line.starts_with("E 42501")));
    assert_eq!(desk.shop.server.sql("shop", "SELECT count(*) FROM customers WHERE id = 99")?, "0\n");
    assert_eq!(desk.decide(&desk.ann, &id, "approve")?.0, 200);
    assert!(line.answers()?.iter().any(|line| line.starts_with("C UPDATE 1")));
    // What stood behind it asks for itself.
    let (tag, body) = line.message()?.context("the next notice")?;
    assert_eq!(tag, b'N', "{}", String::from_utf8_lossy(&body));
    line.leave();
    desk.shop.gateway.verb(&["sessions", "list"])?;
    assert_eq!(desk.shop.server.sql("shop", "SELECT count(*) FROM customers WHERE id = 99")?, "0\n");
    Ok(())
}
