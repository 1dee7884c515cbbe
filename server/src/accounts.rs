//! A token of the embedded issuer outlives a change of its account; the door does not.

use sallyport_core::{Caller, CallerKind, Denial, Fault};
use sallyport_store::Store;

/// Refuses a caller whose local account is gone or disabled. Callers of foreign issuers have no account here.
pub async fn still_enabled(store: &Store, local_issuer: &str, caller: &Caller) -> Result<(), Fault> {
    if caller.issuer != local_issuer {
        return Ok(());
    }
    let unreadable = |fault| Fault::ours("the accounts cannot be read", fault);
    let enabled = match caller.kind {
        CallerKind::Agent => {
            store.agent(&caller.subject).await.map_err(unreadable)?.map(|agent| !agent.disabled)
        }
        CallerKind::Person => {
            store.person(&caller.subject).await.map_err(unreadable)?.map(|person| !person.disabled)
        }
    };
    match enabled {
        Some(true) => Ok(()),
        Some(false) | None => {
            let text =
                "The account behind this token is disabled or gone. Ask whoever administers the gateway.";
            Err(Denial::of_house("account-disabled", text).into())
        }
    }
}
