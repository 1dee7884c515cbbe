//! Fifty at once, spread over two nodes on one database: exactly one effect.

use crate::stage::{StillClock, deferred, node, person, request};
use sallyport_core::{Approvals, Digest, Outcome};
use sallyport_store::{ApprovalState, Desk, DeskFault};
use std::future::Future;
use std::sync::Arc;

crate::cases!(
    fifty_decide_and_one_is_heard,
    fifty_wait_and_one_may_run,
    fifty_redeem_and_one_may_run,
    fifty_file_and_one_request_stands,
    redeemers_waiters_and_a_withdrawal_share_one_effect,
    a_decision_on_one_node_is_seen_on_the_other,
);

const RACERS: usize = 50;

async fn at_once<T, F>(nodes: [&Arc<Desk>; 2], act: impl Fn(usize, Arc<Desk>) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|number| {
            let (start, act) = (start.clone(), act(number, nodes[number % 2].clone()));
            tokio::spawn(async move {
                start.wait().await;
                act.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for racer in racers {
        results.push(racer.await.unwrap());
    }
    results
}

async fn two_nodes(url: &str) -> (Arc<Desk>, Arc<Desk>) {
    let clock = StillClock::at_noon();
    (node(url, &clock).await.1, node(url, &clock).await.1)
}

async fn fifty_decide_and_one_is_heard(url: String) {
    let (a, b) = two_nodes(&url).await;
    let id = a.file(request(1)).await.unwrap().id;
    let results = at_once([&a, &b], |number, desk| {
        let id = id.clone();
        async move {
            let decider = person(&format!("p{number}"), &["dba"]);
            desk.decide(id.as_str(), &decider, number % 3 == 0, "").await
        }
    })
    .await;
    let heard: Vec<_> = results.iter().flatten().collect();
    assert_eq!(heard.len(), 1);
    let by = heard[0].decided_name.clone().unwrap();
    for late in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(late, DeskFault::Decided { by: said, .. } if *said == by), "{late}");
    }
}

async fn fifty_wait_and_one_may_run(url: String) {
    let (a, b) = two_nodes(&url).await;
    let id = a.file(request(1)).await.unwrap().id;
    let decider = tokio::spawn({
        let (a, id) = (a.clone(), id.clone());
        async move { a.decide(id.as_str(), &person("ada", &["dba"]), true, "").await }
    });
    let outcomes = at_once([&a, &b], |_, desk| {
        let id = id.clone();
        async move { desk.wait(id).await.unwrap() }
    })
    .await;
    decider.await.unwrap().unwrap();
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Approved(_))).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Withdrawn).count(), RACERS - 1);
}

async fn fifty_redeem_and_one_may_run(url: String) {
    let (a, b) = two_nodes(&url).await;
    let id = a.file(deferred(1)).await.unwrap().id;
    a.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
    let results = at_once([&a, &b], |_, desk| async move {
        desk.redeem(Digest([1; 32]), request(1).requester).await.unwrap()
    })
    .await;
    assert_eq!(results.iter().flatten().count(), 1);
}

async fn fifty_file_and_one_request_stands(url: String) {
    let (a, b) = two_nodes(&url).await;
    let mut ids = at_once([&a, &b], |_, desk| async move { desk.file(request(1)).await.unwrap().id }).await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

async fn redeemers_waiters_and_a_withdrawal_share_one_effect(url: String) {
    let (a, b) = two_nodes(&url).await;
    for round in 0..10 {
        let id = a.file(deferred(round)).await.unwrap().id;
        a.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
        let effects = at_once([&a, &b], |number, desk| {
            let id = id.clone();
            async move {
                match number % 5 {
                    0 => matches!(desk.wait(id).await.unwrap(), Outcome::Approved(_)),
                    1 if number == 21 => {
                        desk.withdraw(&id, "gone");
                        false
                    }
                    _ => desk.redeem(Digest([round; 32]), request(1).requester).await.unwrap().is_some(),
                }
            }
        })
        .await;
        let effects = effects.into_iter().filter(|effect| *effect).count();
        match a.find(id.as_str()).await.unwrap().state {
            ApprovalState::Spent => assert_eq!(effects, 1),
            state => assert_eq!((effects, state), (0, ApprovalState::Withdrawn)),
        }
    }
}

async fn a_decision_on_one_node_is_seen_on_the_other(url: String) {
    let (a, b) = two_nodes(&url).await;
    let id = a.file(request(1)).await.unwrap().id;
    let waiter = tokio::spawn({
        let (a, id) = (a.clone(), id.clone());
        async move { a.wait(id).await.unwrap() }
    });
    b.decide(id.as_str(), &person("ada", &["dba"]), false, "no").await.unwrap();
    assert!(matches!(waiter.await.unwrap(), Outcome::Refused { .. }));
}
