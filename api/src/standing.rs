//! A token of this house outlives a change of its account; whoever lets a caller in asks here how the account stands.
//!
//! Invariant: a caller is believed only for the very account its token was given for. One that was removed and made
//! anew under the same name is another, and so are its owner's word, its approvals and its sessions.

use sallyport_core::{Caller, CallerKind};
use sallyport_store::{Store, StoreFault};

#[derive(Debug, thiserror::Error)]
pub enum NotStanding {
    #[error("the account behind this token is disabled or gone")]
    Gone,
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// The caller as its account is now: groups and owner are those of the account, and so is every attribute that it has.
/// Of what a token said alone only the attributes that were added for it stay. For callers of this house only.
pub async fn standing(store: &Store, mut caller: Caller) -> Result<Caller, NotStanding> {
    let (since, disabled, groups, attributes) = match caller.kind {
        CallerKind::Person => {
            let person = store.person(&caller.subject).await?.ok_or(NotStanding::Gone)?;
            (person.created, person.disabled, person.groups, person.attributes)
        }
        CallerKind::Agent => {
            let agent = store.agent(&caller.subject).await?.ok_or(NotStanding::Gone)?;
            caller.owner = Some(agent.owner);
            (agent.created, agent.disabled, agent.groups, agent.attributes)
        }
    };
    if disabled || caller.account_since != Some(since) {
        return Err(NotStanding::Gone);
    }
    caller.groups = groups;
    caller.attributes.extend(attributes);
    Ok(caller)
}
