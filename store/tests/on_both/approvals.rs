//! Who may decide, and how a request ends.

use crate::stage::{NOON, StillClock, deferred, node, person, request};
use sallyport_core::{ApprovalId, Approvals, Caller, CallerKind, Digest, Fault, HoldRequest, Outcome};
use sallyport_store::{ApprovalState, Desk, DeskFault, MAX_REQUEST_BYTES, MAX_WAITING_PER_REQUESTER};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

crate::cases!(
    an_approval_reaches_the_one_who_waits,
    a_refusal_says_who_and_why,
    only_others_in_the_right_group_decide,
    the_second_decision_reads_the_first,
    nobody_decides_in_time,
    an_equal_request_is_joined_and_outlives_one_of_its_holders,
    the_last_holder_takes_an_unspent_approval_along,
    an_equal_request_of_somebody_else_is_another,
    a_deferred_approval_is_redeemed_once_and_only_by_its_requester,
    a_deferred_approval_lapses,
    what_waits_inside_a_connection_is_not_redeemed_by_another,
    what_nobody_can_read_whole_is_not_filed,
    one_requester_cannot_flood,
    a_caller_that_leaves_while_it_files_leaves_nothing_to_approve,
);

async fn file(desk: &Desk, request: HoldRequest) -> ApprovalId {
    desk.file(request).await.unwrap().id
}

async fn state(desk: &Desk, id: &ApprovalId) -> ApprovalState {
    desk.find(id.as_str()).await.unwrap().state
}

/// Withdrawing never blocks, so its effect is waited for by listening.
async fn withdraw(desk: &Desk, id: &ApprovalId) {
    let mut news = desk.news();
    desk.withdraw(id, "the caller is gone");
    while news.recv().await.unwrap() != *id {}
}

async fn an_approval_reaches_the_one_who_waits(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let filed = desk.file(request(1)).await.unwrap();
    assert_eq!(filed.link, format!("https://gate.example/approvals/{}", filed.id));
    let waiter = tokio::spawn({
        let (desk, id) = (desk.clone(), filed.id.clone());
        async move { desk.wait(id).await }
    });
    let given = desk.decide(filed.id.as_str(), &person("ada", &["dba", "x"]), true, "fine").await.unwrap();
    assert_eq!(given.decided_by.as_deref(), Some("https://gate.example#ada"));
    let Outcome::Approved(fact) = waiter.await.unwrap().unwrap() else { panic!("not approved") };
    assert_eq!((fact.approver.as_str(), fact.at), ("https://gate.example#ada", NOON));
    assert_eq!(fact.reason, "fine");
    assert_eq!((fact.groups, fact.digest), (vec!["dba".to_string()], Digest([1; 32])));
    let row = desk.find(filed.id.as_str()).await.unwrap();
    assert_eq!((row.state, row.spent_at), (ApprovalState::Spent, Some(NOON)));
    assert_eq!(row.request.text, request(1).text);
    assert_eq!(desk.wait(filed.id).await.unwrap(), Outcome::Withdrawn, "spent once");
}

async fn a_refusal_says_who_and_why(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let id = file(&desk, request(1)).await;
    desk.decide(id.as_str(), &person("ada", &["lead"]), false, "not on a Friday").await.unwrap();
    let (by, reason) = ("https://gate.example#ada".into(), "not on a Friday".into());
    let refused = Outcome::Refused { by, reason, at: NOON };
    assert_eq!(desk.wait(id).await.unwrap(), refused);
}

async fn only_others_in_the_right_group_decide(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let id = file(&desk, request(1)).await;
    let all = ["dba", "lead"];
    let deputy = Caller { chain: vec!["https://gate.example#bot".into()], ..person("deputy", &all) };
    let machine = Caller { kind: CallerKind::Agent, ..person("ada", &all) };
    let unlucky: [(&str, Caller); 6] = [
        ("you asked", person("bot", &all)),
        ("you asked", deputy),
        ("on your behalf", person("boss", &all)),
        ("you answer for", person("owner", &all)),
        ("only a person", machine),
        ("dba or lead", person("eve", &["dbas", "admin"])),
    ];
    for (said, caller) in unlucky {
        for allow in [true, false] {
            let refused = desk.decide(id.as_str(), &caller, allow, "").await.unwrap_err();
            assert!(refused.to_string().contains(said), "{refused}");
        }
        assert_eq!(state(&desk, &id).await, ApprovalState::Waiting);
    }
    let plain_owner = HoldRequest { owner: Some("owner".into()), ..request(2) };
    let id = file(&desk, plain_owner).await;
    let refused = desk.decide(id.as_str(), &person("owner", &all), true, "").await;
    assert!(matches!(refused, Err(DeskFault::OwnRequest(_))), "{refused:?}");
    let ownerless = HoldRequest { groups: Vec::new(), ..request(3) };
    let id = file(&desk, ownerless).await;
    let refused = desk.decide(id.as_str(), &person("ada", &all), true, "").await;
    assert!(matches!(refused, Err(DeskFault::NotAMember { .. })), "{refused:?}");
    let unknown = desk.decide("ap-none", &person("ada", &all), true, "").await;
    assert!(matches!(unknown, Err(DeskFault::Unknown(_))), "{unknown:?}");
}

async fn the_second_decision_reads_the_first(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let id = file(&desk, request(1)).await;
    desk.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
    for allow in [true, false] {
        let late = desk.decide(id.as_str(), &person("bob", &["dba"]), allow, "").await.unwrap_err();
        assert_eq!(late.to_string(), "it was approved already, by ada the person");
    }
}

async fn nobody_decides_in_time(url: String) {
    let clock = StillClock::at_noon();
    let (_, desk) = node(&url, &clock).await;
    let id = file(&desk, request(1)).await;
    let waiter = tokio::spawn({
        let (desk, id) = (desk.clone(), id.clone());
        async move { desk.wait(id).await }
    });
    clock.pass(299);
    assert_eq!(state(&desk, &id).await, ApprovalState::Waiting);
    clock.pass(1);
    let late = desk.decide(id.as_str(), &person("ada", &["dba"]), true, "").await;
    assert!(matches!(late, Err(DeskFault::Expired)), "{late:?}");
    assert_eq!(waiter.await.unwrap().unwrap(), Outcome::Expired);
    let fresh = HoldRequest { asked: NOON.plus_seconds(300), expires: NOON.plus_seconds(600), ..request(1) };
    assert_ne!(file(&desk, fresh).await, id, "an expired request is not joined");
}

async fn an_equal_request_is_joined_and_outlives_one_of_its_holders(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let (one, two) = (file(&desk, request(1)).await, file(&desk, request(1)).await);
    assert_eq!(one, two);
    withdraw(&desk, &one).await;
    assert_eq!(state(&desk, &one).await, ApprovalState::Waiting);
    withdraw(&desk, &one).await;
    assert_eq!(state(&desk, &one).await, ApprovalState::Withdrawn);
    let late = desk.decide(one.as_str(), &person("ada", &["dba"]), true, "").await;
    assert!(matches!(late, Err(DeskFault::Withdrawn)), "{late:?}");
    assert_eq!(desk.wait(one.clone()).await.unwrap(), Outcome::Withdrawn);
    assert_ne!(file(&desk, request(1)).await, one);
}

async fn the_last_holder_takes_an_unspent_approval_along(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let id = file(&desk, request(1)).await;
    desk.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
    withdraw(&desk, &id).await;
    assert_eq!(desk.wait(id).await.unwrap(), Outcome::Withdrawn);
}

async fn an_equal_request_of_somebody_else_is_another(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let mine = file(&desk, request(1)).await;
    let theirs = file(&desk, HoldRequest { requester: "house#eve".into(), ..request(1) }).await;
    assert_ne!(mine, theirs);
}

async fn a_deferred_approval_is_redeemed_once_and_only_by_its_requester(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let id = file(&desk, deferred(1)).await;
    let bot = request(1).requester;
    assert_eq!(desk.redeem(Digest([1; 32]), bot.clone()).await.unwrap(), None, "not decided yet");
    desk.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
    assert_eq!(desk.redeem(Digest([2; 32]), bot.clone()).await.unwrap(), None);
    assert_eq!(desk.redeem(Digest([1; 32]), "house#eve".into()).await.unwrap(), None);
    assert_eq!(desk.redeem(Digest([1; 32]), bot.clone()).await.unwrap().unwrap().id, id);
    assert_eq!(desk.redeem(Digest([1; 32]), bot).await.unwrap(), None);
}

async fn a_deferred_approval_lapses(url: String) {
    let clock = StillClock::at_noon();
    let (_, desk) = node(&url, &clock).await;
    let id = file(&desk, deferred(1)).await;
    desk.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
    clock.pass(600);
    assert_eq!(desk.redeem(Digest([1; 32]), request(1).requester).await.unwrap(), None);
    assert_eq!(state(&desk, &id).await, ApprovalState::Expired);
}

async fn what_waits_inside_a_connection_is_not_redeemed_by_another(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let id = file(&desk, request(1)).await;
    desk.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
    assert_eq!(desk.redeem(Digest([1; 32]), request(1).requester).await.unwrap(), None);
    assert!(matches!(desk.wait(id).await.unwrap(), Outcome::Approved(_)));
}

async fn what_nobody_can_read_whole_is_not_filed(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    let padded = HoldRequest { text: " ".repeat(MAX_REQUEST_BYTES + 1), ..request(1) };
    let refused = desk.file(padded).await;
    assert!(matches!(refused, Err(Fault::Client(_))), "{refused:?}");
}

async fn one_requester_cannot_flood(url: String) {
    let (_, desk) = node(&url, &StillClock::at_noon()).await;
    for digest in 0..MAX_WAITING_PER_REQUESTER {
        file(&desk, request(u8::try_from(digest).unwrap())).await;
    }
    let refused = desk.file(request(255)).await;
    assert!(matches!(refused, Err(Fault::Client(_))), "{refused:?}");
    file(&desk, HoldRequest { requester: "house#eve".into(), ..request(255) }).await;
}

/// The caller goes away at each point where filing waits; what the desk filed by then is taken back.
async fn a_caller_that_leaves_while_it_files_leaves_nothing_to_approve(url: String) {
    let (store, desk) = node(&url, &StillClock::at_noon()).await;
    for looks in 0.. {
        let mut news = desk.news();
        let mut filing = desk.file(deferred(1));
        let mut filed = None;
        for _ in 0..looks {
            filed = poll_fn(|cx| Poll::Ready(Some(filing.as_mut().poll(cx)))).await.filter(Poll::is_ready);
            if filed.is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(filing);
        if let Some(Poll::Ready(filed)) = filed {
            withdraw(&desk, &filed.unwrap().id).await;
            assert!(looks > 1, "it never waited");
            break;
        }
        if looks > 0 {
            // It is filed all the same, and then taken back: both are news.
            let heard = async { (news.recv().await.unwrap(), news.recv().await.unwrap()) };
            let (filed, taken) = tokio::time::timeout(Duration::from_secs(10), heard).await.unwrap();
            assert_eq!(filed, taken);
            let late = desk.decide(filed.as_str(), &person("ada", &["dba"]), true, "").await;
            assert!(matches!(late, Err(DeskFault::Withdrawn)), "{looks}: {late:?}");
        }
        let waiting = store.approvals(Some(ApprovalState::Waiting), NOON.plus_seconds(9), 10).await.unwrap();
        assert!(waiting.is_empty(), "left after {looks} looks: {waiting:?}");
        assert_eq!(desk.redeem(Digest([1; 32]), deferred(1).requester).await.unwrap(), None);
    }
}
