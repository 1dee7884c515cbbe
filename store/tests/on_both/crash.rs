//! A process that dies right after a person was told that the approval is accepted. The process is this test program,
//! started again with the address of the database; it ends by a signal, closes nothing and says no goodbye.

use crate::stage::{StillClock, deferred, node, person, request};
use sallyport_core::{Approvals, Digest, Outcome};
use std::process::Command;

crate::cases!(what_a_person_approved_is_there_after_the_process_died);

const ADDRESS: &str = "SALLYPORT_TEST_DIES_AT";

/// In the process that has to die: approves, and dies.
pub fn die_if_told_to() {
    let Ok(url) = std::env::var(ADDRESS) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (_, desk) = node(&url, &StillClock::at_noon()).await;
        for request in [deferred(1), request(2)] {
            let id = desk.file(request).await.unwrap().id;
            desk.decide(id.as_str(), &person("ada", &["dba"]), true, "").await.unwrap();
        }
        std::process::abort();
    });
}

async fn what_a_person_approved_is_there_after_the_process_died(url: String) {
    let mut dying = Command::new(std::env::current_exe().unwrap());
    let died = dying.args(["--exact", "on_sqlite"]).env(ADDRESS, &url).output().unwrap();
    assert_eq!(died.status.code(), None, "it ended by a signal");
    let (store, desk) = node(&url, &StillClock::at_noon()).await;
    let bot = request(1).requester;
    assert!(desk.redeem(Digest([1; 32]), bot.clone()).await.unwrap().is_some());
    assert!(desk.redeem(Digest([1; 32]), bot).await.unwrap().is_none());
    let kept = store.approvals(None, sallyport_core::Moment(i64::MAX), 10).await.unwrap();
    let kept = kept.iter().find(|approval| approval.request.digest == Digest([2; 32])).unwrap();
    assert!(matches!(desk.wait(kept.id.clone()).await.unwrap(), Outcome::Approved(_)));
    assert_eq!(desk.wait(kept.id.clone()).await.unwrap(), Outcome::Withdrawn);
}
